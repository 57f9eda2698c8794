package sim

import (
	"time"

	"github.com/knakppp/knak/core/trace"
)

// Modem is one simulated modem. It is not safe for use by several goroutines.
type Modem struct {
	scenario Scenario
}

// OutputKind says which fields of an Output hold something.
type OutputKind uint8

// What a Modem hands out.
const (
	OutputWrite  OutputKind = iota // Data goes to the host
	OutputLines                    // Lines changed
	OutputEvent                    // Event happened, seen from the modem: "sent" is what the modem sent
	OutputPacket                   // Data is an IP packet for the outside sink; see TakePackets
)

// Output is one thing to do. Data is valid until the next call of any other method than Next.
type Output struct {
	Kind  OutputKind
	Data  []byte
	Lines Lines
	Event trace.Event
}

// Lines are the modem's circuits as the host sees them.
type Lines struct {
	DCD bool // carrier: a call is up
	DSR bool
	CTS bool
}

// New powers a modem on. All chance comes from seed: the same scenario, seed, input and times give the same output.
// The first call of Receive, SetDTR or Advance sets the time of power-on.
func New(s Scenario, seed uint64) *Modem { panic("to come") }

// Receive takes octets that the host wrote. It keeps none of b.
func (m *Modem) Receive(now time.Time, b []byte) { panic("to come") }

// SetDTR tells the modem the state of circuit 108/2. It is on at power-on.
func (m *Modem) SetDTR(now time.Time, on bool) { panic("to come") }

// Advance does what is due.
func (m *Modem) Advance(now time.Time) { panic("to come") }

// Deadline is when Advance must be called next; the zero time: nothing is due.
func (m *Modem) Deadline() time.Time { panic("to come") }

// Next takes the next output, false if there is none now.
func (m *Modem) Next() (Output, bool) { panic("to come") }

// Scenario is what the modem was made from.
func (m *Modem) Scenario() Scenario { return m.scenario }

// TakePackets makes IP packets from the host come out as OutputPacket instead of going to the built-in network.
func (m *Modem) TakePackets(take bool) { panic("to come") }

// SendPacket sends an IP packet to the host, dropped unless a call is up and IPCP is open. It keeps none of b.
func (m *Modem) SendPacket(now time.Time, b []byte) { panic("to come") }

// Counters counts what passed. All counts are since power-on.
type Counters struct {
	Calls      uint64 // that reached CONNECT
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

// Counters returns the counts now.
func (m *Modem) Counters() Counters { panic("to come") }
