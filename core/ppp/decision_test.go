package ppp

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

const everyPoint = PointOpened<<1 - 1

// Whoever subscribes to everything and lets everything pass changes nothing.
func TestPassingEveryDecision(t *testing.T) {
	host, mod := dialer(), modem(auth.CHAPMD5)
	host.Points, mod.Points = everyPoint, everyPoint
	h, m := newEnd(t, host, 1), newEnd(t, mod, 2)
	pass := func(time.Time, Decision) Verdict { return Verdict{} }
	h.decide, m.decide = pass, pass
	l := join(t, h, m)
	l.open()
	if took := l.until(time.Minute, func() bool { return h.settled() && m.settled() }); took > 150*time.Millisecond {
		t.Errorf("took %v", took)
	}
	wantUp(t, h)
	seen := map[Points]bool{}
	for _, e := range []*end{h, m} {
		for _, d := range e.asked {
			seen[d.Point] = true
			if d.ID == 0 || d.Protocol == 0 || d.Deadline.Sub(l.now) > 2*time.Second {
				t.Errorf("decision %+v", d)
			}
		}
	}
	for _, p := range []Points{PointRequest, PointPeerRequest, PointNak, PointAck, PointAuthChallenge, PointAuthResult, PointAddress, PointOpened} {
		if !seen[p] {
			t.Errorf("nobody was asked at %s", p)
		}
	}
	for _, e := range h.events {
		if d, ok := e.(event.Decision); ok && d.Intent != d.Verdict && d.Verdict != "pass" {
			t.Errorf("event %+v", d)
		}
	}
}

// Nobody answers: at the deadline the engine goes on as it intended, at every point.
func TestUnansweredDecisions(t *testing.T) {
	host := dialer()
	host.Points, host.DecisionTimeout = everyPoint, 100*time.Millisecond
	h, m := newEnd(t, host, 1), newEnd(t, modem(auth.CHAPMD5), 2)
	l := join(t, h, m)
	l.open()
	took := l.until(time.Minute, h.settled)
	wantUp(t, h)
	if took < 500*time.Millisecond || took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}

// Packets of the same protocol wait behind a decision, in order and bounded; other protocols do not.
func TestPacketsWaitBehindADecision(t *testing.T) {
	set := dialer()
	set.Points = PointPeerRequest
	s := newScript(t, set)
	s.Open(s.now)
	s.drain(s.now)
	s.give(packet.LCP, packet.ConfigureRequest, 1)
	if sends := s.ack(packet.LCP); len(sends) != 0 || s.lcp.state != StateReqSent {
		t.Fatalf("the Ack did not wait: %s", s.lcp.state)
	}
	for id := range uint8(50) {
		s.give(packet.LCP, packet.EchoRequest, id)
	}
	if n := len(s.lcp.waiting); n != maxWaiting {
		t.Errorf("%d packets wait, the bound is %d", n, maxWaiting)
	}
	s.Resolve(s.now, s.asked[0].ID, Verdict{})
	s.drain(s.now)
	if s.lcp.state != StateOpened {
		t.Errorf("LCP is %s", s.lcp.state)
	}
}

// A stale or illegal verdict falls back to the intent.
func TestVerdictsThatDoNotFit(t *testing.T) {
	zero := ipOpt(packet.IPCPAddress, "0.0.0.0")
	for name, v := range map[string]Verdict{
		"an action the point does not take": {Action: Request},
		"a Nak without options":             {Action: Nak},
		"a Reject without options":          {Action: Reject},
		"a Reject of what was not asked":    {Action: Reject, Options: []packet.Option{zero}},
		"an Ack of something else":          {Action: Ack, Options: []packet.Option{zero}},
		"a packet of one's own":             {Action: Transmit, Packet: []byte{1, 2, 0, 4}},
		"an action that does not exist":     {Action: 200},
	} {
		t.Run(name, func(t *testing.T) {
			set := dialer()
			set.Points = PointPeerRequest
			s := newScript(t, set)
			s.Open(s.now)
			s.drain(s.now)
			s.give(packet.LCP, packet.ConfigureRequest, 7, opt(packet.LCPMagic, 1, 2, 3, 4))
			s.Resolve(s.now, s.asked[0].ID+1, Verdict{Action: Drop})
			s.Resolve(s.now, s.asked[0].ID, v)
			s.drain(s.now)
			if a := s.must(packet.LCP, packet.ConfigureAck); a.ID != 7 {
				t.Errorf("acknowledged %d", a.ID)
			}
			s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Drop})
			if sends := s.drain(s.now); len(sends) != 0 {
				t.Errorf("the second verdict did something: %v", sends)
			}
		})
	}
}

// What each verdict does to a peer's request.
func TestVerdictsOnAPeerRequest(t *testing.T) {
	magic := opt(packet.LCPMagic, 1, 2, 3, 4)
	other := opt(packet.LCPMRU, 1, 1)
	cases := []struct {
		name      string
		unchecked bool
		v         Verdict
		want      string // what is sent, "" nothing
		state     State
	}{
		{"pass", false, Verdict{}, "\x02\x07\x00\x0a\x05\x06\x01\x02\x03\x04", StateAckSent},
		{"Ack", false, Verdict{Action: Ack}, "\x02\x07\x00\x0a\x05\x06\x01\x02\x03\x04", StateAckSent},
		{"Nak", false, Verdict{Action: Nak, Options: []packet.Option{other}}, "\x03\x07\x00\x08\x01\x04\x01\x01", StateReqSent},
		{"Reject", false, Verdict{Action: Reject, Options: []packet.Option{magic}}, "\x04\x07\x00\x0a\x05\x06\x01\x02\x03\x04", StateReqSent},
		{"Drop", false, Verdict{Action: Drop}, "", StateReqSent},
		{"Nak without options, unchecked", true, Verdict{Action: Nak}, "\x03\x07\x00\x04", StateReqSent},
		{"Ack of something else, unchecked", true, Verdict{Action: Ack, Options: []packet.Option{other}}, "\x02\x07\x00\x08\x01\x04\x01\x01", StateAckSent},
		{"Ack of nothing, unchecked", true, Verdict{Action: Ack, Options: []packet.Option{}}, "\x02\x07\x00\x04", StateAckSent},
		{"any octets, unchecked", true, Verdict{Action: Transmit, Packet: []byte("garbage")}, "garbage", StateReqSent},
		{"Terminate", false, Verdict{Action: Terminate, Reason: "no"}, "\x05\x02\x00\x06no", StateClosing},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			set := dialer()
			set.Points, set.Unchecked = PointPeerRequest, c.unchecked
			s := newScript(t, set)
			s.Open(s.now)
			s.drain(s.now)
			s.give(packet.LCP, packet.ConfigureRequest, 7, magic)
			s.Resolve(s.now, s.asked[0].ID, c.v)
			sends := s.drain(s.now)
			got := ""
			if len(sends) > 0 {
				got = string(sends[0].Info)
			}
			if got != c.want || len(sends) > 1 || s.lcp.state != c.state {
				t.Errorf("sent %q in %s", got, s.lcp.state)
			}
		})
	}
}

// Wait delays the intent, and then it is carried out.
func TestWait(t *testing.T) {
	set := dialer()
	set.Points = PointPeerRequest
	s := newScript(t, set)
	s.Open(s.now)
	s.drain(s.now)
	s.give(packet.LCP, packet.ConfigureRequest, 7)
	s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Wait, Delay: 700 * time.Millisecond})
	if sends := s.wait(699 * time.Millisecond); len(sends) != 0 {
		t.Fatalf("sent %v", sends)
	}
	if sends := s.wait(time.Millisecond); len(sends) != 1 || sends[0].Info[0] != packet.ConfigureAck {
		t.Errorf("sent %v", sends)
	}
}

// Verdicts on what we ask for, and when.
func TestVerdictsOnOurRequest(t *testing.T) {
	mine := []packet.Option{opt(packet.LCPMRU, 5, 0)}
	set := dialer()
	set.Points = PointRequest
	s := newScript(t, set)
	s.Open(s.now)
	s.drain(s.now)
	if d := s.asked[0]; d.Point != PointRequest || len(d.Options) != 4 || d.Intent.Action != Request || len(d.Intent.Options) != 4 {
		t.Fatalf("decision %+v", d)
	}
	s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Request, Options: mine})
	s.drain(s.now)
	p := s.must(packet.LCP, packet.ConfigureRequest)
	if !bytes.Equal(p.Data, packet.AppendOptions(nil, mine)) {
		t.Errorf("asked for % x", p.Data)
	}
	s.ack(packet.LCP)
	s.give(packet.LCP, packet.ConfigureRequest, 1)
	if len(s.framing) != 1 || s.framing[0].OwnMRU != 1280 {
		t.Errorf("framing %+v", s.framing)
	}

	s = newScript(t, set)
	s.Open(s.now)
	s.drain(s.now)
	s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Drop})
	s.drain(s.now)
	if s.count(packet.LCP, packet.ConfigureRequest) != 0 {
		t.Error("sent all the same")
	}
	s.wait(3 * time.Second)
	if len(s.asked) != 2 || len(s.asked[1].Options) != 4 {
		t.Errorf("decisions %+v: the restart timer does not run", s.asked)
	}
}

// Verdicts on the peer's Nak: another request, the old one, none.
func TestVerdictsOnANak(t *testing.T) {
	host := packet.AddressOption(packet.IPCPAddress, hostAddr)
	cases := []struct {
		name  string
		v     Verdict
		delay time.Duration
		want  string
	}{
		{"pass", Verdict{}, 0, "\x03\x06\x0a\x14\x1e\x28"},
		{"Request", Verdict{Action: Request, Options: []packet.Option{ipOpt(packet.IPCPDNS1, "0.0.0.0")}, Delay: time.Second}, time.Second, "\x81\x06\x00\x00\x00\x00"},
		{"Retry", Verdict{Action: Retry, Delay: time.Second}, time.Second, "\x03\x06\x00\x00\x00\x00"},
		{"Drop", Verdict{Action: Drop}, 3 * time.Second, "\x03\x06\x00\x00\x00\x00"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			set := dialer()
			set.Points = PointNak
			set.IPCP.Request = []uint8{packet.IPCPAddress}
			s := newScript(t, set)
			s.openLCP()
			p := s.must(packet.IPCP, packet.ConfigureRequest)
			s.give(packet.IPCP, packet.ConfigureNak, p.ID, host)
			s.sent = nil
			s.Resolve(s.now, s.asked[0].ID, c.v)
			s.drain(s.now)
			if c.delay > 0 {
				s.wait(c.delay - time.Millisecond)
				if len(s.sent) != 0 {
					t.Errorf("sent early: %v", s.lines)
				}
				s.wait(time.Millisecond)
			}
			if q := s.must(packet.IPCP, packet.ConfigureRequest); string(q.Data) != c.want {
				t.Errorf("asked for % x", q.Data)
			}
		})
	}
}

// Verdicts on the address: an unbelievable one may be taken, a believable one refused.
func TestVerdictsOnTheAddress(t *testing.T) {
	set := dialer()
	set.Points = PointAddress
	set.IPCP.Request = []uint8{packet.IPCPAddress}
	s := newScript(t, set)
	s.openLCP()
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	s.ack(packet.IPCP)
	if d := s.asked[0]; d.Intent.Action != Retry || d.Point != PointAddress {
		t.Fatalf("intent %+v", d.Intent)
	}
	s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Ack})
	s.drain(s.now)
	if up := wantUp(t, s.end); !up.Local.IsUnspecified() {
		t.Errorf("up with %+v", up)
	}
}

// A Verdict asks for an address that cannot be ours, and gets it: it is asked for anew.
func TestUnbelievableAddressByVerdict(t *testing.T) {
	set := dialer()
	set.Points = PointRequest
	s := newScript(t, set)
	loop := ipOpt(packet.IPCPAddress, "127.0.0.1")
	s.decide = func(_ time.Time, d Decision) Verdict {
		if d.Protocol == packet.IPCP && s.count(packet.IPCP, packet.ConfigureRequest) == 0 {
			return Verdict{Action: Request, Options: []packet.Option{loop}}
		}
		return Verdict{}
	}
	s.openLCP()
	s.ack(packet.IPCP)
	s.wait(time.Second)
	if p := s.must(packet.IPCP, packet.ConfigureRequest); string(p.Data) != "\x03\x06\x00\x00\x00\x00" {
		t.Errorf("asked for % x", p.Data)
	}
}

// Verdicts on a Terminate-Request: go on all the same, or hear nothing.
func TestVerdictsOnATerminateRequest(t *testing.T) {
	for _, action := range []Action{Retry, Drop, Ack} {
		set := dialer()
		set.Points = PointTerminate
		s := newScript(t, set)
		s.openLCP()
		s.give(packet.IPCP, packet.TerminateRequest, 3)
		s.Resolve(s.now, s.asked[0].ID, Verdict{Action: action})
		s.drain(s.now)
		acked := s.count(packet.IPCP, packet.TerminateAck) == 1
		if acked != (action != Drop) || (len(s.closing) == 1) != (action == Ack) {
			t.Errorf("%s: acknowledged %v, closing %+v", action, acked, s.closing)
		}
		if action != Ack {
			s.openIPCP()
		}
	}
}

// Verdicts on a timeout.
func TestVerdictsOnATimeout(t *testing.T) {
	set := dialer()
	set.Points = PointTimeout
	s := newScript(t, set)
	s.Open(s.now)
	s.drain(s.now)
	s.wait(3 * time.Second)
	if len(s.asked) != 1 || s.asked[0].Intent.Action != Retry {
		t.Fatalf("asked %+v", s.asked)
	}
	s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Wait, Delay: time.Second})
	s.drain(s.now)
	s.wait(time.Second)
	s.Resolve(s.now, s.asked[1].ID, Verdict{Action: Retry})
	s.drain(s.now)
	if n := s.count(packet.LCP, packet.ConfigureRequest); n != 2 {
		t.Errorf("%d requests", n)
	}
	s.wait(3 * time.Second)
	s.Resolve(s.now, s.asked[2].ID, Verdict{Action: Terminate})
	s.drain(s.now)
	wantFailure(t, s.end, event.PhaseLCP, KindTimeout, packet.LCP)
}

// Verdicts in the Authenticate phase.
func TestVerdictsOnAuthentication(t *testing.T) {
	challenge := append([]byte{8}, "12345678UMTS_CHAP_SRVR"...)
	start := func(t *testing.T, points Points) *script {
		set := dialer()
		set.Points = points
		s := newScript(t, set)
		s.openLCP(chapMD5)
		s.giveData(packet.CHAP, packet.CHAPChallenge, 1, challenge)
		return s
	}
	t.Run("another answer", func(t *testing.T) {
		s := start(t, PointAuthChallenge)
		if d := s.asked[0]; d.Point != PointAuthChallenge || d.Code != packet.CHAPChallenge || len(d.Packet) != 4+len(challenge) {
			t.Fatalf("decision %+v", d)
		}
		answer := packet.Packet{Code: packet.CHAPResponse, ID: 1, Data: []byte("own")}.AppendTo(nil)
		s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Transmit, Packet: answer})
		sends := s.drain(s.now)
		if len(sends) != 1 || sends[0].Protocol != packet.CHAP || !bytes.Equal(sends[0].Info, answer) {
			t.Errorf("sent %v", sends)
		}
	})
	t.Run("drop", func(t *testing.T) {
		s := start(t, PointAuthChallenge)
		s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Drop})
		if sends := s.drain(s.now); len(sends) != 0 {
			t.Errorf("sent %v", sends)
		}
	})
	t.Run("a failure taken as success", func(t *testing.T) {
		s := start(t, PointAuthResult)
		s.giveData(packet.CHAP, packet.CHAPFailure, 1, []byte("no"))
		if d := s.asked[0]; d.Intent.Action != Terminate {
			t.Fatalf("intent %+v", d.Intent)
		}
		s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Ack})
		s.drain(s.now)
		s.must(packet.IPCP, packet.ConfigureRequest)
	})
	t.Run("a success refused", func(t *testing.T) {
		s := start(t, PointAuthResult)
		s.giveData(packet.CHAP, packet.CHAPSuccess, 1, nil)
		s.Resolve(s.now, s.asked[0].ID, Verdict{Action: Terminate, Reason: "not this one"})
		s.drain(s.now)
		if len(s.closing) != 1 || s.closing[0].Failure.Detail != "not this one" {
			t.Errorf("closing %+v", s.closing)
		}
	})
}

// A modem that terminates IPCP by a verdict, and the host that hears of it.
func TestVerdictTerminatesIPCP(t *testing.T) {
	l, h, m := call(t, dialer(), misbehaving(PointPeerRequest, nil), func(_ time.Time, d Decision) Verdict {
		if ipcpRequest(d) {
			return Verdict{Action: Terminate, Reason: "no PDP context"}
		}
		return Verdict{}
	})
	l.open()
	l.until(time.Minute, h.settled)
	f := wantFailure(t, h, event.PhaseIPCP, KindTerminated, packet.IPCP)
	if f.Detail != "no PDP context" || l.now.Sub(epoch) > time.Second || !f.Provisional {
		t.Errorf("failure %+v after %v", f, l.now.Sub(epoch))
	}
	l.run(time.Minute)
	if len(m.finished) != 1 {
		t.Errorf("modem finished %+v", m.finished)
	}
}

// A link that says goodbye asks nobody, so that no verdict can keep it.
func TestNobodyKeepsALinkThatCloses(t *testing.T) {
	set := dialer()
	set.Points = PointTimeout
	s := newScript(t, set)
	s.decide = func(time.Time, Decision) Verdict { return Verdict{Action: Retry} }
	s.openLCP()
	s.Close(s.now, "done")
	s.drain(s.now)
	s.wait(6 * time.Second)
	if len(s.finished) != 1 || s.count(packet.LCP, packet.TerminateRequest) != 2 || len(s.asked) != 0 {
		t.Errorf("finished %v after %d Terminate-Requests, asked %v", s.finished, s.count(packet.LCP, packet.TerminateRequest), s.asked)
	}
}

// Decisions that are open when the link ends are gone.
func TestDecisionsEndWithTheLink(t *testing.T) {
	set := dialer()
	set.Points = everyPoint
	for _, end := range []func(s *script){
		func(s *script) { s.LowerDown(s.now) },
		func(s *script) { s.Close(s.now, ""); s.drain(s.now); s.wait(time.Minute) },
	} {
		s := newScript(t, set)
		s.Open(s.now)
		s.drain(s.now)
		end(s)
		s.drain(s.now)
		if len(s.finished) != 1 || !s.Deadline().IsZero() {
			t.Errorf("finished %+v, deadline %v", s.finished, s.Deadline())
		}
		s.Resolve(s.now, s.asked[0].ID, Verdict{})
		if sends := s.drain(s.now); len(sends) != 0 {
			t.Errorf("sent %v", sends)
		}
		before := len(s.asked)
		s.Open(s.now)
		s.drain(s.now)
		if len(s.asked) != before+1 {
			t.Errorf("a second call does not begin: %+v", s.asked)
		}
	}
}

// Whoever decides about a Nak decides about the request that follows: that is not asked about once more. Where the Nak was
// passed, it is.
func TestARequestIsDecidedOnce(t *testing.T) {
	for _, c := range []struct {
		name string
		v    Verdict
		want []Points
	}{
		{"a verdict", Verdict{Action: Request, Options: []packet.Option{ipOpt(packet.IPCPDNS1, "0.0.0.0")}}, []Points{PointNak}},
		{"passed", Verdict{}, []Points{PointNak, PointRequest}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, dialer())
			s.openLCP()
			p := s.must(packet.IPCP, packet.ConfigureRequest)
			s.set.Points = PointNak | PointRequest
			s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, hostAddr))
			s.Resolve(s.now, s.asked[0].ID, c.v)
			s.drain(s.now)
			var points []Points
			for _, d := range s.asked {
				points = append(points, d.Point)
			}
			if !slices.Equal(points, c.want) {
				t.Errorf("asked about %v, want %v", points, c.want)
			}
		})
	}
}
