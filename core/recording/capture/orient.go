package capture

import (
	"bytes"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
)

// orient finds out which of two directions is the host's if a dump marks them with arrows only: an arrow points from one end to
// the other, and does not say which end is the modem. The end that sends AT first is the host; the end that sends OK or CONNECT
// is the modem. Until that is known the octets are held, up to orientLimit; then > counts as sent by the host.
type orient struct {
	decided bool
	swap    bool
	held    []heldPiece
	size    int
	begin   [2][]byte // the first octets of each direction
	blocks  bool      // octets that are shown together may be frames without flags
	last    event.Dir
}

type heldPiece struct {
	now  time.Time
	dir  event.Dir
	pos  event.Pos
	data []byte
}

const (
	orientLimit = 16 << 10 // octets held
	orientBegin = 256      // octets of a direction that are examined
)

// octets takes octets whose direction is certain, or is only given by an arrow.
func (o *orient) octets(r *reader, now time.Time, dir event.Dir, certain bool, b []byte) {
	if certain {
		o.decide(r, o.swap)
	}
	if o.decided {
		if o.swap && !certain {
			dir = 1 - dir
		}
		o.give(r, now, dir, b)
		return
	}
	o.held = append(o.held, heldPiece{now, dir, r.pos, slices.Clone(b)})
	o.size += len(b) + 16
	if room := orientBegin - len(o.begin[dir]); room > 0 {
		o.begin[dir] = append(o.begin[dir], b[:min(room, len(b))]...)
	}
	said := bytes.TrimLeft(o.begin[dir], "\r\n\x00 ")
	switch {
	case len(said) >= 2 && bytes.EqualFold(said[:2], []byte("AT")):
		o.decide(r, dir == event.Rcvd)
	case bytes.Contains(said, []byte("OK\r")), bytes.Contains(said, []byte("CONNECT")):
		o.decide(r, dir == event.Sent)
	case o.size > orientLimit:
		o.decide(r, o.fromModem() == event.Sent)
	}
}

func (o *orient) give(r *reader, now time.Time, dir event.Dir, b []byte) {
	if !o.blocks {
		r.octets(now, dir, b)
		return
	}
	if dir != o.last {
		r.line.EndBlock(r.last, o.last)
	}
	o.last, r.last = dir, now
	r.line.Block(now, dir, b)
	r.drain(r.line)
}

func (o *orient) decide(r *reader, swap bool) {
	if o.decided {
		return
	}
	o.decided, o.swap = true, swap
	here := r.pos
	for _, h := range o.held {
		if swap {
			h.dir = 1 - h.dir
		}
		r.pos = h.pos
		o.give(r, h.now, h.dir, h.data)
	}
	r.pos = here
	o.held, o.begin = nil, [2][]byte{}
}

func (o *orient) end(r *reader) { o.decide(r, o.fromModem() == event.Sent) }

// fromModem finds by the contents of frames which direction comes from the modem: the host asks for an address and authenticates
// itself; the modem demands the authentication. It gives event.Rcvd if no frame tells.
func (o *orient) fromModem() event.Dir {
	votes := [2]int{}
	for _, h := range o.held {
		b := unescaped(h.data)
		switch {
		case asksIn(b, ipcpRequest, anyAddress), bytes.Contains(b, papRequest):
			votes[1-h.dir]++
		case asksIn(b, lcpRequest, wantsPAP), asksIn(b, lcpRequest, wantsCHAP):
			votes[h.dir]++
		}
	}
	if votes[event.Sent] > votes[event.Rcvd] {
		return event.Sent
	}
	return event.Rcvd
}

// Beginnings of packets (RFC 1661 section 5, RFC 1334 section 2.2) and options in them.
var (
	lcpRequest  = []byte{0xc0, 0x21, 1}
	ipcpRequest = []byte{0x80, 0x21, 1}
	papRequest  = []byte{0xc0, 0x23, 1}
	anyAddress  = []byte{3, 6, 0, 0, 0, 0}
	wantsPAP    = []byte{3, 4, 0xc0, 0x23}
	wantsCHAP   = []byte{3, 5, 0xc2, 0x23}
)

// asksIn says whether b contains a request with an option.
func asksIn(b, request, option []byte) bool {
	i := bytes.Index(b, request)
	return i >= 0 && bytes.Contains(b[i:], option)
}

// unescaped undoes the escapes of async framing (RFC 1662 section 4.2).
func unescaped(b []byte) []byte {
	if bytes.IndexByte(b, 0x7d) < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		if b[i] == 0x7d && i+1 < len(b) {
			i++
			out = append(out, b[i]^0x20)
			continue
		}
		out = append(out, b[i])
	}
	return out
}
