package private

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/ppp/packet"
)

// Packet gives a control packet (its information field) that anybody may see, with the same length. It hides secrets first, so
// that the packet may come from any source.
func (m *Mask) Packet(protocol uint16, info []byte) []byte {
	b := Packet(protocol, info)
	m.packet(protocol, b, 0)
	return b
}

// nesting is how deep to look into packets within packets: nobody sends a Protocol-Reject of a Protocol-Reject in earnest.
const nesting = 3

// packet works on b in place.
func (m *Mask) packet(protocol uint16, b []byte, depth int) {
	if len(b) < packet.HeaderLen || depth > nesting {
		return
	}
	code, data := b[0], b[packet.HeaderLen:]
	if n := int(binary.BigEndian.Uint16(b[2:])); n >= packet.HeaderLen && n < len(b) {
		m.octets(b[n:]) // padding: nobody says what it is
		data = b[packet.HeaderLen:n]
	}
	switch {
	case protocol == packet.LCP && code == packet.ProtocolReject:
		if len(data) >= 2 {
			m.packet(binary.BigEndian.Uint16(data), data[2:], depth+1)
		}
		return
	case code == packet.CodeReject && (protocol == packet.LCP || protocol&0xc000 == 0x8000):
		m.packet(protocol, data, depth+1)
		return
	case code >= packet.ConfigureRequest && code <= packet.ConfigureReject && (protocol == packet.LCP || protocol&0xc000 == 0x8000):
		m.options(protocol, data)
		return
	}
	if name := login(protocol, code, data); len(name) > 0 {
		m.loginOctets(name)
		return
	}
	m.octets(words(protocol, code, data))
}

// words gives the part of a packet's data that is text: what is before it are lengths, magic numbers and chance, which a
// number or a name in them would only seem to be.
func words(protocol uint16, code uint8, data []byte) []byte {
	after := func(b []byte, n int) []byte { return b[min(n, len(b)):] }
	sized := func(b []byte) []byte { // a value behind its length, then a name (RFC 1994 section 4.1)
		if len(b) == 0 {
			return nil
		}
		return after(b, 1+int(b[0]))
	}
	switch protocol {
	case packet.PAP: // each of its texts has its length before it (RFC 1334 section 2.2); the password is overwritten already
		if len(data) == 0 {
			return nil
		}
		return data[1:min(1+int(data[0]), len(data))]
	case packet.CHAP:
		if code == packet.CHAPChallenge || code == packet.CHAPResponse {
			return sized(data)
		}
	case packet.EAP:
		switch {
		case len(data) == 0:
			return nil
		case data[0] == packet.EAPMD5:
			return sized(data[1:])
		case data[0] == packet.EAPMSCHAPv2 && len(data) > 5 && (data[1] == packet.MSCHAPv2Challenge || data[1] == packet.MSCHAPv2Response):
			return sized(data[5:])
		case data[0] == packet.EAPMSCHAPv2:
			return after(data, 5)
		}
		return data[1:]
	case packet.LCP:
		if code >= packet.EchoRequest && code <= packet.TimeRemaining {
			return after(data, 4) // the magic number
		}
	}
	return data
}

// addressOptions are IPCP's options that hold IPv4 addresses and nothing else (RFC 1332 section 3, RFC 1877 section 1).
var addressOptions = []uint8{packet.IPCPAddresses, packet.IPCPAddress, packet.IPCPDNS1, packet.IPCPNBNS1, packet.IPCPDNS2, packet.IPCPNBNS2}

// options works on the options of a Configure packet, as far as they are sound; what is behind is overwritten.
func (m *Mask) options(protocol uint16, data []byte) {
	for len(data) >= 2 {
		n := int(data[1])
		if n < 2 || n > len(data) {
			break
		}
		typ, value := data[0], data[2:n]
		switch {
		case protocol == packet.IPCP && slices.Contains(addressOptions, typ):
			for ; len(value) >= 4; value = value[4:] {
				a := m.Address(netip.AddrFrom4([4]byte(value))).As4()
				copy(value, a[:])
			}
		case protocol == packet.IPV6CP && typ == packet.IPV6CPInterfaceID && len(value) == 8:
			var a [16]byte
			a[0], a[1] = 0xfe, 0x80
			copy(a[8:], value)
			if !slices.Equal(value, make([]byte, 8)) { // all zero asks for one (RFC 5072 section 4.1)
				to := m.Address(netip.AddrFrom16(a)).As16()
				copy(value, to[8:])
			}
		case protocol == packet.LCP && typ == endpointDiscriminator && len(value) > 1:
			clear(value[1:]) // after the class: an address of the machine (RFC 1990 section 5.1.3)
		default:
			m.octets(value)
		}
		data = data[n:]
	}
	clear(data)
}

// endpointDiscriminator is LCP's option of RFC 1990 section 5.1.3.
const endpointDiscriminator = 19

// octets overwrites in b what Text replaces in a text, without changing the length: the part of a name before an @,
// and long numbers. The first octets tell which one it is.
func (m *Mask) octets(b []byte) {
	for start := 0; start < len(b); {
		if !isInk(b[start]) {
			start++
			continue
		}
		end := start
		for end < len(b) && isInk(b[end]) {
			end++
		}
		m.run(b[start:end])
		start = end
	}
}

func isInk(c byte) bool { return c > ' ' && c < 0x7f }

// run works on octets that are all printable.
func (m *Mask) run(b []byte) {
	text := string(b)
	if i := strings.IndexByte(text, '@'); i > 0 && m.isPrivate(text[:i]) {
		fill(b[:i], m.name("name", text[:i]))
		b, text = b[i+1:], text[i+1:]
	}
	for _, u := range m.users {
		for from := 0; ; {
			i := strings.Index(text[from:], u)
			if i < 0 {
				break
			}
			i += from
			fill(b[i:i+len(u)], m.name("name", u))
			from = i + len(u)
		}
	}
	text = string(b)
	for _, at := range numbers().FindAllStringIndex(text, -1) {
		fill(b[at[0]:at[1]], m.name("number", strings.TrimPrefix(text[at[0]:at[1]], "+")))
	}
	text = string(b)
	for _, at := range tokens().FindAllStringIndex(text, -1) {
		if a, err := netip.ParseAddr(strings.Trim(text[at[0]:at[1]], ".:")); err == nil && !keep()[a] {
			fill(b[at[0]:at[1]], "")
		}
	}
}

// fill writes name over b, filled up with '*'. Where there is no room for it, its number is what stays, so that two are two.
func fill(b []byte, name string) {
	if len(name) > len(b) {
		if i := strings.LastIndexByte(name, '-'); i >= 0 {
			digits := name[i+1:]
			digits = digits[max(0, len(digits)-len(b)):]
			name = name[:max(0, len(b)-len(digits))] + digits
		}
	}
	n := copy(b, name)
	for i := n; i < len(b); i++ {
		b[i] = '*'
	}
}

// login gives the name in a packet with which one side logs in or calls itself, if it has one.
func login(protocol uint16, code uint8, data []byte) []byte {
	named := func(b []byte) []byte {
		_, name, _ := packet.Counted(b)
		return name
	}
	if name, ok := packet.AuthName(protocol, code, data); ok {
		return name
	}
	switch {
	case protocol == packet.CHAP && code == packet.CHAPChallenge:
		return named(data)
	case protocol == packet.EAP && len(data) > 1 && (code == packet.EAPRequest || code == packet.EAPResponse):
		switch {
		case data[0] == packet.EAPMD5:
			return named(data[1:])
		case data[0] == packet.EAPMSCHAPv2 && len(data) > 5:
			return named(data[5:])
		}
	}
	return nil
}

// loginOctets replaces a name in its place. The realm stays.
func (m *Mask) loginOctets(name []byte) {
	user, _, _ := strings.Cut(string(name), "@")
	m.noteUser(user)
	if m.isPrivate(user) {
		fill(name[:len(user)], m.name("name", user))
	}
	m.octets(name[len(user):])
}
