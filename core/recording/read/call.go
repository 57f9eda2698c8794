package read

import (
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// progress is what a log has said of the call that it is in, so that its words become the events that a live call has.
type progress struct {
	number       int // of the attempt; 0: the first
	phase        string
	iface        string
	port         string
	began        time.Time
	up           *event.Up // being put together from several lines
	isUp         bool
	ending       bool // this side ends it: what breaks after that is no failure
	ended        bool
	cause        string // why it ends, the first that was seen
	code         int    // pppd's exit code for the cause
	unsuccessful bool   // something failed
	seconds      float64
	in, out      uint64
	sawPPP       bool
	goodbye      bool // wvdial is disconnecting
}

// enter gives the Phase event if the call was not so far yet: a log never makes a call go back.
func (s *logSource) enter(phase string) {
	if phase == s.call.phase || event.PhaseOrder(phase) <= event.PhaseOrder(s.call.phase) {
		return
	}
	e := event.Phase{Phase: phase}
	s.ask(e)
	s.call.phase = phase
	s.put(e)
}

// begins is ask for an event that emit gives later, where another attempt changes how its line is read.
func (s *logSource) begins(e event.Event) {
	s.ask(e)
	s.asked = e.Kind()
}

// ask gives the Attempt event if another attempt begins with an event. It is done of every event, so that whoever takes the
// records and asks the same counts the same attempts.
func (s *logSource) ask(e event.Event) {
	r := s.rec
	r.Event = e
	if reason, ok := s.split.Begins(r); ok {
		n := max(s.call.number, 1) + 1
		s.call = progress{number: n}
		s.asked = "" // what was asked of before belongs to the attempt that begins now, and is given after this
		s.put(event.Attempt{Number: n, Reason: reason})
	}
}

// sees follows the call by its packets; shared is the packet again, or what it is told as.
func (s *logSource) sees(p event.Packet, shared event.Event) {
	s.begins(shared)
	code := uint8(0)
	if len(p.Data) > 0 {
		code = p.Data[0]
	}
	switch p.Protocol {
	case packet.LCP:
		if code == packet.TerminateRequest && p.Dir == event.Sent && !s.call.sawPPP { // who ends what was before begins nothing
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

// failed keeps why a call ends, the first that was seen. What breaks after this side has begun to end it is no failure.
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

// exitCodes are pppd's for the causes that it has a number for.
var exitCodes = map[string]int{
	event.FailedTimeout: 10, event.FailedCarrierLost: 16, event.FailedAuthRejected: 19, event.FailedEchoTimeout: 15, event.FailedLoopedBack: 17,
	event.FailedPortLocked: 6, event.FailedPortOpen: 7, event.FailedDialRefused: 8, event.FailedModemSilent: 8, event.FailedATError: 8,
	event.FailedTerminated: 10, event.FailedNoAddress: 10,
}

// ends gives the Down of a call.
func (s *logSource) ends(reason string) {
	c := &s.call
	if c.ended || c.phase == "" && !c.unsuccessful {
		return
	}
	if c.cause != "" {
		reason = c.cause
	}
	if c.isUp && c.cause == event.FailedTerminated {
		c.code = 0 // pppd calls that a success
	}
	s.enter(event.PhaseDown)
	s.emit(event.Down{Reason: reason, ExitCode: c.code, Seconds: c.seconds, BytesIn: c.in, BytesOut: c.out})
	c.ended = true
}

// addresses gives the Up that stands in a group of lines, when the group is over.
func (s *logSource) addresses() {
	c := &s.call
	if c.up == nil {
		return
	}
	up := *c.up
	c.up = nil
	if c.isUp && up.Local == "" { // only an IPv6 address besides
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
