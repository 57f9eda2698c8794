package ppp

import (
	"bytes"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

var (
	chapMD5 = opt(packet.LCPAuth, 0xc2, 0x23, 0x05)
	pap     = opt(packet.LCPAuth, 0xc0, 0x23)
)

// How each option of the peer's Configure-Request is answered: RFC 1661 section 6, RFC 1662 section 7, RFC 1570.
func TestLCPPeerRequest(t *testing.T) {
	onlyPAP := func(s *Settings) { s.Auth.Allow = []auth.Method{auth.PAP} }
	noAuth := func(s *Settings) { s.Auth.Allow = nil }
	mru128 := opt(packet.LCPMRU, 0, 128)
	cases := []struct {
		name  string
		set   func(*Settings)
		in    []packet.Option
		code  uint8
		reply []packet.Option
	}{
		{"nothing", nil, nil, packet.ConfigureAck, nil},
		{"6.1 MRU", nil, []packet.Option{opt(packet.LCPMRU, 5, 0xdc)}, packet.ConfigureAck, nil},
		{"6.1 MRU 65535", nil, []packet.Option{opt(packet.LCPMRU, 0xff, 0xff)}, packet.ConfigureAck, nil},
		{"6.1 MRU too small", nil, []packet.Option{opt(packet.LCPMRU, 0, 10)}, packet.ConfigureNak, []packet.Option{mru128}},
		{"6.1 MRU 0", nil, []packet.Option{opt(packet.LCPMRU, 0, 0)}, packet.ConfigureNak, []packet.Option{mru128}},
		{"6.1 MRU of one octet", nil, []packet.Option{opt(packet.LCPMRU, 5)}, packet.ConfigureNak, []packet.Option{mru128}},
		{"7.1 ACCM", nil, []packet.Option{opt(packet.LCPACCM, 0, 10, 0, 0)}, packet.ConfigureAck, nil},
		{"7.1 ACCM of no octet", nil, []packet.Option{opt(packet.LCPACCM)}, packet.ConfigureNak, []packet.Option{opt(packet.LCPACCM, 0, 0, 0, 0)}},
		{"6.2 CHAP", nil, []packet.Option{chapMD5}, packet.ConfigureAck, nil},
		{"6.2 CHAP, but PAP alone is allowed", onlyPAP, []packet.Option{chapMD5}, packet.ConfigureNak, []packet.Option{pap}},
		{"6.2 PAP, but nothing is allowed", noAuth, []packet.Option{pap}, packet.ConfigureReject, []packet.Option{pap}},
		{"6.2 unknown algorithm", nil, []packet.Option{opt(packet.LCPAuth, 0xc2, 0x23, 0x77)}, packet.ConfigureNak, []packet.Option{chapMD5}},
		{"6.2 cut short", nil, []packet.Option{opt(packet.LCPAuth, 0xc2)}, packet.ConfigureNak, []packet.Option{chapMD5}},
		{"6.3 quality", nil, []packet.Option{opt(packet.LCPQuality, 0xc0, 0x25, 0, 0, 0, 0)}, packet.ConfigureReject, []packet.Option{opt(packet.LCPQuality, 0xc0, 0x25, 0, 0, 0, 0)}},
		{"6.4 magic", nil, []packet.Option{opt(packet.LCPMagic, 1, 2, 3, 4)}, packet.ConfigureAck, nil},
		{"6.5 and 6.6 PFC, ACFC", nil, []packet.Option{opt(packet.LCPPFC), opt(packet.LCPACFC)}, packet.ConfigureAck, nil},
		{"6.5 PFC refused by setting", func(s *Settings) { s.LCP.RefuseOptions = []uint8{packet.LCPPFC} }, []packet.Option{opt(packet.LCPPFC), opt(packet.LCPACFC)}, packet.ConfigureReject, []packet.Option{opt(packet.LCPPFC)}},
		{"6.5 PFC with data", nil, []packet.Option{opt(packet.LCPPFC, 1)}, packet.ConfigureNak, []packet.Option{opt(packet.LCPPFC)}},
		{"RFC 1570 2.1 FCS alternatives", nil, []packet.Option{opt(packet.LCPFCS, 4)}, packet.ConfigureReject, []packet.Option{opt(packet.LCPFCS, 4)}},
		{"RFC 1570 2.3 callback", nil, []packet.Option{opt(packet.LCPCallback, 6)}, packet.ConfigureReject, []packet.Option{opt(packet.LCPCallback, 6)}},
		{"RFC 1990 multilink", nil, []packet.Option{opt(packet.LCPMRRU, 6, 0), opt(packet.LCPShortSeq), opt(packet.LCPEndpoint, 0)}, packet.ConfigureReject, []packet.Option{opt(packet.LCPMRRU, 6, 0), opt(packet.LCPShortSeq), opt(packet.LCPEndpoint, 0)}},
		{"type 0", nil, []packet.Option{opt(0, 1)}, packet.ConfigureReject, []packet.Option{opt(0, 1)}},
		{"5.4 Reject comes before Nak", nil, []packet.Option{opt(packet.LCPMRU, 0, 1), opt(packet.LCPMagic, 1, 2, 3, 4), opt(99)}, packet.ConfigureReject, []packet.Option{opt(99)}},
		{"5.2 Ack keeps the order", nil, []packet.Option{opt(packet.LCPACFC), opt(packet.LCPMagic, 9, 9, 9, 9), opt(packet.LCPMRU, 5, 0xdc)}, packet.ConfigureAck, nil},
		{"a type twice", nil, []packet.Option{opt(packet.LCPMRU, 5, 0xdc), opt(packet.LCPMRU, 2, 0)}, packet.ConfigureReject, []packet.Option{opt(packet.LCPMRU, 2, 0)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			set := dialer()
			if c.set != nil {
				c.set(&set)
			}
			s := newScript(t, set)
			s.Open(s.now)
			s.drain(s.now)
			sends := s.give(packet.LCP, packet.ConfigureRequest, 42, c.in...)
			if len(sends) != 1 {
				t.Fatalf("sent %d packets", len(sends))
			}
			want := c.reply
			if c.code == packet.ConfigureAck {
				want = c.in
			}
			p, _ := packet.Parse(sends[0].Info)
			if p.Code != c.code || p.ID != 42 || !bytes.Equal(p.Data, packet.AppendOptions(nil, want)) {
				t.Errorf("answered %s", notation.Line("sent", packet.LCP, sends[0].Info))
			}
		})
	}
}

// RFC 1661 section 4.6, Max-Failure: what is Nak'ed again and again is rejected in the end.
func TestMaxFailureTurnsNakIntoReject(t *testing.T) {
	set := dialer()
	set.Auth.Allow = []auth.Method{auth.PAP}
	s := newScript(t, set)
	s.Open(s.now)
	s.drain(s.now)
	for i := range 6 {
		sends := s.give(packet.LCP, packet.ConfigureRequest, uint8(i+1), chapMD5)
		want := packet.ConfigureNak
		if i == 5 {
			want = packet.ConfigureReject
		}
		if sends[0].Info[0] != want {
			t.Errorf("request %d: %s", i, notation.Line("sent", packet.LCP, sends[0].Info))
		}
	}
}

// How the peer's answers to our own request are taken.
func TestLCPPeerAnswer(t *testing.T) {
	cases := []struct {
		name string
		code uint8
		in   func(request []packet.Option) []packet.Option
		want func(t *testing.T, before, after []packet.Option)
	}{
		{"Nak of an MRU that we did not ask (Huawei E160G)", packet.ConfigureNak,
			func([]packet.Option) []packet.Option { return []packet.Option{opt(packet.LCPMRU, 5, 0xa0)} },
			func(t *testing.T, before, after []packet.Option) {
				o, ok := packet.Find(after, packet.LCPMRU)
				if v, _ := o.Uint16(); !ok || v != 1440 || len(after) != len(before)+1 {
					t.Errorf("asked for %v", after)
				}
			}},
		{"RFC 1662 7.1: Nak of ACCM adds characters", packet.ConfigureNak,
			func([]packet.Option) []packet.Option { return []packet.Option{opt(packet.LCPACCM, 0, 10, 0, 0)} },
			func(t *testing.T, _, after []packet.Option) {
				o, _ := packet.Find(after, packet.LCPACCM)
				if v, _ := o.Uint32(); v != 0x000a0000 {
					t.Errorf("asked for %08x", v)
				}
			}},
		{"RFC 1662 7.1: and keeps ours", packet.ConfigureNak,
			func([]packet.Option) []packet.Option { return []packet.Option{opt(packet.LCPACCM, 0, 0, 1, 0)} },
			func(t *testing.T, _, after []packet.Option) {
				o, _ := packet.Find(after, packet.LCPACCM)
				if v, _ := o.Uint32(); v != 0x110 {
					t.Errorf("asked for %08x", v)
				}
			}},
		{"Nak of the magic number", packet.ConfigureNak,
			func([]packet.Option) []packet.Option { return []packet.Option{opt(packet.LCPMagic, 1, 1, 1, 1)} },
			func(t *testing.T, before, after []packet.Option) {
				a, _ := packet.Find(before, packet.LCPMagic)
				b, ok := packet.Find(after, packet.LCPMagic)
				if !ok || a.Equal(b) {
					t.Error("the same magic number again")
				}
			}},
		{"Nak of PFC is a refusal", packet.ConfigureNak,
			func([]packet.Option) []packet.Option { return []packet.Option{opt(packet.LCPPFC)} },
			func(t *testing.T, _, after []packet.Option) {
				if has(after, packet.LCPPFC) {
					t.Error("asked again")
				}
			}},
		{"Reject", packet.ConfigureReject,
			func(r []packet.Option) []packet.Option { return r[1:3] },
			func(t *testing.T, before, after []packet.Option) {
				if !packet.EqualOptions(after, append(before[:1:1], before[3:]...)) {
					t.Errorf("asked for %v", after)
				}
			}},
		{"Reject of everything", packet.ConfigureReject,
			func(r []packet.Option) []packet.Option { return r },
			func(t *testing.T, _, after []packet.Option) {
				if len(after) != 0 {
					t.Errorf("asked for %v", after)
				}
			}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			set := dialer()
			if c.name == "RFC 1662 7.1: and keeps ours" {
				set.LCP.ACCM = 0x10
			}
			s := newScript(t, set)
			s.Open(s.now)
			s.drain(s.now)
			before := s.must(packet.LCP, packet.ConfigureRequest)
			asked := own(before.Data)
			s.give(packet.LCP, c.code, before.ID, c.in(asked)...)
			after := s.must(packet.LCP, packet.ConfigureRequest)
			if after.ID == before.ID {
				t.Error("the same identifier again (RFC 1661 section 5.1)")
			}
			c.want(t, asked, own(after.Data))
		})
	}
}

// LCP Naks that lead nowhere are paced, bounded, and end with a name.
func TestLCPNakLoopsEnd(t *testing.T) {
	for name, options := range map[string][]packet.Option{"empty": nil, "of a foreign option": {opt(77, 1)}} {
		t.Run(name, func(t *testing.T) {
			s := newScript(t, dialer())
			s.Open(s.now)
			s.drain(s.now)
			for len(s.closing) == 0 && s.now.Sub(epoch) < 3*time.Minute {
				p := s.must(packet.LCP, packet.ConfigureRequest)
				s.give(packet.LCP, packet.ConfigureNak, p.ID, options...)
				s.wait(50 * time.Millisecond)
			}
			if n := s.count(packet.LCP, packet.ConfigureRequest); n > 210 {
				t.Errorf("%d requests", n)
			}
			want := KindEmptyNaks
			if options != nil {
				want = KindRepeatedNaks
			}
			if len(s.closing) != 1 || s.closing[0].Failure.Kind != want || s.closing[0].Failure.Protocol != packet.LCP {
				t.Errorf("closing %+v", s.closing)
			}
		})
	}
}

// A peer that answers no request of the usual options is asked for others, and a late answer to an earlier request counts as
// what it answers: its options are agreed, with the magic number of that request.
func TestUnansweredRequestsVary(t *testing.T) {
	s := newScript(t, dialer())
	s.Open(s.now)
	s.drain(s.now)
	first := s.must(packet.LCP, packet.ConfigureRequest)
	magic := s.lcp.magic
	s.wait(20 * time.Second)
	seen := map[string]bool{}
	ids := map[uint8]string{}
	for _, p := range s.sent {
		if p.Protocol != packet.LCP {
			continue
		}
		c, err := packet.Parse(p.Info)
		if err != nil || c.Code != packet.ConfigureRequest {
			continue
		}
		kinds := ""
		for rest := c.Data; len(rest) > 1; rest = rest[rest[1]:] {
			kinds += string('0' + rune(rest[0]))
		}
		if old, ok := ids[c.ID]; ok && old != kinds {
			t.Errorf("identifier %d stands for options %s and %s (RFC 1661 section 5.1)", c.ID, old, kinds)
		}
		ids[c.ID], seen[kinds] = kinds, true
	}
	for _, want := range []string{"2578", "12578", "", "25"} {
		if !seen[want] {
			t.Errorf("no request with the options %q among %v", want, seen)
		}
	}
	s.giveData(packet.LCP, packet.ConfigureAck, first.ID, first.Data)
	if s.lcp.state != StateAckRcvd || s.lcp.magic != magic {
		t.Errorf("a late Ack of the first request: %s, magic %x, want %x", s.lcp.state, s.lcp.magic, magic)
	}
}

// RFC 1661 section 5.1: a retransmission keeps its identifier, so that a slow peer's answer counts; and section 5.2: an
// Ack with another identifier, or a second one, does not.
func TestIdentifiers(t *testing.T) {
	set := dialer()
	set.LCP.VaryAfter = 0 // the same request all the time
	s := newScript(t, set)
	s.Open(s.now)
	s.drain(s.now)
	first := s.must(packet.LCP, packet.ConfigureRequest)
	s.wait(10 * time.Second)
	last := s.must(packet.LCP, packet.ConfigureRequest)
	if n := s.count(packet.LCP, packet.ConfigureRequest); n != 4 || last.ID != first.ID || !bytes.Equal(last.Data, first.Data) {
		t.Errorf("%d requests, identifiers %d and %d", n, first.ID, last.ID)
	}
	s.giveData(packet.LCP, packet.ConfigureAck, first.ID+1, first.Data)
	if s.lcp.state != StateReqSent {
		t.Errorf("an Ack of another request was taken: %s", s.lcp.state)
	}
	s.giveData(packet.LCP, packet.ConfigureAck, first.ID, first.Data[:6])
	if s.lcp.state != StateReqSent {
		t.Errorf("an Ack of other options was taken: %s", s.lcp.state)
	}
	s.ack(packet.LCP)
	if s.lcp.state != StateAckRcvd {
		t.Errorf("state %s", s.lcp.state)
	}
	s.ack(packet.LCP)
	if s.lcp.state != StateAckRcvd {
		t.Errorf("a second Ack was taken: %s", s.lcp.state)
	}
}

// Quirk LCP-12: a backlog of requests with rising identifiers. Each is acknowledged; the link comes up once, and stays.
func TestBacklogOfRequests(t *testing.T) {
	s := newScript(t, dialer())
	s.Open(s.now)
	s.drain(s.now)
	s.ack(packet.LCP)
	for id := uint8(0x68); id <= 0x6c; id++ {
		sends := s.give(packet.LCP, packet.ConfigureRequest, id, opt(packet.LCPMagic, 1, 2, 3, 4))
		if sends[0].Info[0] != packet.ConfigureAck || sends[0].Info[1] != id {
			t.Errorf("answered %s", notation.Line("sent", packet.LCP, sends[0].Info))
		}
	}
	if s.lcp.state != StateOpened {
		t.Errorf("LCP is %s", s.lcp.state)
	}
}

// A Configure-Request in Opened: unchanged or a part of what was agreed is acknowledged, changed is RFC 1661.
func TestRequestWhenOpened(t *testing.T) {
	agreed := []packet.Option{opt(packet.LCPACCM, 0, 0, 0, 0), opt(packet.LCPMagic, 1, 2, 3, 4)}
	cases := []struct {
		name    string
		keep    bool
		options []packet.Option
		stays   bool
	}{
		{"the same", true, agreed, true},
		{"empty", true, nil, true},
		{"a part", true, agreed[1:], true},
		{"another magic number: the peer has restarted", true, []packet.Option{agreed[0], opt(packet.LCPMagic, 4, 3, 2, 1)}, false},
		{"another MRU and a demand", true, []packet.Option{agreed[0], opt(packet.LCPMRU, 2, 0), pap}, false},
		{"an unknown option", true, []packet.Option{opt(99)}, false},
		{"the same, RFC 1661 to the letter", false, agreed, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			set := dialer()
			set.LCP.AckUnchanged = c.keep
			s := newScript(t, set)
			s.openLCP(agreed...)
			s.sent = nil
			s.give(packet.LCP, packet.ConfigureRequest, 50, c.options...)
			if stays := s.lcp.state == StateOpened; stays != c.stays {
				t.Errorf("LCP is %s", s.lcp.state)
			}
			if n := s.count(packet.LCP, packet.ConfigureRequest); n == 0 != c.stays {
				t.Errorf("%d requests of ours", n)
			}
			// Nothing of the new agreement counts before both have it.
			if last := s.framing[len(s.framing)-1]; !c.stays && last != DefaultFraming() {
				t.Errorf("framing %+v", s.framing)
			}
		})
	}
}

// A peer that repeats its request at the pace of a restart timer is not open itself and needs ours.
func TestUnchangedRequestAgainAndAgain(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	for i := range 4 {
		if s.lcp.state != StateOpened {
			t.Fatalf("went down after %d", i)
		}
		s.wait(3 * time.Second)
		s.give(packet.LCP, packet.ConfigureRequest, uint8(i+2))
	}
	if s.lcp.state == StateOpened {
		t.Error("never negotiated again")
	}
	// One that comes once in a while is no such peer.
	s = newScript(t, dialer())
	s.openLCP()
	s.openIPCP()
	for i := range 20 {
		s.wait(7 * time.Second)
		s.give(packet.LCP, packet.ConfigureRequest, uint8(i+2))
		s.give(packet.IPCP, packet.ConfigureRequest, uint8(i+2))
	}
	if len(s.down) != 0 || s.lcp.state != StateOpened {
		t.Errorf("LCP is %s, down %v", s.lcp.state, s.down)
	}
}

// RFC 1661 section 6.4: all that we send comes back, as from an AT port with echo on.
func TestLoopedBack(t *testing.T) {
	s := newScript(t, dialer())
	s.Open(s.now)
	queue := s.drain(s.now)
	for n := 0; len(queue) > 0 && len(s.finished) == 0; n++ {
		if n > 200 {
			t.Fatal("goes on for ever")
		}
		x := queue[0]
		queue = queue[1:]
		s.now = s.now.Add(time.Millisecond)
		s.Receive(s.now, x.Protocol, x.Info)
		queue = append(queue, s.drain(s.now)...)
		if len(queue) == 0 && len(s.finished) == 0 {
			queue = s.wait(time.Second)
		}
	}
	wantFailure(t, s.end, event.PhaseLCP, KindLoopedBack, packet.LCP)
}

// Our own magic number in the peer's requests alone: what we send comes back, and our answers get lost.
func TestOwnMagicNumberInRequests(t *testing.T) {
	s := newScript(t, dialer())
	s.Open(s.now)
	s.drain(s.now)
	for n := 0; len(s.closing) == 0; n++ {
		if n > 10 {
			t.Fatal("goes on for ever")
		}
		s.give(packet.LCP, packet.ConfigureRequest, uint8(n+1), opt(packet.LCPMagic, be32(s.lcp.magic)...))
	}
	if s.closing[0].Failure.Kind != KindLoopedBack {
		t.Errorf("failure %+v", s.closing[0].Failure)
	}
	// By chance it may be the same once.
	s = newScript(t, dialer())
	s.Open(s.now)
	s.drain(s.now)
	s.give(packet.LCP, packet.ConfigureRequest, 1, opt(packet.LCPMagic, be32(s.lcp.magic)...))
	n := s.must(packet.LCP, packet.ConfigureNak)
	if bytes.Equal(n.Data[2:], be32(s.lcp.magic)) || len(n.Data) != 6 {
		t.Errorf("suggested % x", n.Data)
	}
	s.giveData(packet.LCP, packet.ConfigureRequest, 2, n.Data)
	s.ack(packet.LCP)
	if s.lcp.state != StateOpened {
		t.Errorf("LCP is %s", s.lcp.state)
	}
}

// A peer that Naks every magic number, as a loop does that damages what it sends back.
func TestEveryMagicNumberIsNaked(t *testing.T) {
	s := newScript(t, dialer())
	s.Open(s.now)
	s.drain(s.now)
	for n := 0; len(s.closing) == 0; n++ {
		if n > 20 {
			t.Fatal("goes on for ever")
		}
		p := s.must(packet.LCP, packet.ConfigureRequest)
		s.give(packet.LCP, packet.ConfigureNak, p.ID, opt(packet.LCPMagic, 1, 2, 3, byte(n)))
		s.wait(300 * time.Millisecond)
	}
	if s.closing[0].Failure.Kind != KindLoopedBack {
		t.Errorf("failure %+v", s.closing[0].Failure)
	}
}

// RFC 1661 section 6.4, when Opened: echo packets with our own magic number.
func TestLoopedBackWhenOpened(t *testing.T) {
	for _, code := range []uint8{packet.EchoRequest, packet.EchoReply} {
		s := newScript(t, dialer())
		s.openLCP()
		for range 10 {
			if sends := s.giveData(packet.LCP, code, 1, be32(s.lcp.magic)); len(s.closing) == 0 && len(sends) != 0 {
				t.Fatalf("answered an echo of our own: %v", sends)
			}
		}
		if len(s.closing) != 1 || s.closing[0].Failure.Kind != KindLoopedBack {
			t.Errorf("closing %+v", s.closing)
		}
	}
}

// RFC 1661 section 5.8: the reply holds our magic number and the request's data, and comes only when Opened.
func TestEchoReply(t *testing.T) {
	s := newScript(t, dialer())
	s.Open(s.now)
	s.drain(s.now)
	if sends := s.giveData(packet.LCP, packet.EchoRequest, 3, []byte{0, 0, 0, 0}); len(sends) != 0 {
		t.Errorf("answered before Opened: %v", sends)
	}
	s = newScript(t, dialer())
	s.openLCP()
	sends := s.giveData(packet.LCP, packet.EchoRequest, 3, []byte("\x01\x02\x03\x04abc"))
	want := packet.Packet{Code: packet.EchoReply, ID: 3, Data: append(be32(s.lcp.magic), "abc"...)}.AppendTo(nil)
	if len(sends) != 1 || !bytes.Equal(sends[0].Info, want) {
		t.Errorf("answered % x, want % x", sends[0].Info, want)
	}
	for _, short := range [][]byte{nil, {1}, {1, 2, 3}} {
		if sends := s.giveData(packet.LCP, packet.EchoRequest, 4, short); len(sends) != 0 {
			t.Errorf("answered an Echo-Request of %d octets", len(short))
		}
	}
}

// Peers section 3 item 9: the E398 adds octets to its Echo-Reply.
func TestEchoReplyWithExtraOctets(t *testing.T) {
	set := dialer()
	set.LCP.EchoMode = EchoStrict
	s := newScript(t, set)
	s.openLCP()
	s.openIPCP()
	for range 20 {
		s.wait(set.LCP.EchoInterval)
		s.giveData(packet.LCP, packet.EchoReply, 200, []byte("\x05\x06\x07\x08more"))
	}
	if len(s.finished) != 0 {
		t.Errorf("finished %+v", s.finished)
	}
}

// Peers section 3 item 13, and RFC 1661 section 5.6.
func TestCodes(t *testing.T) {
	for _, code := range []uint8{packet.DiscardRequest, packet.Identification, packet.TimeRemaining} {
		s := newScript(t, dialer())
		s.openLCP()
		if sends := s.giveData(packet.LCP, code, 1, []byte("\x00\x00\x00\x00hello")); len(sends) != 0 || s.lcp.state != StateOpened {
			t.Errorf("code %d: sent %v, state %s", code, sends, s.lcp.state)
		}
	}
	s := newScript(t, dialer())
	s.openLCP()
	sends := s.giveData(packet.LCP, 200, 9, []byte("what"))
	want := packet.Packet{Code: packet.CodeReject, ID: sends[0].Info[1], Data: []byte("\xc8\x09\x00\x08what")}.AppendTo(nil)
	if len(sends) != 1 || !bytes.Equal(sends[0].Info, want) {
		t.Errorf("unknown code: % x", sends[0].Info)
	}
	for code, fatal := range map[uint8]bool{
		packet.ConfigureRequest: true, packet.ConfigureReject: true, packet.TerminateAck: false, packet.ProtocolReject: false,
		packet.EchoRequest: false, packet.Identification: false,
	} {
		s := newScript(t, dialer())
		s.openLCP()
		s.giveData(packet.LCP, packet.CodeReject, 1, []byte{code, 1, 0, 4})
		if got := len(s.closing) == 1; got != fatal {
			t.Errorf("Code-Reject of %d: closing %+v", code, s.closing)
		}
		if fatal && s.closing[0].Failure.Kind != KindProtocolRejected {
			t.Errorf("failure %+v", s.closing[0].Failure)
		}
		s.wait(5 * time.Minute)
		if code == packet.EchoRequest && s.count(packet.LCP, packet.EchoRequest) > 0 {
			t.Error("still sends Echo-Requests")
		}
	}
}

// Peers section 3 item 12, RFC 1661 section 5.7.
func TestProtocolRejectReceived(t *testing.T) {
	cases := []struct {
		protocol uint16
		kind     string
	}{
		{packet.IPCP, KindProtocolRejected}, {packet.LCP, KindProtocolRejected},
		{packet.CCP, ""}, {packet.IPV6CP, ""}, {packet.CHAP, ""}, {0x1234, ""}, {packet.IP, ""}, {packet.IPv6, ""},
	}
	for _, c := range cases {
		t.Run(packet.ProtocolName(c.protocol), func(t *testing.T) {
			s := newScript(t, dialer())
			s.openLCP()
			s.giveData(packet.LCP, packet.ProtocolReject, 1, []byte{byte(c.protocol >> 8), byte(c.protocol), 1, 1, 0, 4})
			if c.kind == "" {
				if len(s.closing) != 0 {
					t.Errorf("closing %+v", s.closing)
				}
				data := c.protocol == packet.IP || c.protocol == packet.IPv6 // whoever sends them decides what that means
				if told := len(s.rejected) == 1 && s.rejected[0].Protocol == c.protocol; told != data {
					t.Errorf("rejected %+v", s.rejected)
				}
				return
			}
			if len(s.closing) != 1 || s.closing[0].Failure.Kind != c.kind || s.closing[0].Failure.Protocol != c.protocol {
				t.Errorf("closing %+v", s.closing)
			}
		})
	}
	s := newScript(t, dialer())
	s.openLCP(chapMD5)
	s.giveData(packet.LCP, packet.ProtocolReject, 1, []byte{0xc2, 0x23})
	if len(s.closing) != 1 || s.closing[0].Failure.Protocol != packet.CHAP {
		t.Errorf("of the protocol that authenticates: %+v", s.closing)
	}
	s = newScript(t, dialer())
	s.openLCP()
	s.giveData(packet.LCP, packet.ProtocolReject, 1, []byte{0x80})
	if len(s.closing) != 0 {
		t.Errorf("cut short: %+v", s.closing)
	}
}

// "CCP, ECP, MPLS and the like rejected without stalling": in the same call.
func TestProtocolRejectSent(t *testing.T) {
	for _, protocol := range []uint16{
		packet.CCP, packet.ECP, packet.MPLSCP, packet.IPV6CP, packet.IPXCP, packet.VJCompressed, packet.VJUncompressed,
		packet.LQR, packet.CBCP, packet.CHAP, 0x4321,
	} {
		t.Run(packet.ProtocolName(protocol), func(t *testing.T) {
			s := newScript(t, dialer())
			s.openLCP()
			sends := s.giveData(protocol, 1, 7, []byte{1, 2})
			if len(sends) != 1 || sends[0].Protocol != packet.LCP {
				t.Fatalf("sent %v", sends)
			}
			p, _ := packet.Parse(sends[0].Info)
			want := append([]byte{byte(protocol >> 8), byte(protocol)}, 1, 7, 0, 6, 1, 2)
			if p.Code != packet.ProtocolReject || !bytes.Equal(p.Data, want) {
				t.Errorf("sent %+v", p)
			}
		})
	}
	s := newScript(t, dialer())
	s.openLCP()
	for _, protocol := range []uint16{packet.IP, packet.IPv6} {
		if sends := s.giveData(protocol, 0x45, 0, make([]byte, 40)); len(sends) != 0 {
			t.Errorf("a data packet was answered: %v", sends)
		}
	}
}

// RFC 1661 section 3.4: before LCP is Opened everything else is dropped.
func TestNothingButLCPBeforeOpened(t *testing.T) {
	s := newScript(t, dialer())
	s.Open(s.now)
	s.drain(s.now)
	for _, protocol := range []uint16{packet.IPCP, packet.CCP, packet.CHAP, packet.PAP, 0x9999} {
		if sends := s.give(protocol, packet.ConfigureRequest, 1); len(sends) != 0 {
			t.Errorf("%s was answered", packet.ProtocolName(protocol))
		}
	}
}

// Peers section 3 item 17: a modem that sends its IPCP request once, during authentication, must still come up. The
// newest counts.
func TestIPCPRequestDuringAuthentication(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP(pap)
	s.give(packet.IPCP, packet.ConfigureRequest, 1, packet.AddressOption(packet.IPCPAddress, modemAddr))
	s.wait(time.Second)
	s.set.Auth.NoImpliedSuccess = true
	s.give(packet.IPCP, packet.ConfigureRequest, 2, packet.AddressOption(packet.IPCPAddress, modemAddr))
	if s.count(packet.IPCP, packet.ConfigureAck) != 0 {
		t.Fatal("answered too early")
	}
	p := s.must(packet.PAP, packet.PAPRequest)
	s.giveData(packet.PAP, packet.PAPAck, p.ID, []byte{0})
	if a := s.must(packet.IPCP, packet.ConfigureAck); a.ID != 2 {
		t.Errorf("acknowledged %d", a.ID)
	}
	p = s.must(packet.IPCP, packet.ConfigureRequest)
	s.give(packet.IPCP, packet.ConfigureNak, p.ID, packet.AddressOption(packet.IPCPAddress, hostAddr))
	s.ack(packet.IPCP)
	wantUp(t, s.end)
}

// The Success is lost: a peer that goes on to IPCP has said it (RFC 1661 section 3.5).
func TestLostSuccess(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP(chapMD5)
	s.giveData(packet.CHAP, packet.CHAPChallenge, 1, append([]byte{8}, "12345678UMTS_CHAP_SRVR"...))
	s.must(packet.CHAP, packet.CHAPResponse)
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	if len(s.end.auth) != 0 {
		t.Error("one request may have been early")
	}
	s.wait(3 * time.Second)
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	if len(s.end.auth) != 1 || !s.end.auth[0].Provisional || s.count(packet.IPCP, packet.ConfigureAck) != 1 {
		t.Errorf("auth %+v", s.end.auth)
	}
	// The Success comes after all: it is no second one.
	s.giveData(packet.CHAP, packet.CHAPSuccess, 1, nil)
	if len(s.end.auth) != 1 || len(s.closing) != 0 {
		t.Errorf("auth %+v", s.end.auth)
	}
}

// One request before our response and one after it are no proof: the peer may just be early, and repeat itself.
func TestEarlyRequestsAreNoSuccess(t *testing.T) {
	challenge := append([]byte{8}, "12345678UMTS_CHAP_SRVR"...)
	s := newScript(t, dialer())
	s.openLCP(chapMD5)
	s.give(packet.IPCP, packet.ConfigureRequest, 1)
	for id := range uint8(5) {
		s.giveData(packet.CHAP, packet.CHAPChallenge, id+1, challenge)
		s.give(packet.IPCP, packet.ConfigureRequest, 1)
	}
	if len(s.end.auth) != 0 {
		t.Errorf("auth %+v", s.end.auth)
	}
}

// What was agreed becomes the framing, in the direction in which it counts.
func TestFraming(t *testing.T) {
	set := dialer()
	set.LCP.Request = []uint8{packet.LCPMRU, packet.LCPACCM, packet.LCPPFC}
	set.LCP.MRU, set.LCP.ACCM, set.LCP.SendACCM = 1400, 0x10, 0x1
	s := newScript(t, set)
	s.openLCP(opt(packet.LCPACCM, 0, 10, 0, 0), opt(packet.LCPACFC), opt(packet.LCPMRU, 2, 0))
	want := Framing{SendACCM: 0x000a0001, RecvACCM: 0x10, SendACFC: true, RecvPFC: true, PeerMRU: 512, OwnMRU: 1400}
	if len(s.framing) != 1 || s.framing[0] != want {
		t.Errorf("framing %+v, want %+v", s.framing, want)
	}
	s.giveData(packet.LCP, packet.TerminateRequest, 1, nil)
	if len(s.framing) != 2 || s.framing[1] != DefaultFraming() {
		t.Errorf("after the end %+v", s.framing)
	}
}

// Peers section 3 item 25: a server may challenge again at any time (RFC 1994 section 2), and must be answered.
func TestChallengeAgainWhenUp(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP(chapMD5)
	for id := range uint8(3) {
		s.sent = nil
		s.giveData(packet.CHAP, packet.CHAPChallenge, id+1, append([]byte{8}, "12345678UMTS_CHAP_SRVR"...))
		if r := s.must(packet.CHAP, packet.CHAPResponse); r.ID != id+1 {
			t.Errorf("answered %d", r.ID)
		}
		s.giveData(packet.CHAP, packet.CHAPSuccess, id+1, nil)
		if id == 0 {
			s.must(packet.IPCP, packet.ConfigureRequest)
			s.openIPCP()
		}
	}
	if len(s.end.auth) != 1 || len(s.down) != 0 || len(s.finished) != 0 {
		t.Errorf("auth %+v, down %v, finished %v", s.end.auth, s.down, s.finished)
	}
}

// A refusal is a failure with a name, whatever the method, and the text of the peer is in it.
func TestAuthenticationRefused(t *testing.T) {
	for _, m := range []auth.Method{auth.PAP, auth.CHAPMD5, auth.MSCHAP, auth.MSCHAPv2, auth.EAP} {
		t.Run(m.String(), func(t *testing.T) {
			host := dialer()
			host.Auth.Client.Secret = auth.NewSecret("another")
			h, mod := newEnd(t, host, 1), newEnd(t, modem(m), 2)
			l := join(t, h, mod)
			l.open()
			l.run(time.Minute)
			if f := wantFailure(t, h, event.PhaseAuth, KindAuthRejected, m.Protocol()); f.Provisional {
				t.Error("nothing was provisional")
			}
			if len(h.up)+len(mod.up) != 0 || len(mod.finished) != 1 {
				t.Errorf("up %v %v, modem %+v", h.up, mod.up, mod.finished)
			}
		})
	}
}

// The peer wants an authentication that we do not allow, and gives up over it.
func TestAuthenticationMethodRefused(t *testing.T) {
	for _, end := range []string{"terminate", "silence"} {
		set := dialer()
		set.Auth.Allow = nil
		s := newScript(t, set)
		s.Open(s.now)
		s.drain(s.now)
		s.ack(packet.LCP)
		s.give(packet.LCP, packet.ConfigureRequest, 1, chapMD5)
		if end == "terminate" {
			s.giveData(packet.LCP, packet.TerminateRequest, 2, []byte("auth"))
		} else {
			for range 60 {
				s.wait(time.Second)
				s.give(packet.LCP, packet.ConfigureRequest, 1, chapMD5)
			}
			s.wait(10 * time.Second)
		}
		if f := wantFailure(t, s.end, event.PhaseLCP, KindAuthMethod, packet.LCP); f.Detail == "" {
			t.Error("no detail")
		}
	}
}

// A peer that goes on without the authentication that we refused ends later for another reason.
func TestRefusedAuthenticationIsForgotten(t *testing.T) {
	set := dialer()
	set.Auth.Allow = nil
	s := newScript(t, set)
	s.Open(s.now)
	s.drain(s.now)
	s.give(packet.LCP, packet.ConfigureRequest, 1, chapMD5)
	s.give(packet.LCP, packet.ConfigureRequest, 2)
	s.ack(packet.LCP)
	s.giveData(packet.LCP, packet.TerminateRequest, 2, nil)
	wantFailure(t, s.end, event.PhaseIPCP, KindTerminated, packet.LCP)
}

// A peer that negotiates anew and then falls silent fails in LCP, wherever it was before.
func TestSilenceAfterRenegotiation(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP()
	s.openIPCP()
	s.give(packet.LCP, packet.ConfigureRequest, 2, opt(packet.LCPMagic, 1, 2, 3, 4))
	if len(s.down) != 1 {
		t.Fatalf("down %v", s.down)
	}
	s.wait(2 * time.Minute)
	wantFailure(t, s.end, event.PhaseLCP, KindTimeout, packet.LCP)
}

// A modem's end that demands methods in turn: the host takes the second.
func TestDemandsInTurn(t *testing.T) {
	host := dialer()
	host.Auth.Allow = []auth.Method{auth.PAP}
	h, mod := newEnd(t, host, 1), newEnd(t, modem(auth.CHAPMD5, auth.EAP, auth.PAP), 2)
	l := join(t, h, mod)
	l.open()
	l.until(time.Minute, h.settled)
	wantUp(t, h)
	if h.auth[0].Method != auth.PAP {
		t.Errorf("auth %+v", h.auth)
	}
}

// Acks that do not match are no answers, and the failure says so.
func TestOnlyMismatchingAcks(t *testing.T) {
	s := newScript(t, dialer())
	s.Open(s.now)
	s.drain(s.now)
	for range 12 {
		p := s.must(packet.LCP, packet.ConfigureRequest)
		s.giveData(packet.LCP, packet.ConfigureAck, p.ID, nil)
		s.wait(3 * time.Second)
	}
	if f := wantFailure(t, s.end, event.PhaseLCP, KindTimeout, packet.LCP); f.Detail != "no Configure-Ack that matches our request" {
		t.Errorf("detail %q", f.Detail)
	}
}
