package sim

import (
	"bytes"
	"encoding/binary"
	"net/netip"
)

// network answers IP packets in place of the Internet behind the modem. Its only state is its counters.
type network struct {
	Network
	modem netip.Addr // the modem's own end
	host  netip.Addr // the only source that the network routes back to
	dns   []netip.Addr
}

// Numbers of RFC 791, RFC 792, RFC 768 and RFC 1035.
const (
	protocolICMP    = 1
	protocolUDP     = 17
	icmpEchoReply   = 0
	icmpEchoRequest = 8
	dnsPort         = 53
	ipHeaderLen     = 20
	udpHeaderLen    = 8
	dnsHeaderLen    = 12
	dnsResponse     = 1 << 15
	dnsRecursion    = 1<<8 | 1<<7 // desired and available
	dnsRefused      = 5
	dnsTypeA        = 1
	dnsClassIN      = 1
	maxName         = 255
	initialTTL      = 64
)

// routed says whether an answer to the packet could find its way back, so whether anybody will ever answer it.
func (n *network) routed(p []byte) bool {
	if n.Blackhole || len(p) == 0 {
		return false
	}
	if p[0]>>4 != 4 {
		return true
	}
	return len(p) >= ipHeaderLen && netip.AddrFrom4([4]byte(p[12:16])) == n.host
}

// respond appends the answer to the IP packet p to dst; it appends nothing when there is none.
func (n *network) respond(dst, p []byte, count *Counters) []byte {
	header, payload, ok := ipv4(p)
	if !ok {
		return dst
	}
	to := netip.AddrFrom4([4]byte(p[16:20]))
	switch p[9] {
	case protocolICMP:
		if len(payload) < 8 || payload[0] != icmpEchoRequest || !n.answersEcho(to) {
			return dst
		}
		start := len(dst)
		dst = appendIP(dst, p[:header], len(payload))
		dst = append(dst, payload...)
		reply := dst[start+ipHeaderLen:]
		reply[0] = icmpEchoReply
		putChecksum(reply, 2, 0)
		count.Echoes++
	case protocolUDP:
		if len(payload) < udpHeaderLen || binary.BigEndian.Uint16(payload[2:]) != dnsPort || !n.isDNS(to) {
			return dst
		}
		return n.answerDNS(dst, p[:header], payload, count)
	}
	return dst
}

// ipv4 finds the payload of an unfragmented IPv4 packet and the length of its header.
func ipv4(p []byte) (header int, payload []byte, ok bool) {
	if len(p) < ipHeaderLen || p[0]>>4 != 4 {
		return 0, nil, false
	}
	header = int(p[0]&15) * 4
	total := int(binary.BigEndian.Uint16(p[2:]))
	if header < ipHeaderLen || total < header || total > len(p) || binary.BigEndian.Uint16(p[6:])&0x3fff != 0 ||
		checksum(p[:header], 0) != 0 {
		return 0, nil, false
	}
	return header, p[header:total], true
}

func (n *network) answersEcho(to netip.Addr) bool {
	if to == n.modem || len(n.Reachable) == 0 {
		return true
	}
	for _, r := range n.Reachable {
		if r.Contains(to) {
			return true
		}
	}
	return false
}

func (n *network) isDNS(to netip.Addr) bool {
	for _, a := range n.dns {
		if a == to {
			return true
		}
	}
	return false
}

// answerDNS answers a query that holds one question (RFC 1035 section 4).
func (n *network) answerDNS(dst, request, udp []byte, count *Counters) []byte {
	size := int(binary.BigEndian.Uint16(udp[4:]))
	if n.DNS == "silent" || size < udpHeaderLen+dnsHeaderLen || size > len(udp) {
		return dst
	}
	query := udp[udpHeaderLen:size]
	flags := binary.BigEndian.Uint16(query[2:])
	if flags&dnsResponse != 0 || binary.BigEndian.Uint16(query[4:]) != 1 {
		return dst
	}
	var room [maxName]byte
	name, rest, ok := readName(room[:0], query[dnsHeaderLen:])
	if !ok || len(rest) < 4 {
		return dst
	}
	question := query[dnsHeaderLen : len(query)-len(rest)+4]
	address := n.Address
	if a, known := n.Hosts[string(name)]; known {
		address = a
	}
	answers := 0
	if n.DNS != "refuse" && binary.BigEndian.Uint16(rest) == dnsTypeA && binary.BigEndian.Uint16(rest[2:]) == dnsClassIN {
		answers = 1
	}
	flags = flags&0x7900 | dnsResponse | dnsRecursion // opcode and RD stay
	if n.DNS == "refuse" {
		flags |= dnsRefused
	}

	start := len(dst)
	dst = appendIP(dst, request, udpHeaderLen+dnsHeaderLen+len(question)+answers*16)
	u := len(dst)
	dst = append(dst, udp[2], udp[3], udp[0], udp[1], 0, 0, 0, 0)
	dst = append(dst, query[0], query[1], byte(flags>>8), byte(flags), 0, 1, 0, byte(answers), 0, 0, 0, 0)
	dst = append(dst, question...)
	if answers == 1 {
		a := address.As4()
		// A pointer to the question's name, type A, class IN, 60 s, four octets.
		dst = append(dst, 0xc0, dnsHeaderLen, 0, dnsTypeA, 0, dnsClassIN, 0, 0, 0, 60, 0, 4, a[0], a[1], a[2], a[3])
	}
	out := dst[u:]
	binary.BigEndian.PutUint16(out[4:], uint16(len(out)))
	// The pseudo-header of RFC 768: both addresses, the protocol and the length.
	pseudo := sum(dst[start+12:start+20], uint32(protocolUDP)+uint32(len(out)))
	putChecksum(out, 6, pseudo)
	count.Queries++
	return dst
}

// readName appends the name at the start of b in lower case with dots between its labels, and gives what follows it.
// A question's name is never compressed.
func readName(dst, b []byte) (name, rest []byte, ok bool) {
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 {
			return bytes.TrimSuffix(dst, []byte(".")), b[1:], true
		}
		if n > 63 || n >= len(b) || len(dst)+n+1 > maxName {
			return nil, nil, false
		}
		for _, c := range b[1 : 1+n] {
			if 'A' <= c && c <= 'Z' {
				c += 'a' - 'A'
			}
			dst = append(dst, c)
		}
		dst = append(dst, '.')
		b = b[1+n:]
	}
	return nil, nil, false
}

// appendIP appends the header of an answer to the packet that request is the header of.
func appendIP(dst, request []byte, payload int) []byte {
	start := len(dst)
	total := ipHeaderLen + payload
	dst = append(dst, 0x45, 0, byte(total>>8), byte(total), request[4], request[5], 0, 0, initialTTL, request[9], 0, 0)
	dst = append(dst, request[16:20]...)
	dst = append(dst, request[12:16]...)
	putChecksum(dst[start:], 10, 0)
	return dst
}

// putChecksum writes the Internet checksum of b (RFC 1071) at offset in b.
func putChecksum(b []byte, offset int, pseudo uint32) {
	b[offset], b[offset+1] = 0, 0
	c := checksum(b, pseudo)
	if c == 0 && pseudo != 0 {
		c = 0xffff // RFC 768: zero means that there is none
	}
	binary.BigEndian.PutUint16(b[offset:], c)
}

func checksum(b []byte, start uint32) uint16 {
	s := sum(b, start)
	for s>>16 != 0 {
		s = s&0xffff + s>>16
	}
	return ^uint16(s)
}

// sum adds 16-bit words; 64 KiB of them cannot overflow it.
func sum(b []byte, s uint32) uint32 {
	for len(b) >= 2 {
		s += uint32(b[0])<<8 | uint32(b[1])
		b = b[2:]
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	return s
}
