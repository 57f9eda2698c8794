package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// dial starts a packet call (3GPP TS 27.007 section 10.2.1.1: *99# and its like; 3GPP2: #777). The result comes after
// the scenario's delay; any character before that aborts the dial (V.250 section 5.6.1).
func dial(m *Modem, now time.Time, c parsedCommand) ([]string, string) {
	if m.call != nil {
		return nil, "ERROR"
	}
	m.at.apn = m.apnOf(c.arg)
	m.dials++
	if m.at.detached && m.scenario.Registration.Attach != "asked" { // a dial attaches (3GPP TS 27.007 section 10.2.1)
		m.at.attached, m.at.detached = true, false
	}
	m.at.dialing, m.at.number = m.dials, strings.TrimLeft(strings.TrimRight(c.arg, "; "), "TtPp")
	m.at.unlucky = m.scenario.Dial.Chance == 0 || m.happens(m.scenario.Dial.Chance)
	rested, ever := m.times["rest"]
	m.at.hasty = ever && now.Sub(rested) < time.Duration(m.scenario.Dial.Rest)
	if m.scenario.LCP.BeforeConnect && m.dialResult() == "connect" {
		m.startCall(now)
	}
	number := m.dials
	m.agenda.add(task{at: later(now, m.at.busy).Add(time.Duration(m.scenario.Dial.Delay)), run: func(now time.Time) {
		if m.at.dialing == number {
			m.at.dialing = 0
			m.finishDial(now)
		}
	}})
	return nil, noResult
}

// dialResult is the scenario's result of the dial under way, if card and network let it come to that.
func (m *Modem) dialResult() string {
	d := &m.scenario.Dial
	switch {
	case m.sim.state != "ready" || !m.registered() || m.at.function != 1:
		return "no-carrier"
	case !m.at.attached, strings.Contains(m.at.contexts[1], nonIP):
		return "no-carrier"
	case d.Times > 0 && m.dials > d.Times, d.Restart && m.restarts > 0, slices.Contains(d.APN, m.at.apn), slices.Contains(d.Number, m.at.number),
		!m.at.unlucky, d.Rest > 0 && !m.at.hasty:
		return "connect"
	}
	return d.Result
}

// apnOf gives the APN of the context that a number names: *99***2# is context 2, and one that names none context 1.
func (m *Modem) apnOf(number string) string {
	cid := 1
	if _, rest, ok := strings.Cut(number, "***"); ok {
		if n, err := strconv.Atoi(strings.TrimRight(rest, "#; ")); err == nil {
			cid = n
		}
	}
	f := strings.Split(m.at.contexts[cid], ",")
	if len(f) < 3 {
		return ""
	}
	return strings.ToLower(strings.Trim(strings.TrimSpace(f[2]), `"`))
}

func (m *Modem) finishDial(now time.Time) {
	result := m.dialResult()
	if result != "connect" {
		m.happened(now, "rest")
	}
	if m.call != nil && result != "connect" { // it began before CONNECT, and the network has gone since
		m.hangUp(now, true)
		return
	}
	switch result {
	case "no-carrier":
		m.say(now, "NO CARRIER")
	case "error":
		m.say(now, "ERROR")
	case "busy":
		m.say(now, "BUSY")
	case "no-dialtone":
		m.say(now, "NO DIALTONE")
	case "cme":
		m.say(now, "+CME ERROR: "+m.scenario.Dial.CME)
	case "silence":
	default:
		m.say(now, m.scenario.Dial.Connect)
		m.counters.Calls++
		if m.call == nil {
			m.startCall(now)
		}
		m.setCarrier(now, true)
		m.since(now, "connect")
		if result == "text" {
			m.out.write(OutputWrite, now, []byte(m.scenario.Dial.Text), 0, 0)
		}
	}
}

func (m *Modem) abortDial(now time.Time) {
	m.at.dialing = 0
	if m.call != nil {
		m.hangUp(now, true)
		return
	}
	m.say(now, "NO CARRIER")
}

func hook(m *Modem, now time.Time, _ parsedCommand) ([]string, string) {
	if m.call != nil {
		m.hangUp(now, false)
	}
	return nil, "OK"
}

// online goes back from command mode into the call (V.250 section 6.3.7).
func online(m *Modem, now time.Time, _ parsedCommand) ([]string, string) {
	if m.call == nil {
		return nil, "NO CARRIER"
	}
	m.say(now, m.scenario.Dial.Connect)
	m.online = true
	return nil, noResult
}

// hangUp ends the call. With a message the host is told NO CARRIER.
func (m *Modem) hangUp(now time.Time, message bool) {
	m.call = nil
	m.online = false
	m.at.dialing = 0
	m.at.line = m.at.line[:0]
	m.escape.reset()
	m.happened(now, "hangup")
	m.happened(now, "rest")
	if message {
		m.say(now, "NO CARRIER")
	}
	m.setCarrier(now, false)
	for _, line := range m.at.pending {
		m.say(now, line)
	}
	m.at.pending = m.at.pending[:0]
}

func (m *Modem) setCarrier(now time.Time, on bool) {
	if m.lines.DCD == on {
		return
	}
	m.lines.DCD = on
	m.out.push(OutputLines, now).lines = m.lines
}

// guardTime is the silence around the escape sequence (V.250 annex C leaves it to makers; this is the usual S12).
const guardTime = time.Second

// escapeWatch finds the escape sequence in what the host sends: silence, +++ or what the scenario has, silence.
type escapeWatch struct {
	last  time.Time // when the host last sent anything
	count int       // how much of the sequence was seen after silence
	due   time.Time // when the second silence is long enough; the zero time: none
}

func (e *escapeWatch) reset() { e.count, e.due = 0, time.Time{} }

func (e *escapeWatch) see(now time.Time, b []byte, sequence string) {
	quiet := now.Sub(e.last) >= guardTime
	e.last = now
	for _, c := range b {
		if sequence == "none" || e.count == len(sequence) || c != sequence[e.count] || e.count == 0 && !quiet {
			e.reset()
			return
		}
		e.count++
	}
	if e.count == len(sequence) {
		e.due = now.Add(guardTime)
	}
}

// toCommandMode leaves the call up but listens to commands.
func (m *Modem) toCommandMode(now time.Time) {
	m.escape.reset()
	if m.scenario.AT.Escaped == "mute" {
		m.silence(now)
		return
	}
	m.online = false
	m.event(event.Notice{Level: "info", Text: "command mode"})
	m.say(now, "OK")
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
