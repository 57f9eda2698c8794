// Package prove answers one question: does the link carry packets? It sends a few harmless probes and takes any
// plausible answer as proof. It is a machine: packets and the time go in, packets and a result come out.
//
// An answer from the peer itself proves the link up to the modem or the network's gateway, whichever holds that address; an
// answer from anywhere else proves the network behind it too. Proved says who answered.
package prove

import (
	"net/netip"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
)

// DefaultLimit, DefaultInterval and DefaultName are used if Config has a zero Limit, Interval or Name. The name is one that RFC
// 2606 section 3 reserves: it belongs to nobody, and every resolver knows it.
const (
	DefaultLimit    = 10 * time.Second
	DefaultInterval = time.Second
	DefaultName     = "example.com"
)

// minInterval keeps a wrong Interval from flooding a slow link.
const minInterval = 100 * time.Millisecond

// assumedLimit is how long we try if the only target is a peer address that we made up.
const assumedLimit = 2 * time.Second

// quick are the times of the first rounds, after Start. The first packets are often lost: a peer such as pppd raises its
// interface up to half a second after it acknowledged our address, and a network may still be activating the context.
// Then a second is long.
var quick = [...]time.Duration{
	0, 100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 700 * time.Millisecond,
	1100 * time.Millisecond, 1600 * time.Millisecond,
}

// Config says what to probe. Targets of another address family than Local's, equal to Local, or unspecified are left
// out, and each is probed once even if it is named twice.
type Config struct {
	Local       netip.Addr   // our address, IPv4 or IPv6; the source of every probe
	Peer        netip.Addr   // the other end's address, which gets an ICMP Echo; may be invalid
	PeerAssumed bool         // the peer never named its address, we made it up: it is probed last, from the second round on
	DNS         []netip.Addr // assigned DNS servers; each gets a DNS query and an ICMP Echo
	Targets     []netip.Addr // further addresses; each gets an ICMP Echo

	Limit    time.Duration // how long to try; 0 means DefaultLimit
	Interval time.Duration // between rounds once the quick first ones are over; 0 means DefaultInterval, at least 100 ms
	Random   uint64        // the source of identifiers and ports, which differ between proofs
	// Name is the name for the DNS queries, which ask for its A record. "", or a name that DNS cannot carry (RFC 1035 section
	// 2.3.4), means DefaultName.
	Name string
}

// Output is one of Send, Event, Proved and Failed.
type Output interface{ output() }

// Send says that an IP packet is to be sent. Packet is the receiver's from then on.
type Send struct{ Packet []byte }

// Event is an event for the event stream.
type Event struct{ Probe event.Probe }

// Proved says that the link carries packets. It is the last output.
type Proved struct {
	By   string        // one of the words ByDNS, ByICMP, ByRouter, ByError and ByTraffic
	From netip.Addr    // the sender of the answer
	RTT  time.Duration // time since the probe that it answers was sent; 0 if it answers none
}

// The words of Proved.By.
const (
	ByDNS     = "dns"        // an answer to a DNS query, of any content
	ByICMP    = "icmp"       // an Echo Reply
	ByRouter  = "router"     // a Router Advertisement (RFC 4861 section 4.2), which an IPv6 network sends
	ByError   = "icmp error" // an ICMP error about one of our probes
	ByTraffic = "traffic"    // a packet to our address from another host, which answers no probe
)

// Failed says that there is no proof. It is the last output.
type Failed struct {
	Reason Reason
	Sent   int // how many probes were sent
}

func (Send) output()   {}
func (Event) output()  {}
func (Proved) output() {}
func (Failed) output() {}

// Reason says why there is no proof.
type Reason string

// The reasons.
const (
	// NoTarget: there was no address to probe, or none but a peer's that we made up, whose silence says nothing.
	// In the first case it comes at once, in the second after 2 s, or at the limit if that is sooner.
	NoTarget Reason = "no-target"
	Silence  Reason = "silence"  // nothing came back within the limit
	Loopback Reason = "loopback" // only our own packets came back
)

// target is one probe that each round sends.
type target struct {
	addr    netip.Addr
	how     string // ByDNS, ByICMP or ByRouter
	assumed bool
}

// Machine proves one link, once.
type Machine struct {
	c       Config
	probe   prober
	targets []target
	out     []Output
	start   time.Time
	due     time.Time   // of the next round
	rounds  []time.Time // when each was sent; the index is in the probes' sequence numbers
	sent    int
	looped  bool
	running bool
}

// New makes a Machine. It does nothing before Start.
func New(c Config) *Machine {
	if c.Limit <= 0 {
		c.Limit = DefaultLimit
	}
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	c.Interval = max(c.Interval, minInterval)
	c.Local, c.Peer = c.Local.Unmap(), c.Peer.Unmap()
	m := &Machine{c: c, probe: newProber(c)}
	for _, a := range c.DNS {
		m.add(target{addr: a, how: ByDNS})
	}
	if !c.PeerAssumed {
		m.add(target{addr: c.Peer, how: ByICMP})
	}
	for _, a := range slices.Concat(c.DNS, c.Targets) {
		m.add(target{addr: a, how: ByICMP})
	}
	if c.PeerAssumed {
		m.add(target{addr: c.Peer, how: ByICMP, assumed: true})
	}
	if c.Local.Is6() && c.Local.IsLinkLocalUnicast() {
		// 3GPP TS 29.061 section 11.2.1.3.2: the network answers a Router Solicitation, and need not answer anything else.
		m.add(target{addr: allRouters, how: ByRouter})
	}
	if m.onlyAssumed() {
		m.c.Limit = min(m.c.Limit, assumedLimit)
	}
	return m
}

func (m *Machine) add(t target) {
	t.addr = t.addr.Unmap()
	local := m.c.Local
	if !local.IsValid() || local.IsUnspecified() || !t.addr.IsValid() || t.addr.IsUnspecified() || t.addr == local ||
		t.addr.Is4() != local.Is4() {
		return
	}
	same := func(o target) bool { return o.addr == t.addr && o.how == t.how }
	if !slices.ContainsFunc(m.targets, same) {
		m.targets = append(m.targets, t)
	}
}

// onlyAssumed says that no target is known to exist.
func (m *Machine) onlyAssumed() bool {
	return !slices.ContainsFunc(m.targets, func(t target) bool { return !t.assumed })
}

// Start sends the first round of probes. It is called once.
func (m *Machine) Start(now time.Time) {
	m.start, m.running = now, true
	if len(m.targets) == 0 {
		m.end(Failed{Reason: NoTarget})
		return
	}
	m.round(now)
}

// Advance sends the probes that are due, and gives up when the time limit is reached.
func (m *Machine) Advance(now time.Time) {
	if !m.running {
		return
	}
	if now.Sub(m.start) >= m.c.Limit {
		reason := Silence
		switch {
		case m.looped:
			reason = Loopback
		case m.onlyAssumed():
			reason = NoTarget
		}
		m.end(Failed{Reason: reason, Sent: m.sent})
		return
	}
	if !now.Before(m.due) {
		m.round(now)
	}
}

// Deadline says when Advance must be called next; the zero time: there is nothing to wait for.
func (m *Machine) Deadline() time.Time {
	if !m.running {
		return time.Time{}
	}
	if end := m.start.Add(m.c.Limit); end.Before(m.due) {
		return end
	}
	return m.due
}

// Next gives the next output.
func (m *Machine) Next() (Output, bool) {
	if len(m.out) == 0 {
		return nil, false
	}
	o := m.out[0]
	m.out[0] = nil
	m.out = m.out[1:]
	return o, true
}

// round sends one probe of each kind.
func (m *Machine) round(now time.Time) {
	n := len(m.rounds)
	m.rounds = append(m.rounds, now)
	for _, t := range m.targets {
		if t.assumed && n == 0 && len(m.targets) > 1 {
			continue
		}
		m.sent++
		m.out = append(m.out, Send{m.probe.packet(t, uint16(n))}, Event{event.Probe{Target: t.addr.String(), How: t.how, Result: "sent"}})
	}
	next := m.start.Add(quick[min(n+1, len(quick)-1)])
	if n+1 >= len(quick) {
		next = now.Add(m.c.Interval)
	}
	if m.due = next; !m.due.After(now) {
		m.due = now.Add(m.c.Interval) // Advance came late: no two rounds at once
	}
}

// Receive examines an IP packet that came in over the link. The machine does not keep it. In any case the packet still belongs to
// the plane.
func (m *Machine) Receive(now time.Time, ipPacket []byte) {
	if !m.running {
		return
	}
	a, ok := m.probe.judge(ipPacket, m.c.Peer, len(m.rounds))
	if !ok {
		return
	}
	if a.looped {
		if !m.looped {
			m.looped = true
			m.out = append(m.out, Event{event.Probe{Target: a.to.String(), How: a.by, Result: "our own packet came back"}})
		}
		return
	}
	p := Proved{By: a.by, From: a.from}
	if a.by != ByTraffic && a.by != ByRouter {
		p.RTT = max(0, now.Sub(m.rounds[a.round]))
	}
	how := a.by
	if how == ByError {
		how = ByICMP
	}
	m.out = append(m.out, Event{event.Probe{Target: a.from.String(), How: how, Result: a.result}})
	m.end(p)
}

func (m *Machine) end(o Output) {
	m.running = false
	m.out = append(m.out, o)
}
