package link

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is how the decisions of the PPP engine get to somebody else, and CHAP responses from there.

// engineDecisionTimeout is only for the case that this file never answers: it answers within the budgets of advice.
const engineDecisionTimeout = 10 * time.Second

// maxVerdictDelay is how long a Verdict may make the engine wait.
const maxVerdictDelay = time.Minute

// decisionPoints are all of them.
var decisionPoints = [...]ppp.Points{
	ppp.PointRequest, ppp.PointPeerRequest, ppp.PointNak, ppp.PointReject, ppp.PointAck, ppp.PointTerminate,
	ppp.PointTimeout, ppp.PointAuthChallenge, ppp.PointAuthResult, ppp.PointAddress, ppp.PointOpened,
}

// subscribe makes the engine hand out the decisions that somebody wants.
func (s *Session) subscribe(settings *ppp.Settings) {
	settings.DecisionTimeout = engineDecisionTimeout
	for _, p := range decisionPoints {
		if s.wants(advice.Decide{Decision: ppp.Decision{Point: p}}) {
			settings.Points |= p
		}
	}
	for _, m := range []auth.Method{auth.CHAPMD5, auth.MSCHAP, auth.MSCHAPv2} {
		if s.wants(advice.Challenge{Method: m}) {
			settings.Points |= ppp.PointAuthChallenge
		}
	}
}

// decide asks about a decision of the engine. It reports false where nobody wants to know.
func (s *Session) decide(now time.Time, d ppp.Decision) bool {
	if c, ok := s.challengeOf(d); ok && s.wants(c) {
		s.askChallenge(now, c, d)
		return true
	}
	return s.askVerdict(now, d)
}

func (s *Session) askVerdict(now time.Time, d ppp.Decision) bool {
	q := advice.Decide{Link: s.cfg.Name, Generation: s.generation, Decision: d}
	if !s.wants(q) {
		return false
	}
	engine := s.engine
	i := s.ask(now, q, func(now time.Time, a advice.Answer, late bool) {
		if s.engine != engine {
			return
		}
		v, _ := a.(advice.Verdict)
		v.Delay = min(v.Delay, maxVerdictDelay)
		v.Reason = oneLine(v.Reason)
		if late {
			v.By = "the link: no answer in time"
		}
		engine.Resolve(now, d.ID, v.Verdict)
		s.pumpEngine(now)
	})
	i.holds = true
	return true
}

// challengeOf makes the question of a decision that is about a challenge of CHAP (RFC 1994 section 4.1).
func (s *Session) challengeOf(d ppp.Decision) (advice.Challenge, bool) {
	if d.Point != ppp.PointAuthChallenge || d.Protocol != packet.CHAP || d.Code != packet.CHAPChallenge {
		return advice.Challenge{}, false
	}
	p, err := packet.Parse(d.Packet)
	if err != nil || len(p.Data) == 0 || 1+int(p.Data[0]) > len(p.Data) {
		return advice.Challenge{}, false
	}
	peer := ""
	if name, ok := challenger(d.Protocol, p); ok && name != Nothing {
		peer = name
	}
	return advice.Challenge{
		Link: s.cfg.Name, Attempt: s.attempt, Method: d.Method, ID: p.ID, Value: slices.Clone(p.Data[1 : 1+int(p.Data[0])]),
		Peer: peer, User: s.user(s.selection.Policy),
	}, true
}

// askChallenge asks for the response. Where there is none the decision is asked about as any other.
func (s *Session) askChallenge(now time.Time, c advice.Challenge, d ppp.Decision) {
	engine := s.engine
	i := s.ask(now, c, func(now time.Time, a advice.Answer, _ bool) {
		if s.engine != engine {
			return
		}
		r, _ := a.(advice.Response)
		v, err := s.respond(c, r)
		if err != nil {
			s.tellFailed(now, advice.KindChallenge, advice.FailedError{By: r.By, Err: err})
		}
		if v.Action == ppp.Pass && s.askVerdict(now, d) {
			return
		}
		engine.Resolve(now, d.ID, v)
		s.pumpEngine(now)
	})
	i.holds = true
}

// respond makes the packet of a response (RFC 1994 section 4.1). Pass: there is none.
func (s *Session) respond(c advice.Challenge, r advice.Response) (ppp.Verdict, error) {
	if !r.Opinion() {
		return ppp.Verdict{}, nil
	}
	size := 49 // RFC 2433 section 4, RFC 2759 section 4
	if c.Method == auth.CHAPMD5 {
		size = 16
	}
	name := r.Name
	if name == "" {
		name = c.User
	}
	switch {
	case len(r.Value) != size:
		return ppp.Verdict{}, fmt.Errorf("a response of %d octets to %v, which has %d", len(r.Value), c.Method, size)
	case len(name) > 255:
		return ppp.Verdict{}, fmt.Errorf("a name of %d octets; 255 are possible", len(name))
	case r.Authenticator != nil && len(r.Authenticator) != 20:
		return ppp.Verdict{}, fmt.Errorf("an authenticator of %d octets; RFC 2759 section 8.7 has 20", len(r.Authenticator))
	}
	info := []byte{packet.CHAPResponse, c.ID, 0, 0, byte(size)}
	info = append(append(info, r.Value...), name...)
	binary.BigEndian.PutUint16(info[2:], uint16(len(info)))
	return ppp.Verdict{Action: ppp.Transmit, Packet: info, Authenticator: r.Authenticator, By: r.By}, nil
}
