package private

import (
	"sync"

	"github.com/knakppp/knak/core/event"
)

// Sink hides secrets in events that do not come from the link: those of scripts, plugins and planes. Several goroutines may use
// it.
type Sink struct {
	mu    sync.Mutex
	hider *Hider
	next  event.Sink
}

// NewSink makes a Sink that hides secrets and passes the records to next. public is as for Hider.Public.
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

// Text hides secrets and identities in a text that is not part of an event.
func (s *Sink) Text(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hider.Text(Identities(text))
}

// Record hides secrets in r and passes it on.
func (s *Sink) Record(r event.Record) {
	s.mu.Lock()
	r = s.hider.Record(r)
	s.mu.Unlock()
	s.next.Record(r)
}
