package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/knakppp/knak/core/ppp/packet"
)

// Every key that cli.md promises is in the object, and every line is one object.
func TestJSONKeys(t *testing.T) {
	keys := map[string]string{
		"device": "port vendor model firmware usb profile", "at": "dir text", "phase": "phase", "packet": "dir proto code id options text",
		"quirk": "key value source reason", "up": "interface plane local peer dns wins mtu ipv6 ipv6_peer elapsed_ms proved",
		"finding": "id category confidence title evidence meaning cure", "down": "reason exit_code seconds bytes_in bytes_out",
		"failure": "phase cause detail provisional", "state": "protocol from to cause", "decision": "protocol point intent verdict by",
		"text": "text", "registration": "state signal", "probe": "target how result", "attempt": "attempt wait_ms reason", "notice": "level text",
		"data": "dir protocol length", "log": "program text", "unread": "text bytes reason",
	}
	for _, e := range []Event{Device{}, AT{}, Phase{}, Packet{}, Quirk{}, Up{}, Finding{}, Down{}, Failure{}, State{}, Decision{}, Text{},
		Registration{}, Probe{}, Attempt{Wait: 1500 * time.Millisecond}, Notice{}, Data{}, Log{}, Unread{}} {
		b, err := Record{Time: begin.Add(1500 * time.Nanosecond), Link: `a"b`, Event: e}.AppendJSON(nil)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(b, &m); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		want := strings.Fields(keys[e.Kind()])
		for _, k := range append(want, "t", "link", "event") {
			if v, ok := m[k]; !ok || v == nil {
				t.Errorf("%s: %q is missing or null in %s", e.Kind(), k, b)
			}
		}
		if len(m) != len(want)+3 {
			t.Errorf("%s: a key that is not in the contract: %s", e.Kind(), b)
		}
		if m["t"] != "2026-11-22T10:00:00.000001Z" || m["link"] != `a"b` || m["event"] != e.Kind() {
			t.Errorf("head of %s", b)
		}
		if e.Kind() == "attempt" && m["wait_ms"] != 1500.0 {
			t.Errorf("the wait is lost: %s", b)
		}
	}
}

func TestJSONIsNotEscapedForHTML(t *testing.T) {
	r := Record{Time: begin, Event: request(Rcvd, packet.IPCP, packet.ConfigureNak, 1, address(packet.IPCPAddress, "10.0.0.1"))}
	b, err := r.AppendJSON(nil)
	if err != nil || !bytes.Contains(b, []byte(`"options":["addr 10.0.0.1"],"text":"IPCP ConfNak id=0x1 <addr 10.0.0.1>"`)) {
		t.Errorf("%s %v", b, err)
	}
}

type failing struct{ writes int }

func (f *failing) Write(b []byte) (int, error) { f.writes++; return 0, errors.New("disk full") }

func TestWriteErrorsAreKept(t *testing.T) {
	f := &failing{}
	j, p := NewJSONWriter(f), NewProgress(f, ProgressOptions{})
	for range 3 {
		j.Record(Record{Event: Text{"x"}})
		p.Record(Record{Event: Text{"x"}})
	}
	if j.Err() == nil || p.Err() == nil || f.writes != 2 {
		t.Errorf("errors %v, %v after %d writes, want 2", j.Err(), p.Err(), f.writes)
	}
	j = NewJSONWriter(&bytes.Buffer{})
	j.Record(Record{Link: "l"})
	if j.Err() == nil {
		t.Error("a record without an event was written")
	}
}

func TestBufferKeepsTheLast(t *testing.T) {
	b := NewBuffer(3)
	both := Fanout{b, SinkFunc(func(Record) {})}
	for i := range 5 {
		both.Record(Record{Event: Attempt{Number: i}})
	}
	var got []int
	for _, r := range b.Records() {
		got = append(got, r.Event.(Attempt).Number)
	}
	if fmt.Sprint(got) != "[2 3 4]" || b.Dropped() != 2 {
		t.Error(got, b.Dropped())
	}
	if r := NewBuffer(0); len(r.Records()) != 0 {
		t.Error("an empty buffer holds something")
	}
}

func TestPrintable(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"OK", "OK"}, {"\r\nNO CARRIER\r\n", `\r\nNO CARRIER\r\n`}, {"\x1b[2J\x00", `\x1b[2J\x00`}, {"a\x9bb", `a\x9bb`},
		{"\u009b31m", `\u009b31m`}, {"Ωμέγα", "Ωμέγα"}, {"a\u202eb", `a\u202eb`}, {"\x7f", `\x7f`},
		{strings.Repeat("x", 10000), strings.Repeat("x", 400) + " … (9600 more bytes)"},
		{strings.Repeat("x", 399) + "ΩΩ", strings.Repeat("x", 399) + " … (4 more bytes)"},
	} {
		if got := Printable(tt.in); got != tt.want {
			t.Errorf("%.40q became %.60q, want %.60q", tt.in, got, tt.want)
		}
	}
}

// Whatever a modem says, in whatever event: no control character but the line end reaches the terminal.
func FuzzProgressIsSafe(f *testing.F) {
	f.Add("\x1b]0;owned\a\r\x00", []byte{1, 1, 0, 9, 5, 0x1b, 0x1b})
	f.Fuzz(func(t *testing.T, s string, data []byte) {
		for _, level := range []Level{Quiet, Normal, Verbose} {
			var b bytes.Buffer
			p := NewProgress(&b, ProgressOptions{Level: level})
			for _, e := range []Event{Device{s, s, s, s, s, s}, AT{Rcvd, s}, AT{Sent, s}, AT{Rcvd, s}, Phase{s}, Packet{Dir: Rcvd, Protocol: packet.LCP, Data: data}, Packet{Dir: Sent, Protocol: packet.PAP, Data: data},
				Quirk{s, s, s, s}, Up{s, s, s, s, []string{s}, []string{s}, 1, s, s, 1, true}, Finding{s, s, s, s, []string{s}, s, []string{s}, nil},
				Down{Reason: s}, State{s, s, s, s}, Decision{s, s, s, s, s}, Text{s}, Registration{s, s}, Probe{s, s, s},
				Attempt{Number: 1, Reason: s}, Notice{s, s}, Notice{"warning", s}, Failure{s, s, s, true}} {
				p.Record(Record{Event: e})
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

func folded(level Level, events ...Event) string {
	var s teller
	for _, e := range events {
		s.at(0, e)
	}
	return string(show(s.records, ProgressOptions{Level: level}))
}

func TestFolding(t *testing.T) {
	req := func(id uint8) Event { return request(Sent, packet.IPCP, packet.ConfigureRequest, id) }
	nak := func(id uint8) Event { return request(Rcvd, packet.IPCP, packet.ConfigureNak, id) }
	out := folded(Normal, req(1), nak(1), req(2), nak(2), req(3), nak(3), req(4), Text{"bye"})
	want := "  0.000s  sent [IPCP ConfReq id=0x1]\n  0.000s  rcvd [IPCP ConfNak id=0x1]\n  0.000s  … same again 2 times\n" +
		"  0.000s  sent [IPCP ConfReq id=0x4]\n  0.000s  the modem said: bye\n"
	if out != want {
		t.Errorf("pairs with new identifiers:\n%s", out)
	}
	if out := folded(Normal, req(1), nak(1), req(2), nak(2), Text{"bye"}); strings.Contains(out, "again") || strings.Count(out, "ConfNak") != 2 {
		t.Errorf("one repetition must be shown as it is:\n%s", out)
	}
	var many []Event
	for i := range 1000 {
		many = append(many, req(uint8(i)), nak(uint8(i)))
	}
	if out := folded(Normal, many...); strings.Count(out, "\n") != 3 || !strings.Contains(out, "999 times") {
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
		s.at(1000*i, AT{Sent, "AT+CREG?"}, AT{Rcvd, "+CREG: 0,2"})
	}
	var b bytes.Buffer
	p := NewProgress(&b, ProgressOptions{})
	for _, r := range s.records {
		p.Record(r)
	}
	if got := b.String(); !strings.Contains(got, "  6.000s  … same again 6 times\n") {
		t.Errorf("before the end:\n%s", got)
	}
}

func TestFindingIsWrapped(t *testing.T) {
	long := strings.Repeat("the modem says nothing of use and ", 20)
	out := show([]Record{{Time: begin, Event: Finding{ID: "x", Title: long, Meaning: long, Cure: []string{long, strings.Repeat("y", 200)}, Evidence: []string{long}}}}, ProgressOptions{})
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
