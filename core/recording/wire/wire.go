// Package wire turns the bytes of a serial line, as a tap or a recording has them, into records of core/event: lines of the AT
// dialogue, PPP frames, text between frames, and octets that could not be understood.
//
// The records hold the octets as they are, with secrets and identities. A caller that shows or keeps records must hide these
// first (core/private).
//
// A Line is a machine: it takes bytes and the time, and opens and starts nothing. Its memory is bounded, and a data frame needs
// no allocation.
//
// A Line finds out by itself what the octets are: commands and result codes until CONNECT (ITU-T V.250 section 6.3.1) or the
// first correct frame; frames (RFC 1662) until the modem says that the call is over, or the host sends a command. So a recording
// may hold several calls, begin in the middle of one, or hold PPP only. If frames of the multiplexer of 3GPP TS 27.010 (basic or
// advanced option) come in the command state, each channel is read as a line of its own.
package wire

import (
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Options says how a Line reads. The zero value is right for unknown recordings.
type Options struct {
	// Link is the Link of every record.
	Link string
	// Raw shows up to 300 octets of what was not understood. Without it only 8 are shown: enough to tell a wrong speed from
	// an unknown protocol.
	Raw bool
}

// Line is one serial line, both ways. Make one with New.
//
//	l.Receive(now, event.Rcvd, octets)
//	for r, ok := l.Next(); ok; r, ok = l.Next() {
//		…
//	}
type Line struct {
	o      Options
	ways   [2]direction // by event.Dir
	out    []event.Record
	taken  int // how many records of out Next has given
	events dataEvents
	stats  Stats
	mux    *mux // the line is multiplexed; nil: it is not
}

// Stats counts what a Line has seen since it was made.
type Stats struct {
	Bytes       [2]uint64 // octets received, by event.Dir
	Frames      uint64    // correct frames, and packets given to Packet
	Lines       uint64    // lines of the AT dialogue and of text
	UnreadBytes uint64    // octets that are in an Unread record
	UnreadSpans uint64    // Unread records
}

// New makes a Line that is in the command state.
func New(o Options) *Line {
	return &Line{o: o}
}

// Stats gives the counters. Octets of a frame or line that is not complete are counted when it is.
func (l *Line) Stats() Stats {
	if l.mux != nil {
		return l.mux.add(l.stats)
	}
	return l.stats
}

// Next takes the next record. It is false if there is none before Receive, Advance or Close is called again.
func (l *Line) Next() (event.Record, bool) {
	if l.taken == len(l.out) {
		l.out, l.taken = l.out[:0], 0
		return event.Record{}, false
	}
	r := l.out[l.taken]
	l.taken++
	return r, true
}

// quiet is how long a direction must be silent before a message without a line end counts as complete.
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

// Advance says that the time is now. Text of a direction that has been silent for a second is then handed out even without a line
// end or flag. Receive does the same with its time.
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

// Receive takes octets that passed in a direction at a time. It does not matter how the stream is cut into pieces, except for the
// times: a record has the time of the piece that completed it. b may be reused afterwards.
func (l *Line) Receive(now time.Time, dir event.Dir, b []byte) {
	l.Advance(now)
	l.stats.Bytes[dir] += uint64(len(b))
	l.ways[dir].last = now
	l.read(now, dir, b)
}

// Settle hands out a command or a result code that lacks its line end. It is for logs that show octets block by block: the line
// end may be in a block of its own, or missing.
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

// Close says that no more octets come: incomplete frames and lines are handed out as they are. The Line may be used again
// afterwards, for example for the next session of a recording; it is then in the command state.
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

// Packet makes the record of a frame that was already decoded: PPP without flags, escapes and FCS, from the Address field on or,
// if that is compressed away, from the Protocol field on. A capture of link type PPP has such frames. missing is how many octets
// at its end the capture does not have. Packet does not change the state of the Line.
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
