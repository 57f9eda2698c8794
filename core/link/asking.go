package link

import (
	"context"
	"fmt"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sim"
)

// This file is how the two drivers of a session have its Asks answered.

// maxQuestions is how many questions of a runner may be out at once. An adviser that returns from none of them gets no
// more: it would only fill the memory.
const maxQuestions = 16

// ask has a question answered, with r.mu held. The loop goes on meanwhile.
func (r *Runner) ask(q Ask) {
	if r.env.Adviser == nil || r.questions >= maxQuestions {
		var err error
		if r.env.Adviser != nil {
			err = fmt.Errorf("%d questions are not answered yet: %w", maxQuestions, advice.ErrTooLate)
		}
		r.session.Answer(time.Now(), q.ID, nil, err)
		return
	}
	r.questions++
	ctx, cancel := context.WithDeadline(r.asking, q.Deadline)
	// Nobody waits for this one: an adviser that does not return must not keep the link from ending.
	go func() {
		a, err := consultSafely(ctx, r.env.Adviser, q.Question)
		cancel()
		r.step(func(now time.Time) {
			r.questions--
			r.session.Answer(now, q.ID, a, err)
		})
	}()
}

// consultSafely makes an error of a panic.
func consultSafely(ctx context.Context, by advice.Adviser, q advice.Question) (a advice.Answer, err error) {
	defer func() {
		if p := recover(); p != nil {
			a, err = nil, fmt.Errorf("it panicked: %v", p)
		}
	}()
	return by.Ask(ctx, q)
}

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
	a, err := consultSafely(context.Background(), s.Adviser, q.Question)
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
