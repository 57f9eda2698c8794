package tun

import (
	"bytes"
	"encoding/binary"
)

// The kernel can hand over a train of TCP segments as one packet and take one the same way: one system call for up to 64 KiB.
// In front of every packet is then a struct virtio_net_hdr (Virtio 1.2 section 5.1.6) that says what is left to do.

const (
	vnetHead = 10 // octets of struct virtio_net_hdr without num_buffers

	needsChecksum = 1    // VIRTIO_NET_HDR_F_NEEDS_CSUM
	gsoNone       = 0    // VIRTIO_NET_HDR_GSO_NONE
	gsoTCP4       = 1    // VIRTIO_NET_HDR_GSO_TCPV4
	gsoTCP6       = 4    // VIRTIO_NET_HDR_GSO_TCPV6
	gsoECN        = 0x80 // VIRTIO_NET_HDR_GSO_ECN: only the first segment carries CWR

	protocolTCP = 6
	checksumAt  = 16 // of the TCP header

	tcpFIN, tcpPSH, tcpACK, tcpCWR = 0x01, 0x08, 0x10, 0x80

	maxPacket = 65535
)

// vnet is struct virtio_net_hdr. Its numbers are in the machine's byte order.
type vnet struct {
	flags, gso                             byte
	head, size, checksumFrom, checksumSlot uint16
}

func parseVnet(b []byte) vnet {
	n := binary.NativeEndian
	return vnet{b[0], b[1], n.Uint16(b[2:]), n.Uint16(b[4:]), n.Uint16(b[6:]), n.Uint16(b[8:])}
}

func (v vnet) put(b []byte) {
	n := binary.NativeEndian
	b[0], b[1] = v.flags, v.gso
	n.PutUint16(b[2:], v.head)
	n.PutUint16(b[4:], v.size)
	n.PutUint16(b[6:], v.checksumFrom)
	n.PutUint16(b[8:], v.checksumSlot)
}

// splitter turns the result of one read into the packets that go over the link.
type splitter struct {
	packet []byte // what is being split; nil: nothing is left
	ipHead int
	head   int // octets of all headers; 0: the packet goes as it is
	size   int // payload octets of a segment
	at     int // the next payload octet
	out    []byte
}

// load begins with a packet. What is inconsistent is dropped.
func (s *splitter) load(b []byte) {
	s.packet, s.head = nil, 0
	if len(b) < vnetHead+20 {
		return
	}
	v, p := parseVnet(b), b[vnetHead:]
	start, slot := int(v.checksumFrom), int(v.checksumFrom)+int(v.checksumSlot)
	if v.gso == gsoNone {
		if v.flags&needsChecksum != 0 {
			if slot+2 > len(p) {
				return
			}
			// The slot holds the sum of the pseudo-header already.
			binary.BigEndian.PutUint16(p[slot:], notZero(^fold(sum(p[start:], 0))))
		}
		s.packet = p
		return
	}
	minHead := 20
	switch {
	case v.gso&^gsoECN == gsoTCP4 && p[0]>>4 == 4:
	case v.gso&^gsoECN == gsoTCP6 && p[0]>>4 == 6:
		minHead = 40
	default:
		return
	}
	if v.flags&needsChecksum == 0 || v.checksumSlot != checksumAt || start < minHead || start+20 > len(p) || v.size == 0 {
		return
	}
	head := start + int(p[start+12]>>4)*4
	if head < start+20 || head >= len(p) {
		return
	}
	s.packet, s.ipHead, s.head, s.size, s.at = p, start, head, int(v.size), head
}

// notZero: a UDP checksum of zero would mean that there is none (RFC 768); all ones is the same number.
func notZero(checksum uint16) uint16 {
	if checksum == 0 {
		return 0xffff
	}
	return checksum
}

// next gives the next packet, or nil when there is no more. It is valid until the next call.
func (s *splitter) next() []byte {
	if s.packet == nil {
		return nil
	}
	if s.head == 0 {
		p := s.packet
		s.packet = nil
		return p
	}
	p := s.packet
	n := min(s.size, len(p)-s.at)
	s.out = append(append(s.out[:0], p[:s.head]...), p[s.at:s.at+n]...)
	out, tcp := s.out, s.out[s.ipHead:]
	done := s.at - s.head
	if out[0]>>4 == 4 {
		binary.BigEndian.PutUint16(out[2:], uint16(len(out)))
		binary.BigEndian.PutUint16(out[4:], binary.BigEndian.Uint16(p[4:])+uint16(done/s.size))
		putIPChecksum(out[:s.ipHead])
	} else {
		binary.BigEndian.PutUint16(out[4:], uint16(len(out)-40))
	}
	binary.BigEndian.PutUint32(tcp[4:], binary.BigEndian.Uint32(p[s.ipHead+4:])+uint32(done))
	if done > 0 {
		tcp[13] &^= tcpCWR
	}
	s.at += n
	if s.at < len(p) {
		tcp[13] &^= tcpFIN | tcpPSH
	} else {
		s.packet = nil
	}
	tcp[checksumAt], tcp[checksumAt+1] = 0, 0
	binary.BigEndian.PutUint16(tcp[checksumAt:], ^fold(sum(tcp, pseudoHeader(out, s.ipHead, len(tcp)))))
	return out
}

func putIPChecksum(head []byte) {
	head[10], head[11] = 0, 0
	binary.BigEndian.PutUint16(head[10:], ^fold(sum(head, 0)))
}

// coalescer joins consecutive TCP segments of a connection into one packet for one write.
type coalescer struct {
	buf    []byte // vnetHead octets, then the packet; empty: nothing is kept
	ipHead int
	head   int
	size   int    // payload octets of every segment but the last
	next   uint32 // the sequence number that continues
	count  int
	ended  bool // the last segment was short or pushed
	pure   bool // what is kept is one acknowledgement without data
}

// segment holds the fields of a packet that coalescing compares.
type segment struct {
	ipHead, head int
	seq          uint32
	pure         bool // an acknowledgement without data
}

// parseSegment finds out whether a packet may be coalesced: a TCP segment with a correct checksum, which the
// kernel will not check again; no IP options, no fragment, no flags but ACK and PSH.
func parseSegment(p []byte) (s segment, ok bool) {
	switch {
	case len(p) >= 40 && p[0] == 0x45:
		s.ipHead = 20
		// The flags and offset must be Don't Fragment alone: then the identification means nothing (RFC 6864).
		if int(binary.BigEndian.Uint16(p[2:])) != len(p) || binary.BigEndian.Uint16(p[6:]) != 0x4000 || p[9] != protocolTCP || fold(sum(p[:20], 0)) != 0xffff {
			return s, false
		}
	case len(p) >= 60 && p[0]>>4 == 6:
		s.ipHead = 40
		if int(binary.BigEndian.Uint16(p[4:])) != len(p)-40 || p[6] != protocolTCP {
			return s, false
		}
	default:
		return s, false
	}
	tcp := p[s.ipHead:]
	s.head = s.ipHead + int(tcp[12]>>4)*4
	if s.head < s.ipHead+20 || s.head > len(p) || tcp[13]&^tcpPSH != tcpACK || tcp[12]&0x0f != 0 {
		return s, false
	}
	s.seq = binary.BigEndian.Uint32(tcp[4:])
	if s.pure = s.head == len(p); s.pure && (tcp[13] != tcpACK || !plainOptions(tcp[20:s.head-s.ipHead])) {
		return s, false
	}
	return s, fold(sum(tcp, pseudoHeader(p, s.ipHead, len(tcp)))) == 0xffff
}

// plainOptions says that there is no option but the timestamps and padding: nothing that only this segment tells, as
// SACK does.
func plainOptions(b []byte) bool {
	const nop, timestamps = 1, 8
	for len(b) > 0 {
		switch {
		case b[0] == nop:
			b = b[1:]
		case b[0] == timestamps && len(b) >= 10 && b[1] == 10:
			b = b[10:]
		default:
			return false
		}
	}
	return true
}

// overtakes says that a kept acknowledgement may be dropped because p, which follows it at once, acknowledges more and
// says the same otherwise (RFC 3449 section 5.2.1: ACK filtering). Each one costs a system call, and the kernel would
// answer each with a few segments of its own instead of one train. Repeated acknowledgements mean loss and are all kept.
func (c *coalescer) overtakes(p []byte, s segment) bool {
	if c.count != 1 || !c.pure || !s.pure || s.head != c.head || s.ipHead != c.ipHead {
		return false
	}
	a, b := c.buf[vnetHead:][s.ipHead:], p[s.ipHead:]
	more := binary.BigEndian.Uint32(b[8:]) - binary.BigEndian.Uint32(a[8:])
	return more != 0 && more < 1<<31 && bytes.Equal(a[:8], b[:8]) && sameHosts(c.buf[vnetHead:], p, s)
}

// start keeps a segment as the first of a new packet. Nothing may be kept already.
func (c *coalescer) start(p []byte, s segment) {
	c.buf = append(c.buf[:vnetHead], p...)
	c.ipHead, c.head, c.size, c.count = s.ipHead, s.head, len(p)-s.head, 1
	c.next = s.seq + uint32(c.size)
	c.ended = p[s.ipHead+13]&tcpPSH != 0
	c.pure = s.pure
}

// extend appends a segment if it continues what is kept.
func (c *coalescer) extend(p []byte, s segment) bool {
	if c.count == 0 || c.ended || c.pure || s.pure || s.seq != c.next || s.head != c.head || s.ipHead != c.ipHead {
		return false
	}
	n := len(p) - s.head
	if n > c.size || len(c.buf)-vnetHead+n > maxPacket || !sameFlow(c.buf[vnetHead:], p, s) {
		return false
	}
	c.buf = append(c.buf, p[s.head:]...)
	c.next += uint32(n)
	c.count++
	if p[s.ipHead+13]&tcpPSH != 0 {
		c.buf[vnetHead+c.ipHead+13] |= tcpPSH
		c.ended = true
	}
	c.ended = c.ended || n < c.size
	return true
}

// sameFlow compares all of the headers but lengths, checksums, the identification, the sequence number and PSH.
func sameFlow(a, b []byte, s segment) bool {
	if !sameHosts(a, b, s) {
		return false
	}
	a, b = a[s.ipHead:s.head], b[s.ipHead:s.head]
	return bytes.Equal(a[:4], b[:4]) && bytes.Equal(a[8:13], b[8:13]) && bytes.Equal(a[14:16], b[14:16]) && bytes.Equal(a[18:], b[18:])
}

// sameHosts compares the IP headers but lengths, checksums and the identification.
func sameHosts(a, b []byte, s segment) bool {
	if s.ipHead == 20 {
		return a[1] == b[1] && bytes.Equal(a[6:10], b[6:10]) && bytes.Equal(a[12:20], b[12:20])
	}
	return bytes.Equal(a[:4], b[:4]) && bytes.Equal(a[6:40], b[6:40])
}

// finish completes the headers and returns what to write; nothing is kept after it. It is valid until the next start.
func (c *coalescer) finish() []byte {
	out, p := c.buf, c.buf[vnetHead:]
	count := c.count
	c.count = 0
	if count == 1 {
		vnet{}.put(out)
		return out
	}
	v := vnet{flags: needsChecksum, gso: gsoTCP4, head: uint16(c.head), size: uint16(c.size), checksumFrom: uint16(c.ipHead), checksumSlot: checksumAt}
	if c.ipHead == 20 {
		binary.BigEndian.PutUint16(p[2:], uint16(len(p)))
		putIPChecksum(p[:20])
	} else {
		v.gso = gsoTCP6
		binary.BigEndian.PutUint16(p[4:], uint16(len(p)-40))
	}
	v.put(out)
	// The sum of the pseudo-header, not inverted: the receiver of the packet completes the checksum.
	binary.BigEndian.PutUint16(p[c.ipHead+checksumAt:], fold(pseudoHeader(p, c.ipHead, len(p)-c.ipHead)))
	return out
}
