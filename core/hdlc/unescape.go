package hdlc

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// take unescapes p, which holds no flag, to the end of the frame. It stops early when a line of text inside the frame is
// complete; it says how many octets it took, and whether that is so.
func (d *Decoder) take(p []byte) (taken int, line bool) {
	total := len(p)
	for len(p) > 0 {
		n := control(p, d.cfg.ACCM)
		d.unescape(p[:n])
		d.raw += n
		if n == len(p) {
			break
		}
		// Put in by equipment on the way, and taken out before anything else is looked at, even between a Control Escape and
		// its octet (RFC 1662 section 4.2).
		c := p[n]
		p = p[n+1:]
		d.raw++
		d.stats.Controls++
		if c == '\n' && d.line.feed(d.frame()) {
			return total - len(p), true
		}
	}
	return total, false
}

// unescape appends p, which holds no flag and no control character to be dropped.
func (d *Decoder) unescape(p []byte) {
	if d.over || len(p) == 0 {
		return
	}
	if d.escape {
		d.escape = false
		d.add([]byte{p[0] ^ escapeBit})
		p = p[1:]
	}
	if bytes.Count(p, escapes1)*dense > len(p) {
		for {
			n := min(len(p), len(d.buf)-Headroom-d.n)
			if n == 0 {
				break // all is taken, or the next octet but an escape is one too many
			}
			d.unescapeDense(p[:n])
			p = p[n:]
		}
		if d.escape && len(p) > 0 {
			d.escape, d.over = false, true
		}
	}
	for !d.over && len(p) > 0 {
		// The runtime's search looks at 32 octets at a time, and copy moves as many.
		n := bytes.IndexByte(p, escape)
		if n < 0 {
			d.add(p)
			return
		}
		d.add(p[:n])
		if n+1 == len(p) {
			d.escape = !d.over
			return
		}
		if d.over {
			return
		}
		d.add([]byte{p[n+1] ^ escapeBit})
		p = p[n+2:]
	}
}

// dense: from one escape in so many octets on, looking at every octet is faster than searching.
const dense = 24

var escapes1 = []byte{escape}

// unescapeDense appends p octet by octet. There must be room for all of it. It has no branch: where every seventh octet is
// escaped the processor would guess wrong as often.
func (d *Decoder) unescapeDense(p []byte) {
	out := d.buf[Headroom+d.n:]
	out = out[:len(p)]
	j, x := 0, byte(0) // x is what the next octet is exclusive-or'ed with
	if d.escape {
		x = escapeBit
	}
	for _, c := range p {
		out[j] = c ^ x
		s := isEscape[c] &^ x
		x = s
		j += int(s>>5) ^ 1
	}
	d.n += j
	d.escape = x != 0
}

// isEscape is 0x20 for the Control Escape and 0 for all others.
var isEscape = [256]byte{escape: escapeBit}

// add appends octets as they are, or notes that there is no room.
func (d *Decoder) add(p []byte) {
	n := copy(d.buf[Headroom+d.n:], p)
	d.n += n
	d.over = n < len(p)
}

// control is the index of the first octet of p that is a control character in accm, or len(p).
func control(p []byte, accm uint32) int {
	if bits.OnesCount32(accm) <= 4 {
		for ; accm != 0; accm &= accm - 1 {
			if n := bytes.IndexByte(p, byte(bits.TrailingZeros32(accm))); n >= 0 {
				p = p[:n]
			}
		}
		return len(p)
	}
	i := 0
	for i+8 <= len(p) {
		x := binary.LittleEndian.Uint64(p[i : i+8])
		// The eighth bit of each octet below 20; the lowest such bit is right, those above it may not be.
		low := (x - 0x2020202020202020) &^ x & 0x8080808080808080
		if low == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(low) / 8
		if accm>>p[i]&1 != 0 {
			return i
		}
		i++
	}
	for ; i < len(p); i++ {
		if p[i] < 0x20 && accm>>p[i]&1 != 0 {
			return i
		}
	}
	return len(p)
}
