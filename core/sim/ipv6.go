package sim

import (
	"encoding/binary"
)

// This file is the network's IPv6: a router on the link that advertises a prefix, and hosts that all answer an echo.

const (
	ip6HeaderLen   = 40
	protocolICMP6  = 58
	icmp6Echo      = 128
	icmp6EchoReply = 129
	icmp6Solicit   = 133 // RFC 4861 section 4
	icmp6Advertise = 134
	onLink         = 255
)

// prefix6 is what the router advertises, of those for documentation (RFC 3849).
var prefix6 = [16]byte{0x20, 0x01, 0x0d, 0xb8, 0, 0x6b, 0, 0x61}

// respond6 appends the answer to an IPv6 packet; nothing where there is none. router is the modem's own address on the link.
func (n *network) respond6(dst, p []byte, router [16]byte, count *Counters) []byte {
	if n.Blackhole || len(p) < ip6HeaderLen+8 || p[6] != protocolICMP6 {
		return dst
	}
	size := int(binary.BigEndian.Uint16(p[4:]))
	if size < 8 || size > len(p)-ip6HeaderLen {
		return dst
	}
	from, to, body := [16]byte(p[8:24]), [16]byte(p[24:40]), p[ip6HeaderLen:ip6HeaderLen+size]
	switch {
	case body[0] == icmp6Solicit && p[7] == onLink:
		return appendIP6(dst, router, from, onLink, advertisement())
	case body[0] == icmp6Echo && (to == router || to[0] != 0xfe && to[0] != 0xff):
		reply := append([]byte{icmp6EchoReply, 0, 0, 0}, body[4:]...)
		count.Echoes++
		return appendIP6(dst, to, from, initialTTL, reply)
	}
	return dst
}

// advertisement is a Router Advertisement with one prefix, as 3GPP TS 29.061 section 11.2.1.3.2 has it.
func advertisement() []byte {
	b := []byte{icmp6Advertise, 0, 0, 0, initialTTL, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0}
	b = append(b, 3, 4, 64, 0x40, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0) // autonomous, for ever
	return append(b, prefix6[:]...)
}

// appendIP6 appends a packet of ICMPv6, whose checksum it fills in.
func appendIP6(dst []byte, from, to [16]byte, hops byte, body []byte) []byte {
	dst = append(dst, 0x60, 0, 0, 0, byte(len(body)>>8), byte(len(body)), protocolICMP6, hops)
	dst = append(append(dst, from[:]...), to[:]...)
	at := len(dst)
	dst = append(dst, body...)
	pseudo := sum(to[:], sum(from[:], uint32(len(body))+protocolICMP6))
	putChecksum(dst[at:], 2, pseudo)
	return dst
}
