package sim

import (
	"math/rand/v2"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Modem is one simulated modem. It is not safe for use by several goroutines.
type Modem struct {
	scenario Scenario
	now      time.Time
	on       bool // the first call has set the time of power-on

	chance *rand.Rand // the line's and the rules' chance
	random *rand.Rand // the engine's: apart, so that a lossy line negotiates with the same numbers

	at           terminal
	sim          simCard
	registration string
	lines        Lines
	dtrOff       bool
	online       bool // what the host sends is data
	escape       escapeWatch
	dials        int
	calls        int
	restarts     int
	unplugs      int
	deaf         time.Time            // until then it hears nothing: it boots
	mute         bool                 // it neither hears nor says anything, until a restart
	times        map[string]time.Time // when what Trap.Since names happened last
	lastChar     time.Time            // when the last character of a command was taken
	call         *call                // nil: none
	network      network
	takePackets  bool

	takeUnanswered bool

	agenda   agenda
	out      queue
	echo     []byte // command characters on their way back
	frame    []byte // the frame that is being written
	answered []byte // the IP packet that is being written
	counters Counters
}

// OutputKind says which fields of an Output are set.
type OutputKind uint8

// The kinds of Output.
const (
	OutputWrite  OutputKind = iota // Data goes to the host
	OutputLines                    // Lines changed
	OutputEvent                    // Event happened, from the modem's view: "sent" means sent by the modem
	OutputPacket                   // Data is an IP packet for the outside sink; see TakePackets
)

// Output is one thing to do. Data is valid until the next call of any method other than Next.
type Output struct {
	Kind  OutputKind
	Data  []byte
	Lines Lines
	Event event.Event
}

// Lines are the modem's circuits as the host sees them.
type Lines struct {
	DCD bool // carrier: a call is up
	DSR bool
	CTS bool
}

// New powers a modem on. All random events depend on seed: the same scenario, seed, input and times give the same output. The
// first call of Receive, SetDTR or Advance sets the time of power-on. The scenario must come from Parse, Load or LoadFile.
func New(s Scenario, seed uint64) *Modem {
	m := &Modem{
		scenario: s,
		chance:   rand.New(rand.NewPCG(seed, 1)),
		random:   rand.New(rand.NewPCG(seed, 2)),
		lines:    Lines{DSR: true, CTS: true},
		network:  network{Network: s.Network, modem: s.IPCP.Local, host: s.IPCP.Peer, dns: s.IPCP.DNS},
	}
	m.coldStart()
	return m
}

// powerOn starts everything that counts from power-on.
func (m *Modem) powerOn(now time.Time) {
	m.on, m.now = true, now
	m.happened(now, "power-on")
	m.deaf = now.Add(time.Duration(m.scenario.AT.Boot))
	m.out.push(OutputLines, now).lines = m.lines
	m.startRegistration(now)
	for _, u := range m.scenario.AT.URCs {
		m.repeat(now.Add(time.Duration(u.After)), time.Duration(u.Every), 0, func(now time.Time) { m.unsolicited(now, u.Text) })
	}
	m.since(now, "power-on")
	if m.scenario.AT.Start == "data" {
		m.startCall(now)
		m.setCarrier(now, true)
		m.since(now, "connect")
	}
}

// repeat plans run at a time and, if every is not zero, again and again.
func (m *Modem) repeat(at time.Time, every time.Duration, call int, run func(time.Time)) {
	m.agenda.add(task{at: at, call: call, run: func(now time.Time) {
		if every > 0 {
			m.repeat(now.Add(every), every, call, run)
		}
		run(now)
	}})
}

// Receive takes octets that the host wrote. It keeps no part of b.
func (m *Modem) Receive(now time.Time, b []byte) {
	m.Advance(now)
	for len(b) > 0 {
		if !m.online {
			b = m.command(m.now, b)
			m.runDue(m.now)
			continue
		}
		m.escape.see(m.now, b, m.scenario.AT.Escape)
		m.data(m.now, b)
		b = nil
	}
	m.runDue(m.now)
}

// SetDTR tells the modem the state of circuit 108/2. It is on at power-on.
func (m *Modem) SetDTR(now time.Time, on bool) {
	m.Advance(now)
	drop := !on && !m.dtrOff
	m.dtrOff = !on
	if drop {
		m.event(event.Notice{Level: "info", Text: "DTR fell"})
	}
	if !drop || m.call == nil && m.at.dialing == 0 || m.mute {
		return
	}
	effect := m.scenario.AT.DTR
	if effect == "as-set" {
		effect = m.at.onDTR
	}
	switch {
	case effect == "hangup":
		m.hangUp(m.now, true)
	case effect == "command" && m.online:
		m.toCommandMode(m.now)
	}
}

// Advance does everything that is due.
func (m *Modem) Advance(now time.Time) {
	if !m.on {
		m.powerOn(now)
	}
	m.runDue(now)
	m.now = later(m.now, now)
}

// runDue does, each at its own time, what is due until now: how often the clock ticks makes no difference.
func (m *Modem) runDue(now time.Time) {
	for {
		next := m.wake()
		if next.IsZero() || next.After(now) {
			return
		}
		m.now = later(m.now, next)
		switch {
		case len(m.agenda) > 0 && !m.agenda[0].at.After(next):
			if t := m.agenda.pop(); t.call == 0 || m.call != nil && m.call.number == t.call {
				t.run(m.now)
			}
		case m.escape.due.Equal(next):
			m.toCommandMode(m.now)
		default:
			m.call.engine.Advance(m.now)
			m.drain(m.now)
		}
	}
}

// wake is when something is to be done, other than handing out what is queued.
func (m *Modem) wake() time.Time {
	var t time.Time
	if len(m.agenda) > 0 {
		t = m.agenda[0].at
	}
	t = earliest(t, m.escape.due)
	if m.call != nil && m.call.engine != nil {
		t = earliest(t, m.call.engine.Deadline())
	}
	return t
}

// Deadline says when Advance must be called next; the zero time: nothing is due.
func (m *Modem) Deadline() time.Time { return earliest(m.wake(), m.out.deadline()) }

// Next gives the next output; false if there is none now.
func (m *Modem) Next() (Output, bool) {
	it, ok := m.out.next(m.now)
	if !ok {
		return Output{}, false
	}
	return Output{Kind: it.kind, Data: it.data, Lines: it.lines, Event: it.event}, true
}

// Scenario gives the scenario that the modem was made from.
func (m *Modem) Scenario() Scenario { return m.scenario }

// TakePackets makes IP packets from the host come out as OutputPacket instead of going to the built-in network. The scenario's
// blackhole still drops them. Packets with a source address that the modem would not route back to are dropped, too.
func (m *Modem) TakePackets(take bool) { m.takePackets = take }

// TakeUnanswered makes IP packets that the built-in network does not know come out as OutputPacket. The built-in network still
// answers pings and DNS queries. The rest is as with TakePackets.
func (m *Modem) TakeUnanswered(take bool) { m.takeUnanswered = take }

// SendPacket sends an IP packet to the host. The packet is dropped unless a call is up and IPCP is open (IPV6CP for IPv6). It
// keeps no part of b.
func (m *Modem) SendPacket(now time.Time, b []byte) {
	m.Advance(now)
	m.sendIP(m.now, b)
}

func (m *Modem) sendIP(now time.Time, b []byte) {
	if m.call == nil || !m.online || m.mute || len(b) == 0 || m.tooLong(now, b) {
		return
	}
	switch {
	case b[0]>>4 == 4 && !m.call.networkUp, b[0]>>4 == 6 && !m.call.networkUp6:
	case len(b) > m.call.peerMRU:
		m.squeeze(now, b)
	case b[0]>>4 == 4 && m.call.networkUp:
		m.counters.PacketsOut++
		m.send(now, packet.IP, b)
	case b[0]>>4 == 6 && m.call.networkUp6:
		m.counters.PacketsOut++
		m.send(now, packet.IPv6, b)
	}
}

// maxEvents is the greatest number of outputs that wait, for a runner that takes none.
const maxEvents = 1 << 16

func (m *Modem) event(e event.Event) {
	if len(m.out.items)-m.out.head < maxEvents {
		m.out.push(OutputEvent, m.now).event = e
	}
}

// Counters counts calls, frames and packets since power-on.
type Counters struct {
	Calls      uint64 // calls that reached CONNECT
	FramesIn   uint64 // good frames from the host
	FramesBad  uint64 // frames from the host with a wrong FCS, too short, too long or aborted
	FramesOut  uint64 // frames to the host
	Lost       uint64 // frames that the line lost, both ways
	Corrupted  uint64 // frames that the line damaged, both ways
	PacketsIn  uint64 // IP packets from the host
	PacketsOut uint64 // IP packets to the host
	Echoes     uint64 // ICMP echo requests answered
	Queries    uint64 // DNS questions answered
}

// Counters gives the present counts.
func (m *Modem) Counters() Counters { return m.counters }
