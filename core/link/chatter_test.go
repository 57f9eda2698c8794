package link

import (
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
)

// TestStormOfPhases: a peer that begins LCP anew 200 times a second goes through phases and probes as fast. They are summed up
// as everything else, and the phase in which it ends is told.
func TestStormOfPhases(t *testing.T) {
	session := New(Config{Name: "test"})
	s, out := &session.story, &session.out
	s.begin()
	now := time.Unix(1000, 0)
	told, last, summed := 0, "", false
	take := func() {
		for o, ok := out.take(); ok; o, ok = out.take() {
			told++
			switch e := o.(Event).Event.(type) {
			case event.Phase:
				last = e.Phase
			case event.Notice:
				summed = true
			}
		}
	}
	for range 2000 {
		for _, e := range []event.Event{
			event.Phase{Phase: event.PhaseLCP}, event.Phase{Phase: event.PhaseAuth}, event.Phase{Phase: event.PhaseIPCP},
			event.Phase{Phase: event.PhaseProve}, event.Probe{Target: "192.0.2.1"}, event.Log{Program: "x"},
		} {
			s.event(now, e)
		}
		if due(s.deadline(), now) {
			s.advance(now)
		}
		take()
		now = now.Add(5 * time.Millisecond)
	}
	s.event(now, event.Phase{Phase: event.PhaseLCP})
	take()
	now = now.Add(phaseWait)
	if !due(s.deadline(), now) {
		t.Fatal("the latest phase stays untold")
	}
	s.advance(now)
	take()
	if last != event.PhaseLCP || !summed {
		t.Errorf("the latest phase that was told is %s; a person was told of the rest: %v", last, summed)
	}
	if told > chatterBurst+100 {
		t.Errorf("%d events of 12,000 were told", told)
	}
	s.event(now, event.Phase{Phase: event.PhaseUp})
	s.event(now, event.Up{})
	take()
	if last != event.PhaseUp {
		t.Errorf("up was told in phase %s", last)
	}
}
