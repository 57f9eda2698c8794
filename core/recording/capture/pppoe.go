package capture

import "encoding/binary"

// Ethertypes.
const (
	etherIPv4      = 0x0800
	etherVLAN      = 0x8100
	etherService   = 0x88a8
	etherDiscovery = 0x8863 // PPPoE (RFC 2516 section 4)
	etherSession   = 0x8864
)

// Codes of PPPoE (RFC 2516 section 5): from the host, and from the access concentrator.
const (
	pppoeInitiation = 0x09
	pppoeRequest    = 0x19
	pppoeOffer      = 0x07
	pppoeConfirm    = 0x65
)

type address [6]byte

// ethernet finds PPPoE and PPTP in an Ethernet frame.
func (l *links) ethernet(r *reader, f frame) {
	b := f.data
	if len(b) < 14 {
		l.other.add(len(b))
		return
	}
	to, from := address(b[:6]), address(b[6:12])
	kind, rest := binary.BigEndian.Uint16(b[12:]), b[14:]
	for range 2 {
		if (kind == etherVLAN || kind == etherService) && len(rest) >= 4 {
			kind, rest = binary.BigEndian.Uint16(rest[2:]), rest[4:]
		}
	}
	if kind == etherDiscovery && len(rest) >= 2 {
		switch rest[1] {
		case pppoeInitiation, pppoeRequest:
			l.speaker.host, l.speaker.knows = from, true
		case pppoeOffer, pppoeConfirm:
			l.speaker.host, l.speaker.knows = to, true
		}
	}
	if !f.known && l.speaker.knows && (l.speaker.host == from || l.speaker.host == to) {
		f.known, f.dir = true, direction(l.speaker.host == from)
	}
	l.carried(r, f, kind, rest)
}

// cooked reads packets of Linux' "any" interface (cooked capture): the packet type says which packets were sent (packet(7):
// PACKET_OUTGOING is 4).
func (l *links) cooked(r *reader, link uint32, f frame) {
	b := f.data
	head := 16
	if link == linkLinux2 {
		head = 20
	}
	if len(b) < head {
		l.other.add(len(b))
		return
	}
	kind, outgoing := binary.BigEndian.Uint16(b[14:]), binary.BigEndian.Uint16(b) == 4
	if link == linkLinux2 {
		kind, outgoing = binary.BigEndian.Uint16(b), b[10] == 4
	}
	f.known, f.dir = true, direction(outgoing)
	l.carried(r, f, kind, b[head:])
}

func (l *links) carried(r *reader, f frame, kind uint16, b []byte) {
	switch kind {
	case etherSession:
		l.pppoe(r, f, b)
	case etherIPv4:
		l.ip(r, f, b)
	default:
		l.other.add(len(f.data))
	}
}

// pppoe reads a PPPoE packet (RFC 2516 section 4): version and type, code, session, length. Ethernet pads short frames, so the
// length field decides.
func (l *links) pppoe(r *reader, f frame, b []byte) {
	if len(b) < 6 || b[0] != 0x11 {
		r.unread(len(b), "no PPPoE header")
		return
	}
	if b[1] != 0 {
		l.other.add(len(b)) // discovery
		return
	}
	n := int(binary.BigEndian.Uint16(b[4:]))
	b = b[6:]
	if n < len(b) {
		b = b[:n]
	} else if n > len(b)+f.missing {
		r.unread(len(b), "a PPPoE packet that is shorter than it says")
		return
	}
	l.ppp(r, f, b)
}

// ip finds the GRE of PPTP in an IPv4 packet (RFC 2637 section 4.1).
func (l *links) ip(r *reader, f frame, b []byte) {
	const protocolGRE = 47
	head := 0
	if len(b) >= 20 && b[0]>>4 == 4 {
		head = int(b[0]&15) * 4
	}
	if head < 20 || len(b) < head+8 || b[9] != protocolGRE || binary.BigEndian.Uint16(b[6:])&0x1fff != 0 {
		l.other.add(len(f.data))
		return
	}
	if n := int(binary.BigEndian.Uint16(b[2:])); n >= head+8 && n < len(b) {
		b = b[:n]
	}
	gre := b[head:]
	if flags := binary.BigEndian.Uint16(gre); flags&0x2007 != 0x2001 || binary.BigEndian.Uint16(gre[2:]) != 0x880b {
		l.other.add(len(f.data))
		return
	}
	n, payload := 8, int(binary.BigEndian.Uint16(gre[4:]))
	for _, bit := range [2]byte{0x10, 0} {
		if bit != 0 && gre[0]&bit != 0 || bit == 0 && gre[1]&0x80 != 0 {
			n += 4 // the sequence number or the acknowledgment number
		}
	}
	if payload == 0 || gre[0]&0x10 == 0 {
		l.other.add(len(f.data)) // an acknowledgment
		return
	}
	if n >= len(gre) || payload > len(gre)-n+f.missing {
		r.unread(len(f.data), "a PPTP packet that is shorter than it says")
		return
	}
	l.ppp(r, f, gre[n:min(len(gre), n+payload)])
}
