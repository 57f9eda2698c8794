package diagnose

import (
	"fmt"
	"slices"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
)

// Case judges a whole recording or log, which may hold several attempts and may begin or end anywhere. What it keeps
// does not grow with the input. Where a live call is judged while it runs, use a Watcher.
type Case struct {
	now      *history
	best     *judgement // the most telling of the attempts before
	split    call.Splitter
	attempts int
	told     int
}

// judgement is what is kept of an attempt that is over.
type judgement struct {
	number int
	stage  int // how far it came, as event.PhaseOrder counts
	up     bool
	all    []judged
}

// Verdict is what a Case says in the end.
type Verdict struct {
	// Findings say what went wrong, the most likely cause first: of the last attempt, or of an earlier one that tells
	// more. Empty where the link came up and nothing contradicts it, and where nothing is known.
	Findings []event.Finding
	// Notes are worth knowing about an attempt that worked; nobody has to act on them.
	Notes []event.Finding
	// Up says that the attempt which is judged came up.
	Up bool
	// Attempts says how many there were, and Attempt which one is judged, counted from 1.
	Attempts, Attempt int
	// Told says how many records were of a kind that rules look at. 0: there was nothing to judge.
	Told int
}

// Sentence is the verdict in one line: the title of the first finding, or that nothing is wrong. Whoever shows a verdict shows this.
func (v Verdict) Sentence() string {
	switch {
	case len(v.Findings) > 0:
		return v.Findings[0].Title
	case v.Told == 0:
		return "Nothing in it tells of a call."
	}
	return "Nothing is wrong: the link came up, and nothing after that contradicts it."
}

// Which says in words which of several attempts is judged; "" where there is one.
func (v Verdict) Which() string {
	switch {
	case v.Attempts <= 1:
		return ""
	case v.Attempt == v.Attempts:
		return fmt.Sprintf("the last of %d attempts", v.Attempts)
	}
	return fmt.Sprintf("attempt %d of %d, which tells most", v.Attempt, v.Attempts)
}

// NewCase makes a Case that has seen nothing.
func NewCase() *Case { return &Case{now: &history{}, attempts: 1} }

// Record takes one record, in the order in which they stand.
func (c *Case) Record(r event.Record) {
	switch r.Event.(type) {
	case event.State:
		c.now.Take(r)
		return
	case event.Finding, event.Quirk, event.Decision:
		return // what somebody else made of it
	}
	if _, ok := c.split.Begins(r); ok {
		c.next()
	}
	if _, ok := r.Event.(event.Attempt); ok {
		return
	}
	known := c.now.log.known
	c.now.record(r)
	switch r.Event.(type) {
	case event.Log, event.Unread, event.Notice:
		if c.now.log.known == known {
			return
		}
	}
	c.told++
}

// next puts the attempt that is over away and begins another with the same modem.
func (c *Case) next() {
	old := c.now
	c.best = better(c.best, c.judge(old, false))
	c.attempts++
	h := &history{device: old.device, told: old.told}
	h.at.reg, h.at.state, h.at.regLine, h.at.csq, h.at.csqAt = old.at.reg, old.at.state, old.at.regLine, old.at.csq, old.at.csqAt
	h.at.command = old.at.command
	h.log.seen, h.log.wantDNS, h.log.pppoe, h.log.tty = old.log.seen, old.log.wantDNS, old.log.pppoe, old.log.tty
	h.log.wasUp = (old.Up != nil || old.log.wasUp) && !old.log.ours
	c.now = h
}

func (c *Case) judge(h *history, eof bool) *judgement {
	h.log.eof = eof
	j := &judgement{number: c.attempts, stage: h.reached(), up: h.Worked(), all: h.judge()}
	h.log.eof = false
	return j
}

// reached says how far an attempt came.
func (h *history) reached() int {
	phase := h.far
	switch {
	case h.Up != nil:
		phase = event.PhaseUp
	case h.ipcp.requests > 0:
		phase = event.PhaseIPCP
	case h.auth.success.seen() || h.auth.failure.seen():
		phase = event.PhaseAuth
	}
	return event.PhaseOrder(phase)
}

// sure gives how sure the best finding is.
func (j *judgement) sure() confidence {
	if len(j.all) == 0 {
		return 0
	}
	return j.all[0].confidence
}

// undecided says that nothing is known of it but that the log ends there.
func (j *judgement) undecided() bool { return len(j.all) > 0 && j.all[0].ID == "log-ends-here" }

// better chooses between the attempts before and the one after them. The last one counts, unless it says less: it was cut
// off, or it came less far, as one does that only suffers from what the one before has left.
func better(before, after *judgement) *judgement {
	switch {
	case before == nil:
		return after
	case after.up: // what failed before was overcome
		return after
	case after.sure() == 0 && before.sure() > 0:
		return before
	case after.undecided() && !before.undecided() && before.sure() > 0: // it was cut off before it showed anything
		return before
	case before.sure() >= likely && after.sure() < likely:
		return before
	case before.sure() >= likely && before.stage > after.stage && !(after.sure() == certain && before.up):
		return before
	}
	return after
}

// Verdict judges what was seen so far as all there is.
func (c *Case) Verdict() Verdict {
	j := better(c.best, c.judge(c.now, true))
	if c.told == 0 {
		return Verdict{Attempts: c.attempts, Attempt: j.number}
	}
	v := Verdict{Findings: findings(j.all), Up: j.up, Attempts: c.attempts, Attempt: j.number, Told: c.told}
	if j.up {
		i := slices.IndexFunc(j.all, func(f judged) bool { return f.confidence < likely })
		if i >= 0 {
			v.Findings, v.Notes = v.Findings[:i:i], v.Findings[i:]
		}
	}
	return v
}
