package prove

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// Numbers of the IANA registries that the probes and their answers have.
const (
	protoICMP   = 1
	protoTCP    = 6
	protoUDP    = 17
	protoICMPv6 = 58

	ipv4Header = 20 // RFC 791 section 3.1, without options
	ipv6Header = 40 // RFC 8200 section 3
	udpHeader  = 8  // RFC 768
	icmpHeader = 8  // RFC 792, RFC 4443 section 4.1
	dnsHeader  = 12 // RFC 1035 section 4.1.1

	echoReply      = 0 // RFC 792
	echoRequest    = 8
	echoRequestV6  = 128 // RFC 4443 section 4
	echoReplyV6    = 129
	solicitRouter  = 133 // RFC 4861 section 4
	advertise      = 134
	onLink         = 255 // the hop limit that no router has touched, RFC 4861 section 6.1
	hopLimit       = 64
	dnsPort        = 53
	echoDataOctets = 32
)

var (
	allNodes   = netip.MustParseAddr("ff02::1") // RFC 4291 section 2.7.1
	allRouters = netip.MustParseAddr("ff02::2")
)

// prober writes the probes of one proof and knows them again. All probes have the same identifier and port; the
// round is in the sequence number and the DNS identifier.
type prober struct {
	local  netip.Addr
	id     uint16 // of ICMP Echo
	port   uint16 // of UDP, in the dynamic range of RFC 6335 section 6
	query  uint16 // identifier of the first DNS query
	cookie uint64 // in the data of ICMP Echo
	name   []byte // the question's name on the wire
}

func newProber(c Config) prober {
	name, ok := appendName(nil, c.Name)
	if !ok {
		name, _ = appendName(nil, DefaultName)
	}
	r := c.Random
	return prober{
		local:  c.Local,
		id:     uint16(mix(r)),
		port:   0xc000 | uint16(mix(r+1)),
		query:  uint16(mix(r + 2)),
		cookie: mix(r + 3),
		name:   name,
	}
}

// mix spreads a number over 64 bits, so that neighbouring numbers give unlike ones. It hides nothing.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// appendName appends a name in the form of RFC 1035 section 3.1. ok is false when it is empty or breaks the limits of
// section 2.3.4.
func appendName(b []byte, name string) (wire []byte, ok bool) {
	name = strings.TrimSuffix(name, ".")
	if len(name) > 253 {
		return b, false
	}
	for label := range strings.SplitSeq(name, ".") {
		if len(label) == 0 || len(label) > 63 {
			return b, false
		}
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0), true
}

// packet makes the probe of a round.
func (p *prober) packet(t target, round uint16) []byte {
	switch t.how {
	case ByDNS:
		return p.dns(t.addr, round)
	case ByRouter:
		return p.solicit(t.addr)
	}
	return p.echo(t.addr, round)
}

// solicit makes a Router Solicitation (RFC 4861 section 4.1), without options: PPP has no link-layer address.
func (p *prober) solicit(to netip.Addr) []byte {
	b, at := p.header(to, protoICMP, 8)
	b[7] = onLink
	body := b[at:]
	body[0] = solicitRouter
	binary.BigEndian.PutUint16(body[2:], p.checksum(to, protoICMP, body))
	return b
}

// isAdvertised knows a Router Advertisement (RFC 4861 section 6.1.2): from a router on this link, to us or to all.
func (p *prober) isAdvertised(b []byte, from, to netip.Addr, proto byte, body []byte) bool {
	return proto == protoICMP && from.Is6() && from.IsLinkLocalUnicast() && (to == p.local || to == allNodes) && b[7] == onLink &&
		len(body) >= 16 && body[0] == advertise && body[1] == 0 && intact(from, to, proto, body)
}

func (p *prober) echo(to netip.Addr, round uint16) []byte {
	b, at := p.header(to, protoICMP, icmpHeader+echoDataOctets)
	body := b[at:]
	body[0] = echoRequest
	if to.Is6() {
		body[0] = echoRequestV6
	}
	binary.BigEndian.PutUint16(body[4:], p.id)
	binary.BigEndian.PutUint16(body[6:], round)
	for i := icmpHeader; i < len(body); i += 8 {
		binary.BigEndian.PutUint64(body[i:], p.cookie)
	}
	binary.BigEndian.PutUint16(body[2:], p.checksum(to, protoICMP, body))
	return b
}

// dns makes a query for the A record of the name (RFC 1035 section 4).
func (p *prober) dns(to netip.Addr, round uint16) []byte {
	b, at := p.header(to, protoUDP, udpHeader+dnsHeader+len(p.name)+4)
	body := b[at:]
	binary.BigEndian.PutUint16(body, p.port)
	binary.BigEndian.PutUint16(body[2:], dnsPort)
	binary.BigEndian.PutUint16(body[4:], uint16(len(body)))
	query := body[udpHeader:]
	binary.BigEndian.PutUint16(query, p.query+round)
	query[2] = 1 // recursion desired
	query[5] = 1 // one question
	question := query[dnsHeader:]
	n := copy(question, p.name)
	question[n+1] = 1 // type A
	question[n+3] = 1 // class IN
	sum := p.checksum(to, protoUDP, body)
	if sum == 0 {
		sum = 0xffff // RFC 768: 0 would mean that there is none
	}
	binary.BigEndian.PutUint16(body[6:], sum)
	return b
}

// header makes a packet with its IP header, and says where what it carries begins.
func (p *prober) header(to netip.Addr, proto byte, size int) (b []byte, at int) {
	if to.Is6() {
		if proto == protoICMP {
			proto = protoICMPv6
		}
		b = make([]byte, ipv6Header+size)
		b[0] = 6 << 4
		binary.BigEndian.PutUint16(b[4:], uint16(size))
		b[6], b[7] = proto, hopLimit
		from, to := p.local.As16(), to.As16()
		copy(b[8:], from[:])
		copy(b[24:], to[:])
		return b, ipv6Header
	}
	b = make([]byte, ipv4Header+size)
	b[0] = 4<<4 | ipv4Header/4
	binary.BigEndian.PutUint16(b[2:], uint16(len(b)))
	b[6] = 0x40 // do not fragment; so the identification may be 0, RFC 6864 section 4.1
	b[8], b[9] = hopLimit, proto
	from, dest := p.local.As4(), to.As4()
	copy(b[12:], from[:])
	copy(b[16:], dest[:])
	binary.BigEndian.PutUint16(b[10:], fold(sum(0, b[:ipv4Header])))
	return b, ipv4Header
}

// checksum is what belongs in the checksum field, which must be 0, of what a packet from us to somebody carries.
func (p *prober) checksum(to netip.Addr, proto byte, body []byte) uint16 {
	return fold(sum(pseudoHeader(p.local, to, proto, len(body)), body))
}

// pseudoHeader sums what UDP (RFC 768) and ICMPv6 (RFC 8200 section 8.1) put in front; ICMP has none.
func pseudoHeader(from, to netip.Addr, proto byte, size int) uint64 {
	if from.Is6() {
		if proto == protoICMP {
			proto = protoICMPv6
		}
		a, b := from.As16(), to.As16()
		return sum(sum(uint64(proto)+uint64(size), a[:]), b[:])
	}
	if proto == protoICMP {
		return 0
	}
	a, b := from.As4(), to.As4()
	return sum(sum(uint64(proto)+uint64(size), a[:]), b[:])
}

// sum adds up 16-bit words (RFC 1071); an odd octet at the end counts as if a zero followed.
func sum(start uint64, b []byte) uint64 {
	for ; len(b) >= 2; b = b[2:] {
		start += uint64(b[0])<<8 | uint64(b[1])
	}
	if len(b) == 1 {
		start += uint64(b[0]) << 8
	}
	return start
}

// fold makes a checksum of a sum. Over something with its right checksum in it the result is 0.
func fold(s uint64) uint16 {
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}
