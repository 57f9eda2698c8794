package lint

import (
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
)

// record makes a record of a line of pppd, or of a word: "new" for a new attempt, "data" for an IPv4 packet.
func record(t testing.TB, line string) event.Record {
	t.Helper()
	switch line {
	case "new":
		return event.Record{Event: event.Attempt{Number: 2}}
	case "data":
		return event.Record{Event: event.Data{Dir: event.Rcvd, Protocol: 0x21, Length: 40}}
	}
	dir := event.Sent
	rest, ok := strings.CutPrefix(line, "> ")
	if !ok {
		dir = event.Rcvd
		if rest, ok = strings.CutPrefix(line, "< "); !ok {
			t.Fatalf("%q has no direction", line)
		}
	}
	if !strings.Contains(rest, "]") {
		rest += "]"
	}
	p, err := notation.Parse(nil, []byte(rest))
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return event.Record{Event: event.Packet{Dir: dir, Protocol: p.Protocol, Data: p.Info}}
}

// opened is a call up to where LCP is open, with what its title says.
var (
	lcpOpen  = []string{"> LCP ConfReq id=0x1 <magic 0x11>", "< LCP ConfReq id=0x5 <magic 0x22>", "> LCP ConfAck id=0x5 <magic 0x22>", "< LCP ConfAck id=0x1 <magic 0x11>"}
	chapOpen = []string{"> LCP ConfReq id=0x1 <magic 0x11>", "< LCP ConfReq id=0x5 <auth chap MD5> <magic 0x22>", "> LCP ConfAck id=0x5 <auth chap MD5> <magic 0x22>", "< LCP ConfAck id=0x1 <magic 0x11>"}
	papOpen  = []string{"> LCP ConfReq id=0x1", "< LCP ConfReq id=0x5 <auth pap>", "> LCP ConfAck id=0x5 <auth pap>", "< LCP ConfAck id=0x1"}
	ipOpen   = append(lcpOpen[:4:4], "> IPCP ConfReq id=0x1 <addr 0.0.0.0>", "< IPCP ConfNak id=0x1 <addr 10.0.0.2>", "> IPCP ConfReq id=0x2 <addr 10.0.0.2>", "< IPCP ConfAck id=0x2 <addr 10.0.0.2>", "< IPCP ConfReq id=0x1 <addr 10.0.0.1>", "> IPCP ConfAck id=0x1 <addr 10.0.0.1>")
	chapDone = append(chapOpen[:4:4], "< CHAP Challenge id=0x7 <00112233>, name = \"x\"", "> CHAP Response id=0x7 <00112233445566778899aabbccddeeff>, name = \"y\"", "< CHAP Success id=0x7 \"\"")
)

const value49 = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00"

// Each case is a call in which nothing is wrong but its last packet, and what is wrong with that: its faults' names.
func TestFaults(t *testing.T) {
	for _, c := range []struct {
		clause string
		before []string
		last   string
		want   string
	}{
		{"RFC 1661 5", nil, "< LCP 01 02 00", "short"},
		{"RFC 1661 5", lcpOpen, "< IPCP 01 02 00", "short"},
		{"RFC 1661 5.6", lcpOpen, "< LCP code=0x10 id=0x1", "unknown-code"},
		{"RFC 1661 5.6", lcpOpen, "< IPCP code=0x9 id=0x1", "unknown-code"},
		{"RFC 1661 5.6", lcpOpen, "< CCP ResetReq id=0x1", ""},
		{"RFC 1661 6", nil, "< LCP ConfReq id=0x1 <mru 1500> 05 09 01", "option-length"},
		{"RFC 1661 6", nil, "< LCP ConfReq id=0x1 <mru 1500> <mru 1400>", "duplicate-option"},
		{"RFC 1661 6", nil, "< LCP ConfReq id=0x1 <mru 1500> < 17 04 00 53>", ""},
		{"RFC 1661 6.1", nil, "< LCP ConfReq id=0x1 < 01 03 05>", "option-size"},
		{"RFC 1332 3.3", lcpOpen, "< IPCP ConfReq id=0x1 < 03 03 0a>", "option-size"},
		{"RFC 1661 6.4", nil, "< LCP ConfReq id=0x1 <magic 0x0>", "zero-magic"},
		{"RFC 1661 6.4", lcpOpen[:1], "< LCP ConfReq id=0x1 <magic 0x11>", "own-magic"},
		{"RFC 1661 6.4", lcpOpen[:1], "< LCP ConfReq id=0x1 <magic 0x12>", ""},

		{"RFC 1661 5.1", lcpOpen[:1], "> LCP ConfReq id=0x1 <magic 0x11>", ""},
		{"RFC 1661 5.1", lcpOpen[:1], "> LCP ConfReq id=0x2 <magic 0x11>", ""},
		{"RFC 1661 5.1", lcpOpen[:1], "> LCP ConfReq id=0x1 <magic 0x12>", "id-reused"},
		{"RFC 1661 5.1", []string{"> LCP ConfReq id=0x1 <mru 1400>", "< LCP ConfNak id=0x1 <mru 1500>"}, "> LCP ConfReq id=0x1 <mru 1400>", "id-kept"},

		{"RFC 1661 5.2", lcpOpen[:1], "< LCP ConfAck id=0x1 <magic 0x11>", ""},
		{"RFC 1661 5.2", lcpOpen[:1], "< LCP ConfAck id=0x2 <magic 0x11>", "ack-id"},
		{"RFC 1661 5.2", lcpOpen[:1], "< LCP ConfAck id=0x1 <magic 0x12>", "ack-changed"},
		{"RFC 1661 5.2", lcpOpen[:1], "< LCP ConfAck id=0x1", "ack-changed"},
		{"RFC 1661 5.2", lcpOpen[:1], "< LCP ConfAck id=0x1 <magic 0x11> <pcomp>", "ack-changed"},
		{"RFC 1661 5.2", []string{"> LCP ConfReq id=0x1 <pcomp> <accomp>"}, "< LCP ConfAck id=0x1 <accomp> <pcomp>", "ack-reordered"},
		{"RFC 1661 5.2", lcpOpen[:1], "> LCP ConfAck id=0x1 <magic 0x11>", "ack-unasked"},

		{"RFC 1661 5.3", append(lcpOpen[:4:4], "> IPCP ConfReq id=0x1 <addr 0.0.0.0>"), "< IPCP ConfNak id=0x1", "empty-nak"},
		{"RFC 1661 5.3", append(lcpOpen[:4:4], "> IPCP ConfReq id=0x1 <addr 0.0.0.0>"), "< IPCP ConfNak id=0x1 <addr 10.0.0.1>", ""},
		{"RFC 1661 5.3", append(lcpOpen[:4:4], "> IPCP ConfReq id=0x1 <addr 0.0.0.0>"), "< IPCP ConfNak id=0x1 <ms-dns1 10.11.12.13>", "nak-unasked"},
		{"RFC 1661 5.3", append(lcpOpen[:4:4], "> IPCP ConfReq id=0x1 <addr 0.0.0.0> <ms-dns1 1.2.3.4>"), "< IPCP ConfNak id=0x1 <ms-dns1 1.2.3.4>", "nak-same"},
		{"RFC 1661 5.3", append(lcpOpen[:4:4], "> IPCP ConfReq id=0x1 <addr 0.0.0.0> <ms-dns1 1.2.3.4>"), "< IPCP ConfNak id=0x1 <ms-dns1 1.2.3.5> <addr 10.0.0.1>", "nak-reordered"},
		{"RFC 1661 5.3", []string{"> LCP ConfReq id=0x1 <pcomp>"}, "< LCP ConfNak id=0x1 <pcomp>", "nak-boolean"},
		{"RFC 1661 5.3", lcpOpen[:1], "< LCP ConfNak id=0x9 <magic 0x99>", "nak-id"},
		{"RFC 1332 3.3", append(lcpOpen[:4:4], "< IPCP ConfReq id=0x1"), "> IPCP ConfNak id=0x1 <addr 0.0.0.0>", "nak-unasked nak-zero-address"},

		{"RFC 1661 5.4", []string{"> LCP ConfReq id=0x1 <mru 1400> <pcomp>"}, "< LCP ConfRej id=0x1 <pcomp>", ""},
		{"RFC 1661 5.4", []string{"> LCP ConfReq id=0x1 <mru 1400> <pcomp>"}, "< LCP ConfRej id=0x1 <mru 1500>", "reject-changed"},
		{"RFC 1661 5.4", []string{"> LCP ConfReq id=0x1 <mru 1400> <pcomp>"}, "< LCP ConfRej id=0x1 <accomp>", "reject-unasked"},
		{"RFC 1661 5.4", []string{"> LCP ConfReq id=0x1 <mru 1400> <pcomp>"}, "< LCP ConfRej id=0x1 <pcomp> <mru 1400>", "reject-reordered"},
		{"RFC 1661 5.4", []string{"> LCP ConfReq id=0x1 <mru 1400> <pcomp>"}, "< LCP ConfRej id=0x1", "empty-reject"},
		{"RFC 1661 5.4", []string{"> LCP ConfReq id=0x1 <pcomp>", "< LCP ConfRej id=0x1 <pcomp>"}, "> LCP ConfReq id=0x2 <pcomp>", "rejected-again"},

		{"RFC 1661 5.5", append(lcpOpen[:4:4], "> LCP TermReq id=0x3"), "< LCP TermAck id=0x3", ""},
		{"RFC 1661 5.5", append(lcpOpen[:4:4], "> LCP TermReq id=0x3"), "< LCP TermAck id=0x4", "terminate-ack-id"},
		{"RFC 1661 5.5", lcpOpen, "< LCP TermAck id=0x4", "terminate-ack-unasked"},
		{"RFC 1661 5.5", append(lcpOpen[:4:4], "> LCP TermReq id=0x3", "> LCP TermReq id=0x3", "< LCP TermAck id=0x3"), "< LCP TermAck id=0x3", ""},
		{"RFC 1661 5.5", append(lcpOpen[:4:4], "> LCP TermReq id=0x3", "> LCP TermReq id=0x4", "< LCP TermAck id=0x3"), "< LCP TermAck id=0x4", ""},
		{"RFC 1661 5.5", append(lcpOpen[:4:4], "> LCP TermReq id=0x3", "< LCP TermAck id=0x3"), "< LCP TermAck id=0x3", "terminate-ack-unasked"},
		{"RFC 1661 4.2", lcpOpen[:1], "< LCP TermAck id=0x1", "terminate-ack-closed"},
		{"RFC 1661 5.6", lcpOpen, "< LCP CodeRej id=0x1 01 01 00 04", "code-reject-needed"},
		{"RFC 1661 5.6", append(lcpOpen[:4:4], "> LCP Ident id=0x1 magic=0x11 \"x\""), "< LCP CodeRej id=0x1 0c 01 00 04", ""},
		{"RFC 1661 5.7", lcpOpen, "< LCP ProtRej id=0x1 c0 21 01 01 00 04", "protocol-reject-lcp"},
		{"RFC 1661 5.7", lcpOpen, "< LCP ProtRej id=0x1 80 fd 01 01 00 04", "protocol-reject-unsent"},
		{"RFC 1661 5.7", append(lcpOpen[:4:4], "> CCP ConfReq id=0x1 <deflate 15>"), "< LCP ProtRej id=0x1 80 fd 01 01 00 04", ""},
		{"RFC 1661 5.7", lcpOpen[:1], "< LCP ProtRej id=0x1 80 fd 01 01 00 04", "protocol-reject-early protocol-reject-unsent"},

		{"RFC 1661 5.8", lcpOpen, "> LCP EchoReq id=0x0 magic=0x11", ""},
		{"RFC 1661 5.8", append(lcpOpen[:4:4], "> LCP EchoReq id=0x0 magic=0x11"), "< LCP EchoRep id=0x0 magic=0x22", ""},
		{"RFC 1661 5.8", append(lcpOpen[:4:4], "> LCP EchoReq id=0x0 magic=0x11"), "< LCP EchoRep id=0x0 magic=0x11", "echo-own-magic"},
		{"RFC 1661 5.8", append(lcpOpen[:4:4], "> LCP EchoReq id=0x0 magic=0x11"), "< LCP EchoRep id=0x0 magic=0x99", "echo-magic"},
		{"RFC 1661 5.8", append(lcpOpen[:4:4], "> LCP EchoReq id=0x0 magic=0x11"), "< LCP EchoRep id=0x1 magic=0x22", "echo-id"},
		{"RFC 1661 5.8", lcpOpen, "< LCP EchoRep id=0x1 magic=0x22", "echo-unasked"},
		{"RFC 1661 5.8", lcpOpen[:2], "> LCP EchoReq id=0x0 magic=0x11", "echo-early"},
		{"RFC 1661 5.9", lcpOpen[:2], "< LCP DiscReq id=0x0 magic=0x22", "discard-early"},

		{"RFC 1661 3.4", lcpOpen[:2], "< CHAP Challenge id=0x1 <0011>, name = \"x\"", "before-lcp"},
		{"RFC 1661 3.4", lcpOpen[:2], "> IPCP ConfReq id=0x1 <addr 0.0.0.0>", "before-lcp"},
		{"RFC 1661 3.5", chapOpen, "> IPCP ConfReq id=0x1 <addr 0.0.0.0>", "before-auth"},
		{"RFC 1661 3.5", chapDone, "> IPCP ConfReq id=0x1 <addr 0.0.0.0>", ""},
		{"RFC 1661 3.6", lcpOpen, "data", "data-early"},
		{"RFC 1661 3.6", ipOpen, "data", ""},
		{"RFC 1661 6.2", chapOpen, "> PAP AuthReq id=0x1 user=\"a\" password=\"b\"", "auth-not-agreed"},
		{"RFC 1661 6.2", lcpOpen, "< CHAP Challenge id=0x1 <0011>, name = \"x\"", "auth-not-agreed"},

		{"RFC 1334 2.2.2", append(papOpen[:4:4], "> PAP AuthReq id=0x1 user=\"a\" password=\"b\""), "< PAP AuthAck id=0x1 \"\"", ""},
		{"RFC 1334 2.2.2", append(papOpen[:4:4], "> PAP AuthReq id=0x1 user=\"a\" password=\"b\""), "< PAP AuthNak id=0x2 \"\"", "pap-id"},
		{"RFC 1334 2.2.2", papOpen, "< PAP AuthAck id=0x2 \"\"", "pap-unasked"},
		{"RFC 1334 2.2.1", papOpen, "> PAP AuthReq id=0x2 09 61", "pap-length"},
		{"RFC 1994 4.1", chapDone[:5], "> CHAP Response id=0x8 <00112233445566778899aabbccddeeff>, name = \"y\"", "chap-id"},
		{"RFC 1994 4.1", chapDone[:5], "> CHAP Response id=0x7 <" + value49 + ">, name = \"y\"", "chap-response-size"},
		{"RFC 1994 4.2", chapDone[:6], "< CHAP Failure id=0x9 \"\"", "chap-id"},
		{"RFC 1994 4.2", chapDone[:5], "< CHAP Success id=0x7 \"\"", "chap-unasked"},
	} {
		t.Run(c.clause+" "+c.last, func(t *testing.T) {
			var l Linter
			for _, line := range c.before {
				if faults := l.Check(record(t, line)); len(faults) > 0 && !strings.Contains(line, "CCP") {
					t.Fatalf("%s: %+v", line, faults)
				}
			}
			var ids []string
			for _, f := range l.Check(record(t, c.last)) {
				ids = append(ids, f.ID)
				if f.Text == "" || !strings.HasPrefix(f.Clause, "RFC ") {
					t.Errorf("%+v", f)
				}
			}
			if got := strings.Join(ids, " "); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// A recording that begins in the middle of a call says nothing about what came before; a new attempt begins anew.
func TestFromTheMiddle(t *testing.T) {
	var l Linter
	for _, line := range []string{"< IPCP ConfNak id=0x2 <addr 10.0.0.2>", "data", "< LCP EchoRep id=0x1 magic=0x22", "< CHAP Success id=0x1 \"\"", "< LCP TermAck id=0x9",
		"new", "> LCP ConfReq id=0x1 <magic 0x11>"} {
		if f := l.Check(record(t, line)); len(f) > 0 {
			t.Errorf("%s: %+v", line, f)
		}
	}
	for _, line := range append(ipOpen[1:len(ipOpen):len(ipOpen)], "data", "< LCP ConfReq id=0x9 <magic 0x23>", "> LCP ConfReq id=0x2 <magic 0x12>", "> LCP ConfAck id=0x9 <magic 0x23>", "< LCP ConfAck id=0x2 <magic 0x12>") {
		if f := l.Check(record(t, line)); len(f) > 0 {
			t.Errorf("%s: %+v", line, f)
		}
	}
	if f := l.Check(record(t, "data")); len(f) != 1 || f[0].ID != "data-early" { // LCP was negotiated again: IPCP must be, too
		t.Errorf("%+v", f)
	}
}

// Where a direction is a guess, nobody is blamed for what depends on it, but a packet may still be wrong by itself.
func TestGuessedDirections(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{"< LCP ConfAck id=0x3 <magic 0x11>", ""},
		{"< LCP ConfReq id=0x5 <magic 0x33>", ""},
		{"< IPCP ConfReq id=0x5 <addr 10.0.0.1>", ""},
		{"data", ""},
		{"< LCP code=0x10 id=0x1", "unknown-code"},
		{"< LCP ConfReq id=0x5 05 09 01", "option-length"},
	} {
		var l Linter
		for i, line := range lcpOpen {
			r := record(t, line)
			if p := r.Event.(event.Packet); i == 2 {
				p.Guessed = true
				r.Event = p
			}
			l.Check(r)
		}
		var got []string
		for _, f := range l.Check(record(t, c.line)) {
			got = append(got, f.ID)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s: %q, want %q", c.line, s, c.want)
		}
	}
}

func TestNoMemory(t *testing.T) {
	var l Linter
	var records []event.Record
	for _, line := range ipOpen {
		records = append(records, record(t, line))
	}
	records = append(records, event.Record{Event: event.Down{}})
	run := func() {
		for _, r := range records {
			l.Check(r)
		}
	}
	run()
	if n := testing.AllocsPerRun(100, run); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// Whatever the packets are, the linter says something or nothing, and its words are without secrets.
func FuzzCheck(f *testing.F) {
	f.Add([]byte{0, 0xc0, 0x21, 4, 1, 1, 0, 4, 1, 0xc0, 0x21, 4, 2, 1, 0, 4})
	f.Fuzz(func(t *testing.T, in []byte) {
		var l Linter
		for len(in) >= 4 {
			n := min(int(in[3]), len(in)-4)
			r := event.Record{Event: event.Packet{Dir: event.Dir(in[0] & 1), Protocol: uint16(in[1])<<8 | uint16(in[2]), Data: in[4 : 4+n]}}
			for _, fault := range l.Check(r) {
				if fault.ID == "" || fault.Clause == "" || fault.Text == "" {
					t.Fatalf("%+v", fault)
				}
			}
			in = in[4+n:]
		}
	})
}
