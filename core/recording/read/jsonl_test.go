package read

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/ppp/packet"
)

// simulated gives the records of a simulated call, in virtual time and with no chance in it.
func simulated(t testing.TB, scenario, profile string, set ...string) []event.Record {
	t.Helper()
	return linktest.Call{Scenario: scenario, Profile: profile, Set: set, Begin: fileTime}.Records(t)
}

// calls are simulated calls of all kinds: one that works, ones that do not, one with a damaged dialogue.
func calls(t testing.TB) map[string][]event.Record {
	return map[string][]event.Record{
		"solved": simulated(t, "huawei/e398", "huawei/e398"), "failed": simulated(t, "huawei/e398", "", "auth.user=wap", "auth.try_blank=false"),
		"nbns": simulated(t, "huawei/e220-nbns", ""),
	}
}

// What knak writes it reads back to the same, event by event.
func TestJSONRoundTrip(t *testing.T) {
	for name, records := range calls(t) {
		want := jsonLines(t, records)
		r := open(t, want, Options{})
		got := collect(t, r)
		for i := range got {
			if got[i].Pos.Line != int64(i+1) {
				t.Fatalf("%s: record %d is at %v", name, i, got[i].Pos)
			}
			got[i].Pos = event.Pos{}
		}
		if again := jsonLines(t, got); !bytes.Equal(again, want) {
			for i, line := range strings.Split(string(want), "\n") {
				if lines := strings.Split(string(again), "\n"); i >= len(lines) || lines[i] != line {
					t.Fatalf("%s, line %d:\nwrote %s\nread  %s", name, i+1, line, lines[min(i, len(lines)-1)])
				}
			}
		}
		if s := r.Summary(); s.Format != "jsonl" || s.UnreadLines != 0 || s.Records < 20 {
			t.Errorf("%s: %+v", name, s)
		}
		for i := range got { // the octets too, where no secret was in them
			if p, ok := got[i].Event.(event.Packet); ok && p.Protocol != packet.PAP && p.Protocol != packet.CHAP {
				if q := records[i].Event.(event.Packet); p.Protocol != q.Protocol || !bytes.Equal(p.Data, q.Data) {
					t.Errorf("%s: %s was % x, is % x", name, p.Text(), q.Data, p.Data)
				}
			}
		}
	}
}

// Every kind of event comes back, and a place in another recording stays.
func TestJSONEveryEvent(t *testing.T) {
	up := event.Up{Interface: "ppp0", Plane: "kernel", Local: "10.0.0.2", Peer: "10.0.0.1", DNS: []string{"192.0.2.1"}, MTU: 1500, ElapsedMS: 12, Proved: true}
	var want []byte
	all := []event.Event{
		event.Device{Port: "p", Vendor: "v"}, event.AT{Dir: event.Rcvd, Text: "a\"<b>"}, event.Phase{Phase: "lcp"}, event.Quirk{Key: "k"}, up, event.Finding{ID: "x", Evidence: []string{"e"}},
		event.Down{Reason: "r", ExitCode: 16, Seconds: 1.5}, event.State{Protocol: "LCP"}, event.Decision{Point: "p"}, event.Data{Dir: event.Rcvd, Protocol: 0x21, Length: 40},
		event.Log{Program: "pppd", Text: "t"}, event.Unread{Text: "u", Bytes: 4, Reason: "r"}, event.Text{Text: "NO CARRIER"}, event.Registration{State: "home"},
		event.Probe{Target: "t"}, event.Attempt{Number: 2, Wait: 3 * time.Second, WaitMS: 3000}, event.Notice{Level: "info", Text: "n"}, event.Failure{Phase: "lcp", Cause: "timeout", Provisional: true},
		event.Packet{Dir: event.Rcvd, Protocol: packet.LCP, Data: []byte{9, 1, 0, 8, 0, 0, 0, 1, 0, 0, 0}}, event.Packet{Protocol: 0x8281, Data: []byte{1, 2}},
		event.Packet{Protocol: packet.LCP, Data: []byte{5, 1, 0, 7, 'a', '"', '\n'}}, event.Packet{Protocol: packet.IPCP, Data: []byte{1}}, event.Packet{Protocol: packet.IPCP, Data: []byte{1, 1, 0, 4}, Guessed: true},
		event.Packet{Protocol: packet.CHAP, Data: packet.Packet{Code: packet.CHAPResponse, ID: 1, Data: []byte("\x31*************************************************name")}.AppendTo(nil)},
	}
	for i, e := range all {
		var err error
		if want, err = (event.Record{Time: fileTime, Link: "default", Event: e, Pos: event.Pos{Packet: int64(i + 1)}}).AppendJSON(want); err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
	}
	if got := jsonLines(t, collect(t, open(t, want, Options{}))); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestJSONBroken(t *testing.T) {
	in := `{"t":"2019-01-02T12:00:00.000000Z","link":"a","event":"phase","phase":"lcp"}
{"t":"2019-01-02T12:00:00.000000Z","link":"a","event":"packet","dir":"sent","proto":"lcp","code":"ConfReq","id":1,"options":[],"text":"LCP ConfReq id=0x1 <mru"}
{"t":"2019-01-02T12:00:00.000000Z","link":"a","event":"at","dir":"up","text":"x"}
{"t":"2019-01-02T12:00:00.000000Z","link":"a","event":"phase","pha
{"t":"2019-01-02T12:00:00.000000Z","link":"a","event":"later","x":1}
dialling with password=hunter2
`
	r := open(t, []byte(in), Options{})
	all := collect(t, r)
	if s := r.Summary(); len(all) != 6 || s.UnreadLines != 5 || s.Bytes != int64(len(in)) {
		t.Errorf("%d records, %+v", len(all), s)
	}
	if text := string(jsonLines(t, all)); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
}

// A log that pppd would have written of the same call says the same packets.
func TestAsPppdWrites(t *testing.T) {
	for name, records := range calls(t) {
		var log bytes.Buffer
		var want []event.Packet
		for _, r := range records {
			if p, ok := r.Event.(event.Packet); ok {
				log.WriteString(r.Time.Format("Jan _2 15:04:05") + " box pppd[12]: " + p.Line() + "\n")
				want = append(want, p)
			}
		}
		r := open(t, log.Bytes(), Options{Date: fileTime})
		i := 0
		for _, rec := range collect(t, r) {
			switch p := rec.Event.(type) {
			case event.Packet:
				if i < len(want) && p.Line() != want[i].Line() {
					t.Errorf("%s: %s, was %s", name, p.Line(), want[i].Line())
				}
				i++
			case event.Unread:
				t.Errorf("%s: not understood: %s", name, p.Text)
			}
		}
		if i != len(want) || i < 4 {
			t.Errorf("%s: %d packets of %d", name, i, len(want))
		}
	}
}

func fuzzFormat(f *testing.F, format string) {
	f.Fuzz(func(t *testing.T, in []byte) {
		r, err := Open(bytes.NewReader(in), Options{Format: format, Date: fileTime})
		if err != nil {
			return // a damaged gzip
		}
		for rec, err := range All(r) {
			if err != nil {
				return
			}
			if _, err := rec.AppendJSON(nil); err != nil {
				t.Fatal(err)
			}
			switch e := rec.Event.(type) {
			case event.Log:
				checkPrintable(t, e.Text)
			case event.Unread:
				checkPrintable(t, e.Text)
			}
		}
		if s := r.Summary(); s.Compression == "" && s.Bytes != int64(len(in)) {
			t.Fatalf("%d octets of %d", s.Bytes, len(in))
		}
	})
}

func checkPrintable(t *testing.T, s string) {
	for _, c := range s {
		if c < ' ' || c == 0x7f {
			t.Fatalf("%q would be obeyed by a terminal", s)
		}
	}
}

func FuzzLog(f *testing.F) {
	for _, name := range []string{"plain.log", "syslog.log", "wvdial.log"} {
		f.Add(read(f, name))
	}
	fuzzFormat(f, "log")
}

func FuzzEvents(f *testing.F) {
	f.Add([]byte("t=1s..3s > IPCP ConfReq 1 addr=P dns1=0.0.0.0\n< CHAP Challenge 1 name X\n! auth-ok chap\n! ip-up local=1.2.3.4\n"))
	fuzzFormat(f, "events")
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"t":"2019-01-02T12:00:00.000000Z","link":"a","event":"packet","dir":"sent","proto":"lcp","code":"EchoRep","id":1,"options":[],"text":"LCP EchoRep id=0x1 magic=0x1"}`))
	fuzzFormat(f, "jsonl")
}
