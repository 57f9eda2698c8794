package private

import (
	"sync"

	"github.com/knakppp/knak/core/event"
)

// Sink hides in what it hands on: events that come past the link, as those of scripts, plugins and planes do. It may be used
// from several goroutines.
type Sink struct {
	mu    sync.Mutex
	hider *Hider
	next  event.Sink
}

// NewSink makes a Sink before next that hides secrets. public is Hider.Public's.
func NewSink(next event.Sink, public, secrets []string) *Sink {
	s := &Sink{hider: NewLiveHider(), next: next}
	s.hider.Public(public...)
	s.hider.Learn(secrets...)
	return s
}

// Learn adds secrets.
func (s *Sink) Learn(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hider.Learn(secrets...)
}

// Text gives a text that is no part of an event, without secrets and identities.
func (s *Sink) Text(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hider.Text(Identities(text))
}

// Record hands r on.
func (s *Sink) Record(r event.Record) {
	s.mu.Lock()
	r = s.hider.Record(r)
	s.mu.Unlock()
	s.next.Record(r)
}
