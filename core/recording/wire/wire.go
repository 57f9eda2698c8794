// Package wire turns the bytes of a serial line, as a tap or a recording has them, into the records of package trace:
// lines of the AT dialogue, PPP frames, text between frames, and what could not be understood.
//
// Records are made as the octets are, with the secrets and identities in them: whoever shows them or keeps them hides them
// first (core/private).
//
// A Line is a machine: it takes bytes and the time, opens nothing and starts nothing. Its memory is bounded, and a data
// frame costs no allocation.
//
// What a line carries is found out, not told: commands and result codes until CONNECT (ITU-T V.250 section 6.3.1) or the
// first sound frame; frames (RFC 1662) until the modem says that the call is over, or the host begins a command. So a
// recording may hold several calls, begin in the middle of one, or hold PPP only. Where frames of the multiplexer of 3GPP TS
// 27.010 come in the command state, of the basic or the advanced option, each of its channels is read as a line of its own.
package wire

import (
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Options says how a Line reads. The zero value is what a reader of unknown recordings wants.
type Options struct {
	// Link is the Link of every record.
	Link string
	// Raw gives more of what was not understood: without it a few octets, which tell a wrong speed from a foreign protocol.
	Raw bool
}

// Line is one serial line, both ways. Make one with New.
//
//	l.Receive(now, trace.Rcvd, octets)
//	for r, ok := l.Next(); ok; r, ok = l.Next() {
//		…
//	}
type Line struct {
	o     Options
	ways  [2]way // by event.Dir
	out   []event.Record
	taken int // records of out that Next handed out
	boxes boxes
	stats Stats
	mux   *mux // the line carries several channels; nil: one
}

// Stats counts what a Line has seen since it was made.
type Stats struct {
	Bytes       [2]uint64 // octets received, by event.Dir
	Frames      uint64    // sound frames, and packets given to Packet
	Lines       uint64    // lines of the AT dialogue and of text
	UnreadBytes uint64    // octets that are in an Unread record
	UnreadSpans uint64    // Unread records
}

// New makes a Line that is in the command state.
func New(o Options) *Line {
	return &Line{o: o}
}

// Stats gives the counters. Octets that wait for the rest of their frame or line are counted when that is known.
func (l *Line) Stats() Stats {
	if l.mux != nil {
		return l.mux.add(l.stats)
	}
	return l.stats
}

// Next takes the next record; false says that there is none until Receive, Advance or Close.
func (l *Line) Next() (event.Record, bool) {
	if l.taken == len(l.out) {
		l.out, l.taken = l.out[:0], 0
		return event.Record{}, false
	}
	r := l.out[l.taken]
	l.taken++
	return r, true
}

// quiet is how long a direction must say nothing before a message without a line end counts as whole.
const quiet = time.Second

// Deadline is when Advance must be called next; the zero time: nothing waits.
func (l *Line) Deadline() time.Time {
	var d time.Time
	for i := range l.ways {
		if w := &l.ways[i]; w.waits() {
			if t := w.last.Add(quiet); d.IsZero() || t.Before(d) {
				d = t
			}
		}
	}
	if l.mux != nil {
		for _, c := range l.mux.channels {
			if c == nil {
				continue
			}
			if t := c.Deadline(); !t.IsZero() && (d.IsZero() || t.Before(d)) {
				d = t
			}
		}
	}
	return d
}

// Advance tells the time: text of a direction that has been quiet for a second is handed out though no line end and no
// flag came. Receive does the same for the time that it is given.
func (l *Line) Advance(now time.Time) {
	for d := range l.ways {
		if w := &l.ways[d]; w.waits() && !now.Before(w.last.Add(quiet)) {
			l.rest(event.Dir(d), w.last, false)
		}
	}
	if l.mux != nil {
		for _, c := range l.mux.channels {
			if c != nil {
				c.Advance(now)
				l.drain(c)
			}
		}
	}
}

// Receive takes octets that passed in a direction at a time. How the stream is cut into pieces makes no difference to the
// records but for their times: each has the time of the piece that completed it. b may be used again afterwards.
func (l *Line) Receive(now time.Time, dir event.Dir, b []byte) {
	l.Advance(now)
	l.stats.Bytes[dir] += uint64(len(b))
	l.ways[dir].last = now
	l.read(now, dir, b)
}

// Settle hands out a command, or a result code, that lacks its line end: a log that shows octets block by block may leave the
// end to a block of its own, or leave it out.
func (l *Line) Settle(now time.Time, dir event.Dir) {
	l.EndBlock(now, dir)
	if l.mux != nil {
		for _, c := range l.mux.channels {
			if c != nil {
				c.Settle(now, dir)
				l.drain(c)
			}
		}
		return
	}
	w := &l.ways[dir]
	if w.frames || w.mark > 0 || len(w.held) == 0 || !isText(w.held) {
		return
	}
	text := strings.TrimSpace(string(w.held))
	if dir == event.Sent && isCommand([]byte(text)) || dir == event.Rcvd && (isResult(text) || isConnect(text)) {
		l.endLine(now, dir)
	}
}

// Close says that no more octets come: what waits for the rest of its frame or line is handed out as it stands. The Line
// may be used again afterwards, for example for the next session of a recording; it is then in the command state.
func (l *Line) Close(now time.Time) {
	for d := range l.ways {
		l.EndBlock(now, event.Dir(d))
	}
	if l.mux != nil {
		for d := range l.ways {
			l.betweenEnds(now, event.Dir(d))
		}
		l.unmux(now)
	}
	for d := range l.ways {
		w := &l.ways[d]
		w.held = append(w.held, w.scouted...)
		w.scouted = w.scouted[:0]
	}
	for d := range l.ways {
		l.rest(event.Dir(d), now, true)
	}
	for d := range l.ways {
		w := &l.ways[d]
		w.frames, w.synced, w.best = false, false, 0
	}
}

// Packet gives the record of a frame that somebody else took off the line, without flags, escapes and FCS: PPP from the
// Address field or, where that is left out, from the Protocol field on. It does not change what state the Line is in.
// A capture of link type PPP has such frames; missing is how many octets at the end of this one it does not have.
func (l *Line) Packet(now time.Time, dir event.Dir, frame []byte, missing int) {
	l.stats.Bytes[dir] += uint64(len(frame))
	l.packet(now, dir, frame, missing)
}

func (l *Line) read(now time.Time, dir event.Dir, b []byte) {
	for len(b) > 0 {
		if l.mux != nil {
			l.muxed(now, dir, b)
			return
		}
		if l.ways[dir].frames {
			b = l.readFrames(now, dir, b)
		} else {
			b = l.readLines(now, dir, b)
		}
	}
}

func (l *Line) add(now time.Time, e event.Event) {
	l.out = append(l.out, event.Record{Time: now, Link: l.o.Link, Event: e})
}
