package hdlc

import (
	"hash/crc32"
	"math/rand/v2"
	"testing"
)

// slowFCS16 is RFC 1662 appendix C.2 in its plainest form: bit by bit, no table.
func slowFCS16(fcs uint16, p []byte) uint16 {
	for _, c := range p {
		fcs ^= uint16(c)
		for range 8 {
			if fcs&1 != 0 {
				fcs = fcs>>1 ^ 0x8408
			} else {
				fcs >>= 1
			}
		}
	}
	return fcs
}

// slowFCS32 is the same for RFC 1662 appendix C.3.
func slowFCS32(fcs uint32, p []byte) uint32 {
	for _, c := range p {
		fcs ^= uint32(c)
		for range 8 {
			if fcs&1 != 0 {
				fcs = fcs>>1 ^ 0xedb88320
			} else {
				fcs >>= 1
			}
		}
	}
	return fcs
}

func TestFCS16TableOfRFC1662C2(t *testing.T) {
	// The first row, the second row's start and the last entry as printed in the RFC.
	want := map[int]uint16{
		0: 0x0000, 1: 0x1189, 2: 0x2312, 3: 0x329b, 4: 0x4624, 5: 0x57ad, 6: 0x6536, 7: 0x74bf,
		8: 0x8c48, 9: 0x9dc1, 255: 0x0f78,
	}
	for i, w := range want {
		if got := fcs16Tables[0][i]; got != w {
			t.Errorf("entry %d: %#04x, want %#04x", i, got, w)
		}
	}
}

func TestFCS16IsTheBytewiseOneAtEveryLengthAndStart(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	buf := make([]byte, 700)
	for i := range buf {
		buf[i] = byte(r.Uint32())
	}
	for start := range 9 {
		for end := start; end <= len(buf); end++ {
			init := uint16(r.Uint32())
			if got, want := fcs16(init, buf[start:end]), slowFCS16(init, buf[start:end]); got != want {
				t.Fatalf("[%d:%d]: %#04x, want %#04x", start, end, got, want)
			}
		}
	}
}

func TestFCSCheckValues(t *testing.T) {
	// The check values that the catalogues of CRCs give for these two: CRC-16/X-25 and CRC-32.
	in := []byte("123456789")
	if got := ^fcs16(fcs16Init, in); got != 0x906e {
		t.Errorf("FCS-16: %#04x", got)
	}
	if got := crc32.ChecksumIEEE(in); got != 0xcbf43926 || got != ^slowFCS32(0xffffffff, in) {
		t.Errorf("FCS-32: %#08x", got)
	}
}

func TestGoodFCSLeavesTheValuesOfRFC1662(t *testing.T) {
	in := []byte{0xff, 0x03, 0xc0, 0x21, 1, 1, 0, 4}
	v := ^slowFCS16(0xffff, in)
	in16 := append(in[:8:8], byte(v), byte(v>>8))
	if slowFCS16(0xffff, in16) != 0xf0b8 || !goodFCS(FCS16, in16) {
		t.Error("FCS-16")
	}
	w := ^slowFCS32(0xffffffff, in)
	in32 := append(in[:8:8], byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
	if slowFCS32(0xffffffff, in32) != 0xdebb20e3 || !goodFCS(FCS32, in32) {
		t.Error("FCS-32")
	}
	for i := range in32 {
		in32[i] ^= 0x10
		if goodFCS(FCS32, in32) {
			t.Errorf("octet %d damaged, not noticed", i)
		}
		in32[i] ^= 0x10
	}
}

func BenchmarkFCS16(b *testing.B) {
	buf := make([]byte, 1504)
	for i := range buf {
		buf[i] = byte(rand.Uint32())
	}
	b.SetBytes(int64(len(buf)))
	var v uint16
	for b.Loop() {
		v = fcs16(v, buf)
	}
}
