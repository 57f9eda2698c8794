package read

import (
	"strings"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/trace"
)

// call is what a log has said of the call that it is in, so that its words become the events that a live call has.
type call struct {
	number  int // of the attempt; 0: the first
	phase   string
	iface   string
	port    string
	began   time.Time
	up      *trace.Up // being put together from several lines
	isUp    bool
	authOK  bool
	ending  bool // this side ends it: what breaks after that is no failure
	ended   bool
	cause   string // why it ends, the first that was seen
	code    int    // pppd's exit code for the cause
	failed  map[string]bool
	seconds float64
	in, out uint64
	sawPPP  bool
	goodbye bool          // wvdial is disconnecting
	hungup  *trace.Record // the modem hung up in a log that does not show how far the call was
}

// order gives the place of a phase in a call, 0 for none; a log never makes a call go back.
func order(phase string) int {
	switch phase {
	case trace.PhaseDial:
		return 1
	case trace.PhaseLCP:
		return 2
	case trace.PhaseAuth:
		return 3
	case trace.PhaseIPCP, trace.PhaseIPV6CP:
		return 4
	case trace.PhaseUp:
		return 5
	case trace.PhaseHangup:
		return 6
	case trace.PhaseDown:
		return 7
	}
	return 0
}

// enter gives the Phase event if the call was not so far yet.
func (s *logSource) enter(phase string) {
	if phase == s.call.phase || order(phase) <= order(s.call.phase) {
		return
	}
	s.call.phase = phase
	s.emit(trace.Phase{Phase: phase})
}

// begins makes a new attempt of what follows the end of a call.
func (s *logSource) begins(why string) {
	if !s.call.ended {
		return
	}
	n := max(s.call.number, 1) + 1
	s.call = call{number: n}
	s.emit(trace.Attempt{Number: n, Reason: why})
}

// sees follows the call by its packets.
func (s *logSource) sees(p trace.Packet) {
	code := uint8(0)
	if len(p.Data) > 0 {
		code = p.Data[0]
	}
	switch p.Protocol {
	case packet.LCP:
		if code == packet.ConfigureRequest && s.call.ended {
			s.begins("PPP begins again")
		}
		if !s.call.ended {
			s.enter(trace.PhaseLCP)
		}
		s.call.sawPPP = true
		if code == packet.TerminateRequest && p.Dir == trace.Sent {
			s.call.ending = true
		}
	case packet.PAP, packet.CHAP, packet.EAP:
		if !s.call.ended {
			s.enter(trace.PhaseAuth)
		}
	case packet.IPCP:
		if !s.call.ended && p.Dir == trace.Sent {
			s.enter(trace.PhaseIPCP)
		}
	}
}

// fails gives a Failure, once for each cause of a call.
func (s *logSource) fails(phase, cause, detail string) {
	c := &s.call
	if c.ending && cause != trace.FailedAuthRejected {
		return
	}
	if phase == "" {
		phase = c.phase
		if phase == "" {
			phase = trace.PhaseDial
		}
	}
	if c.failed[cause] {
		return
	}
	if c.failed == nil {
		c.failed = map[string]bool{}
	}
	c.failed[cause] = true
	if c.cause == "" {
		c.cause, c.code = cause, exitCodes[cause]
	}
	if !s.c.Raw {
		detail = hideAll(detail)
	}
	s.emit(trace.Failure{Phase: phase, Cause: cause, Detail: printable(detail), Provisional: c.authOK && !c.isUp})
}

// exitCodes are pppd's for the causes that it has a number for.
var exitCodes = map[string]int{
	trace.FailedTimeout: 10, trace.FailedCarrierLost: 16, trace.FailedAuthRejected: 19, trace.FailedEchoTimeout: 15, trace.FailedLoopedBack: 17,
	trace.FailedPortLocked: 6, trace.FailedPortOpen: 7, trace.FailedDialRefused: 8, trace.FailedModemSilent: 8, trace.FailedATError: 8,
	trace.FailedTerminated: 10, trace.FailedNoAddress: 10,
}

// ends gives the Down of a call.
func (s *logSource) ends(reason string) {
	c := &s.call
	if c.ended || c.phase == "" && len(c.failed) == 0 {
		return
	}
	if c.cause != "" {
		reason = c.cause
	}
	if c.isUp && c.cause == trace.FailedTerminated {
		c.code = 0 // pppd calls that a success
	}
	s.enter(trace.PhaseDown)
	s.emit(trace.Down{Reason: reason, ExitCode: c.code, Seconds: c.seconds, BytesIn: c.in, BytesOut: c.out})
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
	s.enter(trace.PhaseUp)
	s.emit(up)
}

// hangsUp gives the Failure of a modem that hung up. next is the line behind it: pppd tells how long a call was if it was up.
func (s *logSource) hangsUp(next string) {
	if s.call.hungup == nil {
		return
	}
	at := s.rec
	s.rec, s.call.hungup = *s.call.hungup, nil
	phase := trace.PhaseLCP
	if strings.HasPrefix(next, "Connect time") {
		phase = trace.PhaseUp
	}
	s.fails(phase, trace.FailedCarrierLost, "Modem hangup")
	s.call.ending = true
	s.rec = at
}

func (s *logSource) endOfLog() {
	s.hangsUp("")
	s.addresses()
	if s.call.goodbye {
		s.ends("the dialer ended the call")
	}
}
