package packet

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"slices"
)

// MaxOptionData is the largest number of octets that Option.Data can have: the length field has 8 bits and counts the
// type and itself (RFC 1661 section 6).
const MaxOptionData = 253

// Option is one configuration option (RFC 1661 section 6).
type Option struct {
	Type uint8
	Data []byte // without type and length
}

// ParseOptions appends the options in b to dst, in their order. Each Data points into b. On a bad length it returns the
// options before it and a *LengthError that names the offset in b.
func ParseOptions(dst []Option, b []byte) ([]Option, error) {
	for off := 0; off < len(b); {
		left := len(b) - off
		if left < 2 {
			return dst, &LengthError{What: "option", Offset: off, Length: 2, Min: 2, Available: left}
		}
		n := int(b[off+1])
		if n < 2 || n > left {
			return dst, &LengthError{What: "option", Offset: off, Length: n, Min: 2, Available: left}
		}
		dst = append(dst, Option{Type: b[off], Data: b[off+2 : off+n : off+n]})
		off += n
	}
	return dst, nil
}

// AppendTo appends the option to dst. Data beyond MaxOptionData octets is cut off.
func (o Option) AppendTo(dst []byte) []byte {
	n := min(len(o.Data), MaxOptionData)
	dst = append(dst, o.Type, byte(n+2))
	return append(dst, o.Data[:n]...)
}

// AppendOptions appends the options to dst in their order.
func AppendOptions(dst []byte, options []Option) []byte {
	for _, o := range options {
		dst = o.AppendTo(dst)
	}
	return dst
}

// Equal says whether the two options are the same, octet for octet.
func (o Option) Equal(p Option) bool { return o.Type == p.Type && bytes.Equal(o.Data, p.Data) }

// EqualOptions says whether two lists hold the same options in the same order.
func EqualOptions(a, b []Option) bool { return slices.EqualFunc(a, b, Option.Equal) }

// Find gives the first option of that type.
func Find(options []Option, typ uint8) (Option, bool) {
	for _, o := range options {
		if o.Type == typ {
			return o, true
		}
	}
	return Option{}, false
}

// Address reads the four octets of IP-Address, of a DNS or of an NBNS option. It is false for any other length.
func (o Option) Address() (netip.Addr, bool) {
	if len(o.Data) != 4 {
		return netip.Addr{}, false
	}
	return netip.AddrFrom4([4]byte(o.Data)), true
}

// Uint16 reads the value of an option of two octets, for example Maximum-Receive-Unit.
func (o Option) Uint16() (uint16, bool) {
	if len(o.Data) != 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(o.Data), true
}

// Uint32 reads the value of an option of four octets, for example Magic-Number.
func (o Option) Uint32() (uint32, bool) {
	if len(o.Data) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(o.Data), true
}

// InterfaceID reads the IPV6CP Interface-Identifier (RFC 5072 section 4.1).
func (o Option) InterfaceID() (id [8]byte, ok bool) {
	if len(o.Data) != len(id) {
		return id, false
	}
	return [8]byte(o.Data), true
}

// Auth reads an Authentication-Protocol option: the protocol, and the CHAP algorithm or 0 (RFC 1661 section 6.2).
func (o Option) Auth() (protocol uint16, algorithm uint8, ok bool) {
	if len(o.Data) < 2 {
		return 0, 0, false
	}
	if len(o.Data) > 2 {
		algorithm = o.Data[2]
	}
	return binary.BigEndian.Uint16(o.Data), algorithm, true
}

// AddressOption makes an option of an IPv4 address; the zero Addr gives 0.0.0.0, which asks for one.
func AddressOption(typ uint8, a netip.Addr) Option {
	var b [4]byte
	if a = a.Unmap(); a.Is4() {
		b = a.As4()
	}
	return Option{Type: typ, Data: b[:]}
}

// Uint16Option makes an option of two octets.
func Uint16Option(typ uint8, v uint16) Option {
	return Option{Type: typ, Data: binary.BigEndian.AppendUint16(nil, v)}
}

// Uint32Option makes an option of four octets.
func Uint32Option(typ uint8, v uint32) Option {
	return Option{Type: typ, Data: binary.BigEndian.AppendUint32(nil, v)}
}

// AuthOption makes an Authentication-Protocol option. The algorithm is written for CHAP only.
func AuthOption(protocol uint16, algorithm uint8) Option {
	b := binary.BigEndian.AppendUint16(nil, protocol)
	if protocol == CHAP {
		b = append(b, algorithm)
	}
	return Option{Type: LCPAuth, Data: b}
}
