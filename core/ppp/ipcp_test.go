package ppp

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
)

// How each option of the peer's Configure-Request is answered: RFC 1332 section 3, RFC 1877 section 1.
func TestIPCPPeerRequest(t *testing.T) {
	server := modem()
	none := modem()
	none.IPCP.Assign = Assignment{}
	vj := opt(packet.IPCPCompression, 0, 0x2d, 15, 1)
	host, own := packet.AddressOption(packet.IPCPAddress, hostAddr), packet.AddressOption(packet.IPCPAddress, modemAddr)
	zero := ipOpt(packet.IPCPAddress, "0.0.0.0")
	cases := []struct {
		name  string
		set   Settings
		in    []packet.Option
		code  uint8
		reply []packet.Option
	}{
		{"nothing", dialer(), nil, packet.ConfigureAck, nil},
		{"3.3 an address", dialer(), []packet.Option{own}, packet.ConfigureAck, nil},
		{"3.3 an address out of 10/8", dialer(), []packet.Option{ipOpt(packet.IPCPAddress, "10.0.0.1")}, packet.ConfigureAck, nil},
		{"3.3 of two octets", dialer(), []packet.Option{opt(packet.IPCPAddress, 1, 2)}, packet.ConfigureNak, []packet.Option{ipOpt(packet.IPCPAddress, "10.64.64.64")}},
		{"3.2 VJ", dialer(), []packet.Option{vj, own}, packet.ConfigureReject, []packet.Option{vj}},
		{"3.1 IP-Addresses", dialer(), []packet.Option{opt(packet.IPCPAddresses, make([]byte, 8)...)}, packet.ConfigureReject, []packet.Option{opt(packet.IPCPAddresses, make([]byte, 8)...)}},
		{"RFC 1877: the modem asks us for DNS", dialer(), []packet.Option{own, ipOpt(packet.IPCPDNS1, "0.0.0.0")}, packet.ConfigureReject, []packet.Option{ipOpt(packet.IPCPDNS1, "0.0.0.0")}},
		{"unknown", dialer(), []packet.Option{opt(200, 1), own}, packet.ConfigureReject, []packet.Option{opt(200, 1)}},
		{"Mobile-IPv4 (RFC 2290)", dialer(), []packet.Option{ipOpt(4, "10.0.0.1")}, packet.ConfigureReject, []packet.Option{ipOpt(4, "10.0.0.1")}},
		{"an address twice", dialer(), []packet.Option{own, host}, packet.ConfigureReject, []packet.Option{host}},

		{"server: 0.0.0.0", server, []packet.Option{zero}, packet.ConfigureNak, []packet.Option{host}},
		{"server: another address", server, []packet.Option{ipOpt(packet.IPCPAddress, "10.9.9.9")}, packet.ConfigureNak, []packet.Option{host}},
		{"server: the assigned address", server, []packet.Option{host}, packet.ConfigureAck, nil},
		{"server: all at once", server, []packet.Option{zero, ipOpt(packet.IPCPDNS1, "0.0.0.0"), ipOpt(packet.IPCPDNS2, "0.0.0.0")}, packet.ConfigureNak,
			[]packet.Option{host, packet.AddressOption(packet.IPCPDNS1, dns1), packet.AddressOption(packet.IPCPDNS2, dns2)}},
		{"server: nothing to give for NBNS", server, []packet.Option{zero, ipOpt(packet.IPCPNBNS1, "0.0.0.0")}, packet.ConfigureReject, []packet.Option{ipOpt(packet.IPCPNBNS1, "0.0.0.0")}},
		{"server that assigns nothing: any address", none, []packet.Option{host}, packet.ConfigureAck, nil},
		{"server that assigns nothing: its own", none, []packet.Option{own}, packet.ConfigureNak, []packet.Option{ipOpt(packet.IPCPAddress, "10.64.64.64")}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, c.set)
			s.openLCP()
			sends := s.give(packet.IPCP, packet.ConfigureRequest, 42, c.in...)
			if len(sends) != 1 {
				t.Fatalf("sent %d packets", len(sends))
			}
			want := c.reply
			if c.code == packet.ConfigureAck {
				want = c.in
			}
			p, _ := packet.Parse(sends[0].Info)
			if p.Code != c.code || p.ID != 42 || !bytes.Equal(p.Data, packet.AppendOptions(nil, want)) {
				t.Errorf("answered %s", notation.Line("sent", packet.IPCP, sends[0].Info))
			}
		})
	}
}

// What we ask for: in the order of Settings, with 0.0.0.0.
func TestIPCPOwnRequest(t *testing.T) {
	set := dialer()
	set.IPCP.Request = []uint8{packet.IPCPDNS2, packet.IPCPAddress, packet.IPCPNBNS1}
	s := newScript(t, set)
	s.openLCP()
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	if string(p.Data) != "\x83\x06\x00\x00\x00\x00\x03\x06\x00\x00\x00\x00\x82\x06\x00\x00\x00\x00" {
		t.Errorf("asked for % x", p.Data)
	}
}

// How a Nak changes the next request, and what counts as leading nowhere.
func TestIPCPNak(t *testing.T) {
	host := packet.AddressOption(packet.IPCPAddress, hostAddr)
	zero := ipOpt(packet.IPCPAddress, "0.0.0.0")
	d1, d2 := packet.AddressOption(packet.IPCPDNS1, dns1), packet.AddressOption(packet.IPCPDNS2, dns2)
	z1, z2 := ipOpt(packet.IPCPDNS1, "0.0.0.0"), ipOpt(packet.IPCPDNS2, "0.0.0.0")
	w1 := ipOpt(packet.IPCPNBNS1, "192.0.2.9")
	cases := []struct {
		name  string
		nak   []packet.Option
		after []packet.Option
		paced bool
	}{
		{"all of it", []packet.Option{host, d1, d2}, []packet.Option{host, d1, d2}, false},
		{"in another order", []packet.Option{d2, host}, []packet.Option{host, z1, d2}, false},
		{"NBNS that we did not ask for", []packet.Option{host, w1}, []packet.Option{host, z1, z2, w1}, false},
		{"empty", nil, []packet.Option{zero, z1, z2}, true},
		{"0.0.0.0", []packet.Option{zero}, []packet.Option{zero, z1, z2}, true},
		{"placeholders", []packet.Option{ipOpt(packet.IPCPDNS1, "10.11.12.13"), ipOpt(packet.IPCPDNS2, "10.11.12.14")}, []packet.Option{zero, z1, z2}, true},
		{"a real address and placeholders", []packet.Option{host, ipOpt(packet.IPCPDNS1, "10.11.12.13")}, []packet.Option{host, z1, z2}, false},
		{"loopback", []packet.Option{ipOpt(packet.IPCPAddress, "127.0.0.1")}, []packet.Option{zero, z1, z2}, true},
		{"unknown option", []packet.Option{opt(99, 1, 2, 3, 4)}, []packet.Option{zero, z1, z2}, true},
		{"VJ", []packet.Option{opt(packet.IPCPCompression, 0, 0x2d, 15, 0)}, []packet.Option{zero, z1, z2}, true},
		{"an address of three octets", []packet.Option{opt(packet.IPCPAddress, 1, 2, 3)}, []packet.Option{zero, z1, z2}, true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, dialer())
			s.openLCP()
			p := s.must(packet.IPCP, packet.ConfigureRequest)
			sends := s.give(packet.IPCP, packet.ConfigureNak, p.ID, c.nak...)
			if paced := len(sends) == 0; paced != c.paced {
				t.Errorf("sent at once: %v", sends)
			}
			s.wait(300 * time.Millisecond)
			next := s.must(packet.IPCP, packet.ConfigureRequest)
			if next.ID == p.ID || !bytes.Equal(next.Data, packet.AppendOptions(nil, c.after)) {
				t.Errorf("asked for % x", next.Data)
			}
			if n := s.count(packet.IPCP, packet.ConfigureRequest); n != 2 {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// A second Nak of one request, while the paced next one waits, is late: it does not make us faster.
func TestNakTwice(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	for range 50 {
		s.give(packet.IPCP, packet.ConfigureNak, p.ID)
	}
	s.wait(299 * time.Millisecond)
	if n := s.count(packet.IPCP, packet.ConfigureRequest); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// Quirk IPCP-11: an address is given, the name servers stay 0.0.0.0.
func TestAckOfZeroNameServers(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	s.openIPCP(packet.AddressOption(packet.IPCPAddress, modemAddr))
	if up := wantUp(t, s.end); up.Local != hostAddr || len(up.DNS) != 0 {
		t.Errorf("up with %+v", up)
	}
}

// Peers section 3 item 2: an Ack of 0.0.0.0.
func TestAckOfZeroAddress(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	for len(s.closing) == 0 && s.now.Sub(epoch) < 2*time.Minute {
		s.ack(packet.IPCP)
		s.wait(100 * time.Millisecond)
	}
	if len(s.up) != 0 || len(s.closing) != 1 || s.closing[0].Failure.Kind != KindBogusAddress {
		t.Errorf("up %v closing %+v", s.up, s.closing)
	}
}

// An Ack with another address is none (peers section 3 item 19); name servers may differ.
func TestMismatchingAck(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, hostAddr))
	p = s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureAck, p.ID, ipOpt(packet.IPCPAddress, "10.9.9.9"))
	s.give(packet.IPCP, packet.ConfigureAck, p.ID, ipOpt(packet.IPCPDNS1, "10.9.9.9"))
	s.give(packet.IPCP, packet.ConfigureAck, p.ID)
	if len(s.up) != 0 {
		t.Fatalf("up with %+v", s.up)
	}
	s.give(packet.IPCP, packet.ConfigureAck, p.ID, packet.AddressOption(packet.IPCPAddress, hostAddr))
	wantUp(t, s.end)
}

// Both ends have the same address: ours is not believed, whichever is told first.
func TestEqualEnds(t *testing.T) {
	same := packet.AddressOption(packet.IPCPAddress, hostAddr)
	t.Run("the peer's first", func(t *testing.T) {
		s := newScript(t, dialer())
		s.openLCP()
		s.give(packet.IPCP, packet.ConfigureRequest, 1, same)
		p := s.must(packet.IPCP, packet.ConfigureRequest)
		s.give(packet.IPCP, packet.ConfigureNak, p.ID, same)
		s.wait(300 * time.Millisecond)
		if p = s.must(packet.IPCP, packet.ConfigureRequest); !bytes.HasPrefix(p.Data, []byte{3, 6, 0, 0, 0, 0}) {
			t.Errorf("asked for % x", p.Data)
		}
	})
	t.Run("ours first", func(t *testing.T) {
		s := newScript(t, dialer())
		s.openLCP()
		p := s.must(packet.IPCP, packet.ConfigureRequest)
		s.give(packet.IPCP, packet.ConfigureNak, p.ID, same)
		s.ack(packet.IPCP)
		s.give(packet.IPCP, packet.ConfigureRequest, 1, same)
		if n := s.must(packet.IPCP, packet.ConfigureNak); string(n.Data) != "\x03\x06\x0a\x40\x40\x40" {
			t.Errorf("answered % x", n.Data)
		}
		if len(s.up) != 0 {
			t.Errorf("up with %+v", s.up)
		}
	})
}

// Quirk IPCP-10: addresses and name servers are those of the last Ack, not of any Nak on the way.
func TestValuesComeFromTheLastAck(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, ipOpt(packet.IPCPDNS1, "192.0.2.77"), ipOpt(packet.IPCPDNS2, "192.0.2.78"))
	p = s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, hostAddr),
		packet.AddressOption(packet.IPCPDNS1, dns1), packet.AddressOption(packet.IPCPDNS2, dns2))
	s.ack(packet.IPCP)
	if up := wantUp(t, s.end); up.Local != hostAddr || !slices.Equal(up.DNS, []netip.Addr{dns1, dns2}) {
		t.Errorf("up with %+v", up)
	}
}

// An empty Reject, or one of what we did not ask, changes nothing and is paced like such a Nak.
func TestRejectThatChangesNothing(t *testing.T) {
	for _, options := range [][]packet.Option{nil, {opt(99)}} {
		s := newScript(t, dialer())
		s.openLCP()
		p := s.must(packet.IPCP, packet.ConfigureRequest)
		if sends := s.give(packet.IPCP, packet.ConfigureReject, p.ID, options...); len(sends) != 0 {
			t.Errorf("sent at once: %v", sends)
		}
	}
}

// Peers section 3 item 18: SARA-R4 sends an empty request after up, which must not be an outage.
func TestIPCPRequestWhenOpened(t *testing.T) {
	peer := packet.AddressOption(packet.IPCPAddress, modemAddr)
	for _, options := range [][]packet.Option{nil, {peer}} {
		s := newScript(t, dialer())
		s.openLCP()
		s.openIPCP(peer)
		s.give(packet.IPCP, packet.ConfigureRequest, 9, options...)
		if a := s.must(packet.IPCP, packet.ConfigureAck); a.ID != 9 || len(s.down) != 0 || len(s.up) != 1 {
			t.Errorf("acknowledged %d, down %v, up %v", a.ID, s.down, s.up)
		}
	}
	s := newScript(t, dialer())
	s.openLCP()
	s.openIPCP(peer)
	s.give(packet.IPCP, packet.ConfigureRequest, 9, ipOpt(packet.IPCPAddress, "192.0.2.99"))
	if len(s.down) != 1 {
		t.Error("another address of the peer's must be negotiated")
	}
	// Anew, from the start: what we had may not be ours any more.
	if p := s.must(packet.IPCP, packet.ConfigureRequest); !bytes.HasPrefix(p.Data, []byte{3, 6, 0, 0, 0, 0}) {
		t.Errorf("asked for % x", p.Data)
	}
}

func TestIPV6CP(t *testing.T) {
	set := func() (Settings, Settings) {
		h, m := dialer(), modem()
		h.IPV6CP.Enabled, m.IPV6CP.Enabled = true, true
		return h, m
	}
	t.Run("both ends", func(t *testing.T) {
		hs, ms := set()
		h, m := newEnd(t, hs, 1), newEnd(t, ms, 2)
		l := join(t, h, m)
		l.open()
		l.until(time.Minute, func() bool { return len(h.up6) > 0 && len(m.up6) > 0 && h.settled() })
		if len(h.up6) != 1 || len(m.up6) != 1 || h.up6[0].LocalID != m.up6[0].PeerID || h.up6[0].PeerID != m.up6[0].LocalID {
			t.Fatalf("host %+v modem %+v", h.up6, m.up6)
		}
		if id := h.up6[0].LocalID; id == [8]byte{} || id[0]&2 != 0 {
			t.Errorf("identifier %x", id)
		}
	})
	t.Run("RFC 5072 4.1: both want the same identifier", func(t *testing.T) {
		hs, ms := set()
		hs.IPV6CP.InterfaceID = [8]byte{1, 2, 3, 4, 5, 6, 7, 8}
		ms.IPV6CP.InterfaceID = hs.IPV6CP.InterfaceID
		h, m := newEnd(t, hs, 1), newEnd(t, ms, 2)
		l := join(t, h, m)
		l.open()
		l.until(time.Minute, func() bool { return len(h.up6) > 0 && len(m.up6) > 0 })
		if len(h.up6) == 0 || h.up6[0].LocalID == h.up6[0].PeerID {
			t.Errorf("host %+v", h.up6)
		}
	})
	t.Run("RFC 5072 4.1: a Nak with the peer's own, or with zero", func(t *testing.T) {
		hs, _ := set()
		s := newScript(t, hs)
		s.openLCP()
		peer := opt(1, 9, 9, 9, 9, 9, 9, 9, 9)
		s.give(packet.IPV6CP, packet.ConfigureRequest, 1, peer)
		for _, nak := range []packet.Option{peer, opt(1, make([]byte, 8)...), opt(1, 1)} {
			p := s.must(packet.IPV6CP, packet.ConfigureRequest)
			s.give(packet.IPV6CP, packet.ConfigureNak, p.ID, nak)
			next := s.must(packet.IPV6CP, packet.ConfigureRequest)
			o := own(next.Data)[0]
			if o.Equal(peer) || bytes.Equal(o.Data, make([]byte, 8)) || len(o.Data) != 8 || bytes.Equal(next.Data, p.Data) {
				t.Errorf("upon % x asked for % x", nak.Data, next.Data)
			}
		}
		p := s.must(packet.IPV6CP, packet.ConfigureRequest)
		s.give(packet.IPV6CP, packet.ConfigureNak, p.ID, opt(1, 1, 2, 3, 4, 5, 6, 7, 8))
		if next := s.must(packet.IPV6CP, packet.ConfigureRequest); string(next.Data) != "\x01\x0a\x01\x02\x03\x04\x05\x06\x07\x08" {
			t.Errorf("asked for % x", next.Data)
		}
	})
	t.Run("the modem refuses: IPv4 comes up all the same", func(t *testing.T) {
		hs, ms := set()
		ms.IPV6CP.Enabled = false
		h, m := newEnd(t, hs, 1), newEnd(t, ms, 2)
		l := join(t, h, m)
		l.open()
		if took := l.until(time.Minute, h.settled); took > 200*time.Millisecond {
			t.Errorf("took %v", took)
		}
		l.run(5 * time.Minute)
		if len(h.finished) != 0 || len(h.up) != 1 || len(h.up6) != 0 {
			t.Errorf("finished %v up %v", h.finished, h.up)
		}
	})
	// IPv4 does not suffer from what goes wrong with IPv6.
	for name, wrong := range map[string]func(s *script){
		"silence":   func(*script) {},
		"terminate": func(s *script) { s.give(packet.IPV6CP, packet.TerminateRequest, 1) },
		"naks": func(s *script) {
			for i := range 20 {
				p := s.must(packet.IPV6CP, packet.ConfigureRequest)
				s.give(packet.IPV6CP, packet.ConfigureNak, p.ID, opt(1, 9, 9, 9, 9, 9, 9, 9, byte(i)))
				s.wait(time.Second)
			}
		},
		"empty naks": func(s *script) {
			for range 100 {
				p := s.must(packet.IPV6CP, packet.ConfigureRequest)
				s.give(packet.IPV6CP, packet.ConfigureNak, p.ID)
				s.wait(time.Second)
			}
		},
		"code reject": func(s *script) { s.giveData(packet.IPV6CP, packet.CodeReject, 1, []byte{1, 1, 0, 4}) },
	} {
		t.Run(name, func(t *testing.T) {
			hs, _ := set()
			s := newScript(t, hs)
			s.openLCP()
			s.openIPCP()
			wrong(s)
			s.wait(2 * time.Minute)
			if len(s.finished)+len(s.closing) != 0 || len(s.up) != 1 || len(s.down) != 0 {
				t.Errorf("finished %v closing %v down %v", s.finished, s.closing, s.down)
			}
			if s.ipv6cp.state != StateInitial {
				t.Errorf("IPV6CP is %s", s.ipv6cp.state)
			}
		})
	}
	t.Run("options", func(t *testing.T) {
		hs, _ := set()
		s := newScript(t, hs)
		s.openLCP()
		for _, c := range []struct {
			in   packet.Option
			code uint8
		}{
			{opt(1, 1, 2, 3, 4, 5, 6, 7, 8), packet.ConfigureAck},
			{opt(1, 0, 0, 0, 0, 0, 0, 0, 0), packet.ConfigureNak},
			{opt(1, 1, 2), packet.ConfigureNak},
			{opt(2, 0, 0x4f), packet.ConfigureReject},
		} {
			if sends := s.give(packet.IPV6CP, packet.ConfigureRequest, 1, c.in); sends[0].Info[0] != c.code {
				t.Errorf("% x: %s", c.in.Data, notation.Line("sent", packet.IPV6CP, sends[0].Info))
			}
		}
	})
}

// A peer without an address is told one, also where its first request is rejected for something else, as slirp's is for VJ:
// it terminates IPCP when it is told none.
func TestSuggestionAfterAReject(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	vj, zero := opt(packet.IPCPCompression, 0, 0x2d, 15, 1), ipOpt(packet.IPCPAddress, "0.0.0.0")
	for i, c := range []struct {
		in   []packet.Option
		code uint8
	}{{[]packet.Option{zero, vj}, packet.ConfigureReject}, {[]packet.Option{zero}, packet.ConfigureNak}, {[]packet.Option{zero}, packet.ConfigureReject}} {
		sends := s.give(packet.IPCP, packet.ConfigureRequest, byte(i+1), c.in...)
		if len(sends) != 1 {
			t.Fatalf("request %d: sent %d packets", i+1, len(sends))
		}
		if p, _ := packet.Parse(sends[0].Info); p.Code != c.code {
			t.Errorf("request %d: answered %s", i+1, notation.Line("sent", packet.IPCP, sends[0].Info))
		}
	}
}
