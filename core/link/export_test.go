package link

import (
	"fmt"
	"strings"
	"time"

	"github.com/knakppp/knak/core/ppp"
)

// This file is what the tests of package link_test see of a session besides its doors.

func nameOf(s state) string { return strings.TrimPrefix(fmt.Sprintf("%T", s), "*link.") }

// State names the state as the package's comment does.
func (s *Session) State() string { return nameOf(s.state) }

// OnMove has f called at every change of the state.
func (s *Session) OnMove(f func(from, to string)) {
	s.moved = func(from, to state) { f(nameOf(from), nameOf(to)) }
}

// Network is what IPCP has agreed on. NetworkUp, NetworkUp6 and NetworkDown are the engine's outputs of that name.
func (s *Session) Network() ppp.NetworkUp                       { return s.attempt.network }
func (s *Session) NetworkUp(now time.Time, n ppp.NetworkUp)     { s.networkUp(now, n) }
func (s *Session) NetworkUp6(now time.Time, n ppp.NetworkUp6)   { s.networkUp6(now, n) }
func (s *Session) NetworkDown(now time.Time, n ppp.NetworkDown) { s.networkDown(now, n) }

// Fail ends the attempt with an outcome.
func (s *Session) Fail(now time.Time, o Outcome) { s.fail(now, o) }

// Dialed is the number that was dialled.
func (s *Session) Dialed() string { return s.attempt.dialed.Number }

// AttemptNumber counts the attempts since the last link that was up.
func (s *Session) AttemptNumber() int { return s.retry.number }

// Buffered is the size of the largest buffer.
func (s *Session) Buffered() int { return max(cap(s.out.frames), cap(s.out.list)) }

// AsksNobody says whether a session that nobody advises spends anything on it.
func (s *Session) AsksNobody() bool { return !s.asker.wants(nil) && !s.mustHold() }

// ChatterBurst and ChatterRate bound the events that a modem may cause.
const (
	ChatterBurst = chatterBurst
	ChatterRate  = chatterRate
)

// PPPSettings are the engine's.
func (s *Session) PPPSettings() ppp.Settings { return s.pppSettings() }

// PortGone says that the port is gone as far as the session knows.
func (s *Session) PortGone() bool { return s.lost }

// Carries says that IPCP is open.
func (s *Session) Carries() bool {
	_, closing := s.state.(*closing)
	_, onLine := s.state.(lineState)
	return onLine && !closing && s.attempt.carries
}

// SpeaksIPv6 says that IPV6CP is open and IPv6 packets are sent.
func (s *Session) SpeaksIPv6() bool { return s.attempt.network6 != ppp.NetworkUp6{} }
