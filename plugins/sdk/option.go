package sdk

import (
	"crypto/md5" //nolint:gosec // RFC 1994 section 4.1 asks for it
	"encoding/binary"
	"net/netip"
	"slices"
)

// The types of options that authors need most.
const (
	LCPMRU      uint8 = 1 // Maximum-Receive-Unit (RFC 1661 section 6.1)
	LCPACCM     uint8 = 2 // Async-Control-Character-Map (RFC 1662 section 7.1)
	LCPAuth     uint8 = 3 // Authentication-Protocol (RFC 1661 section 6.2)
	LCPMagic    uint8 = 5 // Magic-Number (RFC 1661 section 6.4)
	LCPPFC      uint8 = 7 // Protocol-Field-Compression (RFC 1661 section 6.5)
	LCPACFC     uint8 = 8 // Address-and-Control-Field-Compression (RFC 1661 section 6.6)
	LCPCallback uint8 = 13

	IPCPAddresses   uint8 = 1   // IP-Addresses, deprecated (RFC 1332 section 3.1)
	IPCPCompression uint8 = 2   // IP-Compression-Protocol (RFC 1332 section 3.2)
	IPCPAddress     uint8 = 3   // IP-Address (RFC 1332 section 3.3)
	IPCPDNS1        uint8 = 129 // RFC 1877 section 1.1
	IPCPNBNS1       uint8 = 130 // RFC 1877 section 1.2
	IPCPDNS2        uint8 = 131 // RFC 1877 section 1.3
	IPCPNBNS2       uint8 = 132 // RFC 1877 section 1.4

	IPV6CPInterfaceID uint8 = 1 // RFC 5072 section 4.1
)

// Option is one configuration option of LCP, IPCP or IPV6CP (RFC 1661 section 6).
type Option struct {
	Type uint8
	Data []byte // without type and length; at most 253 octets
}

// AddressOption makes an option of an IPv4 address, for example IPCPAddress. The zero Addr gives 0.0.0.0, which asks for one.
func AddressOption(typ uint8, a Addr) Option {
	b := [4]byte{}
	if a = a.Unmap(); a.Is4() {
		b = a.As4()
	}
	return Option{typ, b[:]}
}

// Uint16Option makes an option of two octets, for example LCPMRU.
func Uint16Option(typ uint8, v uint16) Option {
	return Option{typ, binary.BigEndian.AppendUint16(nil, v)}
}

// Uint32Option makes an option of four octets, for example LCPACCM.
func Uint32Option(typ uint8, v uint32) Option {
	return Option{typ, binary.BigEndian.AppendUint32(nil, v)}
}

// Address reads an option of four octets as an IPv4 address.
func (o Option) Address() (Addr, bool) {
	if len(o.Data) != 4 {
		return Addr{}, false
	}
	return netip.AddrFrom4([4]byte(o.Data)), true
}

// Uint16 reads an option of two octets.
func (o Option) Uint16() (uint16, bool) {
	if len(o.Data) != 2 {
		return 0, false
	}
	return binary.BigEndian.Uint16(o.Data), true
}

// Uint32 reads an option of four octets.
func (o Option) Uint32() (uint32, bool) {
	if len(o.Data) != 4 {
		return 0, false
	}
	return binary.BigEndian.Uint32(o.Data), true
}

// Options is an ordered list: a Configure-Ack echoes a request in its order. None of the methods changes the list.
type Options []Option

// Find gives the first option of that type.
func (l Options) Find(typ uint8) (Option, bool) {
	i := slices.IndexFunc(l, func(o Option) bool { return o.Type == typ })
	if i < 0 {
		return Option{}, false
	}
	return l[i], true
}

// Has says whether there is an option of that type.
func (l Options) Has(typ uint8) bool {
	_, ok := l.Find(typ)
	return ok
}

// Address reads the first option of that type as an IPv4 address; the zero Addr if there is none.
func (l Options) Address(typ uint8) Addr {
	o, _ := l.Find(typ)
	a, _ := o.Address()
	return a
}

// With gives the list with o in place of the first option of its type or, if there is none, at the end.
func (l Options) With(o Option) Options {
	out := slices.Clone(l)
	if i := slices.IndexFunc(out, func(p Option) bool { return p.Type == o.Type }); i >= 0 {
		out[i] = o
		return out
	}
	return append(out, o)
}

// Without gives the list without the options of these types.
func (l Options) Without(types ...uint8) Options {
	out := make(Options, 0, len(l))
	for _, o := range l {
		if !slices.Contains(types, o.Type) {
			out = append(out, o)
		}
	}
	return out
}

// MD5Response computes the response to a chap-md5 challenge (RFC 1994 section 4.1).
func MD5Response(q Challenge, secret string) Response {
	h := md5.New() //nolint:gosec // as above
	h.Write([]byte{q.ID})
	h.Write([]byte(secret))
	h.Write(q.Value)
	return Response{Value: h.Sum(nil)}
}
