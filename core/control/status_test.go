package control

import (
	"slices"
	"testing"

	"github.com/knakppp/knak/core/event"
)

// The findings of an attempt stand until another attempt has one or the link is up; a Status that was given out keeps its own.
func TestBoardFindings(t *testing.T) {
	b := NewBoard("default")
	put := func(e event.Event) { b.Record(event.Record{Event: e}) }
	ids := func(s Status) []string {
		var out []string
		for _, f := range s.Findings {
			out = append(out, f.ID)
		}
		return out
	}
	put(event.Finding{ID: "a"})
	put(event.Finding{ID: "b"})
	first := b.Status()
	put(event.Attempt{Number: 2})
	if got := ids(b.Status()); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("a new attempt that has none yet: %v", got)
	}
	put(event.Finding{ID: "c"})
	if got := ids(b.Status()); !slices.Equal(got, []string{"c"}) {
		t.Errorf("the second attempt: %v", got)
	}
	for range 20 {
		put(event.Finding{ID: "d"})
	}
	if got := len(b.Status().Findings); got != maxFindings {
		t.Errorf("%d findings are kept", got)
	}
	put(event.Up{})
	if got := ids(b.Status()); got != nil {
		t.Errorf("a link that is up: %v", got)
	}
	if got := ids(first); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("the status that was given out before has changed: %v", got)
	}
}
