package sim

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

const chapDemand = "[auth]\ndemand = \"chap-md5\"\nname = \"server\"\n"

func TestRuleVerbs(t *testing.T) {
	for _, c := range []struct {
		name, scenario string
		set            func(*ppp.Settings)
		check          func(*testing.T, *dialer)
	}{
		{"LCP code-reject", "[[lcp.rule]]\ntimes = 1\ndo = \"code-reject\"\n", nil, atLeast(1, "rcvd [LCP CodeRej")},
		{"LCP nak with all kinds of values", "[[lcp.rule]]\ntimes = 1\ndo = \"nak\"\noptions = [\"mru=1400\", \"accm=000a0000\", \"magic=0x12345678\", \"auth=chap-md5\", \"pfc\", \"0x11=05dc\"]\n", nil,
			atLeast(1, "rcvd [LCP ConfNak", "<mru 1400> <asyncmap 0xa0000> <magic 0x12345678> <auth chap MD5> <pcomp> <mrru 1500>")},
		{"an option only if asked", "[[lcp.rule]]\ntimes = 1\ndo = \"nak\"\noptions = [\"mru?=1400\", \"accm?=ffffffff\"]\n", nil,
			all(none("mru 1400"), atLeast(1, "rcvd [LCP ConfNak id=0x1 <asyncmap 0xffffffff>]"))},
		{"an empty Reject", "[[ipcp.rule]]\ntimes = 1\ndo = \"reject\"\n", nil, atLeast(1, "rcvd [IPCP ConfRej id=0x1]")},
		{"an Ack of something else", "[[ipcp.rule]]\ntimes = 1\ndo = \"ack\"\noptions = [\"address=203.0.113.5\"]\n", nil, atLeast(1, "rcvd [IPCP ConfAck id=0x1 <addr 203.0.113.5>]")},
		{"an answer to an Ack", "[[ipcp.rule]]\non = \"ack\"\ntimes = 1\ndo = \"nak\"\noptions = [\"0x90=0102\"]\n", nil, atLeast(1, "rcvd [IPCP ConfNak", "01 02")},
		{"echoing an Ack", "[[ipcp.rule]]\non = \"ack\"\ntimes = 1\ndo = \"ack\"\n", nil, atLeast(2, "rcvd [IPCP ConfAck")},
		{"terminate with a message", "[[ipcp.rule]]\ntimes = 1\ndo = \"terminate\"\nmessage = \"no\"\n", nil, atLeast(1, `rcvd [IPCP TermReq`, `"no"`)},
		{"protocol-reject", "[[ipcp.rule]]\ntimes = 1\ndo = \"protocol-reject\"\n", nil, atLeast(1, "rcvd [LCP ProtRej", "80 21 01 01")},
		{"PAP failure", "[auth]\ndemand = \"pap\"\n[[auth.rule]]\ndo = \"failure\"\nmessage = \"no\"\n", nil,
			all(atLeast(1, `rcvd [PAP AuthNak`, `"no"`), atLeast(1, "rcvd [LCP TermReq"), endsWith(ppp.KindAuthRejected))},
		{"CHAP failure for one user", chapDemand + "[[auth.rule]]\nuser_is = \"user\"\ndo = \"failure\"\nmessage = \"no\"\n", nil,
			all(atLeast(1, `rcvd [CHAP Failure`, `"no"`), endsWith(ppp.KindAuthRejected))},
		{"CHAP failure for all but one", chapDemand + "[[auth.rule]]\nuser_not = \"user\"\ndo = \"failure\"\n", nil, all(none("CHAP Failure"), method(auth.CHAPMD5))},
		{"EAP failure", "[auth]\ndemand = \"eap\"\n[[auth.rule]]\nuser_is = \"user\"\ndo = \"failure\"\n", nil, all(atLeast(1, "rcvd [EAP Failure"), endsWith(ppp.KindAuthRejected))},
		{"text", "[[ipcp.rule]]\nnth = 1\ndo = \"text\"\nmessage = \"\\r\\nRING\\r\\n\"\n", nil, func(t *testing.T, d *dialer) { textSeen(t, d, "\r\nRING\r\n") }},
		{"the third only", "[[ipcp.rule]]\nnth = 3\ndo = \"reject\"\noptions = [\"dns1\"]\n[[ipcp.rule]]\ntimes = 2\ndo = \"nak\"\n", nil,
			all(emptyNaks(2, 2), atLeast(1, "rcvd [IPCP ConfRej id=0x3 <ms-dns1"))},
		{"after and before", "[[ipcp.rule]]\nbefore = \"2s\"\ndo = \"drop\"\n[[ipcp.rule]]\nafter = \"5s\"\ndo = \"nak\"\n", nil,
			func(t *testing.T, d *dialer) { // requests at 0, 3 and 6 s: dropped, answered
				if n := d.count("sent [IPCP ConfReq id=0x1"); n != 2 {
					t.Errorf("%d first requests", n)
				}
				upBetween(3*time.Second, 4*time.Second)(t, d)
			}},
		{"another call's rule", "[[ipcp.rule]]\ncall = 2\ndo = \"hangup\"\n", nil, func(t *testing.T, d *dialer) {
			if !d.isUp() {
				t.Error("not up")
			}
		}},
		{"by value", "[[ipcp.rule]]\nvalue = { address = \"192.0.2.2\" }\ntimes = 1\ndo = \"reject\"\n", nil, atLeast(1, "rcvd [IPCP ConfRej id=0x2]")},
		{"the first rule wins", "[[ipcp.rule]]\ndo = \"behave\"\n[[ipcp.rule]]\ndo = \"hangup\"\n", nil, none("TermReq")},
		{"LCP request of its own: empty", "[lcp]\nown_request = \"empty\"\n", nil, atLeast(1, "rcvd [LCP ConfReq id=0x1]")},
		{"it does not escape although its ACCM was refused", "[line]\nescape = \"never\"\n", func(s *ppp.Settings) { s.LCP.RefuseOptions = []uint8{packet.LCPACCM} },
			all(atLeast(1, "sent [LCP ConfRej", "asyncmap 0x0"), atLeast(1, "rcvd [IPCP ConfAck"))},
		{"no ACCM asked", "[lcp]\naccm = -1\n", nil, none("rcvd [LCP ConfReq", "asyncmap")},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDialer(t, parse(t, c.scenario), 1, c.set)
			d.dial()
			d.run(10*time.Second, d.isEnded)
			c.check(t, d)
			if t.Failed() {
				t.Logf("end: %+v\n%s", d.end, strings.Join(d.seen[:min(len(d.seen), 40)], "\n"))
			}
		})
	}
}

func TestActions(t *testing.T) {
	for _, c := range []struct {
		name, scenario string
		check          func(*testing.T, *dialer)
	}{
		{"terminate-ipcp", "[[action]]\nsince = \"ipcp\"\ndo = \"terminate-ipcp\"\nmessage = \"no\"\n", atLeast(1, "rcvd [IPCP TermReq", `"no"`)},
		{"discard", "[[action]]\nsince = \"lcp\"\ndo = \"discard\"\n", atLeast(1, "rcvd [LCP DiscReq")},
		{"request-lcp, when it is open", "[[action]]\nsince = \"ipcp\"\nafter = \"1s\"\ndo = \"request-lcp\"\n", all(atLeast(1, "sent [IPCP ConfAck"), func(t *testing.T, d *dialer) {
			if n := d.count("rcvd [LCP ConfReq"); n < 2 {
				t.Errorf("%d requests", n)
			}
		})},
		{"again and again", "[[action]]\nafter = \"1s\"\nevery = \"2s\"\ndo = \"discard\"\n", func(t *testing.T, d *dialer) {
			if n := d.count("rcvd [LCP DiscReq"); n != 5 { // at 1, 3, 5, 7 and 9 s
				t.Errorf("%d times", n)
			}
		}},
		{"of another call", "[[action]]\ncall = 2\ndo = \"hangup\"\n", none("rcvd [LCP TermReq")},
		{"garbage", "[[action]]\nafter = \"1s\"\ndo = \"garbage\"\n", func(t *testing.T, d *dialer) {
			if d.dec.Stats().Damaged() == 0 {
				t.Error("nothing damaged arrived")
			}
		}},
		{"from power-on", "[[action]]\nsince = \"power-on\"\nafter = \"2s\"\ndo = \"hangup\"\n", endsWith(ppp.KindCarrierLost)},
		{"text before a call", "[[action]]\nsince = \"power-on\"\ndo = \"text\"\nmessage = \"^BOOT\"\n", func(t *testing.T, d *dialer) { textSeen(t, d, "^BOOT") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDialer(t, parse(t, c.scenario), 1, nil)
			d.dial()
			d.run(10*time.Second, d.isEnded)
			c.check(t, d)
		})
	}
}

func TestLineDirections(t *testing.T) {
	for direction, want := range map[string]struct{ in, out bool }{
		"to-host": {true, false}, "from-host": {false, true}, "both": {false, false},
	} {
		d := newDialer(t, parse(t, "[line]\nloss = 1.0\ndirection = \""+direction+"\"\n"), 1, nil)
		d.dial()
		d.run(10*time.Second, never)
		if in := d.m.Counters().FramesIn > 0; in != want.in {
			t.Errorf("%s: frames from the host: %v", direction, in)
		}
		if out := d.count("rcvd") > 0; out != want.out {
			t.Errorf("%s: frames to the host: %v", direction, out)
		}
	}
}

func TestDelays(t *testing.T) {
	d := newDialer(t, parse(t, "[line]\ndelay = \"100ms\"\n[network]\ndelay = \"300ms\"\n"), 1, nil)
	d.dial()
	d.run(10*time.Second, d.isUp)
	start := d.now
	if !d.isUp() || !d.ping("203.0.113.9") {
		t.Fatalf("up: %v", d.isUp())
	}
	if took := d.now.Sub(start); took != 500*time.Millisecond {
		t.Errorf("a ping takes %v, want 100 ms there, 300 ms, and 100 ms back", took)
	}
}

// A host may begin IPCP before it has our Success: the rules apply all the same, once the engine takes the packet up.
func TestRulesSeePacketsFromBeforeTheirPhase(t *testing.T) {
	s := parse(t, "[auth]\ndemand = \"pap\"\n[[ipcp.rule]]\ndo = \"nak\"\noptions = [\"0x90=0102\"]\n")
	h := newHost(s)
	enc := hdlc.NewEncoder(hdlc.DefaultConfig())
	frame := func(protocol uint16, info ...byte) string { return string(enc.Append(nil, protocol, info)) }
	h.say("ATE0\rATD*99#\r", 0)

	dec := hdlc.NewDecoder(hdlc.DefaultDecoderConfig())
	var seen []string
	read := func() {
		for item, rest := dec.Next(h.got); item.Kind != hdlc.None; item, rest = dec.Next(rest) {
			if item.Kind != hdlc.Frame {
				continue
			}
			seen = append(seen, notation.Line("rcvd", item.Protocol, item.Info))
			if item.Protocol == packet.LCP && item.Info[0] == packet.ConfigureRequest {
				ack := append([]byte{packet.ConfigureAck}, item.Info[1:]...)
				h.say(frame(packet.LCP, ack...), 0)
			}
		}
	}
	read()
	h.say(frame(packet.LCP, packet.ConfigureRequest, 1, 0, 4), 0)
	h.say(frame(packet.IPCP, packet.ConfigureRequest, 9, 0, 10, 3, 6, 0, 0, 0, 0), 0)
	h.say(frame(packet.PAP, packet.PAPRequest, 1, 0, 6, 0, 0), 0)
	read()
	h.got = nil
	if got := strings.Join(seen, "\n"); !strings.Contains(got, "rcvd [IPCP ConfNak id=0x9") || strings.Contains(got, "192.0.2.2") {
		t.Errorf("the early request was not met by the rule:\n%s", got)
	}
}
