package capture

import (
	"encoding/binary"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
)

// The items of a file that pppd's option record writes (pppdump(8)). Integers are big-endian.
const (
	itemSent    = 1 // a length of two octets, and that many octets from the host to the modem
	itemRcvd    = 2 // the same from the modem
	itemEndSent = 3 // the host closed the line
	itemEndRcvd = 4 // the line ended
	itemLong    = 5 // tenths of a second that passed, in four octets
	itemShort   = 6 // the same in one octet
	itemTime    = 7 // the time in Unix seconds, in four octets
)

var pppdRecordFormat = source.Format{
	Name: "pppd-record", Title: "record file of pppd",
	Sniff: sniffPPPDRecord,
	Open:  opener(func(*reader) format { return &pppdRecord{} }),
}

// pppdRecord reads a file to which pppd appends sessions. A time may come anywhere: before a session or, as oFono writes it,
// before every chunk. The file may be incomplete.
type pppdRecord struct {
	now   time.Time
	ended bool // a session has ended; the next one begins with an AT dialogue
}

func (p *pppdRecord) step(r *reader) error {
	head, err := r.in.Peek(1)
	if err != nil {
		return err
	}
	need := itemHead(head[0])
	head, _ = r.in.Peek(max(need, 1)) // ask for no more than that: a file that is being written may not have more yet
	if need == 0 || len(head) >= need && !plausible(head) {
		return p.resync(r)
	}
	r.pos.Packet++
	if len(head) < need {
		return r.lost(0, "an item that is cut off")
	}
	kind, value := head[0], uint32(0)
	switch need {
	case 2:
		value = uint32(head[1])
	case 3:
		value = uint32(binary.BigEndian.Uint16(head[1:]))
	case 5:
		value = binary.BigEndian.Uint32(head[1:])
	}
	r.in.Skip(need)
	switch kind {
	case itemSent, itemRcvd:
		return p.chunk(r, kind, int(value))
	case itemTime:
		p.now = time.Unix(int64(value), 0).UTC()
		if p.ended {
			r.close()
			p.ended = false
		}
	case itemShort, itemLong:
		p.now = p.now.Add(time.Duration(value) * 100 * time.Millisecond)
	case itemEndSent:
		r.last, p.ended = p.now, true
		r.notice("the host closed the line")
	case itemEndRcvd:
		r.last, p.ended = p.now, true
		r.notice("the serial line ended")
	}
	return nil
}

func (p *pppdRecord) chunk(r *reader, kind byte, n int) error {
	dir := event.Sent
	if kind == itemRcvd {
		dir = event.Rcvd
	}
	b, err := r.in.Peek(n)
	if n > 0 && err != nil {
		r.warning("the recording ends in the middle of an item: %d octets are missing", n)
		return err
	}
	if n == 0 {
		return nil
	}
	r.octets(p.now, dir, b)
	r.in.Skip(len(b))
	if len(b) < n {
		r.warning("the recording ends in the middle of an item: %d octets are missing", n-len(b))
	}
	return nil
}

// resync looks for the next place where several valid items follow each other.
func (p *pppdRecord) resync(r *reader) error {
	lost := 0
	for {
		b, err := r.in.Peek(source.PrefixLen)
		if err != nil {
			r.unread(lost, "not an item of a pppd record file")
			return err
		}
		for i := 1; i < len(b); i++ {
			if n, _ := items(b[i:], 4); n >= 4 {
				r.in.Skip(i)
				r.unread(lost+i, "not an item of a pppd record file")
				return nil
			}
			if len(b)-i < 8192 && len(b) == source.PrefixLen {
				r.in.Skip(i)
				lost += i
				b = nil
			}
		}
		r.in.Skip(len(b))
		lost += len(b)
	}
}

func (p *pppdRecord) end(*reader) {}

// itemHead gives the size of an item's fixed part in octets; 0 if kind is not that of an item.
func itemHead(kind byte) int {
	switch kind {
	case itemSent, itemRcvd:
		return 3
	case itemEndSent, itemEndRcvd:
		return 1
	case itemLong, itemTime:
		return 5
	case itemShort:
		return 2
	}
	return 0
}

// Limits of plausible items: the octets of a chunk; a pause of 30 days; and for times the year 1970, which a clock that was never
// set shows, or 1990 and later, because pppd is not older.
const (
	maxChunk   = 1 << 14
	maxTenths  = 30 * 24 * 3600 * 10
	timeOfYear = 365 * 24 * 3600
)

// plausible says whether b may begin with an item.
func plausible(b []byte) bool {
	switch b[0] {
	case itemSent, itemRcvd:
		return binary.BigEndian.Uint16(b[1:]) <= maxChunk
	case itemLong:
		return binary.BigEndian.Uint32(b[1:]) <= maxTenths
	case itemTime:
		t := binary.BigEndian.Uint32(b[1:])
		return t < timeOfYear || t > 20*timeOfYear
	}
	return true
}

// items counts the items at the beginning of b, at most limit. whole means that they end at the end of b, or after it.
func items(b []byte, limit int) (n int, whole bool) {
	for n < limit {
		if len(b) == 0 {
			return n, true
		}
		need := itemHead(b[0])
		if need == 0 {
			return n, false
		}
		if len(b) < need {
			return n, true
		}
		if !plausible(b) {
			return n, false
		}
		size := need
		if need == 3 {
			size += int(binary.BigEndian.Uint16(b[1:]))
		}
		n++
		if size > len(b) {
			return n, true
		}
		b = b[size:]
	}
	return n, true
}

func sniffPPPDRecord(b []byte) int {
	if len(b) == 0 || itemHead(b[0]) == 0 {
		return source.No
	}
	n, whole := items(b, 1000)
	switch {
	case b[0] == itemTime && whole && n >= 2:
		return source.Certain - 1
	case whole && n >= 4, b[0] == itemTime && n >= 3:
		return source.Likely
	case b[0] == itemTime && whole && n == 1:
		return source.Likely
	}
	return source.No
}
