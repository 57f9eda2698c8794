// Package simulate runs link sessions against simulated modems in virtual time. A second of a call takes microseconds; nothing is
// opened and no goroutine is started. A Rig stands in place of package drive's Runner, which works with real ports.
package simulate

import (
	"bytes"
	"context"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/sim"
)

// World holds what a simulated session has besides a modem.
type World struct {
	// Adviser is called directly, so that nothing depends on the real clock: its ctx has no deadline. nil: there is none.
	Adviser advice.Adviser
	// Delay is how long an answer takes, in virtual time; nil: none; negative: it never comes. If it is longer than the question's
	// budget, the answer is advice.ErrTooLate at the end of the budget.
	Delay func(advice.Question) time.Duration
	// Tap gets the octets that pass on the data port, in virtual time; it must not keep p. nil: no tap.
	Tap func(now time.Time, dir event.Dir, p []byte)
	// ATModem is the modem behind the AT port, for a session with link.Config.ATPort; nil: nothing is behind that port.
	ATModem *sim.Modem
}

// Rig is a session with its modem and a clock. Its plane carries nothing, and its port comes back as soon as it is wanted.
type Rig struct {
	World
	Session *link.Session
	Modem   *sim.Modem
	Now     time.Time

	// Do gets each output of the session first, and says whether it has handled it. nil: it handles none.
	Do func(link.Output) bool
	// Unplugged says that no octets pass between the session and the modem.
	Unplugged bool

	Records []event.Record
	Done    bool
	Outcome link.Outcome // valid when Done is true

	link    string
	carrier bool
	answers []answer // to come
}

// answer is an answer that waits for its time.
type answer struct {
	at  time.Time
	id  uint64
	a   advice.Answer
	err error
}

// NewRig makes a Rig with a session that was not started. If cfg.Wants is nil, the session asks the questions that the adviser
// wants.
func NewRig(cfg link.Config, m *sim.Modem, begin time.Time, w World) *Rig {
	if w.Adviser != nil && cfg.Wants == nil {
		cfg.Wants = w.Adviser.Wants
	}
	return &Rig{World: w, Session: link.New(cfg), Modem: m, Now: begin, link: cfg.Name}
}

// Start powers the modem on and starts the session.
func (r *Rig) Start() {
	r.Modem.Advance(r.Now)
	if r.ATModem != nil {
		r.ATModem.Advance(r.Now)
	}
	r.Session.Start(r.Now)
	r.Settle()
}

// Deadline gives the time of the next action; the zero time: there is none.
func (r *Rig) Deadline() time.Time {
	d := soonest(r.Session.Deadline(), r.Modem.Deadline())
	if r.ATModem != nil {
		d = soonest(d, r.ATModem.Deadline())
	}
	for _, a := range r.answers {
		d = soonest(d, a.at)
	}
	return d
}

func soonest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Step advances to the next deadline and does what is due then. If there is no deadline, it does nothing.
func (r *Rig) Step() {
	if d := r.Deadline(); !d.IsZero() {
		r.Advance(d)
	}
}

// Advance advances to a time, unless it is past already, and does what is due.
func (r *Rig) Advance(to time.Time) {
	if to.After(r.Now) {
		r.Now = to
	}
	r.Modem.Advance(r.Now)
	if r.ATModem != nil {
		r.ATModem.Advance(r.Now)
	}
	r.deliver()
	r.Session.Advance(r.Now)
	r.Settle()
}

// Until steps until the condition is true, for at most so much virtual time, and says whether it is. It also ends with the
// session.
func (r *Rig) Until(limit time.Duration, holds func() bool) bool {
	for end := r.Now.Add(limit); !r.Done && !holds(); r.Step() {
		if d := r.Deadline(); d.IsZero() || d.After(end) {
			break
		}
	}
	return holds()
}

// Receive passes octets from the port to the session. It gives the IP packets for the plane.
func (r *Rig) Receive(p []byte) (packets [][]byte) {
	for rest := bytes.Clone(p); len(rest) > 0; {
		var ip []byte
		if ip, rest = r.Session.Receive(r.Now, rest); ip != nil {
			packets = append(packets, bytes.Clone(ip))
		}
	}
	return packets
}

// restless is the greatest number of rounds in which the two sides may exchange octets at one moment.
const restless = 10_000

// Settle carries octets between the two sides until neither has any left at this moment. It says whether that came to an end.
func (r *Rig) Settle() bool {
	for range restless {
		quiet := true
		for o, ok := r.Session.Next(); ok; o, ok = r.Session.Next() {
			quiet = false
			if r.Do == nil || !r.Do(o) {
				r.Obey(o)
			}
		}
		for o, ok := r.Modem.Next(); ok; o, ok = r.Modem.Next() {
			quiet = false
			if r.Unplugged {
				continue
			}
			switch o.Kind {
			case sim.OutputWrite:
				r.tap(event.Rcvd, o.Data)
				r.Receive(o.Data)
			case sim.OutputLines:
				dropped := r.carrier && !o.Lines.DCD
				r.carrier = o.Lines.DCD
				r.Session.Lines(r.Now, at.ModemLines{DCD: o.Lines.DCD, DSR: o.Lines.DSR, CTS: o.Lines.CTS}, dropped)
			}
		}
		if r.ATModem != nil {
			for o, ok := r.ATModem.Next(); ok; o, ok = r.ATModem.Next() {
				quiet = false
				if !r.Unplugged && o.Kind == sim.OutputWrite {
					r.Session.ReceiveAT(r.Now, o.Data)
				}
			}
		}
		if quiet {
			return true
		}
	}
	return false
}

// Obey does what the session asks for, in a world in which everything works.
func (r *Rig) Obey(o link.Output) {
	switch o := o.(type) {
	case link.Write:
		switch p := bytes.Clone(o.Bytes); {
		case r.Unplugged:
		case !o.AT:
			r.tap(event.Sent, p)
			r.Modem.Receive(r.Now, p)
		case r.ATModem != nil:
			r.ATModem.Receive(r.Now, p)
		}
	case link.PortOp:
		if dtr, ok := o.Op.(at.SetDTR); ok && !o.AT && !r.Unplugged {
			r.Modem.SetDTR(r.Now, dtr.On)
		}
	case link.Event:
		r.Records = append(r.Records, event.Record{Time: r.Now, Link: r.link, Event: o.Event})
	case link.Ask:
		r.ask(o)
	case link.OpenPlane:
		r.Session.PlaneUp(r.Now, "none", "")
	case link.Reopen:
		r.Session.PortOpened(r.Now)
	case link.Done:
		r.Done, r.Outcome = true, o.Outcome
	}
}

func (r *Rig) tap(dir event.Dir, p []byte) {
	if r.Tap != nil {
		r.Tap(r.Now, dir, p)
	}
}

// ask has a question answered, now or later.
func (r *Rig) ask(q link.Ask) {
	if r.Adviser == nil {
		r.Session.Answer(r.Now, q.ID, nil, nil)
		return
	}
	a, err := advice.Consult(context.Background(), r.Adviser, q.Question)
	delay := time.Duration(0)
	if r.Delay != nil {
		delay = r.Delay(q.Question)
	}
	switch {
	case delay < 0:
		return
	case delay == 0:
		r.Session.Answer(r.Now, q.ID, a, err)
		return
	}
	at := r.Now.Add(delay)
	if at.After(q.Deadline) {
		at, a, err = q.Deadline, nil, advice.ErrTooLate
	}
	r.answers = append(r.answers, answer{at, q.ID, a, err})
}

// deliver gives the session the answers that have come.
func (r *Rig) deliver() {
	list := r.answers
	r.answers = nil
	for _, a := range list {
		if r.Now.Before(a.at) {
			r.answers = append(r.answers, a)
			continue
		}
		r.Session.Answer(r.Now, a.id, a.a, a.err)
	}
}
