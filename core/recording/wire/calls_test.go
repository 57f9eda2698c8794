package wire_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/recording/wire"
	"github.com/knakppp/knak/core/sim"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// piece is some octets of a call.
type piece struct {
	now  time.Time
	dir  event.Dir
	data []byte
}

// call gives a simulated call: what passed, and what the session itself says of it.
func call(t testing.TB, scenario string) ([]piece, []event.Record) {
	t.Helper()
	var pieces []piece
	records := linktest.Call{Scenario: scenario, Begin: epoch, Tap: func(now time.Time, dir event.Dir, p []byte) {
		pieces = append(pieces, piece{now, dir, bytes.Clone(p)})
	}}.Records(t)
	return pieces, records
}

func read(l *wire.Line, pieces []piece) []event.Record {
	var all []event.Record
	hider := private.NewHider() // as whoever shows the records has one
	take := func() {
		for r, ok := l.Next(); ok; r, ok = l.Next() {
			all = append(all, hider.Record(r))
		}
	}
	for _, p := range pieces {
		l.Receive(p.now, p.dir, p.data)
		take()
	}
	l.Close(epoch)
	take()
	return all
}

// said gives what records hold of one direction, as text. The session and the line name a message after CONNECT differently.
func said(records []event.Record, dir event.Dir) []string {
	var all []string
	for _, r := range records {
		switch e := r.Event.(type) {
		case event.Packet:
			if e.Dir == dir {
				all = append(all, e.Line())
			}
		case event.AT:
			if e.Dir == dir && !strings.Contains(e.Text, "<hidden>") {
				all = append(all, e.Text)
			}
		case event.Text:
			if dir == event.Rcvd {
				all = append(all, strings.TrimSpace(strings.NewReplacer(`\r`, "", `\n`, "").Replace(e.Text)))
			}
		}
	}
	return all
}

func connectFirst(a, b event.Record) int {
	at := func(r event.Record) int {
		if e, ok := r.Event.(event.AT); ok && strings.HasPrefix(e.Text, "CONNECT") {
			return -1
		}
		return 0
	}
	return at(a) - at(b)
}

// within says whether all of part is in whole, in order; what is not is given.
func within(part, whole []string) (missing string, ok bool) {
	for _, p := range part {
		i := slices.Index(whole, p)
		if i < 0 {
			return p, false
		}
		whole = whole[i+1:]
	}
	return "", true
}

func show(records []event.Record) string {
	var b strings.Builder
	for _, r := range records {
		if p, ok := r.Event.(event.Packet); ok {
			fmt.Fprintln(&b, p.Line())
		} else {
			fmt.Fprintf(&b, "%T%+v\n", r.Event, r.Event)
		}
	}
	return b.String()
}

// Of every scenario's call the octets on the line give all that the session itself saw, in order; there may be more, which
// a session that is ending ignores. What is not understood is only what the scenario puts into the line.
func TestCallsOfAllScenarios(t *testing.T) {
	for _, name := range sim.Names(knak.Files) {
		t.Run(name, func(t *testing.T) {
			pieces, records := call(t, name)
			l := wire.New(wire.Options{})
			got := read(l, pieces)
			s, err := sim.Load(knak.Files, name)
			if err != nil {
				t.Fatal(err)
			}
			checkCuts(t, wire.Options{}, pieces, got)
			for _, d := range []event.Dir{event.Sent, event.Rcvd} {
				if s.LCP.BeforeConnect {
					slices.SortStableFunc(records, connectFirst) // the session tells of frames after the line that they came before
					slices.SortStableFunc(got, connectFirst)
				}
				if missing, ok := within(said(records, d), said(got, d)); !ok {
					t.Errorf("%v %q is missing from\n%s", d, missing, show(got))
				}
			}
			damaged := s.Line.Loss+s.Line.Corrupt+s.Line.Duplicate+s.Line.Noise > 0 || s.Line.Control == "lost"
			for _, r := range s.IPCP.Rules {
				damaged = damaged || r.Do == "garbage"
			}
			if st := l.Stats(); st.UnreadBytes > 0 && !damaged {
				t.Errorf("%d octets are not understood:\n%s", st.UnreadBytes, show(got))
			}
		})
	}
}

// checkCuts says that octets that come one by one, or more at a time, give the same events.
func checkCuts(t *testing.T, o wire.Options, pieces []piece, want []event.Record) {
	t.Helper()
	var single, joined []piece
	for _, p := range pieces {
		for i := range p.data {
			single = append(single, piece{p.now, p.dir, p.data[i : i+1]})
		}
		if n := len(joined) - 1; n >= 0 && joined[n].dir == p.dir && joined[n].now.Equal(p.now) {
			joined[n].data = append(joined[n].data[:len(joined[n].data):len(joined[n].data)], p.data...)
			continue
		}
		joined = append(joined, p)
	}
	for _, cut := range [][]piece{single, joined} {
		if got := read(wire.New(o), cut); show(got) != show(want) {
			t.Errorf("cut otherwise\n%s\nwant\n%s", show(got), show(want))
		}
	}
}
