package dialer

import (
	"context"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
)

// held answers the control socket for a link.
type held struct {
	link  *Link
	board *control.Board

	mu        sync.Mutex
	plugins   func() []control.Plugin // nil: there are none
	wasUp     bool
	givenBack []string
	problems  []string
	outcome   link.Outcome
	ended     chan struct{}
}

// Record notes what a status shows, and what a hang-up will give back.
func (h *held) Record(r event.Record) {
	h.board.Record(r)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e := r.Event.(type) {
	case event.Up:
		h.wasUp = true
		h.givenBack = givenBack(e)
	case event.Down:
		go h.link.watcher.end() // it may be asking, and a tty that is gone and held keeps its name from coming back
	case event.Notice:
		if e.About == event.NoticeNotGivenBack {
			h.problems = append(h.problems, e.Cause)
		}
	}
}

// givenBack lists in words what a link that is up holds.
func givenBack(u event.Up) []string {
	var list []string
	if u.Interface != "" {
		list = append(list, "the interface "+u.Interface+" with its addresses and routes")
		if len(u.DNS) > 0 {
			list = append(list, "the name servers "+strings.Join(u.DNS, " "))
		}
	}
	if u.Plane == plane.KindStack {
		list = append(list, "the proxy and its connections")
	}
	return append(list, "the port and its lock")
}

func (h *held) finish(o link.Outcome) {
	h.mu.Lock()
	h.outcome = o
	h.mu.Unlock()
	close(h.ended)
}

// Status gives the state with the present counters.
func (h *held) Status() control.Status {
	st := h.board.Status()
	if st.Up != nil {
		st.BytesIn, st.BytesOut = h.link.Counters()
		if seen := h.link.observation(); seen.Signal != "" || seen.Operator != "" {
			st.Signal, st.Operator = h.link.hides.Text(seen.Signal), h.link.hides.Text(seen.Operator)
		}
	}
	h.mu.Lock()
	plugins := h.plugins
	h.mu.Unlock()
	if plugins != nil {
		st.Plugins = plugins()
		for i := range st.Plugins { // what they say of themselves, and of what went wrong
			p := &st.Plugins[i]
			p.Version, p.Problem, p.Cure = h.link.hides.Text(p.Version), h.link.hides.Text(p.Problem), h.link.hides.Text(p.Cure)
		}
	}
	return st
}

// Hangup ends the link and waits until it has ended.
func (h *held) Hangup(ctx context.Context) control.Goodbye {
	h.link.Hangup("hangup was asked for")
	select {
	case <-h.ended:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	bye := control.Goodbye{Link: h.board.Status().Link, WasUp: h.wasUp, Reason: h.link.hides.Text(h.outcome.Detail), Error: h.link.hides.Text(strings.Join(h.problems, "; "))}
	if h.wasUp {
		bye.GivenBack = h.givenBack
	}
	return bye
}
