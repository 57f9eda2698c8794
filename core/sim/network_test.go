package sim

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func mustHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func testNetwork() *network {
	return &network{
		Network: Network{DNS: "answer", Address: netip.MustParseAddr("192.0.2.80"), Hosts: map[string]netip.Addr{"www.example.com": netip.MustParseAddr("192.0.2.81")}},
		modem:   netip.MustParseAddr("192.0.2.1"),
		host:    netip.MustParseAddr("192.0.2.2"),
		dns:     []netip.Addr{netip.MustParseAddr("198.51.100.53")},
	}
}

// ipPacket makes an IPv4 packet with a right header checksum.
func ipPacket(protocol byte, from, to string, payload []byte) []byte {
	b := []byte{0x45, 0, 0, 0, 0x12, 0x34, 0x40, 0, 7, protocol, 0, 0}
	b = append(b, netip.MustParseAddr(from).AsSlice()...)
	b = append(b, netip.MustParseAddr(to).AsSlice()...)
	b = append(b, payload...)
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	putChecksum(b[:ipHeaderLen], 10, 0)
	return b
}

func echoRequest(from, to string) []byte {
	b := []byte{icmpEchoRequest, 0, 0, 0, 0x4d, 0x7a, 0, 1, 'k', 'n', 'a', 'k', '!'}
	putChecksum(b, 2, 0)
	return ipPacket(protocolICMP, from, to, b)
}

func dnsQuery(t testing.TB, from, to string, message string) []byte {
	query := mustHex(t, message)
	b := []byte{0xc0, 0x01, 0, dnsPort, 0, byte(udpHeaderLen + len(query)), 0, 0}
	return ipPacket(protocolUDP, from, to, append(b, query...))
}

// The question for the A record of www.example.com, with one capital letter.
const questionA = "beef 0100 0001 0000 0000 0000 03 777757 07 6578616d706c65 03 636f6d 00 0001 0001"

func TestEchoReply(t *testing.T) { // RFC 792
	n, count := testNetwork(), &Counters{}
	request := echoRequest("192.0.2.2", "203.0.113.9")
	reply := n.respond(nil, request, count)
	_, payload, ok := ipv4(reply)
	if !ok {
		t.Fatalf("not an IP packet: %x", reply)
	}
	if got := netip.AddrFrom4([4]byte(reply[12:16])).String() + " " + netip.AddrFrom4([4]byte(reply[16:20])).String(); got != "203.0.113.9 192.0.2.2" {
		t.Errorf("addresses %s", got)
	}
	if payload[0] != icmpEchoReply || checksum(payload, 0) != 0 || !slices.Equal(payload[4:], request[24:]) {
		t.Errorf("payload %x", payload)
	}
	if count.Echoes != 1 {
		t.Errorf("counted %d", count.Echoes)
	}
}

func TestWhoAnswersEcho(t *testing.T) {
	n := testNetwork()
	n.Reachable = []netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}
	for to, want := range map[string]bool{"192.0.2.1": true, "198.51.100.7": true, "203.0.113.9": false} {
		if got := len(n.respond(nil, echoRequest("192.0.2.2", to), &Counters{})) > 0; got != want {
			t.Errorf("%s answers: %v", to, got)
		}
	}
}

func TestOnlyTheAssignedAddressIsRouted(t *testing.T) {
	n := testNetwork()
	if n.routed(echoRequest("192.0.2.3", "203.0.113.9")) || !n.routed(echoRequest("192.0.2.2", "203.0.113.9")) {
		t.Error("wrong source")
	}
	n.Blackhole = true
	if n.routed(echoRequest("192.0.2.2", "203.0.113.9")) {
		t.Error("a black hole answers")
	}
}

func TestDNSAnswer(t *testing.T) { // RFC 1035 section 4
	const answered = "beef 8180 0001 0001 0000 0000 03777757 07 6578616d706c65 03636f6d 00 0001 0001 c00c 0001 0001 0000003c 0004 c0000251"
	for _, c := range []struct{ name, mode, to, query, want string }{
		{"by name", "answer", "198.51.100.53", questionA, answered},
		{"any other name", "answer", "198.51.100.53", "0001 0100 0001 0000 0000 0000 0161 00 0001 0001",
			"0001 8180 0001 0001 0000 0000 0161 00 0001 0001 c00c 0001 0001 0000003c 0004 c0000250"},
		{"behind it an EDNS record", "answer", "198.51.100.53", "0001 0100 0001 0000 0000 0001 0161 00 0001 0001 00 0029 04d0 00000000 0000",
			"0001 8180 0001 0001 0000 0000 0161 00 0001 0001 c00c 0001 0001 0000003c 0004 c0000250"},
		{"AAAA: no answer, no error", "answer", "198.51.100.53", "0001 0100 0001 0000 0000 0000 0161 00 001c 0001",
			"0001 8180 0001 0000 0000 0000 0161 00 001c 0001"},
		{"refused", "refuse", "198.51.100.53", "0001 0100 0001 0000 0000 0000 0161 00 0001 0001",
			"0001 8185 0001 0000 0000 0000 0161 00 0001 0001"},
		{"silent", "silent", "198.51.100.53", questionA, ""},
		{"not a server", "answer", "198.51.100.99", questionA, ""},
		{"a response", "answer", "198.51.100.53", "0001 8180 0001 0000 0000 0000 0161 00 0001 0001", ""},
		{"two questions", "answer", "198.51.100.53", "0001 0100 0002 0000 0000 0000 0161 00 0001 0001", ""},
		{"cut in the name", "answer", "198.51.100.53", "0001 0100 0001 0000 0000 0000 0561", ""},
		{"a pointer for a name", "answer", "198.51.100.53", "0001 0100 0001 0000 0000 0000 c00c 0001 0001", ""},
		{"cut behind the name", "answer", "198.51.100.53", "0001 0100 0001 0000 0000 0000 0161 00 0001", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := testNetwork()
			n.DNS = c.mode
			reply := n.respond(nil, dnsQuery(t, "192.0.2.2", c.to, c.query), &Counters{})
			if c.want == "" {
				if len(reply) > 0 {
					t.Errorf("answer %x", reply)
				}
				return
			}
			_, udp, ok := ipv4(reply)
			if !ok || len(udp) < udpHeaderLen {
				t.Fatalf("not an IP packet: %x", reply)
			}
			if got, want := hex.EncodeToString(udp[udpHeaderLen:]), hex.EncodeToString(mustHex(t, c.want)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
			if binary.BigEndian.Uint16(udp) != dnsPort || binary.BigEndian.Uint16(udp[2:]) != 0xc001 || int(binary.BigEndian.Uint16(udp[4:])) != len(udp) {
				t.Errorf("UDP header %x", udp[:8])
			}
			if checksum(udp, sum(reply[12:20], uint32(protocolUDP)+uint32(len(udp)))) != 0 {
				t.Error("wrong UDP checksum")
			}
		})
	}
}

func TestNetworkIgnoresWhatIsNotWhole(t *testing.T) {
	n := testNetwork()
	whole := echoRequest("192.0.2.2", "203.0.113.9")
	for i := range whole {
		if b := n.respond(nil, whole[:i], &Counters{}); len(b) > 0 {
			t.Errorf("the first %d octets are answered", i)
		}
	}
	fragment := slices.Clone(whole)
	fragment[6] = 0x20
	putChecksum(fragment[:ipHeaderLen], 10, 0)
	if b := n.respond(nil, fragment, &Counters{}); len(b) > 0 {
		t.Error("a fragment is answered")
	}
}

func TestNetworkDoesNotAllocate(t *testing.T) {
	n, count := testNetwork(), &Counters{}
	room := make([]byte, 0, 2048)
	echo, query := echoRequest("192.0.2.2", "192.0.2.1"), dnsQuery(t, "192.0.2.2", "198.51.100.53", questionA)
	if a := testing.AllocsPerRun(100, func() {
		room = n.respond(room[:0], echo, count)
		room = n.respond(room[:0], query, count)
	}); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func FuzzNetwork(f *testing.F) {
	f.Add(echoRequest("192.0.2.2", "192.0.2.1"))
	f.Add(dnsQuery(f, "192.0.2.2", "198.51.100.53", questionA))
	f.Fuzz(func(t *testing.T, p []byte) {
		n := testNetwork()
		n.routed(p)
		reply := n.respond(nil, p, &Counters{})
		if len(reply) == 0 {
			return
		}
		if _, _, ok := ipv4(reply); !ok || len(reply) > len(p)+16 {
			t.Errorf("%x is answered by %x", p, reply)
		}
	})
}
