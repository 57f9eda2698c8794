package prove

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestWhatCountsAsAnAnswer(t *testing.T) {
	// The first round: a query to each of two servers, and an echo request to the peer and to each server.
	first := func(sent [][]byte) (query, echo []byte) { return sent[0], sent[2] }
	const rtt = 43 * time.Millisecond
	for _, c := range []struct {
		name   string
		packet func(query, echo []byte) []byte
		want   Output // nil: it counts for nothing
		result string
	}{
		{"DNS answer", func(q, e []byte) []byte { return dnsAnswer(q, 0) }, Proved{ByDNS, dns1, rtt}, "NOERROR"},
		{"DNS server failure", func(q, e []byte) []byte { return dnsAnswer(q, 2) }, Proved{ByDNS, dns1, rtt}, "SERVFAIL"},
		{"DNS name does not exist", func(q, e []byte) []byte { return dnsAnswer(q, 3) }, Proved{ByDNS, dns1, rtt}, "NXDOMAIN"},
		{"DNS refused", func(q, e []byte) []byte { return dnsAnswer(q, 5) }, Proved{ByDNS, dns1, rtt}, "REFUSED"},
		{"DNS unknown code", func(q, e []byte) []byte { return dnsAnswer(q, 11) }, Proved{ByDNS, dns1, rtt}, "response code 11"},
		{"DNS answer without checksum", func(q, e []byte) []byte { return edit(dnsAnswer(q, 0), 26, 0, 0) }, Proved{ByDNS, dns1, rtt}, "NOERROR"},
		{"DNS answer from another address", func(q, e []byte) []byte {
			return ip4(third, local, 17, dnsAnswer(q, 0)[20:])
		}, Proved{ByDNS, third, rtt}, "NOERROR"},
		{"DNS answer with a wrong checksum", func(q, e []byte) []byte {
			a := dnsAnswer(q, 0)
			return edit(a, 26, a[26], a[27]^1)
		}, nil, ""},
		{"DNS answer to another port", func(q, e []byte) []byte {
			return ip4(dns1, local, 17, edit(dnsAnswer(q, 0)[20:], 2, 1, 1))
		}, Proved{ByTraffic, dns1, 0}, "a packet came"},
		{"DNS answer with a foreign identifier", func(q, e []byte) []byte {
			return ip4(dns1, local, 17, edit(dnsAnswer(q, 0)[20:], 8, ^q[28], ^q[29]))
		}, Proved{ByTraffic, dns1, 0}, "a packet came"},
		{"DNS query reflected", func(q, e []byte) []byte { return ip4(dns1, local, 17, q[20:]) }, nil, ""},
		{"DNS query reflected with its ports exchanged", func(q, e []byte) []byte {
			return ip4(dns1, local, 17, edit(dnsAnswer(q, 0)[20:], 10, 1, 0))
		}, nil, ""},
		{"UDP datagram longer than the packet", func(q, e []byte) []byte {
			return ip4(dns1, local, 17, edit(dnsAnswer(q, 0)[20:], 4, 9, 9))
		}, nil, ""},
		{"UDP length below its header", func(q, e []byte) []byte {
			return ip4(third, local, 17, []byte{0, 1, 0, 2, 0, 7, 0, 0})
		}, nil, ""},
		{"UDP cut off", func(q, e []byte) []byte { return ip4(third, local, 17, []byte{0, 53, 1}) }, nil, ""},

		{"Echo Reply of the peer", func(q, e []byte) []byte { return echoAnswer(e) }, Proved{ByICMP, peer, rtt}, "echo reply"},
		{"Echo Reply with a wrong checksum", func(q, e []byte) []byte { return edit(echoAnswer(e), 30, 0xee) }, nil, ""},
		{"Echo Reply to somebody else's ping, from the peer", func(q, e []byte) []byte {
			return ip4(peer, local, 1, edit(echoAnswer(e)[20:], 4, ^e[24], ^e[25]))
		}, nil, ""},
		{"Echo Reply to somebody else's ping, from afar", func(q, e []byte) []byte {
			return ip4(third, local, 1, edit(echoAnswer(e)[20:], 4, ^e[24], ^e[25]))
		}, Proved{ByTraffic, third, 0}, "a packet came"},
		{"Echo Reply to a round that never was, from the peer", func(q, e []byte) []byte {
			return ip4(peer, local, 1, edit(echoAnswer(e)[20:], 6, 0, 9))
		}, nil, ""},
		{"Echo Request reflected", func(q, e []byte) []byte { return ip4(peer, local, 1, e[20:]) }, nil, ""},
		{"Echo Request of a third party", func(q, e []byte) []byte {
			return ip4(third, local, 1, edit(e[20:], 4, ^e[24]))
		}, Proved{ByTraffic, third, 0}, "a packet came"},
		{"Echo Request of the peer", func(q, e []byte) []byte {
			return ip4(peer, local, 1, edit(e[20:], 4, ^e[24]))
		}, nil, ""},
		{"ICMP of 7 octets", func(q, e []byte) []byte { return ip4(third, local, 1, []byte{0, 0, 0, 0, 0, 0, 0}) }, nil, ""},

		{"host unreachable", func(q, e []byte) []byte { return icmpError(third, 3, 1, q, 28) },
			Proved{ByError, third, rtt}, "destination unreachable, code 1, about 192.0.2.53"},
		{"port unreachable with the whole query", func(q, e []byte) []byte { return icmpError(dns1, 3, 3, q, len(q)) },
			Proved{ByError, dns1, rtt}, "destination unreachable, code 3, about 192.0.2.53"},
		{"time exceeded", func(q, e []byte) []byte { return icmpError(third, 11, 0, e, 28) },
			Proved{ByError, third, rtt}, "time exceeded, code 0, about 10.64.64.64"},
		{"redirect", func(q, e []byte) []byte { return icmpError(peer, 5, 1, q, 28) },
			Proved{ByError, peer, rtt}, "redirect, code 1, about 192.0.2.53"},
		{"quoted after the router's own changes", func(q, e []byte) []byte { return icmpError(third, 11, 0, edit(e, 8, 0, 1, 0xde, 0xad), 28) },
			Proved{ByError, third, rtt}, "time exceeded, code 0, about 10.64.64.64"},
		{"the peer's error about somebody else's packet", func(q, e []byte) []byte { return icmpError(peer, 3, 1, edit(q, 20, 1, 1), 28) }, nil, ""},
		{"the peer's error that quotes too little", func(q, e []byte) []byte { return icmpError(peer, 3, 1, q, 27) }, nil, ""},
		{"the peer's error that quotes nothing", func(q, e []byte) []byte { return icmpError(peer, 3, 1, q, 0) }, nil, ""},
		{"the peer's error that quotes an impossible header", func(q, e []byte) []byte { return icmpError(peer, 3, 1, edit(q, 0, 0x41), 40) }, nil, ""},
		{"the peer's error that quotes a header beyond the packet", func(q, e []byte) []byte { return icmpError(peer, 3, 1, edit(q, 0, 0x4f), 40) }, nil, ""},
		{"the peer's error about a packet of another sender", func(q, e []byte) []byte { return icmpError(peer, 3, 1, edit(q, 12, 9), 28) }, nil, ""},

		{"TCP reset of a third party", func(q, e []byte) []byte { return ip4(third, local, 6, make([]byte, 20)) }, Proved{ByTraffic, third, 0}, "a packet came"},
		{"IP options", func(q, e []byte) []byte {
			b := ip4(third, local, 6, make([]byte, 24))
			b = edit(b, 0, 0x46)
			return edit(b, 10, headerSum(b, 24)...)
		}, Proved{ByTraffic, third, 0}, "a packet came"},
		{"for somebody else", func(q, e []byte) []byte { return ip4(third, dns1, 6, make([]byte, 20)) }, nil, ""},
		{"broadcast", func(q, e []byte) []byte {
			return ip4(third, netip.MustParseAddr("255.255.255.255"), 17, make([]byte, 20))
		}, nil, ""},
		{"from 0.0.0.0", func(q, e []byte) []byte { return ip4(netip.IPv4Unspecified(), local, 6, make([]byte, 20)) }, nil, ""},
		{"from 127.0.0.1", func(q, e []byte) []byte {
			return ip4(netip.MustParseAddr("127.0.0.1"), local, 6, make([]byte, 20))
		}, nil, ""},
		{"from a group", func(q, e []byte) []byte {
			return ip4(netip.MustParseAddr("224.0.0.1"), local, 6, make([]byte, 20))
		}, nil, ""},
		{"from ourselves to ourselves", func(q, e []byte) []byte { return ip4(local, local, 6, make([]byte, 20)) }, nil, ""},
		{"our own query looped", func(q, e []byte) []byte { return q }, nil, ""},
		{"our own echo request looped", func(q, e []byte) []byte { return e }, nil, ""},
		{"a packet of the kernel looped", func(q, e []byte) []byte { return ip4(local, third, 17, make([]byte, 20)) }, nil, ""},

		{"nothing", func(q, e []byte) []byte { return nil }, nil, ""},
		{"19 octets", func(q, e []byte) []byte { return echoAnswer(e)[:19] }, nil, ""},
		{"total length beyond the packet", func(q, e []byte) []byte { a := echoAnswer(e); return a[:len(a)-1] }, nil, ""},
		{"padding behind the packet", func(q, e []byte) []byte { return append(echoAnswer(e), 0, 0, 0) }, Proved{ByICMP, peer, rtt}, "echo reply"},
		{"header checksum wrong", func(q, e []byte) []byte { return edit(echoAnswer(e), 8, 1) }, nil, ""},
		{"first fragment", func(q, e []byte) []byte { return fragment(echoAnswer(e), 0x2000) }, nil, ""},
		{"last fragment", func(q, e []byte) []byte { return fragment(echoAnswer(e), 0x0004) }, nil, ""},
		{"do not fragment", func(q, e []byte) []byte { return fragment(echoAnswer(e), 0x4000) }, Proved{ByICMP, peer, rtt}, "echo reply"},
		{"version 5", func(q, e []byte) []byte { return edit(echoAnswer(e), 0, 0x55) }, nil, ""},
		{"IPv6 where we have none", func(q, e []byte) []byte { return make6(peer6, local6, 6, make([]byte, 20)) }, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(usual())
			m.Start(epoch)
			sent, _, _ := drain(m)
			q, e := first(sent)
			p := c.packet(slices.Clone(q), slices.Clone(e))
			before := slices.Clone(p)
			m.Receive(epoch.Add(rtt), p)
			more, events, end := drain(m)
			if end != c.want {
				t.Errorf("got %+v, want %+v", end, c.want)
			}
			if !slices.Equal(p, before) || len(more) != 0 {
				t.Error("the packet was changed, or something sent")
			}
			if c.want == nil {
				return
			}
			if len(events) != 1 || events[0].Probe.Result != c.result {
				t.Errorf("events %+v, want %q", events, c.result)
			}
			if !m.Deadline().IsZero() {
				t.Error("a timer still runs")
			}
			m.Receive(epoch.Add(rtt), p)
			m.Advance(epoch.Add(time.Hour))
			if _, ok := m.Next(); ok {
				t.Error("something happens after the end")
			}
		})
	}
}

func headerSum(b []byte, n int) []byte {
	return binary.BigEndian.AppendUint16(nil, checksum(edit(b[:n], 10, 0, 0)))
}

func fragment(b []byte, field uint16) []byte {
	b = edit(b, 6, byte(field>>8), byte(field))
	return edit(b, 10, headerSum(b, 20)...)
}

func TestRTTIsThatOfTheAnsweredRound(t *testing.T) {
	m := New(usual())
	m.Start(epoch)
	drain(m)
	m.Advance(epoch.Add(100 * time.Millisecond))
	second, _, _ := drain(m)
	m.Advance(epoch.Add(200 * time.Millisecond))
	drain(m)
	m.Receive(epoch.Add(900*time.Millisecond), dnsAnswer(second[1], 0))
	if _, _, end := drain(m); end != (Proved{ByDNS, dns2, 800 * time.Millisecond}) {
		t.Errorf("got %+v", end)
	}
}

func TestOnlyOurOwnPacketsComeBack(t *testing.T) {
	m := New(usual())
	m.Start(epoch)
	told := 0
	for {
		sent, events, end := drain(m)
		for _, e := range events {
			if e.Probe.Result != "sent" {
				told++
			}
		}
		if end != nil {
			if f, ok := end.(Failed); !ok || f.Reason != Loopback {
				t.Errorf("got %+v, want a loopback", end)
			}
			break
		}
		for _, p := range sent {
			m.Receive(m.Deadline(), p)
		}
		if len(sent) == 0 {
			m.Advance(m.Deadline())
		}
	}
	if told != 1 {
		t.Errorf("told %d times, want once", told)
	}
}

func TestALoopDoesNotHideAnAnswer(t *testing.T) {
	m := New(usual())
	m.Start(epoch)
	sent, _, _ := drain(m)
	m.Receive(epoch, sent[0])
	m.Receive(epoch, dnsAnswer(sent[0], 0))
	if _, _, end := drain(m); end != (Proved{By: ByDNS, From: dns1}) {
		t.Errorf("got %+v", end)
	}
}

// make6 makes an IPv6 packet with right checksums.
func make6(from, to netip.Addr, proto byte, body []byte) []byte {
	a, b := from.As16(), to.As16()
	h := make([]byte, 40, 40+len(body))
	h[0], h[6], h[7] = 0x60, proto, 64
	binary.BigEndian.PutUint16(h[4:], uint16(len(body)))
	copy(h[8:], a[:])
	copy(h[24:], b[:])
	body = slices.Clone(body)
	at := map[byte]int{58: 2, 17: 6}[proto]
	if at != 0 && len(body) >= at+2 {
		binary.BigEndian.PutUint16(body[at:], 0)
		sum := checksum(a[:], b[:], []byte{0, 0, h[4], h[5], 0, 0, 0, proto}, body)
		binary.BigEndian.PutUint16(body[at:], sum)
	}
	return append(h, body...)
}

func TestRFC4443Answers(t *testing.T) {
	far := netip.MustParseAddr("fe80::99")
	for _, c := range []struct {
		name   string
		packet func(echo []byte) []byte
		want   Output
	}{
		{"Echo Reply", func(e []byte) []byte { return make6(peer6, local6, 58, edit(e[40:], 0, 129)) }, Proved{By: ByICMP, From: peer6}},
		{"Echo Reply of ICMP version 4", func(e []byte) []byte { return make6(peer6, local6, 58, edit(e[40:], 0, 0)) }, nil},
		{"IPv4's ICMP in IPv6", func(e []byte) []byte { return make6(far, local6, 1, edit(e[40:], 0, 0)) }, nil},
		{"checksum wrong", func(e []byte) []byte { return edit(make6(peer6, local6, 58, edit(e[40:], 0, 129)), 50, 0xee) }, nil},
		{"destination unreachable", func(e []byte) []byte {
			return make6(far, local6, 58, append([]byte{1, 0, 0, 0, 0, 0, 0, 0}, e...))
		}, Proved{By: ByError, From: far}},
		{"time exceeded", func(e []byte) []byte {
			return make6(far, local6, 58, append([]byte{3, 0, 0, 0, 0, 0, 0, 0}, e...))
		}, Proved{By: ByError, From: far}},
		{"the peer's error that quotes too little", func(e []byte) []byte {
			return make6(peer6, local6, 58, append([]byte{1, 0, 0, 0, 0, 0, 0, 0}, e[:47]...))
		}, nil},
		{"looped", func(e []byte) []byte { return e }, nil},
		{"reflected", func(e []byte) []byte { return make6(peer6, local6, 58, e[40:]) }, nil},
		{"traffic", func([]byte) []byte { return make6(far, local6, 6, make([]byte, 20)) }, Proved{By: ByTraffic, From: far}},
		{"a datagram without checksum", func([]byte) []byte { return edit(make6(far, local6, 17, []byte{0, 1, 0, 2, 0, 8, 0, 0}), 46, 0, 0) }, nil},
		{"fragment", func(e []byte) []byte { return make6(far, local6, 44, e[40:]) }, nil},
		{"length beyond the packet", func(e []byte) []byte { return e[:len(e)-1] }, nil},
		{"39 octets", func(e []byte) []byte { return e[:39] }, nil},
		{"router advertisement to all", func(e []byte) []byte {
			return make6(far, netip.MustParseAddr("ff02::1"), 58, make([]byte, 16))
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := New(Config{Local: local6, Peer: peer6, Random: 7})
			m.Start(epoch)
			sent, _, _ := drain(m)
			m.Receive(epoch, c.packet(slices.Clone(sent[0])))
			if _, _, end := drain(m); end != c.want {
				t.Errorf("got %+v, want %+v", end, c.want)
			}
		})
	}
}

func FuzzReceive(f *testing.F) {
	start := func(six bool) (*Machine, [][]byte) {
		c := usual()
		if six {
			c = Config{Local: local6, Peer: peer6, Random: 7}
		}
		m := New(c)
		m.Start(epoch)
		sent, _, _ := drain(m)
		return m, sent
	}
	_, sent := start(false)
	_, sent6 := start(true)
	for _, p := range [][]byte{
		nil, sent[0], sent[2], dnsAnswer(sent[0], 0), echoAnswer(sent[2]), icmpError(third, 3, 1, sent[0], 28),
		ip4(third, local, 6, make([]byte, 20)),
	} {
		f.Add(false, p)
	}
	f.Add(true, sent6[0])
	f.Add(true, make6(peer6, local6, 58, append([]byte{1, 0, 0, 0, 0, 0, 0, 0}, sent6[0]...)))
	f.Fuzz(func(t *testing.T, six bool, p []byte) {
		m, sent := start(six)
		m.Receive(epoch, p)
		more, events, end := drain(m)
		if len(more) != 0 || len(events) > 1 {
			t.Fatalf("%d packets and %d events", len(more), len(events))
		}
		if end == nil {
			return
		}
		proved, ok := end.(Proved)
		if !ok || proved.From == m.c.Local || !proved.From.IsValid() {
			t.Fatalf("%+v by %x", end, p)
		}
		for _, s := range sent {
			if slices.Equal(s, p) {
				t.Fatalf("our own packet proves: %+v", end)
			}
		}
		if len(p) > 1 {
			again, _ := start(six)
			again.Receive(epoch, p[:len(p)/4])
			if _, _, end := drain(again); end != nil && len(p)/4 < 20 {
				t.Fatalf("%d octets prove: %+v", len(p)/4, end)
			}
		}
	})
}
