package hdlc

import (
	"encoding/binary"
	"hash/crc32"
)

// Constants of the 16-bit FCS (RFC 1662 appendix C.2). The polynomial x^16 + x^12 + x^5 + 1 is written with the
// lowest bit first, as the line sends it.
const (
	fcs16Poly = 0x8408
	fcs16Init = 0xffff
	fcs16Good = 0xf0b8 // the remainder over information and FCS of an undamaged frame
)

// fcs16Tables[0] is the table of RFC 1662 appendix C.2. fcs16Tables[k][b] is the same for an octet b that k octets of
// zero follow, so that sixteen octets can be looked up without waiting for one another (8 KiB in all: it stays in the
// first-level cache).
var fcs16Tables = func() (t [16][256]uint16) {
	for b := range 256 {
		v := uint16(b)
		for range 8 {
			if v&1 != 0 {
				v = v>>1 ^ fcs16Poly
			} else {
				v >>= 1
			}
		}
		t[0][b] = v
	}
	for k := 1; k < len(t); k++ {
		for b := range 256 {
			v := t[k-1][b]
			t[k][b] = v>>8 ^ t[0][v&0xff]
		}
	}
	return t
}()

// fcs16 goes on with the 16-bit FCS over p.
func fcs16(fcs uint16, p []byte) uint16 {
	if len(p) >= 2*foldBlock {
		fcs, p = fold16(fcs, p)
	}
	for ; len(p) >= 16; p = p[16:] {
		fcs = sixteen(fcs, binary.LittleEndian.Uint64(p), binary.LittleEndian.Uint64(p[8:]))
	}
	for _, c := range p {
		fcs = fcs>>8 ^ fcs16Tables[0][uint8(fcs)^c]
	}
	return fcs
}

// sixteen goes on over the sixteen octets of a and b, the first in the lowest bits of a. Only the first two wait for
// the value so far.
func sixteen(fcs uint16, a, b uint64) uint16 {
	t := &fcs16Tables
	rest := t[13][uint8(a>>16)] ^ t[12][uint8(a>>24)] ^
		t[11][uint8(a>>32)] ^ t[10][uint8(a>>40)] ^ t[9][uint8(a>>48)] ^ t[8][uint8(a>>56)] ^
		t[7][uint8(b)] ^ t[6][uint8(b>>8)] ^ t[5][uint8(b>>16)] ^ t[4][uint8(b>>24)] ^
		t[3][uint8(b>>32)] ^ t[2][uint8(b>>40)] ^ t[1][uint8(b>>48)] ^ t[0][uint8(b>>56)]
	fcs ^= uint16(a)
	return t[15][uint8(fcs)] ^ t[14][uint8(fcs>>8)] ^ rest
}

const foldBlock = 128 // octets; sixteen words of 64 bits

// fold16 takes all whole blocks of p, of which there must be two, and returns the FCS over them and the octets left.
//
// The FCS is the remainder after division by P = x^16 + x^12 + x^5 + 1. Squaring a polynomial over GF(2) doubles its
// exponents, so P^64 = x^1024 + x^768 + x^320 + 1, and P divides that: a word of 64 bits may be moved 1024 bits down the
// message (16 words) if it is also added 4 and 11 words down. That is three additions for eight octets, with no table and
// no shift, until one block is left for the tables.
func fold16(fcs uint16, p []byte) (uint16, []byte) {
	var s [16]uint64 // the last sixteen words, each with all that was moved into it
	s[0] = uint64(fcs)
	for len(p) >= 2*foldBlock {
		block := (*[foldBlock]byte)(p)
		s[0] ^= binary.LittleEndian.Uint64(block[0:]) ^ s[5] ^ s[12]
		s[1] ^= binary.LittleEndian.Uint64(block[8:]) ^ s[6] ^ s[13]
		s[2] ^= binary.LittleEndian.Uint64(block[16:]) ^ s[7] ^ s[14]
		s[3] ^= binary.LittleEndian.Uint64(block[24:]) ^ s[8] ^ s[15]
		s[4] ^= binary.LittleEndian.Uint64(block[32:]) ^ s[9] ^ s[0]
		s[5] ^= binary.LittleEndian.Uint64(block[40:]) ^ s[10] ^ s[1]
		s[6] ^= binary.LittleEndian.Uint64(block[48:]) ^ s[11] ^ s[2]
		s[7] ^= binary.LittleEndian.Uint64(block[56:]) ^ s[12] ^ s[3]
		s[8] ^= binary.LittleEndian.Uint64(block[64:]) ^ s[13] ^ s[4]
		s[9] ^= binary.LittleEndian.Uint64(block[72:]) ^ s[14] ^ s[5]
		s[10] ^= binary.LittleEndian.Uint64(block[80:]) ^ s[15] ^ s[6]
		s[11] ^= binary.LittleEndian.Uint64(block[88:]) ^ s[0] ^ s[7]
		s[12] ^= binary.LittleEndian.Uint64(block[96:]) ^ s[1] ^ s[8]
		s[13] ^= binary.LittleEndian.Uint64(block[104:]) ^ s[2] ^ s[9]
		s[14] ^= binary.LittleEndian.Uint64(block[112:]) ^ s[3] ^ s[10]
		s[15] ^= binary.LittleEndian.Uint64(block[120:]) ^ s[4] ^ s[11]
		p = p[foldBlock:]
	}
	// Into the last block is moved what the block before it adds, and nothing is moved on from it.
	block := (*[foldBlock]byte)(p)
	fcs = 0
	for k := 0; k < 16; k += 2 {
		a := binary.LittleEndian.Uint64(block[8*k:]) ^ s[k]
		b := binary.LittleEndian.Uint64(block[8*k+8:]) ^ s[k+1]
		if k < 11 {
			a ^= s[k+16-11]
		}
		if k+1 < 11 {
			b ^= s[k+1+16-11]
		}
		if k < 4 {
			a ^= s[k+16-4]
			b ^= s[k+1+16-4]
		}
		fcs = sixteen(fcs, a, b)
	}
	return fcs, p[foldBlock:]
}

// AppendFCS appends the 16-bit FCS of frame, as the line sends it (RFC 1662 appendix C.1).
func AppendFCS(dst, frame []byte) []byte {
	return binary.LittleEndian.AppendUint16(dst, fcs16(fcs16Init, frame)^0xffff)
}

// Sound says whether frame, which ends with a 16-bit FCS, is undamaged.
func Sound(frame []byte) bool { return len(frame) >= minFrame+2 && goodFCS(FCS16, frame) }

// goodFCS says whether frame, which ends with its FCS, is undamaged.
func goodFCS(kind FCS, frame []byte) bool {
	n := len(frame) - kind.Size()
	if n < 0 {
		return false
	}
	if kind == FCS32 {
		// The 32-bit FCS is Ethernet's CRC; hash/crc32 does the complements at both ends (RFC 1662 appendix C.3).
		return crc32.ChecksumIEEE(frame[:n]) == binary.LittleEndian.Uint32(frame[n:])
	}
	return fcs16(fcs16Init, frame) == fcs16Good
}
