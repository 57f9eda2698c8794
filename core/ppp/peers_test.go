package ppp

import (
	"net/netip"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// What peers do that nobody here wrote: pppd, lwIP, accel-ppp, picoTCP.

// IPv6 alone (RFC 5072): a peer that knows no IPCP, or ends it, costs nothing where IPv6 will do; and the other way round.
func TestIPv6Alone(t *testing.T) {
	protRej := func(s *script, protocol uint16) {
		s.giveData(packet.LCP, packet.ProtocolReject, 9, []byte{byte(protocol >> 8), byte(protocol), 1, 1, 0, 4})
	}
	open6 := func(s *script) {
		s.give(packet.IPV6CP, packet.ConfigureRequest, 1, opt(packet.IPV6CPInterfaceID, 1, 2, 3, 4, 5, 6, 7, 8))
		s.ack(packet.IPV6CP)
	}
	for _, c := range []struct {
		name     string
		optional bool
		do       func(*script)
		up6      int
		lost     int
		ends     string
	}{
		{"IPCP is not known, IPV6CP open before", true, func(s *script) { open6(s); protRej(s, packet.IPCP) }, 1, 1, ""},
		{"IPCP is not known, IPV6CP opens after", true, func(s *script) { protRej(s, packet.IPCP); open6(s) }, 1, 1, ""},
		{"IPCP is terminated", true, func(s *script) { open6(s); s.giveData(packet.IPCP, packet.TerminateRequest, 1, nil) }, 1, 1, ""},
		{"IPCP is silent", true, func(s *script) {
			open6(s)
			for range 70 { // the peer lives, and says nothing in IPCP
				s.wait(time.Second)
				s.giveData(packet.LCP, packet.EchoRequest, 1, make([]byte, 4))
			}
		}, 1, 1, ""},
		{"the address is rejected", true, func(s *script) {
			open6(s)
			for range 2 {
				p := s.must(packet.IPCP, packet.ConfigureRequest)
				s.giveData(packet.IPCP, packet.ConfigureReject, p.ID, p.Data)
			}
		}, 1, 1, ""},
		{"both are not known", true, func(s *script) { protRej(s, packet.IPCP); protRej(s, packet.IPV6CP) }, 0, 1, KindProtocolRejected},
		{"both are not known, IPv6 first", true, func(s *script) { protRej(s, packet.IPV6CP); protRej(s, packet.IPCP) }, 0, 1, KindProtocolRejected},
		{"IPV6CP ends after IPCP was lost", true, func(s *script) {
			protRej(s, packet.IPCP)
			open6(s)
			s.giveData(packet.IPV6CP, packet.TerminateRequest, 1, nil)
		}, 1, 1, KindTerminated},
		{"IPv4 is needed", false, func(s *script) { open6(s); protRej(s, packet.IPCP) }, 1, 0, KindProtocolRejected},
	} {
		set := dialer()
		set.IPV6CP.Enabled, set.IPCP.Optional = true, c.optional
		s := newScript(t, set)
		s.openLCP()
		c.do(s)
		got := ""
		if len(s.closing) > 0 {
			got = s.closing[0].Failure.Kind
		}
		if len(s.up6) != c.up6 || len(s.lost) != c.lost || got != c.ends {
			s.log()
			t.Errorf("%s: IPv6 up %d times, lost %+v, ends with %q", c.name, len(s.up6), s.lost, got)
		}
	}
}

// A peer that has only a link-local address, and rejects the option when we do not take it, has given a bogus one (B9).
func TestBogusAddressThenReject(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	for range 4 {
		p := s.must(packet.IPCP, packet.ConfigureRequest)
		s.give(packet.IPCP, packet.ConfigureNak, p.ID, ipOpt(packet.IPCPAddress, "169.254.1.2"))
		s.wait(time.Second)
	}
	for range 2 {
		p := s.must(packet.IPCP, packet.ConfigureRequest)
		s.giveData(packet.IPCP, packet.ConfigureReject, p.ID, p.Data)
		s.wait(time.Second)
	}
	if len(s.closing) != 1 || s.closing[0].Failure.Kind != KindBogusAddress {
		s.log()
		t.Errorf("%+v", s.closing)
	}
}

// A peer that knows only the deprecated IP-Addresses (RFC 1332 section 3.1) may ask by it, too (B10).
func TestPeersIPAddresses(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureReject, p.ID, opt(packet.IPCPAddress, 0, 0, 0, 0))
	p = s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, opt(packet.IPCPAddresses, 10, 20, 30, 40, 192, 0, 2, 1))
	s.give(packet.IPCP, packet.ConfigureRequest, 1, opt(packet.IPCPAddresses, 192, 0, 2, 1, 10, 20, 30, 40))
	s.ack(packet.IPCP)
	if len(s.up) != 1 || s.up[0].Local != hostAddr || s.up[0].Peer != modemAddr || s.up[0].PeerAssumed {
		s.log()
		t.Errorf("%+v", s.up)
	}
	s = newScript(t, dialer())
	s.openLCP()
	s.give(packet.IPCP, packet.ConfigureRequest, 1, opt(packet.IPCPAddresses, 192, 0, 2, 1, 10, 20, 30, 40))
	if _, ok := s.find(packet.IPCP, packet.ConfigureReject); !ok {
		t.Error("where IP-Address is in use the other option must be rejected: RFC 1332 section 3.1 allows one of them")
	}
}

// NetworkDown says whether the link ends, or the peer negotiates anew (B11).
func TestNetworkDownIsFinal(t *testing.T) {
	for name, c := range map[string]struct {
		do    func(*script)
		final bool
	}{
		"LCP terminated":      {func(s *script) { s.giveData(packet.LCP, packet.TerminateRequest, 9, nil) }, true},
		"IPCP terminated":     {func(s *script) { s.giveData(packet.IPCP, packet.TerminateRequest, 9, nil) }, true},
		"the carrier is lost": {func(s *script) { s.LowerDown(s.now); s.drain(s.now) }, true},
		"we close":            {func(s *script) { s.Close(s.now, "x"); s.drain(s.now) }, true},
		"LCP negotiates anew": {func(s *script) { s.give(packet.LCP, packet.ConfigureRequest, 9, opt(packet.LCPACFC)) }, false},
		"IPCP negotiates anew": {func(s *script) {
			s.give(packet.IPCP, packet.ConfigureRequest, 9, ipOpt(packet.IPCPAddress, "192.0.2.9"))
		}, false},
	} {
		s := newScript(t, dialer())
		s.openLCP()
		s.openIPCP(ipOpt(packet.IPCPAddress, "192.0.2.1"))
		c.do(s)
		if len(s.down) != 1 || s.down[0].Final != c.final {
			t.Errorf("%s: %+v", name, s.down)
		}
	}
}

// Addresses of one's own, as pppd's LOCAL:REMOTE with and without ipcp-accept-local and ipcp-accept-remote.
func TestAddressesOfOnesOwn(t *testing.T) {
	local, remote, other := netip.MustParseAddr("10.1.1.1"), netip.MustParseAddr("10.1.1.2"), netip.MustParseAddr("10.9.9.9")
	t.Run("ours is asked for and kept", func(t *testing.T) {
		set := dialer()
		set.IPCP.Local = local
		s := newScript(t, set)
		s.openLCP()
		for range 3 {
			p := s.must(packet.IPCP, packet.ConfigureRequest)
			if o, _ := packet.Find(own(p.Data), packet.IPCPAddress); !o.Equal(packet.AddressOption(packet.IPCPAddress, local)) {
				t.Fatalf("asked by %v", o)
			}
			s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, other))
			s.wait(time.Second)
		}
		s.give(packet.IPCP, packet.ConfigureRequest, 1, ipOpt(packet.IPCPAddress, "192.0.2.1"))
		s.ack(packet.IPCP)
		if len(s.up) != 1 || s.up[0].Local != local {
			t.Errorf("%+v", s.up)
		}
	})
	t.Run("the peer's is accepted in its place", func(t *testing.T) {
		set := dialer()
		set.IPCP.Local, set.IPCP.AcceptLocal = local, true
		s := newScript(t, set)
		s.openLCP()
		s.give(packet.IPCP, packet.ConfigureRequest, 1, ipOpt(packet.IPCPAddress, "192.0.2.1"))
		p := s.must(packet.IPCP, packet.ConfigureRequest)
		s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, other))
		s.ack(packet.IPCP)
		if len(s.up) != 1 || s.up[0].Local != other {
			t.Errorf("%+v", s.up)
		}
	})
	for _, c := range []struct {
		name, request string // "": no address in it
		accept        bool
		nak           bool
		peer          netip.Addr
	}{
		{"another one is Nak'ed", "10.9.9.9", false, true, remote},
		{"none is Nak'ed", "0.0.0.0", true, true, remote},
		{"another one is accepted", "10.9.9.9", true, false, other},
		{"the same", "10.1.1.2", false, false, remote},
		{"none is named", "", false, false, remote},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := dialer()
			set.IPCP.Assign.Address, set.IPCP.AcceptPeer = remote, c.accept
			s := newScript(t, set)
			s.openLCP()
			var options []packet.Option
			if c.request != "" {
				options = append(options, ipOpt(packet.IPCPAddress, c.request))
			}
			s.give(packet.IPCP, packet.ConfigureRequest, 1, options...)
			p, nakked := s.find(packet.IPCP, packet.ConfigureNak)
			if nakked != c.nak {
				t.Fatalf("Nak'ed: %v", nakked)
			}
			if nakked {
				s.giveData(packet.IPCP, packet.ConfigureRequest, 2, p.Data)
			}
			p = s.must(packet.IPCP, packet.ConfigureRequest)
			s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, hostAddr))
			s.ack(packet.IPCP)
			if len(s.up) != 1 || s.up[0].Peer != c.peer || s.up[0].PeerAssumed {
				s.log()
				t.Errorf("%+v", s.up)
			}
		})
	}
}

// A peer that never takes the address that is suggested to it is not argued with for ever: lwIP comes back a hundred times.
func TestPeerThatKeepsItsAddress(t *testing.T) {
	set := dialer()
	set.IPCP.Assign.Address = netip.MustParseAddr("10.1.1.2")
	s := newScript(t, set)
	s.openLCP()
	for id := range uint8(20) {
		s.give(packet.IPCP, packet.ConfigureRequest, id, ipOpt(packet.IPCPAddress, "192.0.2.1"))
	}
	if naks, rejects := s.count(packet.IPCP, packet.ConfigureNak), s.count(packet.IPCP, packet.ConfigureReject); naks != 10 || rejects != 10 {
		t.Errorf("%d Naks, %d Rejects", naks, rejects)
	}
}

// A modem's end that insists on its own address gives way to a host that will not have it: then nothing is said of it (S3).
func TestYieldLocal(t *testing.T) {
	set := modem()
	set.IPCP.YieldLocal = 5
	s := newScript(t, set)
	s.openLCP()
	for range 5 {
		p := s.must(packet.IPCP, packet.ConfigureRequest)
		s.give(packet.IPCP, packet.ConfigureNak, p.ID, ipOpt(packet.IPCPAddress, "10.64.64.64"))
		s.wait(time.Second)
	}
	if p := s.must(packet.IPCP, packet.ConfigureRequest); len(p.Data) != 0 {
		t.Errorf("still asks % x", p.Data)
	}
}
