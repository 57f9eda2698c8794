package link

import (
	"context"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sim"
)

// answered is an answer on its way to a simulated session.
type answered struct {
	at  time.Time
	id  uint64
	a   advice.Answer
	err error
}

// Simulator runs sessions against simulated modems as Simulate does, with somebody who may be asked.
type Simulator struct {
	// Adviser is asked in line, so that nothing depends on the real clock: its ctx has no deadline. nil: nobody is asked.
	Adviser advice.Adviser
	// Delay is how long an answer takes, in virtual time; nil: none; negative: it never comes. Where it takes longer than the question's budget, the
	// answer is advice.ErrTooLate at the end of it.
	Delay func(advice.Question) time.Duration
	// Tap hears the octets that pass between the session and the modem, in virtual time; it must not keep p. nil: nobody.
	Tap func(now time.Time, dir event.Dir, p []byte)
}

// Run is Simulate with what s says.
func (s Simulator) Run(cfg Config, m *sim.Modem, start time.Time, limit time.Duration) Simulation {
	if s.Adviser != nil && cfg.Wants == nil {
		cfg.Wants = s.Adviser.Wants
	}
	w := simulation{session: New(cfg), modem: m, now: start, simulator: s}
	return w.run(start, limit)
}

// ask has a question answered, now or later.
func (w *simulation) ask(q Ask) {
	s := w.simulator
	if s.Adviser == nil {
		w.session.Answer(w.now, q.ID, nil, nil)
		return
	}
	a, err := advice.Consult(context.Background(), s.Adviser, q.Question)
	delay := time.Duration(0)
	if s.Delay != nil {
		delay = s.Delay(q.Question)
	}
	switch {
	case delay < 0:
		return
	case delay == 0:
		w.session.Answer(w.now, q.ID, a, err)
		return
	}
	at := w.now.Add(delay)
	if at.After(q.Deadline) {
		at, a, err = q.Deadline, nil, advice.ErrTooLate
	}
	w.answers = append(w.answers, answered{at, q.ID, a, err})
}

// deliverAnswers gives the session what is due.
func (w *simulation) deliverAnswers() {
	rest := w.answers[:0]
	list := w.answers
	w.answers = nil
	for _, a := range list {
		if due(a.at, w.now) {
			w.session.Answer(w.now, a.id, a.a, a.err)
		} else {
			rest = append(rest, a)
		}
	}
	w.answers = append(rest, w.answers...)
}
