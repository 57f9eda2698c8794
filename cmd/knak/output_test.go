package main

import (
	"strings"
	"testing"

	"github.com/knakppp/knak/core/trace"
)

// kinds is a Sink that keeps the kinds of what it gets.
type kinds []string

func (k *kinds) Record(r trace.Record) { *k = append(*k, r.Event.Kind()) }

// A finding is told again at the end when it is out of sight, and only then.
func TestReminder(t *testing.T) {
	lines := func(n int) (list []trace.Event) {
		for range n {
			list = append(list, trace.Notice{})
		}
		return list
	}
	for _, tt := range []struct {
		name   string
		events [][]trace.Event
		want   int // how often the finding is told
	}{
		{"at once", [][]trace.Event{{trace.Finding{}}, lines(screenful - 1), {trace.Down{}}}, 1},
		{"long before", [][]trace.Event{{trace.Finding{}}, lines(screenful), {trace.Down{}}}, 2},
		{"once a link", [][]trace.Event{{trace.Finding{}}, lines(screenful), {trace.Down{}}, lines(screenful), {trace.Down{}}}, 2},
		{"came up after all", [][]trace.Event{{trace.Finding{}}, lines(screenful), {trace.Up{}, trace.Down{}}}, 1},
		{"none", [][]trace.Event{lines(screenful), {trace.Down{}}}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got kinds
			m := &reminder{next: &got}
			for _, list := range tt.events {
				for _, e := range list {
					m.Record(trace.Record{Event: e})
				}
			}
			told := strings.Count(strings.Join(got, " "), trace.Finding{}.Kind())
			if told != tt.want || got[len(got)-1] != (trace.Down{}).Kind() {
				t.Errorf("the finding was told %d times, want %d; last came %q", told, tt.want, got[len(got)-1])
			}
		})
	}
}
