// Package packet holds PPP control packets and their options as they are on the wire: it parses and writes them, and knows the
// names of protocols, codes and options. It imports nothing of the project. Package notation prints packets as pppd does; package
// private hides what may not be shown.
//
// An information field (info) is the part of a frame after the protocol field: for a control packet the octets from the code on.
// Options are ordered lists and never maps: a Configure-Ack echoes a request octet for octet (RFC 1661 section 5.2).
package packet

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// HeaderLen is the length in octets of code, identifier and length field (RFC 1661 section 5).
const HeaderLen = 4

// MaxData is the greatest number of octets that Packet.Data can have: the length field has 16 bits.
const MaxData = 0xffff - HeaderLen

// ErrShort says that fewer octets than a header were received.
var ErrShort = errors.New("packet is shorter than its 4-octet header")

// LengthError says that a length field has an impossible value.
type LengthError struct {
	What      string // "packet" or "option"
	Offset    int    // where the packet or option begins, in octets from the start of what was parsed
	Length    int    // the value of the length field
	Min       int    // the smallest possible value
	Available int    // how many octets there are from Offset on
}

// Error names the offset and the possible values.
func (e *LengthError) Error() string {
	if e.Length < e.Min {
		return fmt.Sprintf("%s at offset %d says length %d, must be at least %d", e.What, e.Offset, e.Length, e.Min)
	}
	return fmt.Sprintf("%s at offset %d says length %d, but only %d octets are left", e.What, e.Offset, e.Length, e.Available)
}

// Packet is one control packet of LCP, of a network control protocol, or of an authentication protocol. They all have the same
// header (RFC 1661 section 5, RFC 1334 section 2.2, RFC 1994 section 4, RFC 3748 section 4).
type Packet struct {
	Code uint8
	ID   uint8  // the identifier, which matches requests and replies
	Data []byte // the octets after the header; for the Configure packets the options
}

// Parse reads one packet. Octets beyond its length field are padding and are dropped (RFC 1661 section 5). Data points
// into b. The error is ErrShort or a *LengthError.
func Parse(b []byte) (Packet, error) {
	if len(b) < HeaderLen {
		return Packet{}, ErrShort
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if n < HeaderLen || n > len(b) {
		return Packet{}, &LengthError{What: "packet", Length: n, Min: HeaderLen, Available: len(b)}
	}
	return Packet{Code: b[0], ID: b[1], Data: b[HeaderLen:n:n]}, nil
}

// Counted splits off a field with an octet of length in front, as names, passwords and challenges have (RFC 1334 section 2.2, RFC
// 1994 section 4.1). It is false if b is shorter than that length says. Both results point into b.
func Counted(b []byte) (field, rest []byte, ok bool) {
	if len(b) == 0 || len(b)-1 < int(b[0]) { // not in octet arithmetic: 255 is a legal length
		return nil, nil, false
	}
	n := 1 + int(b[0])
	return b[1:n], b[n:], true
}

// AuthName gives the name in an authentication packet, as a part of its data: in a PAP request, a CHAP response or an EAP identity
// (RFC 1334 section 2.2.1, RFC 1994 section 4.1, RFC 3748 section 5.1). The name may be empty. It is false for other packets, and
// for packets that are shorter than their lengths say.
func AuthName(protocol uint16, code uint8, data []byte) (name []byte, ok bool) {
	switch {
	case protocol == PAP && code == PAPRequest:
		name, _, ok = Counted(data)
	case protocol == CHAP && code == CHAPResponse:
		_, name, ok = Counted(data)
	case protocol == EAP && code == EAPResponse && len(data) > 0 && data[0] == EAPIdentity:
		return data[1:], true
	}
	return name, ok
}

// Len is the number of octets that AppendTo appends.
func (p Packet) Len() int { return HeaderLen + min(len(p.Data), MaxData) }

// AppendTo appends the packet to dst. Data beyond MaxData octets is cut off.
func (p Packet) AppendTo(dst []byte) []byte {
	n := p.Len()
	dst = append(dst, p.Code, p.ID, byte(n>>8), byte(n))
	return append(dst, p.Data[:n-HeaderLen]...)
}
