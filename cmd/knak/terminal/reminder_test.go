package terminal

import (
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
)

// kinds is a Sink that keeps the kinds of what it gets.
type kinds []string

func (k *kinds) Record(r event.Record) { *k = append(*k, r.Event.Kind()) }

// A finding is told again at the end when it is out of sight, and only then.
func TestReminder(t *testing.T) {
	lines := func(n int) (list []event.Event) {
		for range n {
			list = append(list, event.Notice{})
		}
		return list
	}
	for _, tt := range []struct {
		name   string
		events [][]event.Event
		want   int // how often the finding is told
	}{
		{"at once", [][]event.Event{{event.Finding{}}, lines(screenful - 1), {event.Down{}}}, 1},
		{"long before", [][]event.Event{{event.Finding{}}, lines(screenful), {event.Down{}}}, 2},
		{"once a link", [][]event.Event{{event.Finding{}}, lines(screenful), {event.Down{}}, lines(screenful), {event.Down{}}}, 2},
		{"came up after all", [][]event.Event{{event.Finding{}}, lines(screenful), {event.Up{}, event.Down{}}}, 1},
		{"none", [][]event.Event{lines(screenful), {event.Down{}}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got kinds
			m := &reminder{next: &got}
			for _, list := range tt.events {
				for _, e := range list {
					m.Record(event.Record{Event: e})
				}
			}
			told := strings.Count(strings.Join(got, " "), event.Finding{}.Kind())
			if told != tt.want || got[len(got)-1] != (event.Down{}).Kind() {
				t.Errorf("the finding was told %d times, want %d; last came %q", told, tt.want, got[len(got)-1])
			}
		})
	}
}
