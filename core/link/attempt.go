package link

import (
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp"
)

// attempt is the state of one attempt; each attempt begins with a new value. After its end it is kept until the next one begins,
// because it holds what was learned about the modem.
type attempt struct {
	treatment
	generation uint64 // counts the attempts, also those after a link that was up
	began      time.Time
	outcome    Outcome // once it is known

	// What the two ends have agreed on.
	provisional bool // the success of the authentication proves nothing yet
	network     ppp.NetworkUp
	network6    ppp.NetworkUp6
	lost4       *ppp.Failure // IPCP has failed, and IPv6 goes on without
	carries     bool         // IPCP is open: packets may pass (RFC 1661 section 3.7)
	proved      bool

	meter meter
}

// refusedLate says that the authentication succeeded only provisionally and IPCP has not opened.
func (a *attempt) refusedLate() bool {
	return a.provisional && !a.network.Local.IsValid() && !a.carries
}

// goodbye is the text of our Terminate-Request.
func (a *attempt) goodbye() string {
	if a.outcome.Clean() {
		return "User request"
	}
	return "knak: " + string(a.outcome.Kind)
}

// begin starts an attempt on an open port.
func (s *Session) begin(now time.Time) {
	s.retry.begins()
	s.attempt = &attempt{treatment: s.attempt.following(&s.retry), generation: s.attempt.generation + 1, began: now}
	s.asker.dropAll()
	s.story.begin()
	s.story.enter(now, event.PhaseDial)
	if s.cfg.ATPort {
		s.to(now, &preparing{})
		return
	}
	s.to(now, &dialing{})
}

// end ends the session with an outcome that was ordered, or that a limit demands.
func (s *Session) end(now time.Time, o Outcome) {
	s.stop = &o
	s.fail(now, o)
}

// fail ends the attempt: it reports what went wrong, then ends the link from whatever state it has reached.
func (s *Session) fail(now time.Time, o Outcome) {
	if s.attempt.outcome.Kind == "" {
		s.attempt.outcome = o
		s.story.failure(now, o)
	}
	s.asker.dropAll() // the answers no longer matter
	s.state.end(s, now, o)
}

// redialNow ends the link because a new dial was ordered.
func (s *Session) redialNow(now time.Time) {
	s.fail(now, Outcome{Kind: KindRedial, Phase: s.story.phase, Detail: s.retry.ordered})
}

// carrierLost ends an attempt whose port is gone.
func (s *Session) carrierLost(now time.Time, err error) {
	a := s.attempt
	if a.outcome.Kind == "" {
		a.outcome = Outcome{Kind: KindCarrierLost, Phase: s.story.phase, Provisional: a.refusedLate(), Detail: "the port is gone", Err: err}
		s.story.failure(now, a.outcome)
	}
	s.plane.close(&s.out)
	s.story.enter(now, event.PhaseHangup)
	s.attemptOver(now)
}

// endCall brings the modem back to the command state. inData says whether it is believed to be in the data state, called
// whether there may be a call at all.
func (s *Session) endCall(now time.Time, inData, called bool) {
	s.asker.dropAll()
	a := s.attempt
	if !called || s.lost || a.selection.Policy == nil || a.selection.Policy.Text("dial.number") == "" || a.outcome.Kind == event.FailedModemSilent {
		s.attemptOver(now)
		return
	}
	s.story.enter(now, event.PhaseHangup)
	if s.cfg.ATPort && len(a.plan.Send.BeforeHangup) > 0 {
		s.to(now, &unhooking{inData: inData})
		return
	}
	s.to(now, &hangingUp{inData: inData})
}

// attemptOver decides what comes after an attempt: another one, or the end.
func (s *Session) attemptOver(now time.Time) {
	s.plane.close(&s.out)
	s.asker.dropAll()
	a := s.attempt
	o := a.outcome
	if s.stop != nil {
		if s.stop.Kind != KindTimeout || o.Kind == "" {
			o = *s.stop // otherwise the attempt had failed before, and that outcome says more
		}
		s.finish(now, o)
		return
	}
	if o.Kind == "" {
		o = Outcome{Kind: KindInternal, Phase: s.story.phase}
	}
	wasUp := !a.meter.since.IsZero()
	switch {
	case s.retry.ordered != "":
		s.calls.octets += a.meter.in + a.meter.out
	case wasUp: // a link that was up and is lost: count anew
		s.retry.number, s.calls = 0, calls{}
	}
	if !wasUp && s.retry.mayTryPort(&s.cfg, o) && s.cfg.OtherPort(o) {
		s.lost = true // the next port is another one
		s.to(now, &waiting{wait: attemptSpacing - now.Sub(a.began), reason: "this may be the wrong port of the modem; trying another one"})
		return
	}
	reason, again := s.retry.next(&s.cfg, &a.treatment, o, wasUp)
	if what, wait, ok := s.vary(now, o, again, wasUp); ok {
		if !wasUp && s.varied.Kind == "" {
			s.varied = o
		}
		s.story.experiment = true
		if wasUp {
			s.down(now, o)
		}
		s.to(now, &waiting{wait: max(wait, attemptSpacing-now.Sub(a.began)), reason: "trying something else: " + what})
		return
	}
	if !again {
		s.finish(now, o)
		return
	}
	s.story.experiment = s.story.experiment && s.retry.otherWay
	if wasUp {
		s.down(now, o)
	}
	s.to(now, &waiting{wait: s.retry.wait(a.selection.Policy, o, now.Sub(a.began)), reason: reason})
}

// vary asks Config.Vary whether the next attempt should differ from the last one. A cure that retry knows comes first. A link
// that was up and is lost is dialled again only with Persist, or within Timeout.
func (s *Session) vary(now time.Time, o Outcome, again, wasUp bool) (what string, wait time.Duration, ok bool) {
	switch {
	case s.cfg.Vary == nil, o.Clean() && o.Kind != KindPeerEnded, s.attempt.selection.Policy == nil,
		s.cfg.MaxAttempts > 0 && s.retry.number >= s.cfg.MaxAttempts,
		again && s.retry.otherWay, wasUp && !s.cfg.Persist && (s.cfg.Once || s.cfg.Timeout > 0 && now.Sub(s.started) >= s.cfg.Timeout),
		final[o.Kind] && o.Kind != event.FailedRegistrationDenied:
		return "", 0, false
	}
	var up time.Duration
	if m := &s.attempt.meter; wasUp && !m.since.IsZero() {
		up = max(now.Sub(m.since), 1)
	}
	o.Blanked = s.retry.blanked
	if what, wait, ok = s.cfg.Vary(o, up); ok {
		s.retry.otherWay, s.retry.delay = true, 0 // a cure of its own: no step of retry.ladder before it
	}
	return what, wait, ok
}

// down reports that a link that was up has ended.
func (s *Session) down(now time.Time, o Outcome) {
	m := &s.attempt.meter
	seconds := 0.0
	if !m.since.IsZero() {
		seconds = now.Sub(m.since).Seconds()
	}
	s.story.enter(now, event.PhaseDown)
	s.story.event(now, event.Down{Reason: o.String(), ExitCode: int(o.ExitCode()), Seconds: seconds, BytesIn: m.in, BytesOut: m.out})
	m.since = time.Time{}
}

// finish ends the session. If attempts were varied and none worked, the outcome of the first one counts: the others were
// experiments.
func (s *Session) finish(now time.Time, o Outcome) {
	if s.varied.Kind != "" && !o.Clean() {
		o = s.varied
	}
	s.down(now, o)
	s.to(now, &over{outcome: o})
}

// dialAgain begins the next attempt, after what has to come before it.
func (s *Session) dialAgain(now time.Time) {
	if s.lost {
		s.to(now, &reopening{})
		return
	}
	if step := s.retry.step(s.attempt.selection.Policy); step != "redial" {
		s.to(now, &recovering{step: step})
		return
	}
	s.begin(now)
}

// finishBetween ends the session between two attempts. If a person ends the wait, that is the outcome, whatever the last attempt
// ended with.
func (s *Session) finishBetween(now time.Time, o Outcome) {
	if o.Kind == KindHangup {
		s.attempt.outcome = o
	}
	s.finish(now, s.attempt.outcome)
}

// waiting is the pause before the next attempt.
type waiting struct {
	resting
	until  time.Time
	wait   time.Duration
	reason string // for another attempt
}

func (w *waiting) enter(s *Session, now time.Time) {
	w.until = now.Add(w.wait)
	s.story.event(now, event.Attempt{Number: s.retry.number + 1, Wait: w.wait, WaitMS: w.wait.Milliseconds(), Reason: w.reason})
	if w.wait <= 0 {
		s.dialAgain(now)
	}
}

func (w *waiting) deadline(*Session) time.Time { return w.until }

func (w *waiting) advance(s *Session, now time.Time) {
	if due(w.until, now) {
		s.dialAgain(now)
	}
}

func (w *waiting) redial(s *Session, now time.Time) {
	s.retry.ordered = ""
	w.until = soonest(w.until, s.attempt.began.Add(attemptSpacing))
	w.advance(s, now)
}

func (w *waiting) end(s *Session, now time.Time, o Outcome) { s.finishBetween(now, o) }

// reopening waits for the port to be opened again.
type reopening struct{ resting }

func (r *reopening) enter(s *Session, _ time.Time) { s.out.put(Reopen{}) }

func (r *reopening) end(s *Session, now time.Time, o Outcome) { s.finishBetween(now, o) }
