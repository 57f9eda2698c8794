package modem_test

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/sim"
)

// dialSim plays a dialogue against a simulated modem in virtual time.
func dialSim(t *testing.T, name string, talk func(*at.Exchange) error) (err error, elapsed time.Duration, shown, rest string) {
	t.Helper()
	s, err := sim.Load(nil, name)
	if err != nil {
		t.Fatal(err)
	}
	m := sim.New(s, 1)
	d := at.NewDialogue(talk)
	defer d.Stop()
	begin := time.Unix(1_000_000, 0)
	now := begin
	var events strings.Builder
	done := false
	pump := func() {
		for again := true; again && !done; {
			again = false
			for out, ok := m.Next(); ok; out, ok = m.Next() {
				again = true
				switch out.Kind {
				case sim.OutputWrite:
					d.Receive(now, append([]byte(nil), out.Data...))
				case sim.OutputLines:
					d.Lines(now, at.ModemLines{DCD: out.Lines.DCD, DSR: out.Lines.DSR, CTS: out.Lines.CTS})
				}
			}
			for out, ok := d.Next(); ok; out, ok = d.Next() {
				again = true
				switch out := out.(type) {
				case at.Write:
					m.Receive(now, out.Bytes)
				case at.SetDTR:
					m.SetDTR(now, out.On)
				case at.Event:
					b, err := event.Record{Time: now, Event: out.Event}.AppendJSON(nil)
					if err != nil {
						t.Fatal(err)
					}
					events.Write(append(b, '\n'))
				case at.Done:
					done, err = true, out.Err
				}
			}
		}
	}
	m.Advance(now)
	d.Advance(now)
	pump()
	for !done {
		next := d.Deadline()
		if other := m.Deadline(); !other.IsZero() && (next.IsZero() || other.Before(next)) {
			next = other
		}
		if next.IsZero() || next.Sub(begin) > 10*time.Minute {
			t.Fatalf("%s: the dialogue does not end", name)
		}
		if next.After(now) {
			now = next
		}
		m.Advance(now)
		d.Advance(now)
		pump()
	}
	return err, now.Sub(begin), events.String(), string(d.Rest())
}

// TestScenarios: the dialogue against every scenario of the simulator that concerns it.
func TestScenarios(t *testing.T) {
	const s = time.Second
	for _, tt := range []struct {
		name string
		pin  string
		kind modem.Kind
		most time.Duration // of virtual time
	}{
		{"behaves", "", "", 0},
		{"one-byte-at-a-time", "", "", 0},
		{"at-slow", "", "", 4 * s},
		{"atz-error", "", "", 0},
		{"lcp-before-connect", "", "", 300 * time.Millisecond},
		{"searching-then-home", "", "", 8 * s},
		{"denied-then-roaming", "", "", 5 * s},
		{"sim-late", "", "", 4 * s},
		{"data-mode-stuck", "", "", 8 * s},
		{"wrong-port", "", "", 0},
		{"wrong-port-text", "", "", 0},
		{"silent-after-connect", "", "", 0},
		{"pin-needed", "1234", "", 2 * s},
		{"pin-needed", "", modem.PINNeeded, 0},
		{"pin-needed", "9999", modem.PINWrong, 0},
		{"pin-one-try", "9999", modem.PINWrong, 0},
		{"puk-needed", "1234", modem.PUKNeeded, 0},
		{"no-sim", "", modem.NoSIM, 0},
		{"not-registered", "", modem.Unregistered, 60 * s},
		{"registration-denied", "", modem.Denied, 0},
		{"dial-busy", "", modem.DialRefused, s},
		{"dial-cme", "", modem.DialRefused, s},
		{"dial-error", "", modem.DialRefused, s},
		{"dial-no-carrier", "", modem.DialRefused, s},
		{"dial-no-dialtone", "", modem.DialRefused, s},
		{"dial-second-time", "", modem.DialRefused, s},
		{"dial-silence", "", modem.DialRefused, 62 * s},
		{"modem-silent", "", modem.Silent, 13 * s},
		{"at-only-ok", "", modem.DialRefused, 6 * s},
	} {
		p := modem.Defaults()
		p.PIN = tt.pin
		var r modem.Result
		err, elapsed, shown, rest := dialSim(t, tt.name, modem.Dial(p, &r))
		if modem.KindOf(err) != tt.kind || (err == nil) != (tt.kind == "") {
			t.Errorf("%s: %v (%q), want %q\n%s", tt.name, err, modem.KindOf(err), tt.kind, shown)
		}
		if elapsed > tt.most {
			t.Errorf("%s: took %v, want %v\n%s", tt.name, elapsed, tt.most, shown)
		}
		if tt.name == "lcp-before-connect" && !strings.HasPrefix(rest, "~\xff}#") {
			t.Errorf("%s: rest %q", tt.name, rest)
		}
		if tt.pin != "" && strings.Contains(shown, tt.pin) {
			t.Errorf("%s: the PIN is shown\n%s", tt.name, shown)
		}
	}
}

// TestScenarioHangup: a call to the simulator is ended, by each method.
func TestScenarioHangup(t *testing.T) {
	for _, methods := range [][]string{{"dtr"}, {"escape"}, {"terminate", "escape"}} {
		p := modem.Defaults()
		p.HangupMethods = methods
		var r modem.HangupResult
		err, elapsed, shown, _ := dialSim(t, "behaves", func(x *at.Exchange) error {
			if err := modem.Dial(p, nil)(x); err != nil {
				return err
			}
			x.CommandState()
			if err := modem.Hangup(p, true, &r)(x); err != nil {
				return err
			}
			return modem.Dial(p, nil)(x)
		})
		if err != nil || r.Method != methods[len(methods)-1] {
			t.Errorf("%v: %+v, error %v after %v\n%s", methods, r, err, elapsed, shown)
		}
	}
}
