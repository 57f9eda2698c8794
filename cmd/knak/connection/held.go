package connection

import (
	"context"
	"strings"
	"sync"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/plane"
)

// heldLink is what the control socket shows and does of the dial in this process.
type heldLink struct {
	board  *control.Board
	runner *drive.Runner
	guests *dialPlugins // nil: none

	mu        sync.Mutex
	wasUp     bool
	givenBack []string
	problems  []string
	outcome   link.Outcome
	ended     chan struct{}
}

// Record remembers what a hang-up gives back.
func (h *heldLink) Record(r event.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e := r.Event.(type) {
	case event.Up:
		go giveMemoryBack()
		h.wasUp = true
		h.givenBack = givenBack(e)
	case event.Notice:
		if e.About == event.NoticeNotGivenBack {
			h.problems = append(h.problems, e.Cause)
		}
	}
}

// givenBack lists what a link that is up holds, for people.
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

func (h *heldLink) finish(o link.Outcome) {
	h.mu.Lock()
	h.outcome = o
	h.mu.Unlock()
	close(h.ended)
}

// Status gives the board with the counters of this moment.
func (h *heldLink) Status() control.Status {
	st := h.board.Status()
	if st.Up != nil {
		st.BytesIn, st.BytesOut = h.runner.Counters()
	}
	h.mu.Lock()
	guests := h.guests
	h.mu.Unlock()
	st.Plugins = guests.status()
	return st
}

// Hangup ends the link and waits until it has ended.
func (h *heldLink) Hangup(ctx context.Context) control.Goodbye {
	h.runner.Hangup(link.KindHangup, "hangup was asked for")
	select {
	case <-h.ended:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	bye := control.Goodbye{Link: h.board.Status().Link, WasUp: h.wasUp, Reason: h.outcome.Detail, Error: strings.Join(h.problems, "; ")}
	if h.wasUp {
		bye.GivenBack = h.givenBack
	}
	return bye
}
