package control

import (
	"slices"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Status is what `knak status` shows of one link. It is computed from the link's events.
type Status struct {
	Link       string         `json:"link"`
	Phase      string         `json:"phase"`
	PhaseSince time.Time      `json:"phase_since"`
	Device     *event.Device  `json:"device,omitempty"`
	Up         *event.Up      `json:"up,omitempty"`
	UpSince    *time.Time     `json:"up_since,omitempty"`
	BytesIn    uint64         `json:"bytes_in"`
	BytesOut   uint64         `json:"bytes_out"`
	Signal     string         `json:"signal,omitempty"`   // the value of the time of the dial; the present one if another port can be asked
	Operator   string         `json:"operator,omitempty"` // the present one if another port can be asked
	Attempt    int            `json:"attempt"`
	Finding    *event.Finding `json:"finding,omitempty"` // the last one
	Plugins    []Plugin       `json:"plugins,omitempty"` // in the order in which they are asked

	Findings []event.Finding `json:"findings,omitempty"` // the findings of the last attempt that had any, the last one first, at most eight; none when the link is up
}

// Plugin is the part of a status about one external plugin.
type Plugin struct {
	Name      string  `json:"name"`
	State     string  `json:"state"` // "running", "waiting", "out", or the reason why it never ran
	Version   string  `json:"version,omitempty"`
	Problem   string  `json:"problem,omitempty"` // the last error
	Cure      string  `json:"cure,omitempty"`
	Required  bool    `json:"required,omitempty"`
	PID       int     `json:"pid,omitempty"`
	Calls     uint64  `json:"calls"`
	SlowestMS float64 `json:"slowest_ms"`
	Strikes   int     `json:"strikes,omitempty"` // failures in the last ten minutes; after three the plugin is out
	Lost      uint64  `json:"lost,omitempty"`    // events that were dropped because the plugin was too slow
}

// maxFindings is the greatest number of findings of one attempt.
const maxFindings = 8

// Board keeps the Status of one link up to date. It is an event.Sink, safe for use by many goroutines.
type Board struct {
	mu     sync.Mutex
	status Status
	anew   bool // another attempt has begun, and has no finding yet
}

// NewBoard makes the Board of a link.
func NewBoard(link string) *Board {
	return &Board{status: Status{Link: link, Phase: event.PhaseDial, PhaseSince: time.Now(), Attempt: 1}}
}

// Record updates the Status by one event.
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

// Status gives the present Status.
func (b *Board) Status() Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.status
}
