package wire

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
)

// readFrames takes octets in the data state, up to the next flag at most, and gives the rest.
func (l *Line) readFrames(now time.Time, dir event.Dir, b []byte) []byte {
	w := &l.ways[dir]
	if dir == event.Sent {
		l.prompted(now)
	}
	n := bytes.IndexByte(b, flag)
	if n < 0 || len(w.held)+n > maxSpan {
		end := n
		if n < 0 {
			end = len(b)
		}
		taken := w.hold(b[:end], maxSpan)
		if len(w.held) == maxSpan {
			l.unread(now, dir, w.held, "longer than any frame")
			w.held = w.held[:0]
			return b[taken:]
		}
		l.early(now, dir)
		return b[taken:]
	}
	span := b[:n]
	if len(w.held) > 0 {
		w.hold(span, maxSpan)
		span, w.held = w.held, w.held[:0]
	}
	if n := len(span); n > 0 {
		if item, ok := w.decode(span); ok {
			l.found(now, dir, item)
		} else {
			l.damaged(now, dir, span)
			if !w.frames {
				l.read(now, dir, oneFlag)
			}
		}
	}
	w.synced = true
	return b[n+1:]
}

// early hands out complete lines of text without waiting for a flag.
func (l *Line) early(now time.Time, dir event.Dir) {
	w := &l.ways[dir]
	for w.frames {
		line, size := lead(w.held, dir == event.Sent && !w.synced)
		if size == 0 {
			return
		}
		text := string(line)
		w.drop(size)
		l.message(now, dir, text)
	}
	l.again(now, dir, w.held)
}

// again reads octets in the command state that were at first taken for a part of a frame.
func (l *Line) again(now time.Time, dir event.Dir, p []byte) {
	p = slices.Clone(p)
	l.ways[dir].held = l.ways[dir].held[:0]
	l.read(now, dir, p)
}

// found makes the record of a frame with a correct FCS.
func (l *Line) found(now time.Time, dir event.Dir, f hdlc.Item) {
	l.ppp(now, dir, f.Protocol, f.Info, 0)
}

func (l *Line) ppp(now time.Time, dir event.Dir, protocol uint16, info []byte, missing int) {
	l.stats.Frames++
	if protocol < firstControl {
		l.add(now, l.events.data(event.Data{Dir: dir, Protocol: protocol, Length: len(info) + missing}))
		return
	}
	l.add(now, event.Packet{Dir: dir, Protocol: protocol, Data: slices.Clone(info)})
}

// firstControl: protocol numbers from here on are control protocols (RFC 1661 section 2).
const firstControl = 0x8000

// packet reads a frame without flags and FCS. Its fields may be compressed, as on the line.
func (l *Line) packet(now time.Time, dir event.Dir, frame []byte, missing int) {
	p := frame
	if len(p) >= 2 && p[0] == 0xff && p[1] == 0x03 {
		p = p[2:]
	}
	switch {
	case len(p) >= 1 && p[0]&1 != 0 && p[0] != 0xff:
		l.ppp(now, dir, uint16(p[0]), p[1:], missing)
	case len(p) >= 2 && p[0]&1 == 0 && p[1]&1 != 0:
		l.ppp(now, dir, uint16(p[0])<<8|uint16(p[1]), p[2:], missing)
	default:
		l.unread(now, dir, frame, "no PPP header")
	}
}

// damaged makes records of octets between two flags that are not a correct frame.
func (l *Line) damaged(now time.Time, dir event.Dir, span []byte) {
	w := &l.ways[dir]
	for {
		line, size := lead(span, dir == event.Sent && !w.synced)
		if size == 0 {
			break
		}
		l.message(now, dir, string(line))
		if span = span[size:]; !w.frames {
			l.again(now, dir, span)
			return
		}
		if item, ok := w.decode(span); ok {
			l.found(now, dir, item)
			return
		}
	}
	if isText(span) {
		l.messages(now, dir, span)
		return
	}
	if from, ok := lastResult(span); ok {
		l.unread(now, dir, span[:from], "a frame that was cut off")
		l.messages(now, dir, span[from:])
		return
	}
	l.unread(now, dir, span, damage(span, w.synced))
}

// damage says what is wrong with octets that are not a correct frame.
func damage(span []byte, synced bool) string {
	seven := true
	for _, c := range span {
		seven = seven && c < 0x80
	}
	switch {
	case !synced:
		return "neither a frame nor text, before the first flag"
	case span[len(span)-1] == escape:
		return "a frame that its sender aborted (7d 7e)"
	case len(span) < minFrame:
		return "too short for a frame"
	case seven && bytes.Contains(span, []byte("}#@!")):
		return "a frame that lost its eighth bits: the line is not 8-bit clean"
	}
	return "a frame with a wrong FCS"
}

// messages makes records of text in the data state.
func (l *Line) messages(now time.Time, dir event.Dir, p []byte) {
	for line := range bytes.FieldsFuncSeq(slices.Clone(p), func(r rune) bool { return r == '\r' || r == '\n' }) {
		if ink(line) > 0 {
			l.message(now, dir, string(line))
		}
	}
}

// message makes the record of one line of text in the data state, and changes the state if the line says so.
func (l *Line) message(now time.Time, dir event.Dir, text string) {
	l.stats.Lines++
	if dir == event.Rcvd && isConnect(text) && !l.ways[event.Sent].frames {
		// The modem began with PPP before it sent CONNECT.
		l.add(now, event.AT{Dir: dir, Text: event.Printable(text)})
		l.data(now)
		return
	}
	if dir == event.Rcvd {
		l.add(now, event.Text{Text: event.Printable(text)})
		if isResult(text) {
			l.command(now, dir)
		}
		return
	}
	if isCommand([]byte(text)) {
		l.command(now, dir)
		text = string(l.escape(now, []byte(text)))
	}
	l.add(now, event.AT{Dir: dir, Text: event.Printable(text)})
}

// rest hands out what a direction holds: all of it as it is, or only complete text.
func (l *Line) rest(dir event.Dir, now time.Time, all bool) {
	w := &l.ways[dir]
	held := w.held
	if len(held) == 0 {
		return
	}
	if !w.frames {
		mark := w.mark
		if mark > 0 && !isText(held[mark:]) {
			l.line(now, dir, held[:mark-1])
			l.unread(now, dir, held[mark:], "a frame whose end is missing")
			w.held, w.mark = held[:0], 0
			return
		}
		l.endLine(now, dir)
		return
	}
	if !all && !w.waits() {
		return
	}
	w.held = held[:0]
	if isText(held) {
		l.messages(now, dir, held)
	} else if from, ok := lastResult(held); ok {
		l.unread(now, dir, held[:from], "a frame that was cut off")
		l.messages(now, dir, held[from:])
	} else {
		l.unread(now, dir, held, "a frame whose end is missing")
	}
}

// shown is how many octets are shown of what could not be read: enough for a frame's header, too few for its contents.
const shown = 8

func (l *Line) unread(now time.Time, dir event.Dir, p []byte, reason string) {
	if len(p) == 0 {
		return
	}
	l.stats.UnreadBytes += uint64(len(p))
	l.stats.UnreadSpans++
	n := shown
	if l.o.Raw {
		n = 300
	}
	var b strings.Builder
	b.WriteString(dir.String())
	for _, c := range p[:min(len(p), n)] {
		b.WriteByte(' ')
		b.WriteString(hex.EncodeToString([]byte{c}))
	}
	if len(p) > n {
		b.WriteString(" …")
	}
	l.add(now, event.Unread{Text: b.String(), Bytes: len(p), Reason: reason})
}
