package link

import (
	"errors"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
)

// This file holds the states in which an AT dialogue has a port: on the way to a call, at its end, and between two attempts.

// talking is a state in which a dialogue has the data port or the AT port.
type talking struct {
	resting
	dialogue *at.Dialogue // nil: the dialogue is over
	onAT     bool
}

// talker is a talking state with its purpose.
type talker interface {
	state
	port() *talking
	// done is called when the dialogue is over, with its error. rest is what the modem sent after the last line that the
	// dialogue read.
	done(s *Session, now time.Time, err error, rest []byte)
}

func (t *talking) port() *talking { return t }

// begin gives the port to a dialogue.
func (t *talking) begin(s *Session, now time.Time, talk func(*at.Exchange) error) {
	t.dialogue = at.NewDialogue(talk)
	if s.lines != nil && !t.onAT {
		t.dialogue.Lines(now, *s.lines)
	}
	t.dialogue.Advance(now)
	t.pump(s, now)
}

// pump does what the dialogue asks for.
func (t *talking) pump(s *Session, now time.Time) {
	for {
		o, ok := t.dialogue.Next()
		if !ok {
			return
		}
		switch o := o.(type) {
		case at.Write:
			s.out.put(Write{Bytes: o.Bytes, AT: t.onAT})
		case at.Event:
			s.story.event(now, o.Event)
		case at.Hide:
			s.story.hider.Learn(o.Secrets...)
			s.out.put(PortOp{Op: o, AT: t.onAT})
		case at.Done:
			rest := t.dialogue.Rest()
			t.dialogue = nil
			s.state.(talker).done(s, now, o.Err, rest)
			return
		default:
			s.out.put(PortOp{Op: o, AT: t.onAT})
		}
	}
}

func (t *talking) leave(*Session) {
	if t.dialogue != nil {
		t.dialogue.Stop()
		t.dialogue = nil
	}
}

func (t *talking) receive(s *Session, now time.Time, p []byte) (ip, rest []byte) {
	if !t.onAT {
		t.dialogue.Receive(now, p)
		t.pump(s, now)
	}
	return nil, nil
}

func (t *talking) receiveAT(s *Session, now time.Time, p []byte) {
	if t.onAT {
		t.dialogue.Receive(now, p)
		t.pump(s, now)
	}
}

func (t *talking) linesChanged(s *Session, now time.Time, _ bool) {
	if !t.onAT {
		t.dialogue.Lines(now, *s.lines)
		t.pump(s, now)
	}
}

func (t *talking) portLost(s *Session, now time.Time, err error) { s.carrierLost(now, err) }

func (t *talking) deadline(*Session) time.Time { return t.dialogue.Deadline() }

func (t *talking) advance(s *Session, now time.Time) {
	t.dialogue.Advance(now)
	t.pump(s, now)
}

// dialogueOf is what a dialogue of this state works with.
func (t *talking) dialogueOf(s *Session) *dialogue {
	return &dialogue{treatment: &s.attempt.treatment, asker: &s.asker, number: s.retry.number, wake: func(now time.Time) {
		if t.dialogue != nil {
			t.dialogue.Wake(now)
			t.pump(s, now)
		}
	}}
}

// toCall is a talking on the way to a call.
type toCall struct{ talking }

func (t *toCall) comesUp() bool { return true }

func (t *toCall) redial(s *Session, now time.Time) { s.redialNow(now) }

// end breaks the dialogue off. If a dial command is running, a character is sent, which ends it in the modem (V.250 section
// 5.6.1).
func (t *toCall) end(s *Session, now time.Time, _ Outcome) {
	a := s.attempt
	if t.dialogue != nil || a.connected {
		s.endCall(now, a.connected, a.dialed.Number != "")
		return
	}
	s.attemptOver(now)
}

// failed ends the attempt if the dialogue gave an error, and says whether it did.
func (t *toCall) failed(s *Session, now time.Time, err error) bool {
	if err != nil {
		s.fail(now, dialOutcome(err))
	}
	return err != nil
}

// dialing is an attempt on a single port: identify the modem, find its settings, dial.
type dialing struct{ toCall }

func (d *dialing) enter(s *Session, now time.Time) { d.begin(s, now, d.dialogueOf(s).dial) }

func (d *dialing) done(s *Session, now time.Time, err error, rest []byte) {
	if !d.failed(s, now, err) {
		s.startPPP(now, rest)
	}
}

// preparing does the same on the AT port, if there are two ports, up to the dial command.
type preparing struct{ toCall }

func (p *preparing) enter(s *Session, now time.Time) {
	p.onAT = true
	p.begin(s, now, p.dialogueOf(s).prepare)
}

func (p *preparing) done(s *Session, now time.Time, err error, rest []byte) {
	switch {
	case p.failed(s, now, err):
	case s.attempt.plan.Number == "": // the data port carries PPP at once
		s.startPPP(now, rest)
	default:
		s.to(now, &calling{})
	}
}

// calling dials on the data port, if there are two ports.
type calling struct{ toCall }

func (c *calling) enter(s *Session, now time.Time) { c.begin(s, now, c.dialogueOf(s).call) }

func (c *calling) done(s *Session, now time.Time, err error, rest []byte) {
	switch {
	case c.failed(s, now, err):
	case len(s.attempt.afterwards) > 0:
		s.to(now, &instructing{held: rest})
	default:
		s.startPPP(now, rest)
	}
}

// instructing sends an adviser's commands on the AT port between CONNECT and PPP. Input from the data port waits.
type instructing struct {
	toCall
	held []byte
}

func (i *instructing) enter(s *Session, now time.Time) {
	i.onAT = true
	i.begin(s, now, i.dialogueOf(s).instruct)
}

func (i *instructing) receive(_ *Session, _ time.Time, p []byte) (ip, rest []byte) {
	i.held = keep(i.held, p)
	return nil, nil
}

func (i *instructing) done(s *Session, now time.Time, err error, _ []byte) {
	if !i.failed(s, now, err) {
		s.startPPP(now, i.held)
	}
}

// unhooking sends the profile's commands on the AT port before the call is ended.
type unhooking struct {
	talking
	inData bool
}

func (u *unhooking) enter(s *Session, now time.Time) {
	u.onAT = true
	u.begin(s, now, modem.BeforeHangup(s.attempt.plan))
}

func (u *unhooking) done(s *Session, now time.Time, _ error, _ []byte) {
	s.to(now, &hangingUp{inData: u.inData})
}

// hangingUp brings the modem back to the command state.
type hangingUp struct {
	talking
	inData bool // the modem is believed to be in the data state
}

func (h *hangingUp) enter(s *Session, now time.Time) {
	hangup := modem.Hangup(s.attempt.plan, h.inData, nil)
	h.begin(s, now, func(x *at.Exchange) error {
		err := hangup(x)
		if err != nil {
			x.Event(event.Notice{
				Level: "warning", Text: "the call may still be up: " + err.Error(), About: event.NoticeCallMayBeUp, Cause: err.Error(),
			})
		}
		return err
	})
}

func (h *hangingUp) done(s *Session, now time.Time, _ error, _ []byte) { s.attemptOver(now) }

// recovering is a step of retry.ladder between two attempts.
type recovering struct {
	talking
	step string
}

func (r *recovering) enter(s *Session, now time.Time) {
	r.onAT = s.cfg.ATPort
	r.begin(s, now, modem.Recovery(r.step, s.attempt.plan))
}

func (r *recovering) done(s *Session, now time.Time, err error, _ []byte) {
	if err != nil {
		s.story.event(now, event.Notice{Level: "warning", Text: err.Error()})
	}
	s.dialAgain(now)
}

// portLost: the port is lost because the modem restarts, as it should here.
func (r *recovering) portLost(s *Session, now time.Time, _ error) { s.dialAgain(now) }

func (r *recovering) end(s *Session, now time.Time, o Outcome) { s.finishBetween(now, o) }

// dialOutcome gives the outcome for an error of the dialogue.
func dialOutcome(err error) Outcome {
	kind := Kind(modem.KindOf(err))
	var aborted *abortError
	if errors.As(err, &aborted) {
		kind = KindAborted
	}
	if kind == "" {
		kind = KindInternal
		var refused *SelectionError
		if errors.As(err, &refused) {
			kind = KindUsage
		}
	}
	o := Outcome{Kind: kind, Phase: event.PhaseDial, Detail: err.Error()}
	var result *at.ResultError
	var silent *at.TimeoutError
	switch {
	case errors.As(err, &result):
		o.Command = result.Command
	case errors.As(err, &silent):
		o.Command = silent.Command
	}
	return o
}
