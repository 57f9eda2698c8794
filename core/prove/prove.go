// Package prove answers one question: does the link carry packets? It sends a few harmless probes and takes any
// plausible answer as proof. It is a machine: packets and the time go in, packets and a result come out.
package prove

import (
	"net/netip"
	"time"

	"github.com/knakppp/knak/core/trace"
)

// DefaultLimit and DefaultName are what a Config with a zero Limit and Name means.
const (
	DefaultLimit = 10 * time.Second
	DefaultName  = "example.com"
)

// Config says what to probe.
type Config struct {
	Local       netip.Addr   // our address, IPv4 or IPv6; the source of every probe
	Peer        netip.Addr   // the other end's address; may be invalid
	PeerAssumed bool         // the peer never named its address, we made it up: it is probed last and least
	DNS         []netip.Addr // assigned DNS servers; each gets a DNS query and an ICMP Echo
	Targets     []netip.Addr // further addresses; each gets an ICMP Echo

	Limit    time.Duration // how long to try; 0 means DefaultLimit
	Interval time.Duration // between rounds once the quick first ones are over; 0 means 1 s
	Random   uint64        // makes identifiers and ports of this proof unlike others'
	Name     string        // the name that DNS queries ask the A record of; "" means DefaultName
}

// Output is one of Send, Event, Proved and Failed.
type Output interface{ output() }

// Send says that an IP packet is to be sent. Packet belongs to the receiver of the output from then on.
type Send struct{ Packet []byte }

// Event is something for the trace.
type Event struct{ Probe trace.Probe }

// Proved says that the link carries packets. It is the last output.
type Proved struct {
	By   string        // "dns", "icmp", "icmp error", "tcp" or "traffic"
	From netip.Addr    // who answered
	RTT  time.Duration // from the first probe that this answers; 0 when it answers none
}

// Failed says that there is no proof. It is the last output.
type Failed struct{ Reason Reason }

func (Send) output()   {}
func (Event) output()  {}
func (Proved) output() {}
func (Failed) output() {}

// Reason says why there is no proof.
type Reason string

// The reasons.
const (
	NoTarget Reason = "no-target" // nothing to probe: no local address, or no address to send to
	Silence  Reason = "silence"   // nothing came back within the limit
	Loopback Reason = "loopback"  // only our own packets came back
)

// Machine proves one link, once.
type Machine struct{}

// New makes a Machine. It does nothing before Start.
func New(c Config) *Machine { panic("not written yet") }

// Start sends the first round of probes. It is called once.
func (m *Machine) Start(now time.Time) { panic("not written yet") }

// Receive looks at an IP packet that came in over the link. The machine does not keep it, and whatever it says, the
// packet still belongs to the plane.
func (m *Machine) Receive(now time.Time, ipPacket []byte) { panic("not written yet") }

// Advance sends what is due and gives up at the limit.
func (m *Machine) Advance(now time.Time) { panic("not written yet") }

// Deadline says when Advance must be called next; the zero time: there is nothing to wait for.
func (m *Machine) Deadline() time.Time { panic("not written yet") }

// Next takes the next thing to do.
func (m *Machine) Next() (Output, bool) { panic("not written yet") }
