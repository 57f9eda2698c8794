package progress

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

type failing struct{ writes int }

func (f *failing) Write(b []byte) (int, error) { f.writes++; return 0, errors.New("disk full") }

func TestWriteErrorsAreKept(t *testing.T) {
	f := &failing{}
	p := New(f, Options{})
	for range 3 {
		p.Record(event.Record{Event: event.Text{Text: "x"}})
	}
	if p.Err() == nil || f.writes != 1 {
		t.Errorf("error %v after %d writes, want 1", p.Err(), f.writes)
	}
}

// Whatever a modem says, in whatever event: no control character but the line end reaches the terminal.
func FuzzProgressIsSafe(f *testing.F) {
	f.Add("\x1b]0;owned\a\r\x00", []byte{1, 1, 0, 9, 5, 0x1b, 0x1b})
	f.Fuzz(func(t *testing.T, s string, data []byte) {
		for _, level := range []Level{Quiet, Normal, Detail, Verbose} {
			var b bytes.Buffer
			p := New(&b, Options{Level: level})
			for _, e := range []event.Event{event.Device{Port: s, Vendor: s, Model: s, Firmware: s, USB: s, Profile: s}, event.AT{Dir: event.Rcvd, Text: s}, event.AT{Dir: event.Sent, Text: s}, event.AT{Dir: event.Rcvd, Text: s}, event.Phase{Phase: s}, event.Packet{Dir: event.Rcvd, Protocol: packet.LCP, Data: data}, event.Packet{Dir: event.Sent, Protocol: packet.PAP, Data: data},
				event.Quirk{Key: s, Value: s, Source: s, Reason: s}, event.Up{Interface: s, Plane: s, Local: s, Peer: s, DNS: []string{s}, WINS: []string{s}, MTU: 1, IPv6: s, IPv6Peer: s, ElapsedMS: 1, Proved: true}, event.Finding{ID: s, Category: s, Confidence: s, Title: s, Evidence: []string{s}, Meaning: s, Cure: []string{s}, Places: nil},
				event.Down{Reason: s}, event.State{Protocol: s, From: s, To: s, Cause: s}, event.Decision{Protocol: s, Point: s, Intent: s, Verdict: s, By: s}, event.Text{Text: s}, event.Registration{State: s, Signal: s}, event.Probe{Target: s, How: s, Result: s},
				event.Attempt{Number: 1, Reason: s}, event.Notice{Level: s, Text: s}, event.Notice{Level: "warning", Text: s}, event.Failure{Phase: s, Cause: s, Detail: s, Provisional: true}} {
				p.Record(event.Record{Event: e})
			}
			p.Flush()
			out := b.String()
			if !utf8.ValidString(out) {
				t.Fatalf("not UTF-8: %q", out)
			}
			for _, r := range out {
				if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r == 0x202e {
					t.Fatalf("%q reached the terminal in %q", r, out)
				}
			}
			if strings.Contains(s, "\n") && strings.Count(out, "\n") > 300+len(out)/20 {
				t.Fatalf("line ends reached the terminal: %q", out)
			}
		}
	})
}

func folded(level Level, events ...event.Event) string {
	var s teller
	for _, e := range events {
		s.at(0, e)
	}
	return string(show(s.records, Options{Level: level}))
}

func TestFolding(t *testing.T) {
	req := func(id uint8) event.Event { return request(event.Sent, packet.IPCP, packet.ConfigureRequest, id) }
	nak := func(id uint8) event.Event { return request(event.Rcvd, packet.IPCP, packet.ConfigureNak, id) }
	out := folded(Detail, req(1), nak(1), req(2), nak(2), req(3), nak(3), req(4), event.Text{Text: "bye"})
	want := "  0.000s  sent [IPCP ConfReq id=0x1]\n  0.000s  rcvd [IPCP ConfNak id=0x1]\n  0.000s  … same again 2 times\n" +
		"  0.000s  sent [IPCP ConfReq id=0x4]\n  0.000s  the modem said: bye\n"
	if out != want {
		t.Errorf("pairs with new identifiers:\n%s", out)
	}
	if out := folded(Detail, req(1), nak(1), req(2), nak(2), event.Text{Text: "bye"}); strings.Contains(out, "again") || strings.Count(out, "ConfNak") != 2 {
		t.Errorf("one repetition must be shown as it is:\n%s", out)
	}
	var many []event.Event
	for i := range 1000 {
		many = append(many, req(uint8(i)), nak(uint8(i)))
	}
	if out := folded(Detail, many...); strings.Count(out, "\n") != 3 || !strings.Contains(out, "999 times") {
		t.Errorf("a thousand:\n%s", out)
	}
	if out := folded(Verbose, many...); strings.Count(out, "\n") != 2000 {
		t.Errorf("verbose folds: %d lines", strings.Count(out, "\n"))
	}
}

// While the same repeats for long, the person is told every few seconds.
func TestFoldingDoesNotFallSilent(t *testing.T) {
	var s teller
	for i := range 12 {
		s.at(1000*i, event.AT{Dir: event.Sent, Text: "AT+CREG?"}, event.AT{Dir: event.Rcvd, Text: "+CREG: 0,2"})
	}
	var b bytes.Buffer
	p := New(&b, Options{Level: Detail})
	for _, r := range s.records {
		p.Record(r)
	}
	if got := b.String(); !strings.Contains(got, "  6.000s  … same again 6 times\n") {
		t.Errorf("before the end:\n%s", got)
	}
}

func TestFindingIsWrapped(t *testing.T) {
	long := strings.Repeat("the modem says nothing of use and ", 20)
	out := show([]event.Record{{Time: begin, Event: event.Finding{ID: "x", Title: long, Meaning: long, Cure: []string{long, strings.Repeat("y", 200)}, Evidence: []string{long}}}}, Options{})
	for l := range strings.SplitSeq(string(out), "\n") {
		if n := utf8.RuneCountInString(l); n > 78 {
			t.Errorf("%d columns: %s", n, l)
		}
	}
	if !strings.Contains(string(out), "\n 2. yyy") {
		t.Errorf("%s", out)
	}
}

// A command line in a cure stays on one line, so that it can be copied.
func TestCommandsAreNotBroken(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"try: knak dial --set a=b (pppd: c)", "try:|knak dial --set a=b|(pppd:|c)"},
		{"knak quirks explain; a profile", "knak quirks|explain;|a|profile"},
		{`knak dial --user "" --apn NAME`, `knak dial --user "" --apn NAME`},
		{"see knak devices; then knak dial --port PATH", "see|knak devices;|then|knak dial --port PATH"},
		{"ask knak", "ask|knak"},
	} {
		if got := strings.Join(commands(tt.in), "|"); got != tt.want {
			t.Errorf("%s: %s", tt.in, got)
		}
	}
}

// The live line says what is waited for by its name, and counts; the lines above it are wrapped under each other.
func TestLiveLine(t *testing.T) {
	var b bytes.Buffer
	p := New(&b, Options{Live: true, Width: 50, Start: begin, Limit: 2 * time.Minute})
	p.Record(event.Record{Time: begin, Event: event.Notice{Level: "info", Text: "/dev/ttyUSB2 is not there: waiting up to 60 s for it to come back", About: event.NoticeWaiting, Cause: "/dev/ttyUSB2 to come back"}})
	p.Tick(begin.Add(12 * time.Second))
	want := "  0.000s  /dev/ttyUSB2 is not there: waiting up to\n" +
		"          60 s for it to come back\n" +
		"waiting for /dev/ttyUSB2 to come back\r\x1b[Kwaiting for /dev/ttyUSB2 to come back, 12 s"
	if got := b.String(); got != want {
		t.Errorf("got:\n%q\nwant:\n%q", got, want)
	}
}
