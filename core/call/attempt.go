package call

import (
	"strings"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Splitter says where one attempt at a call ends and the next one begins. All parts of knak use it, so that readers, diagnosis
// and comparison count the same attempts in the same recording. It can be used on a live call too; its memory does not grow. The
// zero value is ready.
//
// Another attempt begins with one of these: an Attempt event; a dial after a dial; the message of a dialer that starts or
// connects again; a command after a call that is over (except for a command that only hangs up, as disconnect scripts send);
// LCP's Configure-Request after a link that is over (RFC 1661 section 3.7). A Configure-Request on a link that is not over only
// negotiates it again.
type Splitter struct {
	phase   string // the last Phase event
	started bool   // a dialer has said that it starts
	dialled bool   // a number was dialled
	waiting bool   // the dial command has no result yet
	refused bool   // the result of the dial command was not CONNECT
	ours    bool   // this end has sent something; before that, the peer's packets may come from an earlier call and have waited in the port
	ppp     bool   // PPP began: a packet of LCP or of an authentication, a "Connect:", an address
	lcp     bool   // one of the ends sent LCP's Configure-Request
	acks    [2]bool
	failed  bool // something failed, or the call is over
	closed  bool // the link is over
}

// Begins takes the next record, and says whether another attempt begins with it, and why.
func (s *Splitter) Begins(r event.Record) (reason string, ok bool) {
	if reason = s.first(r.Event); reason != "" {
		phase := s.phase
		*s = Splitter{}
		if _, dial := r.Event.(event.Phase); !dial && phase == event.PhaseDial {
			s.phase = phase
		}
	}
	s.take(r.Event)
	return reason, reason != ""
}

// first says why an event is the first one of another attempt; "": it is not.
func (s *Splitter) first(e event.Event) string {
	over := s.failed || s.refused
	switch e := e.(type) {
	case event.Attempt:
		if e.Number > 1 {
			return e.Reason + " " // a reason that is never "", even if the event has none
		}
	case event.Phase:
		if e.Phase == event.PhaseDial && (s.closed || s.ppp && s.ours) {
			return "the dialer begins again"
		}
	case event.AT:
		switch {
		case e.Dir == event.Rcvd, v250.HangsUp(e.Text), s.phase == event.PhaseHangup:
		case v250.Dials(e.Text) && (s.dialled || s.ppp && over):
			return "a number is dialled again"
		case s.ppp && over:
			return "the modem is given commands again"
		}
	case event.Log:
		switch {
		case e.Is(event.MeansStarted) && (s.ppp || s.started && over),
			e.Is(event.MeansInitializing) && (s.ppp || over):
			return "the dialer was started again"
		case (e.Is(event.MeansConnect) || e.Is(event.MeansSerialUp)) && s.ppp, e.Is(event.MeansInterface) && s.ppp && s.closed:
			return "PPP connects again"
		}
	case event.Packet:
		if c, ok := e.Control(); ok && e.Protocol == packet.LCP && c.Code == packet.ConfigureRequest && s.lcp && s.closed {
			return "PPP begins again"
		}
	case event.Described:
		return s.first(e.Packet)
	}
	return ""
}

// take notes what an event says about its attempt.
func (s *Splitter) take(e event.Event) {
	switch e := e.(type) {
	case event.Phase:
		s.phase = e.Phase
		if e.Phase == event.PhaseDown {
			s.failed, s.closed = true, true
		}
	case event.AT:
		s.command(e)
	case event.Text:
		if s.ppp && strings.Contains(e.Text, "NO CARRIER") {
			s.failed = true
		}
	case event.Log:
		for _, w := range e.Means {
			s.word(e, w)
		}
	case event.Packet:
		s.packet(e)
	case event.Described:
		s.packet(e.Packet)
	case event.Up:
		s.ppp, s.ours = true, true
	case event.Failure:
		s.failed = true
	case event.Down:
		s.failed, s.closed = true, true
	}
}

func (s *Splitter) command(e event.AT) {
	if e.Dir == event.Sent {
		if v250.Dials(e.Text) {
			s.dialled, s.waiting, s.refused = true, true, false
		} else {
			s.waiting = false
		}
		return
	}
	if r, _ := v250.ParseFinal(e.Text); s.waiting && r != v250.NoResult {
		s.waiting, s.refused = false, r != v250.Connect
	} else if s.ppp && r == v250.NoCarrier {
		s.failed = true
	}
}

func (s *Splitter) word(e event.Log, w string) {
	switch w {
	case event.MeansStarted:
		s.started = true
	case event.MeansConnect, event.MeansLocalAddress, event.MeansTraffic, event.MeansConnectTime:
		s.ppp, s.ours = true, true
	case event.MeansDialResult:
		s.refused = s.refused || e.Value != "CONNECT"
	case event.MeansTerminated, event.MeansExits, event.MeansHangup, event.MeansHangupSignal, event.MeansSignal, event.MeansEndedByUs,
		event.MeansScriptEnd, event.MeansNoWords, event.MeansGaveUp, event.MeansNotInTime, event.MeansExitStatus, event.MeansPromptGone, event.MeansAborted:
		s.failed, s.closed = true, true
	default:
		if _, ok := FailureOf(e, w); ok {
			s.failed = true
		}
	}
}

func (s *Splitter) packet(e event.Packet) {
	c, ok := e.Control()
	s.ours = s.ours || e.Dir == event.Sent || e.Protocol != packet.LCP
	switch {
	case !ok:
		return
	case e.Protocol == packet.PAP, e.Protocol == packet.CHAP, e.Protocol == packet.EAP:
		s.ppp = true
		return
	case e.Protocol != packet.LCP:
		return
	}
	s.ppp = true
	switch c.Code {
	case packet.ConfigureRequest:
		s.lcp = true
	case packet.ConfigureAck:
		s.acks[e.Dir] = true
	case packet.TerminateAck:
		// If this side ended the link, it is over. The other end sometimes terminates during the negotiation and goes on
		// afterwards; that counts only once both ends have agreed.
		s.closed = s.closed || s.lcp && (e.Dir == event.Rcvd || s.acks[event.Sent] && s.acks[event.Rcvd])
	}
}
