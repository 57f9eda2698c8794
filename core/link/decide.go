package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file passes decisions of the PPP engine to the adviser, and CHAP responses from the adviser to the engine.

// maxVerdictDelay is how long a Verdict may make the engine wait.
const maxVerdictDelay = time.Minute

// maxHeld is how many octets from the peer are kept while an answer is waited for. If more come, they are lost; the peer sends
// its packets again.
const maxHeld = 4 << 10

// keep keeps octets for later.
func keep(held, p []byte) []byte {
	return append(held, p[:min(len(p), max(0, maxHeld-len(held)))]...)
}

// Answer takes the answer to the Ask with that ID. err says what went wrong; there may be an answer beside it. If an
// adviser that is required has failed, a link that is not up yet ends.
func (s *Session) Answer(now time.Time, id uint64, a advice.Answer, err error) {
	if s.over() {
		return
	}
	var required *advice.RequiredError
	if errors.As(err, &required) && s.attempt.meter.since.IsZero() && s.state.comesUp() {
		s.fail(now, Outcome{Kind: KindPlugin, Phase: s.story.phase, Detail: required.Error()})
		return
	}
	s.asker.answer(now, id, a, err)
	s.releaseHeld(now)
}

// mustHold says whether input from the peer has to wait for an answer. Packets must be taken in order, and with the framing that
// the packet before agreed on: an LCP Ack that is being judged may be followed by a challenge without escapes, a CHAP Failure by
// a Terminate-Request. Once data packets may pass, nothing waits.
func (s *Session) mustHold() bool {
	return len(s.asker.open) > 0 && !s.attempt.carries && s.asker.holding()
}

// releaseHeld takes the input that had to wait.
func (s *Session) releaseHeld(now time.Time) {
	st, ok := s.state.(lineState)
	if !ok || s.mustHold() {
		return
	}
	l := st.ppp()
	rest := l.held
	l.held = nil
	for s.has(l) && len(rest) > 0 {
		_, rest = s.Receive(now, rest) // a packet for the plane comes too early, and is lost
	}
}

// decide asks about a decision of the engine. It is false if the adviser does not want to be asked.
func (s *Session) decide(now time.Time, l *line, d ppp.Decision) bool {
	if c, ok := s.challengeOf(d); ok && s.asker.wants(c) {
		s.askChallenge(now, l, c, d)
		return true
	}
	return s.askVerdict(now, l, d)
}

func (s *Session) askVerdict(now time.Time, l *line, d ppp.Decision) bool {
	q := advice.Decide{Link: s.cfg.Name, Generation: s.attempt.generation, Decision: d}
	if !s.asker.wants(q) {
		return false
	}
	i := s.asker.ask(now, q, func(now time.Time, a advice.Answer, late bool) {
		v, _ := a.(advice.Verdict)
		v.Delay = min(v.Delay, maxVerdictDelay)
		v.Reason = oneLine(v.Reason)
		if late {
			v.By = "the link: no answer in time"
		}
		s.resolve(now, l, d.ID, v.Verdict)
	})
	i.holds = true
	return true
}

// resolve gives the engine its verdict.
func (s *Session) resolve(now time.Time, l *line, id uint64, v ppp.Verdict) {
	if s.has(l) {
		l.engine.Resolve(now, id, v)
		s.pumpEngine(now, l)
	}
}

// challengeOf makes the question for a decision that is about a CHAP challenge (RFC 1994 section 4.1).
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
		Link: s.cfg.Name, Attempt: s.retry.number, Method: d.Method, ID: p.ID, Value: slices.Clone(p.Data[1 : 1+int(p.Data[0])]),
		Peer: peer, User: s.attempt.user(s.attempt.selection.Policy),
	}, true
}

// askChallenge asks for the response. If the adviser gives none, the decision is asked like any other.
func (s *Session) askChallenge(now time.Time, l *line, c advice.Challenge, d ppp.Decision) {
	i := s.asker.ask(now, c, func(now time.Time, a advice.Answer, _ bool) {
		if !s.has(l) {
			return
		}
		r, _ := a.(advice.Response)
		v, err := respond(c, r)
		if err != nil {
			s.asker.tellFailed(now, advice.KindChallenge, advice.FailedError{By: r.By, Err: err})
		}
		if v.Action == ppp.Pass && s.askVerdict(now, l, d) {
			return
		}
		s.resolve(now, l, d.ID, v)
	})
	i.holds = true
}

// respond makes the packet of a response (RFC 1994 section 4.1). Pass: there is none.
func respond(c advice.Challenge, r advice.Response) (ppp.Verdict, error) {
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
