package diagnose

import (
	"fmt"
	"slices"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
)

// Case judges a whole recording or log, which may hold several attempts, and may begin or end anywhere. Its memory does not grow
// with the input. For a live call, use a Watcher.
type Case struct {
	now      *history
	best     *judgement // the judgement of the earlier attempt that tells most
	split    call.Splitter
	attempts int
	told     int
}

// judgement is what is kept of a finished attempt.
type judgement struct {
	number int
	stage  int // how far it came, by event.PhaseOrder
	up     bool
	all    []judged
}

// Verdict is the result of a Case.
type Verdict struct {
	// Findings says what went wrong, the most likely cause first: in the last attempt, or in an earlier one that tells more.
	// It is empty if the link came up and nothing contradicts that, or if nothing is known.
	Findings []event.Finding
	// Notes are facts worth knowing about an attempt that worked; they need no action.
	Notes []event.Finding
	// Up says that the judged attempt came up.
	Up bool
	// Attempts says how many attempts there were; Attempt is the one that is judged, counted from 1.
	Attempts, Attempt int
	// Told says how many records were of a kind that rules use. 0: there was nothing to judge.
	Told int
}

// Sentence gives the verdict in one line: the title of the first finding, or that nothing is wrong. All commands show this line.
func (v Verdict) Sentence() string {
	switch {
	case len(v.Findings) > 0:
		return v.Findings[0].Title
	case v.Told == 0:
		return "Nothing in it tells of a call."
	}
	return "Nothing is wrong: the link came up, and nothing after that contradicts it."
}

// Which says in words which of several attempts is judged; "" if there is only one.
func (v Verdict) Which() string {
	switch {
	case v.Attempts <= 1:
		return ""
	case v.Attempt == v.Attempts:
		return fmt.Sprintf("the last of %d attempts", v.Attempts)
	}
	return fmt.Sprintf("attempt %d of %d, which tells most", v.Attempt, v.Attempts)
}

// NewCase makes a Case without records.
func NewCase() *Case { return &Case{now: &history{}, attempts: 1} }

// Record takes the next record. Records must come in their order.
func (c *Case) Record(r event.Record) {
	switch r.Event.(type) {
	case event.State:
		c.now.Take(r)
		return
	case event.Finding, event.Quirk, event.Decision:
		return // another program's judgement
	}
	if _, ok := c.split.Begins(r); ok {
		c.next()
	}
	if _, ok := r.Event.(event.Attempt); ok {
		return
	}
	known := c.now.log.known + c.now.log.hinted
	c.now.record(r)
	switch r.Event.(type) {
	case event.Log, event.Unread, event.Notice:
		if c.now.log.known+c.now.log.hinted == known {
			return
		}
	}
	c.told++
}

// next stores the finished attempt, and begins another one with the same modem.
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
	case h.ipcp.asked > 0:
		phase = event.PhaseIPCP
	case h.auth.success.seen() || h.auth.failure.seen():
		phase = event.PhaseAuth
	}
	return event.PhaseOrder(phase)
}

// sure gives the confidence of the best finding.
func (j *judgement) sure() confidence {
	if len(j.all) == 0 {
		return 0
	}
	return j.all[0].confidence
}

// undecided says that nothing is known of it but that the log ends there.
func (j *judgement) undecided() bool { return len(j.all) > 0 && j.all[0].ID == "log-ends-here" }

// better chooses between the earlier attempts and the one after them. The last one counts, unless it says less: it was cut off,
// or it came less far, for example only because of the state in which the earlier attempt left the modem.
func better(before, after *judgement) *judgement {
	switch {
	case before == nil:
		return after
	case after.up: // the earlier failure was overcome
		return after
	case after.sure() == 0 && before.sure() > 0:
		return before
	case !before.up && before.stage <= event.PhaseOrder(event.PhaseDial) && after.stage > event.PhaseOrder(event.PhaseDial): // what stopped the one before was overcome
		return after
	case after.undecided() && !before.undecided() && before.sure() > 0: // it was cut off before it showed anything
		return before
	case before.sure() >= likely && after.sure() < likely:
		return before
	case before.sure() >= likely && before.stage > after.stage && !(after.sure() == certain && before.up):
		return before
	}
	return after
}

// Verdict judges the records so far as the complete recording.
func (c *Case) Verdict() Verdict {
	j := better(c.best, c.judge(c.now, true))
	told := c.told
	if told == 0 && c.now.log.speaksOfModems() {
		told = c.now.log.spoken
	}
	if told == 0 {
		return Verdict{Attempts: c.attempts, Attempt: j.number}
	}
	v := Verdict{Findings: findings(j.all), Up: j.up, Attempts: c.attempts, Attempt: j.number, Told: told}
	if j.up {
		i := slices.IndexFunc(j.all, func(f judged) bool { return f.confidence < likely })
		if i >= 0 {
			v.Findings, v.Notes = v.Findings[:i:i], v.Findings[i:]
		}
	}
	return v
}
