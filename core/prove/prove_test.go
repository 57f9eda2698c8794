package prove

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	epoch  = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	local  = netip.MustParseAddr("10.200.1.2")
	peer   = netip.MustParseAddr("10.64.64.64")
	dns1   = netip.MustParseAddr("192.0.2.53")
	dns2   = netip.MustParseAddr("198.51.100.53")
	third  = netip.MustParseAddr("203.0.113.9")
	local6 = netip.MustParseAddr("fe80::1:2:3:4")
	peer6  = netip.MustParseAddr("fe80::5:6:7:8")
)

func usual() Config {
	return Config{Local: local, Peer: peer, DNS: []netip.Addr{dns1, dns2}, Random: 42}
}

// drain takes all outputs.
func drain(m *Machine) (sent [][]byte, events []Event, end Output) {
	for o, ok := m.Next(); ok; o, ok = m.Next() {
		switch o := o.(type) {
		case Send:
			sent = append(sent, o.Packet)
		case Event:
			events = append(events, o)
		default:
			if end != nil {
				panic("a second end")
			}
			end = o
		}
	}
	return sent, events, end
}

// checksum is RFC 1071 another way: the negated sum of the words, modulo 65535.
func checksum(words ...[]byte) uint16 {
	total := new(big.Int)
	for _, b := range words {
		if len(b)%2 == 1 {
			b = append(slices.Clone(b), 0)
		}
		for i := 0; i < len(b); i += 2 {
			total.Add(total, big.NewInt(int64(b[i])*256+int64(b[i+1])))
		}
	}
	return uint16(65535 - new(big.Int).Mod(total, big.NewInt(65535)).Int64())
}

// same says whether two checksums are, 0 and 0xffff being one number.
func same(a, b uint16) bool { return a%0xffff == b%0xffff }

// ip4 makes an IPv4 packet with right checksums.
func ip4(from, to netip.Addr, proto byte, body []byte) []byte {
	a, b := from.As4(), to.As4()
	h := make([]byte, 20, 20+len(body))
	h[0], h[8], h[9] = 0x45, 57, proto
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(body)))
	copy(h[12:], a[:])
	copy(h[16:], b[:])
	binary.BigEndian.PutUint16(h[10:], checksum(h))
	body = slices.Clone(body)
	switch {
	case proto == 1 && len(body) >= 4:
		binary.BigEndian.PutUint16(body[2:], 0)
		binary.BigEndian.PutUint16(body[2:], checksum(body))
	case proto == 17 && len(body) >= 8:
		binary.BigEndian.PutUint16(body[6:], 0)
		binary.BigEndian.PutUint16(body[6:], checksum(a[:], b[:], []byte{0, proto, body[4], body[5]}, body))
	}
	return append(h, body...)
}

// edit changes octets of a copy and leaves the checksums as they were.
func edit(b []byte, at int, octets ...byte) []byte {
	b = slices.Clone(b)
	copy(b[at:], octets)
	return b
}

// echoAnswer turns an Echo Request into its Reply.
func echoAnswer(request []byte) []byte {
	body := slices.Clone(request[20:])
	body[0] = 0
	return ip4(netip.AddrFrom4([4]byte(request[16:])), netip.AddrFrom4([4]byte(request[12:])), 1, body)
}

// dnsAnswer turns a query into a response with a response code.
func dnsAnswer(query []byte, rcode byte) []byte {
	body := slices.Clone(query[20:])
	copy(body, []byte{query[22], query[23], query[20], query[21]})
	body[10] |= 0x80
	body[11] = 0x80 | rcode
	return ip4(netip.AddrFrom4([4]byte(query[16:])), netip.AddrFrom4([4]byte(query[12:])), 17, body)
}

// icmpError makes an error of a router about a packet, of which it quotes n octets.
func icmpError(from netip.Addr, typ, code byte, about []byte, n int) []byte {
	return ip4(from, local, 1, append([]byte{typ, code, 0, 0, 0, 0, 0, 0}, about[:n]...))
}

func TestTheFirstRound(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string
	}{
		{"DNS servers, then the peer, then the servers by echo", func(*Config) {},
			"dns 192.0.2.53, dns 198.51.100.53, icmp 10.64.64.64, icmp 192.0.2.53, icmp 198.51.100.53"},
		{"an assumed peer has to wait", func(c *Config) { c.PeerAssumed = true },
			"dns 192.0.2.53, dns 198.51.100.53, icmp 192.0.2.53, icmp 198.51.100.53"},
		{"an assumed peer alone", func(c *Config) { c.PeerAssumed, c.DNS = true, nil }, "icmp 10.64.64.64"},
		{"the peer is the DNS server", func(c *Config) { c.DNS = []netip.Addr{peer, peer} }, "dns 10.64.64.64, icmp 10.64.64.64"},
		{"targets of one's own", func(c *Config) { c.DNS, c.Peer, c.Targets = nil, netip.Addr{}, []netip.Addr{third, dns1} },
			"icmp 203.0.113.9, icmp 192.0.2.53"},
		{"addresses that cannot be", func(c *Config) {
			c.DNS = []netip.Addr{local, netip.IPv4Unspecified(), {}, peer6, netip.MustParseAddr("::ffff:192.0.2.53")}
			c.Peer = local
		}, "dns 192.0.2.53, icmp 192.0.2.53"},
		{"IPv6", func(c *Config) { c.Local, c.Peer = local6, peer6 }, "icmp fe80::5:6:7:8, router ff02::2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := usual()
			c.change(&config)
			m := New(config)
			if _, ok := m.Next(); ok || !m.Deadline().IsZero() {
				t.Error("something happens before Start")
			}
			m.Start(epoch)
			sent, events, end := drain(m)
			var got []string
			for i, e := range events {
				got = append(got, e.Probe.How+" "+e.Probe.Target)
				from, to, proto, _, ok := split(sent[i])
				if !ok || from != config.Local || to.String() != e.Probe.Target || (proto == protoUDP) != (e.Probe.How == ByDNS) {
					t.Errorf("%+v goes with %x", e, sent[i])
				}
				if e.Probe.Result != "sent" {
					t.Errorf("result %q", e.Probe.Result)
				}
			}
			if g := strings.Join(got, ", "); g != c.want || end != nil || len(sent) != len(events) {
				t.Errorf("got %s and %v, want %s", g, end, c.want)
			}
		})
	}
}

func TestWithoutTargetItFailsAtOnce(t *testing.T) {
	for name, c := range map[string]Config{
		"nothing":          {Local: local},
		"no local address": {Peer: peer, DNS: []netip.Addr{dns1}},
		"0.0.0.0":          {Local: netip.IPv4Unspecified(), Peer: peer},
		"ourselves":        {Local: local, Peer: local, DNS: []netip.Addr{local}},
		"another family":   {Local: netip.MustParseAddr("2001:db8::1"), Peer: peer},
	} {
		m := New(c)
		m.Start(epoch)
		sent, _, end := drain(m)
		if len(sent) != 0 || end != (Failed{Reason: NoTarget}) || !m.Deadline().IsZero() {
			t.Errorf("%s: got %d packets, %v, %v", name, len(sent), end, m.Deadline())
		}
	}
}

func TestRoundsAndTheLimit(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   string // milliseconds of the rounds; the last is the end
		reason Reason
	}{
		{"defaults", func(*Config) {}, "0 100 200 400 700 1100 1600 2600 3600 4600 5600 6600 7600 8600 9600 10000", Silence},
		{"short limit", func(c *Config) { c.Limit = 700 * time.Millisecond }, "0 100 200 400 700", Silence},
		{"slow", func(c *Config) { c.Interval = 4 * time.Second }, "0 100 200 400 700 1100 1600 5600 9600 10000", Silence},
		{"too fast", func(c *Config) { c.Interval, c.Limit = time.Nanosecond, 1800*time.Millisecond }, "0 100 200 400 700 1100 1600 1700 1800", Silence},
		{"assumed peer only", func(c *Config) { c.PeerAssumed, c.DNS = true, nil }, "0 100 200 400 700 1100 1600 2000", NoTarget},
		{"assumed peer only, and a short limit", func(c *Config) { c.PeerAssumed, c.DNS, c.Limit = true, nil, time.Second }, "0 100 200 400 700 1000", NoTarget},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := usual()
			c.change(&config)
			m := New(config)
			m.Start(epoch)
			got, total := "0", 0
			sent, _, end := drain(m)
			total += len(sent)
			for end == nil {
				m.Advance(m.Deadline().Add(-1))
				if early, _, e := drain(m); len(early) != 0 || e != nil {
					t.Fatal("something happened before its time")
				}
				now := m.Deadline()
				m.Advance(now)
				got += fmt.Sprint(" ", now.Sub(epoch).Milliseconds())
				sent, _, end = drain(m)
				total += len(sent)
			}
			if got != c.want {
				t.Errorf("rounds at %s, want %s", got, c.want)
			}
			if end != (Failed{Reason: c.reason, Sent: total}) {
				t.Errorf("got %+v after %d probes, want %s", end, total, c.reason)
			}
			if !m.Deadline().IsZero() {
				t.Error("a timer still runs")
			}
		})
	}
}

func TestAssumedPeerIsProbedLastFromTheSecondRoundOn(t *testing.T) {
	c := usual()
	c.PeerAssumed = true
	m := New(c)
	m.Start(epoch)
	drain(m)
	m.Advance(m.Deadline())
	_, events, _ := drain(m)
	if last := events[len(events)-1]; len(events) != 5 || last.Probe.Target != peer.String() {
		t.Errorf("got %v", events)
	}
}

func TestLateAdvanceSendsOneRound(t *testing.T) {
	m := New(usual())
	m.Start(epoch)
	drain(m)
	m.Advance(epoch.Add(5 * time.Second))
	if sent, _, _ := drain(m); len(sent) != 5 {
		t.Errorf("%d packets, want one round of 5", len(sent))
	}
	if d := m.Deadline().Sub(epoch); d != 6*time.Second {
		t.Errorf("the next is due at %v, want 6s", d)
	}
}

// The packets are written out so that a change of the wire shows; the checksums are computed again, another way.
func TestProbesOnTheWire(t *testing.T) {
	m := New(Config{Local: local, Peer: peer, DNS: []netip.Addr{dns1}, Random: 42})
	m.Start(epoch)
	sent, _, _ := drain(m)
	m6 := New(Config{Local: local6, Peer: peer6, DNS: []netip.Addr{netip.MustParseAddr("2001:db8::53")}, Random: 42})
	m6.Start(epoch)
	sent6, _, _ := drain(m6)
	got := ""
	for _, p := range append(sent, sent6...) {
		got += hex.EncodeToString(p) + "\n"
	}
	if got != golden {
		t.Errorf("got\n%swant\n%s", got, golden)
	}
	for _, p := range sent {
		if sum := binary.BigEndian.Uint16(p[10:]); !same(sum, checksum(edit(p[:20], 10, 0, 0))) {
			t.Errorf("IPv4 header checksum %04x in %x", sum, p)
		}
		if int(binary.BigEndian.Uint16(p[2:])) != len(p) {
			t.Errorf("total length of %x", p)
		}
		body := p[20:]
		if p[9] == 1 {
			if sum := binary.BigEndian.Uint16(body[2:]); !same(sum, checksum(edit(body, 2, 0, 0))) {
				t.Errorf("ICMP checksum %04x in %x", sum, p)
			}
		} else if sum := binary.BigEndian.Uint16(body[6:]); sum == 0 || !same(sum, checksum(p[12:20], []byte{0, 17, body[4], body[5]}, edit(body, 6, 0, 0))) {
			t.Errorf("UDP checksum %04x in %x", sum, p)
		}
	}
	for _, p := range sent6 {
		body, at := p[40:], 2
		if p[6] == 17 {
			at = 6
		}
		if sum := binary.BigEndian.Uint16(body[at:]); sum == 0 || !same(sum, checksum(p[8:40], []byte{0, 0, p[4], p[5], 0, 0, 0, p[6]}, edit(body, at, 0, 0))) {
			t.Errorf("checksum %04x in %x", sum, p)
		}
	}
}

func TestRFC1035Names(t *testing.T) {
	label := strings.Repeat("a", 63)
	for _, c := range []struct {
		name, wire string
		ok         bool
	}{
		{"example.com", "\x07example\x03com\x00", true},
		{"example.com.", "\x07example\x03com\x00", true},
		{"com", "\x03com\x00", true},
		{label + ".b", "\x3f" + label + "\x01b\x00", true},
		{label + "a.b", "", false},
		{strings.Repeat(label+".", 4), "", false},
		{"", "", false},
		{".", "", false},
		{"a..b", "", false},
	} {
		wire, ok := appendName(nil, c.name)
		if ok != c.ok || ok && string(wire) != c.wire {
			t.Errorf("%q: got %q, %v", c.name, wire, ok)
		}
	}
	bad, good := New(Config{Local: local, Peer: peer, Name: "a..b"}), New(Config{Local: local, Peer: peer, Name: DefaultName})
	if string(bad.probe.name) != string(good.probe.name) {
		t.Errorf("a name that cannot be became %q", bad.probe.name)
	}
}

func TestProofsDiffer(t *testing.T) {
	seen := map[[3]uint16]bool{}
	for r := range uint64(1000) {
		p := newProber(Config{Local: local, Random: r})
		if p.port < 0xc000 {
			t.Fatalf("port %d is not of the dynamic range", p.port)
		}
		seen[[3]uint16{p.id, p.port, p.query}] = true
	}
	if len(seen) < 1000 {
		t.Errorf("1000 random numbers gave %d different proofs", len(seen))
	}
}
