package read

import (
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// progress is what a log has said about the present call, so that its lines become the events that a live call would have.
type progress struct {
	number       int // number of the attempt; 0: the first
	phase        string
	iface        string
	port         string
	began        time.Time
	up           *event.Up // the Up event, which several lines complete
	isUp         bool
	ending       bool // this side is ending the call: later errors are not failures
	ended        bool
	cause        string // why the call ends: the first cause that was seen
	code         int    // pppd's exit code for the cause
	unsuccessful bool   // something has failed
	seconds      float64
	in, out      uint64
	sawPPP       bool
	goodbye      bool // wvdial is disconnecting
}

// enter gives the Phase event if the call had not reached that phase yet. The phase never goes back.
func (s *logSource) enter(phase string) {
	if phase == s.call.phase || event.PhaseOrder(phase) <= event.PhaseOrder(s.call.phase) {
		return
	}
	e := event.Phase{Phase: phase}
	s.ask(e)
	s.call.phase = phase
	s.put(e)
}

// begins calls ask for an event that emit will give later. It is for lines whose meaning depends on whether another attempt
// begins.
func (s *logSource) begins(e event.Event) {
	s.ask(e)
	s.asked = e.Kind()
}

// ask gives the Attempt event if another attempt begins with e. It is called for every event, so that another reader of the
// records that asks the same counts the same attempts.
func (s *logSource) ask(e event.Event) {
	r := s.rec
	r.Event = e
	if reason, ok := s.split.Begins(r); ok {
		n := max(s.call.number, 1) + 1
		s.call = progress{number: n}
		s.asked = "" // the event of an earlier begins belongs to the attempt that begins now, and is given after Attempt
		s.put(event.Attempt{Number: n, Reason: reason})
	}
}

// sees follows the call by its packets. shared is the event of the packet.
func (s *logSource) sees(p event.Packet, shared event.Event) {
	s.begins(shared)
	code := uint8(0)
	if len(p.Data) > 0 {
		code = p.Data[0]
	}
	switch p.Protocol {
	case packet.LCP:
		if code == packet.TerminateRequest && p.Dir == event.Sent && !s.call.sawPPP { // this ends the call before; it begins no new one
			return
		}
		if !s.call.ended {
			s.enter(event.PhaseLCP)
		}
		s.call.sawPPP = true
		if code == packet.TerminateRequest && p.Dir == event.Sent {
			s.call.ending = true
		}
	case packet.PAP, packet.CHAP, packet.EAP:
		if !s.call.ended {
			s.enter(event.PhaseAuth)
		}
	case packet.IPCP:
		if !s.call.ended && p.Dir == event.Sent {
			s.enter(event.PhaseIPCP)
		}
	}
}

// failed keeps the first cause why a call ends. After this side has begun to end the call, errors are not failures.
func (s *logSource) failed(cause string) {
	c := &s.call
	if c.ending && cause != event.FailedAuthRejected {
		return
	}
	c.unsuccessful = true
	if c.cause == "" {
		c.cause, c.code = cause, exitCodes[cause]
	}
}

// exitCodes are pppd's exit codes, for the causes that have one.
var exitCodes = map[string]int{
	event.FailedTimeout: 10, event.FailedCarrierLost: 16, event.FailedAuthRejected: 19, event.FailedEchoTimeout: 15, event.FailedLoopedBack: 17,
	event.FailedPortLocked: 6, event.FailedPortOpen: 7, event.FailedDialRefused: 8, event.FailedModemSilent: 8, event.FailedATError: 8,
	event.FailedTerminated: 10, event.FailedNoAddress: 10,
}

// ends gives the Down event of a call.
func (s *logSource) ends(reason string) {
	c := &s.call
	if c.ended || c.phase == "" && !c.unsuccessful {
		return
	}
	if c.cause != "" {
		reason = c.cause
	}
	if c.isUp && c.cause == event.FailedTerminated {
		c.code = 0 // pppd counts this as success
	}
	s.enter(event.PhaseDown)
	s.emit(event.Down{Reason: reason, ExitCode: c.code, Seconds: c.seconds, BytesIn: c.in, BytesOut: c.out})
	c.ended = true
}

// addresses gives the Up event of a group of lines with addresses, when the group is over.
func (s *logSource) addresses() {
	c := &s.call
	if c.up == nil {
		return
	}
	up := *c.up
	c.up = nil
	if c.isUp && up.Local == "" { // an IPv6 address was added
		return
	}
	c.isUp = true
	up.Interface = c.iface
	up.Plane = "kernel"
	if !c.began.IsZero() && !s.rec.Time.IsZero() {
		up.ElapsedMS = max(0, s.rec.Time.Sub(c.began).Milliseconds())
	}
	s.enter(event.PhaseUp)
	s.emit(up)
}

func (s *logSource) endOfLog() {
	s.addresses()
	if s.call.goodbye {
		s.ends("the dialer ended the call")
	}
}
