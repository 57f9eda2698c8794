package record

import (
	"encoding/binary"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// The items of pppd's record format (pppdump(8); record_write in pppd's tty.c). Integers are big-endian.
const (
	itemSent  = 1 // a length of two octets and as many octets, to the modem
	itemRcvd  = 2 // the same, from the modem
	itemEnd   = 3 // this host closed the line
	itemLong  = 5 // tenths of a second that passed, in four octets
	itemShort = 6 // the same in one octet
	itemBegin = 7 // the time of the beginning, in Unix seconds, in four octets

	// chunkLimit is the most octets that pppd writes in one item: the size of its reads.
	chunkLimit = 1504
)

// pppdRecord is the Encoder of PPPD. It writes no events: the format has no place for them.
type pppdRecord struct {
	o     Options
	clean *channels
	hider *private.Hider
	clock time.Time // the time that the items so far add up to
	buf   []byte
}

func newPPPD(o Options) *pppdRecord {
	hider := newHider(o)
	stream := func() *private.Stream { return private.NewStream(hider, o.Secrets, o.ControlOnly) }
	return &pppdRecord{o: o, hider: hider, clean: &channels{line: stream(), channel: stream}}
}

func (p *pppdRecord) AppendBytes(dst []byte, now time.Time, dir event.Dir, b []byte) []byte {
	if p.o.Secrets && !p.o.ControlOnly {
		return p.chunk(dst, now, dir, b)
	}
	p.buf = p.clean.Append(p.buf[:0], dir, b)
	return p.chunk(dst, now, dir, p.buf)
}

// chunk appends octets with the time before them.
func (p *pppdRecord) chunk(dst []byte, now time.Time, dir event.Dir, b []byte) []byte {
	if len(b) == 0 {
		return dst
	}
	dst = p.stamp(dst, now)
	kind := byte(itemSent)
	if dir == event.Rcvd {
		kind = itemRcvd
	}
	for len(b) > 0 {
		n := min(len(b), chunkLimit)
		dst = append(dst, kind)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n))
		dst = append(dst, b[:n]...)
		b = b[n:]
	}
	return dst
}

// stamp appends the time that has passed, if it is a tenth of a second or more. Time in a file cannot go back.
func (p *pppdRecord) stamp(dst []byte, now time.Time) []byte {
	if p.clock.IsZero() {
		p.clock = now.Truncate(time.Second)
		dst = append(dst, itemBegin)
		dst = binary.BigEndian.AppendUint32(dst, uint32(p.clock.Unix()))
	}
	tenths := int64(now.Sub(p.clock) / (time.Second / 10))
	switch {
	case tenths <= 0:
		return dst
	case tenths <= 255:
		dst = append(dst, itemShort, byte(tenths))
	default:
		tenths = min(tenths, 1<<32-1)
		dst = append(dst, itemLong)
		dst = binary.BigEndian.AppendUint32(dst, uint32(tenths))
	}
	p.clock = p.clock.Add(time.Duration(tenths) * (time.Second / 10))
	return dst
}

func (p *pppdRecord) AppendRecord(dst []byte, r event.Record) []byte { return dst }

func (p *pppdRecord) Hide(words []string) { p.hider.Learn(words...) }

func (p *pppdRecord) AppendLost(dst []byte, now time.Time, octets, events uint64) []byte {
	p.clean.Reset()       // what comes now does not continue what came before the hole
	p.clock = time.Time{} // times may be lost too: a new beginning is written, as after pppd's next start
	return dst
}

func (p *pppdRecord) AppendEnd(dst []byte, now time.Time) []byte {
	for _, dir := range []event.Dir{event.Sent, event.Rcvd} {
		p.buf = p.clean.End(p.buf[:0], dir)
		dst = p.chunk(dst, now, dir, p.buf)
	}
	if p.clock.IsZero() {
		return dst
	}
	return append(p.stamp(dst, now), itemEnd)
}
