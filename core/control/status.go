package control

import (
	"slices"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Status is what `knak status` shows of one link. It is read off the link's event stream.
type Status struct {
	Link       string         `json:"link"`
	Phase      string         `json:"phase"`
	PhaseSince time.Time      `json:"phase_since"`
	Device     *event.Device  `json:"device,omitempty"`
	Up         *event.Up      `json:"up,omitempty"`
	UpSince    *time.Time     `json:"up_since,omitempty"`
	BytesIn    uint64         `json:"bytes_in"`
	BytesOut   uint64         `json:"bytes_out"`
	Signal     string         `json:"signal,omitempty"`   // as it was at the dial or, where another port can be asked, is now
	Operator   string         `json:"operator,omitempty"` // that of now, where another port can be asked
	Attempt    int            `json:"attempt"`
	Finding    *event.Finding `json:"finding,omitempty"` // the last one
	Plugins    []Plugin       `json:"plugins,omitempty"` // in the order in which they are asked

	Findings []event.Finding `json:"findings,omitempty"` // of the last attempt that had any, the last one first, up to eight; none once it is up
}

// Plugin is what a status shows of an external plugin.
type Plugin struct {
	Name      string  `json:"name"`
	State     string  `json:"state"` // "running", "waiting", "out", or why it never ran
	Version   string  `json:"version,omitempty"`
	Problem   string  `json:"problem,omitempty"` // what went wrong last
	Cure      string  `json:"cure,omitempty"`
	Required  bool    `json:"required,omitempty"`
	PID       int     `json:"pid,omitempty"`
	Calls     uint64  `json:"calls"`
	SlowestMS float64 `json:"slowest_ms"`
	Strikes   int     `json:"strikes,omitempty"` // failures of the last ten minutes; three are too many
	Lost      uint64  `json:"lost,omitempty"`    // events that it was too slow to be told of
}

// maxFindings bounds the findings of one attempt.
const maxFindings = 8

// Board keeps the Status of one link up to date. It is an event.Sink, safe for use by many goroutines.
type Board struct {
	mu     sync.Mutex
	status Status
	anew   bool // another attempt has begun, and has no finding yet
}

// NewBoard makes the board of a link.
func NewBoard(link string) *Board {
	return &Board{status: Status{Link: link, Phase: event.PhaseDial, PhaseSince: time.Now(), Attempt: 1}}
}

// Record takes what a status shows from one event.
func (b *Board) Record(r event.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := &b.status
	switch e := r.Event.(type) {
	case event.Device:
		s.Device = &e
	case event.Phase:
		s.Phase, s.PhaseSince = e.Phase, r.Time
		if e.Phase == event.PhaseDial {
			s.Up, s.UpSince = nil, nil
		}
	case event.Up:
		at := r.Time
		s.Up, s.UpSince, s.Finding, s.Findings = &e, &at, nil, nil
	case event.Registration:
		if e.Signal != "" {
			s.Signal = e.Signal
		}
	case event.Attempt:
		s.Attempt, b.anew = e.Number, true
	case event.Finding:
		if b.anew {
			s.Findings, b.anew = nil, false
		}
		s.Finding = &e
		s.Findings = slices.Insert(slices.Clone(s.Findings), 0, e) // a Status that was given out keeps its own
		s.Findings = s.Findings[:min(len(s.Findings), maxFindings)]
	case event.Down:
		s.Phase, s.PhaseSince = event.PhaseDown, r.Time
		s.Up, s.UpSince = nil, nil
		s.BytesIn, s.BytesOut = e.BytesIn, e.BytesOut
	}
}

// Status gives the present status.
func (b *Board) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status
}
