package lint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
)

// knows says whether a protocol has the code.
func knows(protocol uint16, code uint8) bool {
	switch protocol {
	case packet.LCP:
		return code <= packet.TimeRemaining // 0 is vendor specific (RFC 2153)
	case packet.CCP, packet.ECP:
		return code <= packet.CodeReject || code == packet.ResetRequest || code == packet.ResetAck
	case packet.PAP:
		return code >= 1 && code <= 3
	case packet.CHAP, packet.EAP:
		return code >= 1 && code <= 4
	case packet.IPCP, packet.IPV6CP:
		return code <= packet.CodeReject
	}
	return true
}

func (l *Linter) unknownCode(e event.Packet, c packet.Packet) bool {
	if knows(e.Protocol, c.Code) {
		return false
	}
	clause := "RFC 1661 5.6"
	switch e.Protocol {
	case packet.PAP:
		clause = "RFC 1334 2.2"
	case packet.CHAP:
		clause = "RFC 1994 4"
	case packet.EAP:
		clause = "RFC 3748 4"
	}
	l.add("unknown-code", clause, fmt.Sprintf("code %d is none of %s", c.Code, packet.ProtocolName(e.Protocol)))
	return true
}

// control judges a packet of LCP or of a network control protocol.
func (l *Linter) control(e event.Packet, c packet.Packet) {
	if l.unknownCode(e, c) {
		return
	}
	x := l.exchange(e.Protocol)
	from, to := &x.sides[e.Dir], &x.sides[1-e.Dir]
	from.spoke = true
	switch c.Code {
	case packet.ConfigureRequest:
		l.request(e, x, from, c)
	case packet.ConfigureAck:
		l.ack(e, x, to, c)
	case packet.ConfigureNak:
		l.nak(e, to, c)
	case packet.ConfigureReject:
		l.reject(e, to, c)
	case packet.TerminateRequest:
		if from.terms == len(from.termIDs) {
			from.answerTerm(0)
		}
		from.termIDs[from.terms] = c.ID
		from.terms++
	case packet.TerminateAck:
		l.terminateAck(x, to, c)
	case packet.CodeReject:
		l.codeReject(e, c)
	}
	if e.Protocol != packet.LCP {
		return
	}
	switch c.Code {
	case packet.ProtocolReject:
		l.protocolReject(e, c)
	case packet.EchoRequest, packet.EchoReply, packet.DiscardRequest:
		l.echo(x, from, to, c)
	}
}

// options checks an option list. It is false, and adds a fault, if a length in it is impossible.
func (l *Linter) options(data []byte) bool {
	for i := 0; i < len(data); {
		if len(data)-i < 2 || data[i+1] < 2 || int(data[i+1]) > len(data)-i {
			l.add("option-length", "RFC 1661 6", fmt.Sprintf("the option at octet %d has a length that cannot be true", packet.HeaderLen+i))
			return false
		}
		i += int(data[i+1])
	}
	return true
}

// next splits off the first option of a valid list.
func next(list []byte) (option, rest []byte) {
	if len(list) < 2 || int(list[1]) < 2 || int(list[1]) > len(list) {
		return nil, nil
	}
	return list[:list[1]], list[list[1]:]
}

// find gives the first option of that type.
func find(list []byte, typ uint8) []byte {
	for {
		o, rest := next(list)
		if o == nil || o[0] == typ {
			return o
		}
		list = rest
	}
}

func name(protocol uint16, o []byte) string {
	return "<" + notation.OptionText(protocol, packet.Option{Type: o[0], Data: o[2:]}) + ">"
}

// size gives the length, with type and length octet, that an option of a known type must have, and the clause.
func size(protocol uint16, typ uint8) (n int, clause string) {
	switch protocol {
	case packet.LCP:
		switch typ {
		case packet.LCPMRU:
			return 4, "RFC 1661 6.1"
		case packet.LCPACCM:
			return 6, "RFC 1662 7.1"
		case packet.LCPMagic:
			return 6, "RFC 1661 6.4"
		case packet.LCPPFC:
			return 2, "RFC 1661 6.5"
		case packet.LCPACFC:
			return 2, "RFC 1661 6.6"
		}
	case packet.IPCP:
		switch typ {
		case packet.IPCPAddress:
			return 6, "RFC 1332 3.3"
		case packet.IPCPAddresses:
			return 10, "RFC 1332 3.1"
		case packet.IPCPDNS1, packet.IPCPNBNS1, packet.IPCPDNS2, packet.IPCPNBNS2:
			return 6, "RFC 1877 1"
		}
	case packet.IPV6CP:
		if typ == packet.IPV6CPInterfaceID {
			return 10, "RFC 5072 4.1"
		}
	}
	return 0, ""
}

// sizesOf judges the length of each option of a valid list.
func (l *Linter) sizesOf(protocol uint16, list []byte) {
	for {
		o, rest := next(list)
		if o == nil {
			return
		}
		if n, clause := size(protocol, o[0]); n > 0 && len(o) != n {
			l.add("option-size", clause, fmt.Sprintf("option %d has length %d, must be %d", o[0], len(o), n))
		}
		list = rest
	}
}

func (l *Linter) request(e event.Packet, x *exchange, from *side, c packet.Packet) {
	sound := l.options(c.Data)
	if from.asked && c.ID == from.id {
		switch {
		case !bytes.Equal(c.Data, from.options):
			l.add("id-reused", "RFC 1661 5.1", "other options under the identifier of the request before")
		case from.answered && !x.open():
			l.add("id-kept", "RFC 1661 5.1", "the same identifier after an answer to it: a new request needs a new one")
		}
	}
	if x.open() { // the protocol leaves the Opened state (RFC 1661 section 4.1)
		x.sides[0].acked, x.sides[1].acked = false, false
		if x.protocol == packet.LCP {
			l.relink(x)
		}
	}
	if sound {
		l.sizesOf(e.Protocol, c.Data)
		l.askedFor(e, from, x, c.Data)
	}
	from.asked, from.id, from.answered, from.acked = true, c.ID, false, false
	from.options = append(from.options[:0], c.Data...)
}

// relink forgets the state of a link that is being negotiated again.
func (l *Linter) relink(lcp *exchange) {
	l.auth = authState{}
	for i := range l.exchanges[:l.used] {
		if x := &l.exchanges[i]; x != lcp {
			x.forget()
		}
	}
}

func (l *Linter) askedFor(e event.Packet, from *side, x *exchange, list []byte) {
	var seen [32]byte
	for {
		o, rest := next(list)
		if o == nil {
			return
		}
		list = rest
		typ, bit := o[0]/8, byte(1)<<(o[0]%8)
		if seen[typ]&bit != 0 {
			l.add("duplicate-option", "RFC 1661 6", name(e.Protocol, o)+" is there twice")
		}
		seen[typ] |= bit
		if from.rejected[typ]&bit != 0 {
			l.add("rejected-again", "RFC 1661 5.4", name(e.Protocol, o)+" was rejected before and must not be asked again")
			from.rejected[typ] &^= bit // reported once
		}
		if e.Protocol == packet.LCP && o[0] == packet.LCPMagic && len(o) == 6 {
			l.magicAsked(binary.BigEndian.Uint32(o[2:]), &x.sides[1-e.Dir])
		}
	}
}

func (l *Linter) magicAsked(magic uint32, other *side) {
	if magic == 0 {
		l.add("zero-magic", "RFC 1661 6.4", "a magic number of zero is never right")
		return
	}
	if o := find(other.options, packet.LCPMagic); other.asked && len(o) == 6 && binary.BigEndian.Uint32(o[2:]) == magic {
		l.add("own-magic", "RFC 1661 6.4", "the other side's magic number comes back: the line is looped back")
	}
}

// answers judges whether a reply belongs to the last request, and whether its options may be judged.
func (l *Linter) answers(what, clause string, to *side, c packet.Packet) bool {
	if !to.asked {
		if l.whole {
			l.add(what+"-unasked", clause, "an answer to a request that was never sent")
		}
		return false
	}
	if c.ID != to.id {
		l.add(what+"-id", clause, fmt.Sprintf("identifier 0x%x, but the request had 0x%x: it must be silently discarded", c.ID, to.id))
		return false
	}
	return true
}

func (l *Linter) ack(e event.Packet, x *exchange, to *side, c packet.Packet) {
	const clause = "RFC 1661 5.2"
	sound := l.options(c.Data)
	if !l.answers("ack", clause, to, c) {
		return
	}
	to.answered = true
	if !bytes.Equal(c.Data, to.options) {
		switch {
		case sound && reordered(c.Data, to.options):
			l.add("ack-reordered", clause, "the options of the request in another order")
		default:
			l.add("ack-changed", clause, "not the options of the request: "+l.difference(e.Protocol, c.Data, to.options))
		}
		return
	}
	to.acked = true
	if x.protocol == packet.LCP {
		to.magic = 0
		if o := find(c.Data, packet.LCPMagic); len(o) == 6 {
			to.magic = binary.BigEndian.Uint32(o[2:])
		}
		l.auth.agree(1-e.Dir, find(c.Data, packet.LCPAuth))
	}
}

// difference names the first option in which a reply differs from its request.
func (l *Linter) difference(protocol uint16, got, want []byte) string {
	for {
		g, restG := next(got)
		w, restW := next(want)
		switch {
		case g == nil && w == nil:
			return "octets after the options"
		case g == nil:
			return name(protocol, w) + " is missing"
		case w == nil:
			return name(protocol, g) + " was not asked"
		case !bytes.Equal(g, w):
			return name(protocol, g) + " in place of " + name(protocol, w)
		}
		got, want = restG, restW
	}
}

// reordered says whether both lists have the same options in another order.
func reordered(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for list := a; ; {
		o, rest := next(list)
		if o == nil {
			return true
		}
		if p := find(b, o[0]); !bytes.Equal(p, o) {
			return false
		}
		list = rest
	}
}

// boolean says whether an option has no value, so that there is nothing to Nak in it.
func boolean(protocol uint16, typ uint8) bool {
	return protocol == packet.LCP && (typ == packet.LCPPFC || typ == packet.LCPACFC || typ == packet.LCPShortSeq)
}

func (l *Linter) nak(e event.Packet, to *side, c packet.Packet) {
	const clause = "RFC 1661 5.3"
	sound := l.options(c.Data)
	if len(c.Data) == 0 {
		l.add("empty-nak", clause, "no option: it refuses and does not say what would do")
	}
	if !l.answers("nak", clause, to, c) {
		return
	}
	to.answered = true
	if !sound {
		return
	}
	l.sizesOf(e.Protocol, c.Data)
	place := -1 // in the request, of the option before
	for list := c.Data; ; {
		o, rest := next(list)
		if o == nil {
			return
		}
		list = rest
		asked := find(to.options, o[0])
		at := index(to.options, o[0])
		switch {
		case asked == nil:
			l.allow("nak-unasked", clause, name(e.Protocol, o)+" was not asked: a hint to ask for it")
			place = len(to.options) + 1
		case boolean(e.Protocol, o[0]):
			l.add("nak-boolean", clause, name(e.Protocol, o)+" has no value: it must be rejected, not Nak'd")
		case bytes.Equal(asked, o):
			l.add("nak-same", clause, name(e.Protocol, o)+" is what was asked: nothing to change")
		case at < place:
			l.add("nak-reordered", clause, "not in the order of the request")
		}
		if asked != nil {
			place = max(place, at)
		}
		if e.Protocol == packet.IPCP && o[0] == packet.IPCPAddress && len(o) == 6 && binary.BigEndian.Uint32(o[2:]) == 0 {
			l.allow("nak-zero-address", "RFC 1332 3.3", "0.0.0.0 offers no address")
		}
	}
}

// index gives where in a list the first option of a type is, -1 if it is not there.
func index(list []byte, typ uint8) int {
	whole := len(list)
	for {
		o, rest := next(list)
		if o == nil {
			return -1
		}
		if o[0] == typ {
			return whole - len(list)
		}
		list = rest
	}
}

func (l *Linter) reject(e event.Packet, to *side, c packet.Packet) {
	const clause = "RFC 1661 5.4"
	sound := l.options(c.Data)
	if len(c.Data) == 0 {
		l.add("empty-reject", clause, "no option: it refuses and does not say what")
	}
	if !l.answers("reject", clause, to, c) {
		return
	}
	to.answered = true
	if !sound {
		return
	}
	place := -1
	for list := c.Data; ; {
		o, rest := next(list)
		if o == nil {
			return
		}
		list = rest
		to.rejected[o[0]/8] |= 1 << (o[0] % 8)
		asked := find(to.options, o[0])
		at := index(to.options, o[0])
		switch {
		case asked == nil:
			l.add("reject-unasked", clause, name(e.Protocol, o)+" was not asked")
		case !bytes.Equal(asked, o):
			l.add("reject-changed", clause, name(e.Protocol, o)+" in place of "+name(e.Protocol, asked))
		case at < place:
			l.add("reject-reordered", clause, "not in the order of the request")
		}
		place = max(place, at)
	}
}

func (l *Linter) terminateAck(x *exchange, to *side, c packet.Packet) {
	which := slices.Index(to.termIDs[:to.terms], c.ID)
	switch {
	case to.terms > 0 && which < 0:
		l.add("terminate-ack-id", "RFC 1661 5.5", fmt.Sprintf("identifier 0x%x, but the Terminate-Request had 0x%x", c.ID, to.termIDs[to.terms-1]))
	case to.terms == 0 && to.asked && !to.answered:
		l.allow("terminate-ack-closed", "RFC 1661 4.2", "in answer to a Configure-Request: the other side is closed")
	case to.terms == 0 && l.whole:
		l.add("terminate-ack-unasked", "RFC 1661 5.5", "no Terminate-Request was sent")
	}
	if to.terms > 0 {
		to.answerTerm(max(0, which))
	}
	if x.protocol == packet.LCP {
		l.relink(x)
	}
	x.sides[0].acked, x.sides[1].acked = false, false
}

// answerTerm takes one Terminate-Request out of those that are open.
func (s *side) answerTerm(i int) {
	copy(s.termIDs[i:], s.termIDs[i+1:s.terms])
	s.terms--
}

func (l *Linter) codeReject(e event.Packet, c packet.Packet) {
	if len(c.Data) == 0 {
		l.add("code-reject-empty", "RFC 1661 5.6", "it does not say what it rejects")
		return
	}
	if code := c.Data[0]; code >= packet.ConfigureRequest && code <= packet.CodeReject {
		l.add("code-reject-needed", "RFC 1661 5.6", "it rejects "+packet.CodeName(e.Protocol, code)+", without which nothing can be negotiated")
	}
}

func (l *Linter) protocolReject(e event.Packet, c packet.Packet) {
	const clause = "RFC 1661 5.7"
	if len(c.Data) < 2 {
		l.add("protocol-reject-empty", clause, "it does not say what it rejects")
		return
	}
	if l.whole && !l.lcpOpen() {
		l.add("protocol-reject-early", clause, "may only be sent while LCP is open")
	}
	protocol := binary.BigEndian.Uint16(c.Data)
	if protocol == packet.LCP {
		l.add("protocol-reject-lcp", clause, "it rejects LCP, without which there is no link")
		return
	}
	if x := l.known(protocol); l.whole && protocol&0xc000 == 0x8000 && (x == nil || !x.sides[1-e.Dir].spoke) {
		l.add("protocol-reject-unsent", clause, "it rejects "+packet.ProtocolName(protocol)+", which was never sent")
	}
}

func (l *Linter) echo(x *exchange, from, to *side, c packet.Packet) {
	const clause = "RFC 1661 5.8"
	if c.Code == packet.DiscardRequest {
		if l.whole && !x.open() {
			l.add("discard-early", "RFC 1661 5.9", "may only be sent while LCP is open")
		}
		return
	}
	if l.whole && !x.open() {
		l.add("echo-early", clause, "may only be sent while LCP is open")
	}
	if len(c.Data) < 4 {
		l.add("echo-short", clause, "without a magic number")
		return
	}
	magic := binary.BigEndian.Uint32(c.Data)
	switch {
	case !x.open():
	case magic != from.magic && to.magic != 0 && magic == to.magic:
		l.add("echo-own-magic", clause, "the magic number of the other side: the line is looped back, or the peer copies what it gets")
	case magic != from.magic:
		l.add("echo-magic", clause, fmt.Sprintf("magic number 0x%x, but 0x%x was agreed on", magic, from.magic))
	}
	if c.Code == packet.EchoRequest {
		from.echo, from.echoID = true, c.ID
		return
	}
	switch {
	case to.echo && c.ID != to.echoID:
		l.add("echo-id", clause, fmt.Sprintf("identifier 0x%x, but the last Echo-Request had 0x%x", c.ID, to.echoID))
	case !to.echo && l.whole:
		l.add("echo-unasked", clause, "no Echo-Request was sent")
	}
}
