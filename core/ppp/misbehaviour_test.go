package ppp

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// misbehaving is a modem whose answers to IPCP requests the test decides; CHAP succeeds for anybody, as
// 3GPP TS 29.061 has it.
func misbehaving(points Points, change func(*Settings)) Settings {
	s := modem(auth.CHAPMD5)
	s.Auth.Server.AcceptAnybody = true
	s.Points, s.Unchecked = points, true
	if change != nil {
		change(&s)
	}
	return s
}

// call joins a dialer with the built-in policy to a modem.
func call(t *testing.T, host, mod Settings, decide func(now time.Time, d Decision) Verdict) (*line, *end, *end) {
	t.Helper()
	h, m := newEnd(t, host, 1), newEnd(t, mod, 2)
	m.decide = decide
	l := join(t, h, m)
	t.Cleanup(func() {
		if t.Failed() {
			h.log()
		}
	})
	return l, h, m
}

// ipcpRequest says whether a decision is about the host's IPCP request.
func ipcpRequest(d Decision) bool { return d.Protocol == packet.IPCP && d.Point == PointPeerRequest }

func has(options []packet.Option, typ uint8) bool {
	_, ok := packet.Find(options, typ)
	return ok
}

func wantUp(t *testing.T, h *end) NetworkUp {
	t.Helper()
	if len(h.up) == 0 {
		t.Fatalf("not up; finished: %+v", h.finished)
	}
	return h.up[len(h.up)-1]
}

func wantFailure(t *testing.T, h *end, phase, kind string, protocol uint16) Failure {
	t.Helper()
	if len(h.finished) != 1 {
		t.Fatalf("finished: %+v, want one %s", h.finished, kind)
	}
	f := h.finished[0].Failure
	if f.Phase != phase || f.Kind != kind || f.Protocol != protocol {
		t.Errorf("failed with %+v, want %s of %s in %s", f, kind, packet.ProtocolName(protocol), phase)
	}
	return f
}

var emptyNak = Verdict{Action: Nak}

// Row "E398: provisional success, empty Naks until DNS is asked for and the user name is empty".
func TestHuaweiE398(t *testing.T) {
	for _, user := range []string{"", "guest"} {
		t.Run("user "+user, func(t *testing.T) {
			host := dialer()
			host.Auth.Client.Name, host.Auth.Client.Secret = user, auth.Secret{}
			l, h, _ := call(t, host, misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
				if ipcpRequest(d) && (user != "" || !has(d.Options, packet.IPCPDNS1)) {
					return emptyNak
				}
				return Verdict{}
			})
			l.open()
			if user == "" {
				l.until(time.Second, h.settled)
				wantUp(t, h)
				return
			}
			took := l.until(3*time.Minute, func() bool { return len(h.stalled) > 0 })
			if took > 15*time.Second {
				t.Errorf("told of the stall after %v", took)
			}
			s := h.stalled[0]
			if s.Failure.Kind != KindEmptyNaks || !s.Failure.Provisional || s.Naks < 10 {
				t.Errorf("stalled: %+v", s)
			}
			l.run(3 * time.Minute)
			if f := wantFailure(t, h, event.PhaseIPCP, KindEmptyNaks, packet.IPCP); !f.Provisional {
				t.Error("the failure does not say that the success was provisional")
			}
			if len(h.stalled) != 1 {
				t.Errorf("told %d times", len(h.stalled))
			}
			if n := countRequests(h); n > 250 {
				t.Errorf("%d Configure-Requests in a minute", n)
			}
		})
	}
}

func countRequests(h *end) int {
	n := 0
	for _, s := range h.sent {
		if s.Protocol == packet.IPCP && s.Info[0] == packet.ConfigureRequest {
			n++
		}
	}
	return n
}

// Row "naks empty for 4 s, then answers: up within 0.5 s of its settling".
func TestEmptyNaksForFourSeconds(t *testing.T) {
	settles := epoch.Add(4 * time.Second)
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(now time.Time, d Decision) Verdict {
		if ipcpRequest(d) && now.Before(settles) {
			return emptyNak
		}
		return Verdict{}
	})
	l.open()
	l.until(time.Minute, h.settled)
	wantUp(t, h)
	if late := l.now.Sub(settles); late > 500*time.Millisecond {
		t.Errorf("up %v after it settled", late)
	}
	if !slices.Contains(h.notices(), "IPCP: the peer's answer changes nothing (empty-naks); asking again") {
		t.Errorf("no event for the empty Nak: %q", h.notices())
	}
}

// Row "wants WINS asked for as well".
func TestWantsNBNSAskedFor(t *testing.T) {
	nbns := netip.MustParseAddr("198.51.100.9")
	mod := misbehaving(PointPeerRequest, func(s *Settings) { s.IPCP.Assign.NBNS = [2]netip.Addr{nbns, nbns} })
	l, h, _ := call(t, dialer(), mod, func(_ time.Time, d Decision) Verdict {
		if ipcpRequest(d) && !(has(d.Options, packet.IPCPNBNS1) && has(d.Options, packet.IPCPNBNS2)) {
			return emptyNak
		}
		return Verdict{}
	})
	l.open()
	took := l.until(time.Minute, h.settled)
	if up := wantUp(t, h); !slices.Equal(up.NBNS, []netip.Addr{nbns, nbns}) || len(up.DNS) != 2 {
		t.Errorf("up with %+v", up)
	}
	if took > 2*time.Second {
		t.Errorf("took %v", took)
	}
}

// Row "refuses by a bogus default address", the addresses that can be told by looking at them.
func TestBogusAddress(t *testing.T) {
	for addr, kind := range map[string]string{
		"0.0.0.0": KindBogusAddress, "0.1.2.3": KindBogusAddress, "127.0.0.1": KindBogusAddress,
		"169.254.1.1": KindBogusAddress, "224.0.0.1": KindBogusAddress, "255.255.255.255": KindBogusAddress,
		"10.11.12.13": KindBogusAddress, modemAddr.String(): KindBogusAddress,
	} {
		t.Run(addr, func(t *testing.T) {
			mod := misbehaving(0, func(s *Settings) { s.IPCP.Assign.Address = netip.MustParseAddr(addr) })
			l, h, _ := call(t, dialer(), mod, nil)
			l.open()
			took := l.until(5*time.Minute, h.settled)
			if len(h.up) > 0 {
				t.Fatalf("up with %+v", h.up)
			}
			if f := wantFailure(t, h, event.PhaseIPCP, kind, packet.IPCP); !f.Provisional {
				t.Error("not marked as provisional")
			}
			if took < 59*time.Second || took > 100*time.Second {
				t.Errorf("gave up after %v", took)
			}
			if len(h.stalled) != 1 {
				t.Errorf("stalled told %d times", len(h.stalled))
			}
		})
	}
}

// The same, but the modem gives in once the network is there.
func TestBogusAddressThatIsReplaced(t *testing.T) {
	settles := epoch.Add(8 * time.Second)
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(now time.Time, d Decision) Verdict {
		if !ipcpRequest(d) || now.After(settles) {
			return Verdict{}
		}
		return Verdict{Action: Nak, Options: []packet.Option{ipOpt(packet.IPCPAddress, "169.254.9.9")}}
	})
	l.open()
	l.until(time.Minute, h.settled)
	if up := wantUp(t, h); up.Local != hostAddr {
		t.Errorf("up with %+v", up)
	}
}

// Row "terminating IPCP": before and after it was open.
func TestPeerTerminatesIPCP(t *testing.T) {
	t.Run("in the middle", func(t *testing.T) {
		s := newScript(t, dialer())
		s.openLCP()
		sends := s.giveData(packet.IPCP, packet.TerminateRequest, 9, []byte("no PDP\x1b[2J"))
		if len(sends) != 2 || sends[0].Info[0] != packet.TerminateAck || sends[1].Protocol != packet.LCP || sends[1].Info[0] != packet.TerminateRequest {
			t.Fatalf("sent %v", s.lines)
		}
		if len(s.closing) != 1 {
			t.Error("not told at once")
		}
		p := s.must(packet.LCP, packet.TerminateRequest)
		s.give(packet.LCP, packet.TerminateAck, p.ID)
		if f := wantFailure(t, s.end, event.PhaseIPCP, KindTerminated, packet.IPCP); f.Detail != "no PDP [2J" {
			t.Errorf("detail %q", f.Detail)
		}
	})
	t.Run("when up", func(t *testing.T) {
		l, h, m := call(t, dialer(), modem(), nil)
		l.open()
		l.until(time.Minute, func() bool { return h.settled() && m.settled() })
		m.endIPCP(l.now, "context lost")
		l.carry(m, m.drain(l.now))
		l.run(time.Minute)
		f := wantFailure(t, h, event.PhaseUp, KindTerminated, packet.IPCP)
		if len(h.down) != 1 || f.Detail != "context lost" || f.Provisional {
			t.Errorf("down %v, failure %+v", h.down, f)
		}
	})
}

// endIPCP makes the engine terminate IPCP, as a Verdict would.
func (p *end) endIPCP(now time.Time, reason string) {
	p.enter(now)
	p.Engine.end(&p.ipcp.layer, reason)
}

// Row "terminating LCP": at any time the failure comes at once, with the text.
func TestPeerTerminatesLCP(t *testing.T) {
	for _, when := range []string{"negotiating", "open", "authenticating"} {
		t.Run(when, func(t *testing.T) {
			s := newScript(t, dialer())
			phase := event.PhaseLCP
			switch when {
			case "negotiating":
				s.Open(s.now)
				s.drain(s.now)
			case "open":
				s.openLCP()
				phase = event.PhaseIPCP
			case "authenticating":
				s.openLCP(opt(packet.LCPAuth, 0xc2, 0x23, 5))
				phase = event.PhaseAuth
			}
			sends := s.giveData(packet.LCP, packet.TerminateRequest, 4, []byte("bye"))
			if len(sends) != 1 || sends[0].Info[0] != packet.TerminateAck || sends[0].Info[1] != 4 {
				t.Errorf("sent %v", s.lines)
			}
			if f := wantFailure(t, s.end, phase, KindTerminated, packet.LCP); f.Detail != "bye" {
				t.Errorf("detail %q", f.Detail)
			}
		})
	}
}

// Row "refuses by hanging up".
func TestCarrierLost(t *testing.T) {
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(time.Time, Decision) Verdict { return Verdict{Action: Drop} })
	l.open()
	l.run(500 * time.Millisecond)
	h.LowerDown(l.now)
	h.drain(l.now)
	wantFailure(t, h, event.PhaseLCP, KindCarrierLost, 0)
}

func TestCarrierLostInIPCPIsProvisional(t *testing.T) {
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
		if ipcpRequest(d) {
			return Verdict{Action: Drop}
		}
		return Verdict{}
	})
	l.open()
	l.run(500 * time.Millisecond)
	h.LowerDown(l.now)
	h.drain(l.now)
	if f := wantFailure(t, h, event.PhaseIPCP, KindCarrierLost, 0); !f.Provisional {
		t.Error("not provisional")
	}
}

// "Silence: failure timeout naming the protocol."
func TestSilence(t *testing.T) {
	t.Run("LCP", func(t *testing.T) {
		s := newScript(t, dialer())
		s.Open(s.now)
		s.drain(s.now)
		s.wait(29 * time.Second)
		if len(s.finished) != 0 {
			t.Fatal("gave up early")
		}
		s.wait(2 * time.Second)
		wantFailure(t, s.end, event.PhaseLCP, KindTimeout, packet.LCP)
		if n := s.count(packet.LCP, packet.ConfigureRequest); n != 10 {
			t.Errorf("%d requests, Max-Configure is 10", n)
		}
	})
	t.Run("IPCP", func(t *testing.T) {
		s := newScript(t, dialer())
		s.openLCP()
		s.wait(40 * time.Second)
		wantFailure(t, s.end, event.PhaseIPCP, KindTimeout, packet.IPCP)
		if n := s.count(packet.LCP, packet.TerminateRequest); n != 2 {
			t.Errorf("%d Terminate-Requests, Max-Terminate is 2", n)
		}
	})
	t.Run("auth", func(t *testing.T) {
		s := newScript(t, dialer())
		s.openLCP(opt(packet.LCPAuth, 0xc2, 0x23, 5))
		s.wait(70 * time.Second)
		wantFailure(t, s.end, event.PhaseAuth, KindAuthTimeout, packet.CHAP)
	})
}

// Row "offers DNS placeholders until its context is up: up with the real DNS, never with the placeholder".
func TestDNSPlaceholders(t *testing.T) {
	placeholders := []packet.Option{ipOpt(packet.IPCPDNS1, "10.11.12.13"), ipOpt(packet.IPCPDNS2, "10.11.12.14")}
	settles := epoch.Add(7 * time.Second)
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(now time.Time, d Decision) Verdict {
		if ipcpRequest(d) && now.Before(settles) {
			return Verdict{Action: Nak, Options: placeholders}
		}
		return Verdict{}
	})
	l.open()
	l.until(time.Minute, h.settled)
	if up := wantUp(t, h); !slices.Equal(up.DNS, []netip.Addr{dns1, dns2}) {
		t.Errorf("up with %+v", up)
	}
	if late := l.now.Sub(settles); late > 500*time.Millisecond {
		t.Errorf("up %v after the context was", late)
	}
	for _, line := range h.lines {
		if slices.Contains([]string{"10.11.12.13", "10.11.12.14"}, line) {
			t.Errorf("asked for a placeholder: %s", line)
		}
	}
}

// The address is real from the start, and the name servers never become so: the link comes up without.
func TestDNSPlaceholdersForEver(t *testing.T) {
	for _, last := range []string{"nak", "ack"} {
		t.Run(last, func(t *testing.T) {
			l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
				if !ipcpRequest(d) || !has(d.Options, packet.IPCPDNS1) {
					return Verdict{}
				}
				addr, _ := packet.Find(d.Options, packet.IPCPAddress)
				reply := []packet.Option{
					packet.AddressOption(packet.IPCPAddress, hostAddr),
					ipOpt(packet.IPCPDNS1, "10.11.12.13"), ipOpt(packet.IPCPDNS2, "10.11.12.14"),
				}
				if v, _ := addr.Address(); last == "ack" && v == hostAddr {
					return Verdict{Action: Ack, Options: reply}
				}
				return Verdict{Action: Nak, Options: reply}
			})
			l.open()
			took := l.until(2*time.Minute, h.settled)
			if up := wantUp(t, h); len(up.DNS) != 0 || up.Local != hostAddr {
				t.Errorf("up with %+v", up)
			}
			if took < 29*time.Second || took > 32*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

// Placeholders as long as name servers are asked for, as an AirCard 875 seems to do: an address comes without.
func TestPlaceholdersUntilDNSIsNotAskedFor(t *testing.T) {
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
		if !ipcpRequest(d) || !has(d.Options, packet.IPCPDNS1) {
			return Verdict{}
		}
		return Verdict{Action: Nak, Options: []packet.Option{ipOpt(packet.IPCPDNS1, "10.11.12.13"), ipOpt(packet.IPCPDNS2, "10.11.12.14")}}
	})
	l.open()
	took := l.until(2*time.Minute, h.settled)
	if up := wantUp(t, h); up.Local != hostAddr || len(up.DNS) != 0 || took > 32*time.Second {
		t.Errorf("up with %+v after %v", up, took)
	}
}

// A phone that repeats our own values, 0.0.0.0, until its context is up, and then has everything: nothing is given up
// on the way, however long it takes.
func TestNaksThatRepeatOurOwnZeros(t *testing.T) {
	settles := epoch.Add(25 * time.Second)
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(now time.Time, d Decision) Verdict {
		if !ipcpRequest(d) || now.After(settles) {
			return Verdict{}
		}
		return Verdict{Action: Nak, Options: []packet.Option{
			opt(packet.IPCPCompression, 0, 0x2d, 15, 1), ipOpt(packet.IPCPDNS1, "0.0.0.0"), ipOpt(packet.IPCPDNS2, "0.0.0.0"),
		}}
	})
	l.open()
	l.until(time.Minute, h.settled)
	if up := wantUp(t, h); up.Local != hostAddr || !slices.Equal(up.DNS, []netip.Addr{dns1, dns2}) {
		t.Errorf("up with %+v", up)
	}
	if late := l.now.Sub(settles); late > 500*time.Millisecond {
		t.Errorf("up %v after it settled", late)
	}
}

// An address, and 0.0.0.0 for the name servers in every Nak: up without them, soon.
func TestNaksOfZeroNameServersWithAnAddress(t *testing.T) {
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
		if !ipcpRequest(d) || !has(d.Options, packet.IPCPDNS1) {
			return Verdict{}
		}
		return Verdict{Action: Nak, Options: []packet.Option{
			packet.AddressOption(packet.IPCPAddress, hostAddr), ipOpt(packet.IPCPDNS1, "0.0.0.0"), ipOpt(packet.IPCPDNS2, "0.0.0.0"),
		}}
	})
	l.open()
	took := l.until(time.Minute, h.settled)
	if up := wantUp(t, h); up.Local != hostAddr || len(up.DNS) != 0 || took > 5*time.Second {
		t.Errorf("up with %+v after %v", up, took)
	}
}

// Placeholders, then an address alone: an Ack of 0.0.0.0 for the name servers is not the last word.
func TestAckOfZeroNameServersAfterPlaceholders(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	answer := func(code uint8, options ...packet.Option) {
		p := s.must(packet.IPCP, packet.ConfigureRequest)
		if code == packet.ConfigureAck {
			options = own(p.Data)
		}
		s.give(packet.IPCP, code, p.ID, options...)
		s.wait(300 * time.Millisecond)
	}
	host := packet.AddressOption(packet.IPCPAddress, hostAddr)
	answer(packet.ConfigureNak, ipOpt(packet.IPCPDNS1, "10.11.12.13"), ipOpt(packet.IPCPDNS2, "10.11.12.14"))
	answer(packet.ConfigureNak, host)
	answer(packet.ConfigureAck)
	if len(s.up) != 0 {
		t.Fatalf("up with %+v", s.up)
	}
	answer(packet.ConfigureNak, host, packet.AddressOption(packet.IPCPDNS1, dns1))
	answer(packet.ConfigureAck)
	if up := wantUp(t, s.end); !slices.Equal(up.DNS, []netip.Addr{dns1}) {
		t.Errorf("up with %+v", up)
	}
}

// A peer that negotiates LCP anew each time it is open: that has an end, too.
func TestLCPAgainAndAgain(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	for id := uint8(2); len(s.closing) == 0; id++ {
		if id > 50 {
			t.Fatal("goes on for ever")
		}
		s.wait(time.Second)
		s.give(packet.LCP, packet.ConfigureRequest, id, opt(packet.LCPMagic, id, id, id, id))
		s.ack(packet.LCP)
	}
	if f := s.closing[0].Failure; f.Kind != KindTimeout || f.Protocol != packet.LCP {
		t.Errorf("failure %+v", f)
	}
}

// Only placeholders and no address: 90 s, then a failure with a name.
func TestPlaceholderNaksForEver(t *testing.T) {
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
		if !ipcpRequest(d) {
			return Verdict{}
		}
		return Verdict{Action: Nak, Options: []packet.Option{ipOpt(packet.IPCPDNS1, "10.11.12.13")}}
	})
	l.open()
	took := l.until(5*time.Minute, h.settled)
	wantFailure(t, h, event.PhaseIPCP, KindNoAddress, packet.IPCP)
	if took < 89*time.Second || took > 92*time.Second {
		t.Errorf("gave up after %v", took)
	}
}

// Row "never sends its own Configure-Request": in LCP, in IPCP, in both.
func TestPeerSendsNoRequest(t *testing.T) {
	for _, which := range []string{"LCP", "IPCP", "both"} {
		t.Run(which, func(t *testing.T) {
			mod := modem()
			mod.LCP.NoRequest = which != "IPCP"
			mod.IPCP.NoRequest = which != "LCP"
			l, h, m := call(t, dialer(), mod, nil)
			l.open()
			took := l.until(time.Minute, func() bool { return h.settled() && m.settled() })
			up := wantUp(t, h)
			if which != "LCP" && (!up.PeerAssumed || up.Peer != netip.MustParseAddr("10.64.64.64")) {
				t.Errorf("up with %+v", up)
			}
			if took > 8*time.Second || which != "both" && took > 4*time.Second {
				t.Errorf("took %v", took)
			}
			l.run(time.Minute)
			if len(h.down) > 0 || len(h.finished) > 0 {
				t.Errorf("did not stay up: %v %v", h.down, h.finished)
			}
		})
	}
}

// Its request comes after all: acknowledged, taken over, and nothing goes down.
func TestLateRequestAfterAssumption(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, hostAddr))
	s.ack(packet.IPCP)
	s.wait(2900 * time.Millisecond)
	if len(s.up) != 0 {
		t.Fatal("did not wait for the request")
	}
	s.wait(200 * time.Millisecond)
	s.ack(packet.IPCP)
	s.wait(time.Second)
	if up := wantUp(t, s.end); !up.PeerAssumed {
		t.Errorf("up with %+v", up)
	}
	sends := s.give(packet.IPCP, packet.ConfigureRequest, 77, packet.AddressOption(packet.IPCPAddress, modemAddr))
	if len(sends) != 1 || sends[0].Info[0] != packet.ConfigureAck || sends[0].Info[1] != 77 {
		t.Errorf("answered by %v", s.lines[len(s.lines)-1])
	}
	if up := wantUp(t, s.end); up.PeerAssumed || up.Peer != modemAddr || len(s.down) != 0 || len(s.up) != 2 {
		t.Errorf("up with %+v, down %v", s.up, s.down)
	}
}

// A request that we refused is a sign of life: the peer has its time to send a better one.
func TestRefusedRequestDelaysTheAssumption(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, hostAddr))
	s.ack(packet.IPCP)
	s.wait(3100 * time.Millisecond)
	s.ack(packet.IPCP)
	s.give(packet.IPCP, packet.ConfigureRequest, 1, opt(packet.IPCPCompression, 0, 0x2d, 15, 1))
	s.wait(2900 * time.Millisecond)
	if len(s.up) != 0 {
		t.Fatal("assumed too early")
	}
	s.ack(packet.IPCP)
	s.wait(time.Second)
	wantUp(t, s.end)
}

// LCP's request comes late, with a demand to authenticate: that is done although LCP counts as open.
func TestLateLCPRequestDemandsAuthentication(t *testing.T) {
	s := newScript(t, dialer())
	s.Open(s.now)
	s.drain(s.now)
	s.ack(packet.LCP)
	s.wait(3100 * time.Millisecond)
	s.ack(packet.LCP)
	s.wait(time.Second)
	if s.lcp.state != StateOpened {
		t.Fatalf("LCP is %s", s.lcp.state)
	}
	s.give(packet.LCP, packet.ConfigureRequest, 5, opt(packet.LCPAuth, 0xc0, 0x23), opt(packet.LCPMRU, 5, 0xa0))
	s.must(packet.PAP, packet.PAPRequest)
	if f := s.framing[len(s.framing)-1]; f.PeerMRU != 1440 {
		t.Errorf("framing %+v", f)
	}
	if s.lcp.state != StateOpened || len(s.finished) != 0 {
		t.Error("went down")
	}
	p := s.must(packet.PAP, packet.PAPRequest)
	s.giveData(packet.PAP, packet.PAPAck, p.ID, []byte{0})
	if a := s.end.auth[len(s.end.auth)-1]; a.Method != auth.PAP || !a.Provisional || !s.provisional {
		t.Errorf("auth %+v", s.end.auth)
	}
	s.openIPCP()
}

// Row "names no peer address": an empty request is acknowledged at once.
func TestPeerNamesNoAddress(t *testing.T) {
	mod := modem()
	mod.IPCP.Request, mod.IPCP.Local = nil, netip.Addr{}
	l, h, _ := call(t, dialer(), mod, nil)
	l.open()
	took := l.until(time.Minute, h.settled)
	if up := wantUp(t, h); !up.PeerAssumed || took > 200*time.Millisecond {
		t.Errorf("up with %+v after %v", up, took)
	}
}

// The peer wants 0.0.0.0 for itself: it is offered one once, then the option is rejected; its next request may be empty.
func TestPeerAsksForZeroAddress(t *testing.T) {
	for _, reject := range []bool{false, true} {
		set := dialer()
		set.IPCP.RejectZeroPeer = reject
		s := newScript(t, set)
		s.openLCP()
		zero := ipOpt(packet.IPCPAddress, "0.0.0.0")
		if !reject {
			s.give(packet.IPCP, packet.ConfigureRequest, 1, zero)
			p := s.must(packet.IPCP, packet.ConfigureNak)
			if string(p.Data) != "\x03\x06\x0a\x40\x40\x40" {
				t.Errorf("Nak'ed with % x", p.Data)
			}
		}
		s.give(packet.IPCP, packet.ConfigureRequest, 2, zero)
		if p := s.must(packet.IPCP, packet.ConfigureReject); string(p.Data) != "\x03\x06\x00\x00\x00\x00" {
			t.Errorf("rejected % x", p.Data)
		}
		s.give(packet.IPCP, packet.ConfigureRequest, 3)
		if p := s.must(packet.IPCP, packet.ConfigureAck); p.ID != 3 || len(p.Data) != 0 {
			t.Errorf("acknowledged %+v", p)
		}
	}
}

// Row "answers no echo": the link stays up, and in the end nobody asks any more.
func TestPeerAnswersNoEcho(t *testing.T) {
	for _, mode := range []EchoMode{EchoLearn, EchoOff, EchoStrict, EchoAdaptive} {
		host, mod := dialer(), modem()
		host.LCP.EchoMode = mode
		mod.LCP.NoEchoReply = true
		l, h, m := call(t, host, mod, nil)
		l.open()
		l.until(time.Minute, func() bool { return h.settled() && m.settled() })
		l.run(time.Hour)
		switch mode {
		case EchoLearn, EchoOff:
			if len(h.finished) != 0 {
				t.Errorf("mode %d: finished %+v", mode, h.finished)
			}
			if !h.Deadline().IsZero() {
				t.Errorf("mode %d: an idle link still has a timer", mode)
			}
		default:
			wantFailure(t, h, event.PhaseUp, KindEchoTimeout, packet.LCP)
		}
	}
}

// A peer that used to answer, and is gone.
func TestPeerStopsAnsweringEcho(t *testing.T) {
	l, h, m := call(t, dialer(), modem(), nil)
	l.open()
	l.until(time.Minute, func() bool { return h.settled() && m.settled() })
	l.run(5 * time.Minute)
	if len(h.finished) != 0 {
		t.Fatalf("finished %+v", h.finished)
	}
	l.tamper = func(*end, Send) []Send { return nil }
	gone := l.now
	l.until(time.Hour, func() bool { return len(h.closing) > 0 })
	if took := l.now.Sub(gone); took > 3*time.Minute {
		t.Errorf("noticed after %v", took)
	}
	l.run(time.Minute)
	wantFailure(t, h, event.PhaseUp, KindEchoTimeout, packet.LCP)
}

// EchoStrict: only an Echo-Reply counts.
func TestTrafficIsNoLifeWhenStrict(t *testing.T) {
	set := dialer()
	set.LCP.EchoMode = EchoStrict
	s := newScript(t, set)
	s.openLCP()
	s.openIPCP()
	for range 10 {
		s.wait(29 * time.Second)
		s.NoteTraffic(s.now)
	}
	if len(s.closing) != 1 || s.closing[0].Failure.Kind != KindEchoTimeout {
		t.Errorf("closing %+v", s.closing)
	}
}

func TestAnyTrafficIsLife(t *testing.T) {
	set := dialer()
	set.LCP.EchoMode = EchoAdaptive
	s := newScript(t, set)
	s.openLCP()
	s.openIPCP()
	for range 100 {
		s.wait(29 * time.Second)
		s.NoteTraffic(s.now)
	}
	if n := s.count(packet.LCP, packet.EchoRequest); n != 0 || len(s.finished) != 0 {
		t.Errorf("%d Echo-Requests, finished %v", n, s.finished)
	}
}

// Row "changes its DNS in the last round": the Ack's values count.
func TestDNSChangesInTheAck(t *testing.T) {
	other := netip.MustParseAddr("203.0.113.53")
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
		if !ipcpRequest(d) || d.Intent.Action != Ack {
			return Verdict{}
		}
		return Verdict{Action: Ack, Options: []packet.Option{
			packet.AddressOption(packet.IPCPAddress, hostAddr), packet.AddressOption(packet.IPCPDNS1, other),
			packet.AddressOption(packet.IPCPNBNS1, other), opt(200, 1, 2, 3),
		}}
	})
	l.open()
	took := l.until(time.Minute, h.settled)
	up := wantUp(t, h)
	if !slices.Equal(up.DNS, []netip.Addr{other}) || !slices.Equal(up.NBNS, []netip.Addr{other}) || took > time.Second {
		t.Errorf("up with %+v after %v", up, took)
	}
}

// Row "rejects DNS".
func TestPeerRejectsDNS(t *testing.T) {
	mod := modem()
	mod.IPCP.Assign.DNS = [2]netip.Addr{}
	l, h, _ := call(t, dialer(), mod, nil)
	l.open()
	took := l.until(time.Minute, h.settled)
	if up := wantUp(t, h); len(up.DNS) != 0 || took > 200*time.Millisecond {
		t.Errorf("up with %+v after %v", up, took)
	}
}

// Peers section 3 item 3: Configure-Reject of IP-Address; the deprecated IP-Addresses may still do.
func TestPeerRejectsAddress(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	p := s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureReject, p.ID, ipOpt(packet.IPCPAddress, "0.0.0.0"))
	p = s.must(packet.IPCP, packet.ConfigureRequest)
	if p.Data[len(p.Data)-10] != packet.IPCPAddresses {
		t.Fatalf("asked for % x", p.Data)
	}
	both := opt(packet.IPCPAddresses, 10, 20, 30, 40, 192, 0, 2, 1)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, both)
	s.ack(packet.IPCP)
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	if up := wantUp(t, s.end); up.Local != hostAddr || up.Peer != modemAddr || up.PeerAssumed {
		t.Errorf("up with %+v", up)
	}

	s = newScript(t, dialer())
	s.openLCP()
	p = s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureReject, p.ID, ipOpt(packet.IPCPAddress, "0.0.0.0"))
	p = s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureReject, p.ID, opt(packet.IPCPAddresses, make([]byte, 8)...))
	if len(s.closing) != 1 || s.closing[0].Failure.Kind != KindAddressRejected {
		t.Errorf("closing %+v", s.closing)
	}
}

// A different address in every Nak is bounded by Max-Failure and never fast.
func TestDifferentValueEachTime(t *testing.T) {
	n := 0
	l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
		if !ipcpRequest(d) {
			return Verdict{}
		}
		n++
		addr := netip.AddrFrom4([4]byte{10, 9, byte(n >> 8), byte(n)})
		return Verdict{Action: Nak, Options: []packet.Option{packet.AddressOption(packet.IPCPAddress, addr)}}
	})
	l.open()
	took := l.until(5*time.Minute, h.settled)
	wantFailure(t, h, event.PhaseIPCP, KindRepeatedNaks, packet.IPCP)
	if sent := countRequests(h); sent > 120 || took < 25*time.Second {
		t.Errorf("%d requests in %v", sent, took)
	}
}

// Peers section 3 item 5: a Nak of just what we proposed.
func TestIdenticalNak(t *testing.T) {
	t.Run("address", func(t *testing.T) {
		l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
			if !ipcpRequest(d) {
				return Verdict{}
			}
			return Verdict{Action: Nak, Options: []packet.Option{packet.AddressOption(packet.IPCPAddress, hostAddr)}}
		})
		l.open()
		l.until(5*time.Minute, h.settled)
		wantFailure(t, h, event.PhaseIPCP, KindRepeatedNaks, packet.IPCP)
	})
	t.Run("name server", func(t *testing.T) {
		l, h, _ := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
			if !ipcpRequest(d) || !has(d.Options, packet.IPCPDNS2) {
				return Verdict{}
			}
			return Verdict{Action: Nak, Options: []packet.Option{
				packet.AddressOption(packet.IPCPAddress, hostAddr), packet.AddressOption(packet.IPCPDNS2, dns2),
			}}
		})
		l.open()
		took := l.until(time.Minute, h.settled)
		if up := wantUp(t, h); !slices.Equal(up.DNS, []netip.Addr{dns1}) || took > 5*time.Second {
			t.Errorf("up with %+v after %v", up, took)
		}
	})
}

// Row "20 % lost", with every method of authentication.
func TestTwentyPercentLost(t *testing.T) {
	for _, m := range []auth.Method{auth.None, auth.PAP, auth.CHAPMD5, auth.MSCHAPv2} {
		failed, worst := 0, time.Duration(0)
		for seed := range uint64(200) {
			var demand []auth.Method
			if m != auth.None {
				demand = append(demand, m)
			}
			h, mod := newEnd(t, dialer(), seed), newEnd(t, modem(demand...), seed+1000)
			l := join(t, h, mod)
			random := newChance(seed)
			l.tamper = func(_ *end, s Send) []Send {
				if random.Float64() < 0.2 {
					return nil
				}
				return []Send{s}
			}
			l.open()
			took := l.until(2*time.Minute, h.settled)
			worst = max(worst, took)
			if len(h.up) == 0 {
				failed++
				if failed == 1 {
					h.log()
				}
			}
		}
		if failed > 0 {
			t.Errorf("%s: %d of 200 not up", m, failed)
		}
		t.Logf("%s: slowest %v", m, worst)
	}
}
