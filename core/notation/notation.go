// Package notation reads pppd's debug notation, for example "LCP ConfReq id=0x1 <mru 1500>", back to the octets of the packet. It
// reads the output of all releases of pppd, and logs that people changed before they posted them.
//
// Not every line can be read back completely: the length of a hidden password is not known, nor the value of a hidden address.
// Parse describes the placeholders; Packet.Hidden says whether there are any.
package notation

import (
	"errors"

	"github.com/knakppp/knak/core/ppp/packet"
)

// Packet is the packet of one line.
type Packet struct {
	Protocol uint16
	Info     []byte // the information field, in the buffer given to Parse
	Cut      bool   // pppd itself wrote only the first octets and then "..."
	Hidden   bool   // the text hides a value, and Info holds a placeholder
	Replaced bool   // a placeholder is for an address or a magic number, which pppd itself never hides
	Used     int    // how many octets of the text were read
}

// Errors of Parse.
var (
	// ErrCut means that the text ends inside a packet: it was cut off, or its line was wrapped.
	ErrCut = errors.New("the line ends inside the packet")
	// ErrNotation means that the text is not in pppd's notation.
	ErrNotation = errors.New("not in the notation of pppd")
	// ErrStripped means that the options are lost: a web page treated the text between < and > as its own tags.
	ErrStripped = errors.New("the options are missing")
)

// Parse reads a packet from text, which begins after "sent [" or "rcvd [", and appends its octets to buf[:0]. The errors are
// ErrCut, ErrNotation and ErrStripped.
//
// Placeholders for hidden values: 8 asterisks for a password and 16 for the value of a response, or as many as the packet's
// length leaves room for; for an address, one of 192.0.2.0/24 (RFC 5737); for a magic number, another number. The same text
// always gives the same placeholder.
func Parse(buf, text []byte) (Packet, error) {
	p := parser{text: text, out: buf[:0]}
	protocol, err := p.packet()
	return Packet{Protocol: protocol, Info: p.out, Cut: p.cut, Hidden: p.hidden, Replaced: p.replaced, Used: p.at}, err
}

type parser struct {
	text     []byte
	at       int
	out      []byte
	cut      bool
	hidden   bool
	replaced bool
	begun    int // 1 + the index where an element begins that the end of the text cuts off
	wins     int // how many options named ms-wins came so far
}

// packet reads from the protocol's name to the text after the closing bracket.
func (p *parser) packet() (uint16, error) {
	word := p.word()
	protocol, known := protocolOf(word)
	switch {
	case known && p.byte() == ']': // a packet too short for a header
		p.at++
		return protocol, p.hex(false)
	case known:
		return protocol, p.control(protocol)
	}
	name, number, ok := cutByte(word, '=')
	if ok && string(name) == "proto" {
		v, ok := hexNumber(number)
		if !ok || v > 0xffff {
			return 0, p.bad()
		}
		return uint16(v), p.octets()
	}
	if p.skip(" data") {
		for i := range dataNames {
			if dataNames[i].name == string(word) {
				return dataNames[i].protocol, p.octets()
			}
		}
	}
	return 0, p.bad()
}

// octets reads hex before and after the closing bracket: pppd writes it in either place.
func (p *parser) octets() error {
	if err := p.hex(false); err != nil {
		return err
	}
	if !p.skip("]") {
		return p.bad()
	}
	return p.hex(false)
}

func (p *parser) control(protocol uint16) error {
	p.skip(" ")
	if protocol == packet.ECP || protocol == packet.CBCP {
		if c := p.byte(); c == ']' || isHex(c) {
			p.back(' ')
			return p.octets()
		}
	}
	word := p.word()
	code, ok := codeOf(protocol, word)
	if !ok {
		if len(word) == 2 && isHex(word[0]) && isHex(word[1]) { // shorter than a header: only octets
			p.at -= 3
			return p.octets()
		}
		return p.bad()
	}
	id, ok := p.field(" id=")
	if !ok || id > 0xff {
		return p.bad()
	}
	p.out = append(p.out, code, byte(id), 0, 0)
	if err := p.body(protocol, code); err != nil {
		return err
	}
	spaces := p.at
	p.spaces()
	if p.at == len(p.text) {
		return ErrCut
	}
	if p.text[p.at] != ']' {
		return p.bad()
	}
	if p.at > spaces && len(p.out) == packet.HeaderLen && code >= packet.ConfigureRequest && code <= packet.ConfigureReject && protocol != packet.PAP && protocol != packet.CHAP && protocol != packet.EAP {
		return ErrStripped // pppd writes no space there; a page that takes one option takes them all
	}
	p.at++
	p.out[2], p.out[3] = byte(len(p.out)>>8), byte(len(p.out))
	return p.hex(true)
}

func (p *parser) body(protocol uint16, code uint8) error {
	switch protocol {
	case packet.PAP:
		return p.pap(code)
	case packet.CHAP:
		return p.chap(code)
	case packet.EAP:
		return p.eap(code)
	}
	switch code {
	case packet.ConfigureRequest, packet.ConfigureAck, packet.ConfigureNak, packet.ConfigureReject:
		if err := p.options(protocol); err != nil {
			return err
		}
		return p.hex(false)
	case packet.TerminateRequest, packet.TerminateAck:
		return p.textOrHex()
	}
	if protocol == packet.LCP {
		switch code {
		case packet.EchoRequest, packet.EchoReply, packet.DiscardRequest, packet.Identification, packet.TimeRemaining:
			return p.magicBody(code)
		}
	}
	return p.hex(false)
}

func (p *parser) magicBody(code uint8) error {
	if p.skip(" magic=") {
		v, ok := hexNumber(p.word())
		if !ok {
			return p.bad()
		}
		p.uint32(v)
	}
	if code == packet.TimeRemaining && p.skip(" seconds=") {
		v, ok := number(p.word())
		if !ok {
			return p.bad()
		}
		p.uint32(v)
	}
	return p.textOrHex()
}

// textOrHex reads a string in quotes, with or without a space before it, and then hex.
func (p *parser) textOrHex() error {
	if p.skip(` "`) || p.skip(`"`) {
		if err := p.quoted(); err != nil {
			return err
		}
	}
	return p.hex(false)
}

func codeOf(protocol uint16, word []byte) (uint8, bool) {
	switch protocol {
	case packet.PAP, packet.CHAP, packet.EAP:
		for i := range authCodes {
			if c := &authCodes[i]; c.protocol == protocol && c.name == string(word) {
				return c.code, true
			}
		}
	default:
		if c, ok := codes[string(word)]; ok {
			return c, true
		}
	}
	if name, hex, ok := cutByte(word, '='); ok && string(name) == "code" {
		v, ok := hexNumber(hex)
		return uint8(v), ok && v <= 0xff
	}
	return 0, false
}

// protocolOf knows the names that begin a packet with a header.
func protocolOf(word []byte) (uint16, bool) {
	switch string(word) {
	case "LCP":
		return packet.LCP, true
	case "IPCP":
		return packet.IPCP, true
	case "IPV6CP", "IPv6CP":
		return packet.IPV6CP, true
	case "CCP":
		return packet.CCP, true
	case "PAP", "UPAP":
		return packet.PAP, true
	case "CHAP":
		return packet.CHAP, true
	case "EAP":
		return packet.EAP, true
	case "ECP":
		return packet.ECP, true
	case "CBCP":
		return packet.CBCP, true
	case "IPXCP":
		return packet.IPXCP, true
	case "MPLSCP":
		return packet.MPLSCP, true
	}
	return 0, false
}

var dataNames = []struct {
	name     string
	protocol uint16
}{
	{"IP", packet.IP}, {"IPV6", packet.IPv6}, {"IPv6", packet.IPv6}, {"Compressed", packet.Compressed}, {"Encrypted", packet.Encrypted},
	{"Comp.", packet.Compressed},
}

// codes has pppd's words for codes, and those of other programs with the same notation.
var codes = map[string]uint8{
	"ConfReq": 1, "ConfAck": 2, "ConfNak": 3, "ConfRej": 4, "TermReq": 5, "TermAck": 6, "CodeRej": 7, "ProtRej": 8, "EchoReq": 9, "EchoRep": 10,
	"DiscReq": 11, "Ident": 12, "TimeRem": 13, "ResetReq": 14, "ResetAck": 15,
	"Configure-Request": 1, "Configure-Ack": 2, "Configure-Nak": 3, "Configure-Reject": 4, "Terminate-Request": 5, "Terminate-Ack": 6,
	"Code-Reject": 7, "Protocol-Reject": 8, "Echo-Request": 9, "Echo-Reply": 10, "Discard-Request": 11, "Identification": 12, "Time-Remaining": 13,
}

var authCodes = []struct {
	protocol uint16
	name     string
	code     uint8
}{
	{packet.PAP, "AuthReq", 1}, {packet.PAP, "AuthAck", 2}, {packet.PAP, "AuthNak", 3},
	{packet.CHAP, "Challenge", 1}, {packet.CHAP, "Response", 2}, {packet.CHAP, "Success", 3}, {packet.CHAP, "Failure", 4},
	{packet.EAP, "Request", 1}, {packet.EAP, "Response", 2}, {packet.EAP, "Success", 3}, {packet.EAP, "Failure", 4},
}
