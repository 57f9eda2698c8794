package diagnose

import (
	"slices"

	"github.com/knakppp/knak/core/trace"
)

// Case judges a whole recording or log, which may hold several attempts and may begin or end anywhere. What it keeps
// does not grow with the input. Where a live call is judged while it runs, use a Watcher.
type Case struct {
	now      *Watcher
	last     judgement // the most telling of the attempts before
	attempts int
}

// Verdict is what a Case says in the end.
type Verdict struct {
	// Findings say what went wrong, the most likely cause first: of the last attempt, or of an earlier one that tells
	// more. Empty where the link came up and nothing contradicts it, and where nothing is known.
	Findings []trace.Finding
	// Notes are worth knowing about an attempt that worked; nobody has to act on them.
	Notes []trace.Finding
	// Up says that the attempt which is judged came up.
	Up bool
	// Attempts says how many there were, and Attempt which one is judged, counted from 1.
	Attempts, Attempt int
	// Told says how many records said anything to the rules.
	Told int
}

// NewCase makes a Case that has seen nothing.
func NewCase() *Case { return &Case{now: New(), attempts: 1} }

// Record takes one record, in the order in which they stand.
func (c *Case) Record(r trace.Record) { c.now.Record(r) }

// Verdict judges what was seen so far as all there is.
func (c *Case) Verdict() Verdict {
	return Verdict{Findings: slices.Clone(c.now.Findings()), Attempts: 1, Attempt: 1, Up: c.now.h.up != nil}
}

// judgement is what is kept of an attempt.
type judgement struct{}
