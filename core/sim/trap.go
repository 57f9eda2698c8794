package sim

import (
	"encoding/binary"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// This file is what kills a modem, and how it comes back.

// Fits says whether a command fits the command in a scenario, in which a final * matches any rest.
func Fits(pattern, command string) bool {
	prefix, wild := strings.CutSuffix(pattern, "*")
	return pattern == command || wild && strings.HasPrefix(command, prefix)
}

// given says whether the host has given such a command since power-on or the last restart.
func (m *Modem) given(pattern string) bool {
	if pattern == "" {
		return false
	}
	for command := range m.at.asked {
		if Fits(pattern, command) {
			return true
		}
	}
	return false
}

// happened notes the time of what Trap.Since names.
func (m *Modem) happened(now time.Time, what string) { m.times[what] = now }

// lately says whether what a reply counts from has happened, and not too long ago.
func (m *Modem) lately(now time.Time, r *Reply) bool {
	if _, ended := m.times["hangup"]; r.AfterHangup && !ended {
		return false
	}
	if r.Since == "" {
		return true
	}
	since, ever := m.times[r.Since]
	return ever && (r.Within == 0 || now.Sub(since) < time.Duration(r.Within))
}

// trap finds the trap that a command steps into; nil: none.
func (m *Modem) trap(now time.Time, command string) *Trap {
	for i := range m.scenario.AT.Traps {
		t := &m.scenario.AT.Traps[i]
		if !Fits(t.Command, command) || m.given(t.Unless) {
			continue
		}
		since, ever := m.times[t.Since]
		if t.Within == 0 || ever && now.Sub(since) < time.Duration(t.Within) {
			return t
		}
	}
	return nil
}

func (m *Modem) spring(now time.Time, t *Trap) {
	m.event(event.Notice{Level: "info", Text: "trap: " + t.Do})
	switch t.Do {
	case "crash":
		m.restart(now)
	case "restart":
		m.say(now, "OK")
		m.restart(now)
	case "deregister":
		m.say(now, "OK")
		m.setRegistration(now, "none")
	case "mute":
		m.silence(now)
	}
}

// silence makes the modem say nothing any more. Its carrier stays as it is.
func (m *Modem) silence(time.Time) { m.mute = true }

// coldStart is the state before power-on.
func (m *Modem) coldStart() {
	s := &m.scenario
	m.sim = simCard{state: s.SIM.State, pin: s.SIM.PIN, full: s.SIM.Tries, tries: s.SIM.Tries}
	m.at = terminal{asked: map[string]int{}, contexts: map[int]string{}, active: map[int]bool{}, function: 1, onDTR: "ignore"}
	m.at.attached = s.Registration.Attach != "asked" && s.Registration.AttachAfter == 0
	if s.Registration.Radio == "off" {
		m.at.function = 4
	}
	m.resetTerminal()
	m.registration, m.mute = "", false
	m.times = map[string]time.Time{}
}

// Restarts counts how often the modem has restarted.
func (m *Modem) Restarts() int { return m.restarts }

// Unplugs counts how often the modem was unplugged, which is a restart too.
func (m *Modem) Unplugs() int { return m.unplugs }

// restart is a crash, or what a reset command does: a call is lost without a word, and everything begins anew as after
// power-on. The numbers of dials and calls go on.
func (m *Modem) restart(now time.Time) {
	m.restarts++
	m.call, m.online = nil, false
	m.escape.reset()
	m.agenda = m.agenda[:0]
	m.coldStart()
	m.setCarrier(now, false)
	m.powerOn(now)
}

// tooLong ends the call where an IP packet is longer than the line stands.
func (m *Modem) tooLong(now time.Time, p []byte) bool {
	if most := m.scenario.Line.Longest; most == 0 || len(p) <= most || m.call == nil {
		return false
	}
	m.hangUp(now, true)
	return true
}

// longPacket is an IP packet from the modem to the host, as long as the host takes: UDP to the discard port (RFC 863),
// without a checksum (RFC 768).
func (m *Modem) longPacket() []byte {
	n := m.call.peerMRU
	p := make([]byte, max(n, 28))
	from, to := m.scenario.IPCP.Local.As4(), m.scenario.IPCP.Peer.As4()
	p[0], p[8], p[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
	copy(p[12:], from[:])
	copy(p[16:], to[:])
	binary.BigEndian.PutUint16(p[10:], checksum(p[:20], 0))
	binary.BigEndian.PutUint16(p[20:], 9)
	binary.BigEndian.PutUint16(p[22:], 9)
	binary.BigEndian.PutUint16(p[24:], uint16(len(p)-20))
	return p
}
