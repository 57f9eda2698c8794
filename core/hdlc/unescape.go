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
		// its octet (RFC 1662 section 4.2). It is remembered, in case the peer does not escape what it should.
		c := p[n]
		p = p[n+1:]
		d.raw++
		d.stats.Controls++
		d.drop(c)
		if c == '\n' && d.stats.Unescaped == 0 && d.line.feed(d.frame()) { // otherwise it is as likely a piece of a packet
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
	if bytes.Count(p, oneEscape)*dense > len(p) {
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

// dense: from one escape in so many octets on, short steps are faster than searching.
const dense = 24

var oneEscape = []byte{escape}

// unescapeDense appends p in steps of at most a word: copy eight octets, look for the first escape among them, and go on
// behind it. There must be room for len(p) octets.
func (d *Decoder) unescapeDense(p []byte) {
	out := d.buf[Headroom+d.n:]
	i, j := 0, 0
	if d.escape {
		d.escape = false
		out[0] = p[0] ^ escapeBit
		i, j = 1, 1
	}
	for i+9 <= len(p) && j+8 <= len(out) {
		x := binary.LittleEndian.Uint64(p[i : i+8])
		binary.LittleEndian.PutUint64(out[j:j+8], x)
		// The eighth bit of each octet that is the Control Escape; the lowest such bit is right, those above it may not be.
		x ^= escape * ones
		first := (x - ones) &^ x & highs
		if first == 0 {
			i, j = i+8, j+8
			continue
		}
		n := bits.TrailingZeros64(first) / 8
		out[j+n] = p[i+n+1] ^ escapeBit
		i, j = i+n+2, j+n+1
	}
	for ; i < len(p); i++ {
		c := p[i]
		if c == escape {
			i++
			if i == len(p) {
				d.escape = true
				break
			}
			c = p[i] ^ escapeBit
		}
		out[j] = c
		j++
	}
	d.n += j
}

// The same octet in every place of a word.
const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// dropped is a control character that was taken out of a frame.
type dropped struct {
	at int // where it would stand in the frame
	c  byte
}

// drop notes a control character that was taken out. One behind a Control Escape can only have been put in on the way:
// nobody escapes what then is a control character (RFC 1662 section 4.2). Such a frame is not read again, nor is one with so
// many of them that no sender can have meant it.
func (d *Decoder) drop(c byte) {
	if d.over || len(d.controls) > maxDropped {
		return
	}
	if d.escape {
		for len(d.controls) <= maxDropped { // too many
			d.controls = append(d.controls, dropped{})
		}
		return
	}
	d.controls = append(d.controls, dropped{d.n, c})
}

// maxDropped is how many control characters of one frame are remembered: more than a frame of the usual MRU has by chance
// where none is escaped.
const maxDropped = 1000

// kept writes the frame with its control characters into d.spare, as a peer means it that escapes none, whatever was
// agreed. It gives how many octets that makes, 0 where they do not fit.
func (d *Decoder) kept() int {
	if len(d.controls) > maxDropped || d.n+len(d.controls) > len(d.buf)-Headroom {
		return 0
	}
	if len(d.spare) != len(d.buf) {
		d.spare = make([]byte, len(d.buf))
	}
	frame, out := d.frame(), d.spare[Headroom:]
	from, n := 0, 0
	for _, x := range d.controls {
		n += copy(out[n:], frame[from:x.at])
		out[n] = x.c
		from, n = x.at, n+1
	}
	return n + copy(out[n:], frame[from:])
}

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
		low := (x - 0x20*ones) &^ x & highs
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
