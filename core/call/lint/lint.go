// Package lint says what is wrong with each packet by the RFCs. It is a machine: it takes records in order and keeps only what it
// needs to judge the next packet. It reads no clock, and its memory does not grow with the call.
package lint

import (
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Fault is one thing that is wrong with a packet.
type Fault struct {
	ID      string `json:"id"`                // a stable id, for example "empty-nak"
	Clause  string `json:"clause"`            // the clause that forbids or rules it, for example "RFC 1661 5.3"
	Text    string `json:"text"`              // for people, without secrets
	Allowed bool   `json:"allowed,omitempty"` // the RFC permits it, but it is usually a sign of a problem
}

// maxExchanges is the most control protocols whose state is kept.
const maxExchanges = 16

// Linter judges packets. The zero value is ready. Packets that were sent before the recording began are not counted as missing.
type Linter struct {
	whole     bool // the call is seen from its beginning
	begun     bool
	exchanges [maxExchanges]exchange // by protocol, in the order in which they came
	used      int
	auth      authState
	blind     bool // a direction in this call was a guess: it is no longer known which packet answers which
	faults    []Fault
}

// exchange is the state of one protocol of the RFC 1661 family, both ways.
type exchange struct {
	protocol uint16
	sides    [2]side // by event.Dir: what that side sent
}

// side holds the last packets of one end.
type side struct {
	asked    bool   // a Configure-Request was seen
	id       uint8  // of the last one
	options  []byte // of the last one
	answered bool   // a reply that matches came
	acked    bool   // it was acknowledged
	rejected [32]byte
	terms    int // how many Terminate-Requests have no answer yet, and the identifiers of the last of them
	termIDs  [4]uint8
	echo     bool
	echoID   uint8
	magic    uint32 // of the last request that was acknowledged
	spoke    bool
}

func (x *exchange) open() bool { return x.sides[0].acked && x.sides[1].acked }

// Check takes the next record and gives what is wrong with it, nothing for a record that is not a packet. The list is valid until
// the next call.
func (l *Linter) Check(r event.Record) []Fault {
	l.faults = l.faults[:0]
	switch e := r.Event.(type) {
	case event.Attempt, event.Down:
		l.restart()
	case event.Phase:
		if e.Phase == event.PhaseDial && !l.early() {
			l.restart()
		}
	case event.Data:
		l.data(e)
	case event.Packet:
		l.packet(e)
	}
	return l.faults
}

// restart forgets the call. The next call is seen from its beginning.
func (l *Linter) restart() {
	for i := range l.exchanges[:l.used] {
		l.exchanges[i].forget()
	}
	l.auth = authState{}
	l.whole, l.begun, l.blind = false, false, false
}

// early says whether only LCP packets of the peer came so far: they may have waited in the port before the dial.
func (l *Linter) early() bool {
	return l.used == 1 && l.exchanges[0].protocol == packet.LCP && !l.exchanges[0].sides[event.Sent].spoke
}

func (x *exchange) forget() {
	for i := range x.sides {
		x.sides[i] = side{options: x.sides[i].options[:0]}
	}
}

func (l *Linter) add(id, clause, text string) {
	l.faults = append(l.faults, Fault{ID: id, Clause: clause, Text: text})
}

func (l *Linter) allow(id, clause, text string) {
	l.faults = append(l.faults, Fault{ID: id, Clause: clause, Text: text, Allowed: true})
}

// exchange gives the state of a protocol. If there is no room for another protocol, it replaces the last one.
func (l *Linter) exchange(protocol uint16) *exchange {
	for i := range l.exchanges[:l.used] {
		if l.exchanges[i].protocol == protocol {
			return &l.exchanges[i]
		}
	}
	if l.used < maxExchanges {
		l.used++
	}
	x := &l.exchanges[l.used-1]
	x.forget()
	x.protocol = protocol
	return x
}

// known finds the state of a protocol that was seen.
func (l *Linter) known(protocol uint16) *exchange {
	for i := range l.exchanges[:l.used] {
		if l.exchanges[i].protocol == protocol {
			return &l.exchanges[i]
		}
	}
	return nil
}

func (l *Linter) lcpOpen() bool {
	x := l.known(packet.LCP)
	return x != nil && x.open()
}

func (l *Linter) packet(e event.Packet) {
	if e.Protocol < 0x8000 {
		return
	}
	first := !l.begun
	l.begun = true
	c, err := packet.Parse(e.Data)
	switch {
	case err != nil && !hasHeader(e.Protocol):
		return
	case len(e.Data) < packet.HeaderLen:
		l.add("short", "RFC 1661 5", "shorter than the four octets of a header: it must be silently discarded")
		return
	case err != nil:
		l.add("length", "RFC 1661 5", "the length field cannot be true: it must be silently discarded")
		return
	}
	if first && e.Protocol == packet.LCP && c.Code == packet.ConfigureRequest {
		l.whole = true
	}
	if !hasHeader(e.Protocol) {
		return
	}
	if l.blind = l.blind || e.Guessed; l.blind {
		l.alone(e, c)
		return
	}
	l.phase(e)
	switch e.Protocol {
	case packet.PAP:
		l.pap(e, c)
	case packet.CHAP:
		l.chap(e, c)
	case packet.EAP:
		l.eap(e, c)
	default:
		l.control(e, c)
	}
}

// alone judges a packet on its own, without the packets before it.
func (l *Linter) alone(e event.Packet, c packet.Packet) {
	if l.unknownCode(e, c) {
		return
	}
	switch e.Protocol {
	case packet.PAP, packet.CHAP, packet.EAP:
		return
	}
	switch c.Code {
	case packet.ConfigureRequest, packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject:
		if l.options(c.Data) {
			l.sizesOf(e.Protocol, c.Data)
		}
	}
}

// hasHeader says whether the protocol's packets have code, identifier and length. LQR has not (RFC 1989 section 2.2).
func hasHeader(protocol uint16) bool {
	switch protocol {
	case packet.LCP, packet.PAP, packet.CHAP, packet.EAP:
		return true
	}
	return protocol&0xc000 == 0x8000
}

// phase judges whether the packet's protocol is allowed in the present phase (RFC 1661 section 3).
func (l *Linter) phase(e event.Packet) {
	if !l.whole || e.Protocol == packet.LCP {
		return
	}
	if x := l.known(packet.LCP); x == nil || !x.open() && !(x.sides[0].asked && x.sides[1].asked) {
		l.whole = false // one side sent no Configure-Request, and both sides speak: the recording is an excerpt
		return
	}
	if !l.lcpOpen() {
		l.add("before-lcp", "RFC 1661 3.4", "before LCP is open: it must be silently discarded")
		return
	}
	if e.Protocol&0xc000 != 0x8000 {
		return
	}
	if l.auth.demanded() && !l.auth.passed && !l.auth.failed {
		l.add("before-auth", "RFC 1661 3.5", "before the authentication that was agreed on is done")
	}
}

// data judges a packet of data: its network protocol must be open (RFC 1661 section 3.6).
func (l *Linter) data(e event.Data) {
	ncp := uint16(0)
	switch e.Protocol {
	case packet.IP, packet.VJCompressed, packet.VJUncompressed:
		ncp = packet.IPCP
	case packet.IPv6:
		ncp = packet.IPV6CP
	}
	if !l.whole || l.blind || ncp == 0 {
		return
	}
	if x := l.known(ncp); !l.lcpOpen() || x == nil || !x.open() {
		l.add("data-early", "RFC 1661 3.6", packet.ProtocolName(e.Protocol)+" data before "+packet.ProtocolName(ncp)+" is open: it must be silently discarded")
	}
}
