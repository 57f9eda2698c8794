package ppp

import (
	"time"

	"github.com/knakppp/knak/core/ppp/auth"
)

// Adjust replaces the settings of an engine whose network phase has not begun, because the peer has shown who it is. It does not
// change what LCP has already asked for or the authentication has already sent. A challenge that was not answered yet is answered
// by the new settings; IPCP and IPV6CP begin with them. Once the network phase has begun, Adjust does nothing. It says whether the
// settings were taken.
func (e *Engine) Adjust(now time.Time, s Settings) bool {
	e.enter(now)
	if e.phase != phaseEstablish && e.phase != phaseAuthenticate {
		return false
	}
	before := e.lcp.cfg.SendACCM
	e.set = s
	if e.phase == phaseAuthenticate && e.lcp.state == StateOpened && e.lcp.cfg.SendACCM != before {
		e.put(e.lcp.framing())
	}
	if a := &e.auth; a.client != nil && !a.clientDone && !a.spoken && a.clientMethod != auth.None && a.parked == nil {
		a.startClient(a.clientMethod)
	}
	return true
}
