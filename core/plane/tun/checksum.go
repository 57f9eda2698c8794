package tun

import (
	"encoding/binary"
	"math/bits"
)

// sum adds octets to a one's complement sum of 64-bit words (RFC 1071). Only the last part of what is summed may have an
// odd length.
func sum(b []byte, initial uint64) uint64 {
	s, carry := initial, uint64(0)
	for len(b) >= 32 {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), carry)
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b[8:]), carry)
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b[16:]), carry)
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b[24:]), carry)
		b = b[32:]
	}
	for len(b) >= 8 {
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(b), carry)
		b = b[8:]
	}
	if len(b) > 0 {
		var last [8]byte
		copy(last[:], b)
		s, carry = bits.Add64(s, binary.BigEndian.Uint64(last[:]), carry)
	}
	s, carry = bits.Add64(s, 0, carry)
	return s + carry
}

// fold makes the 16-bit one's complement sum of a 64-bit one.
func fold(s uint64) uint16 {
	s = s>>32 + s&0xffffffff
	s = s>>32 + s&0xffffffff
	s = s>>16 + s&0xffff
	s = s>>16 + s&0xffff
	return uint16(s)
}

// pseudoHeader is the sum of the part of the IP header that the TCP checksum covers (RFC 9293 section 3.1, RFC 8200 section 8.1).
func pseudoHeader(packet []byte, ipHead, length int) uint64 {
	addresses := packet[8:ipHead]
	if packet[0]>>4 == 4 {
		addresses = packet[12:20]
	}
	return sum(addresses, uint64(protocolTCP)+uint64(length))
}
