package wire

import (
	"bytes"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// readLines takes octets in the command state, up to the end of a line or to a flag at most, and gives the rest.
func (l *Line) readLines(now time.Time, dir event.Dir, b []byte) []byte {
	w := &l.ways[dir]
	if dir == event.Sent {
		l.prompted(now)
	}
	if len(w.scouted) > 0 {
		return l.scout(now, dir, b)
	}
	i := lineEnd(b)
	limit := maxLine
	if w.mark > 0 {
		limit = maxSpan
	}
	if n := w.hold(b[:i], limit); n < i || i == len(b) {
		if len(w.held) >= limit {
			l.unread(now, dir, w.held, "a line without an end")
			w.held, w.mark = w.held[:0], 0
		}
		return b[n:]
	}
	c, b := b[i], b[i+1:]
	switch {
	case c == muxFlag && w.mark > 0:
		w.held = append(w.held, c) // in a PPP frame
	case c == muxFlag:
		w.scouted = append(w.scouted, c)
	case c != flag:
		if w.mark > 0 && !isText(w.held[w.mark:]) && len(w.held) < maxSpan {
			w.held = append(w.held, c) // perhaps in a frame: if the ACCM allows it, CR and LF are sent without escapes
			return b
		}
		l.endLine(now, dir)
	case w.mark == 0:
		if dir == event.Rcvd && isConnect(strings.TrimSpace(string(bytes.Trim(w.held, "\x00")))) {
			l.endLine(now, dir) // the modem did not end the line: the first flag ends it
			w.synced = true
			return b
		}
		w.held = append(w.held, flag)
		w.mark = len(w.held)
	default:
		l.endSpan(now, dir)
	}
	return b
}

// endSpan judges the octets between two flags in the command state. If they are a frame, the direction is in the data state:
// perhaps the recording began in the middle of a call.
func (l *Line) endSpan(now time.Time, dir event.Dir) {
	w := &l.ways[dir]
	span := w.held[w.mark:]
	if len(span) == 0 {
		return
	}
	item, ok := w.decode(span)
	if !ok && l.asMux(now, dir, span) {
		return
	}
	if !ok && isText(span) && len(w.held) < maxLine {
		w.held = append(w.held, flag) // so far it is text with two tildes (7e) in it
		w.mark = len(w.held)
		return
	}
	held, mark := w.held, w.mark
	w.held, w.mark = w.held[:0], 0 // before line, which looks at what is held if it is CONNECT
	l.line(now, dir, held[:mark-1])
	switch {
	case ok:
		w.frames, w.synced = true, true
		l.found(now, dir, item)
	case w.frames:
		w.synced = true
		l.unread(now, dir, span, damage(span, true))
	default:
		l.unread(now, dir, span, damage(span, true))
		w.held, w.mark = append(w.held[:0], flag), 1
	}
}

// endLine hands out the line that was collected.
func (l *Line) endLine(now time.Time, dir event.Dir) {
	w := &l.ways[dir]
	held := w.held
	w.held, w.mark = w.held[:0], 0
	l.line(now, dir, held)
}

// line makes records of one line of the AT dialogue.
func (l *Line) line(now time.Time, dir event.Dir, p []byte) {
	text := bytes.Trim(p, "\x00")
	if n := len(p) - len(text); n > 0 {
		l.unread(now, dir, make([]byte, n), "NUL octets")
	}
	marks := 0
	for _, c := range text {
		if !isChar(c) && c < 0x80 || c >= 0xf8 {
			marks += 4 // characters that are in no character set of modems
		} else if c >= 0x80 {
			marks++
		}
	}
	switch {
	case len(bytes.Trim(text, "~ \t\x1a\x1b")) == 0 && !bytes.ContainsAny(text, "\x1a\x1b"):
		return // an empty line, or flags alone
	case marks > max(len(text)/2, 3):
		l.unread(now, dir, text, "not text: the speed is wrong, or this is not a modem's command channel")
		return
	}
	if dir == event.Sent {
		text = l.escape(now, text)
		if isCommand(text) && l.ways[event.Rcvd].frames {
			l.command(now, dir)
		}
	}
	s := event.Printable(string(text))
	l.add(now, event.AT{Dir: dir, Text: s})
	l.stats.Lines++
	if dir == event.Rcvd && isConnect(strings.TrimSpace(s)) {
		l.data(now)
	}
}

// escape removes the escape sequence (+++), which has no line end, from the front of a command (ITU-T V.250 annex B.1.3).
func (l *Line) escape(now time.Time, text []byte) []byte {
	rest, ok := bytes.CutPrefix(text, []byte("+++"))
	if !ok || len(rest) == 0 {
		return text
	}
	l.add(now, event.AT{Dir: event.Sent, Text: "+++"})
	l.stats.Lines++
	return rest
}

// prompted hands out a prompt, which has no line end, when the host answers it: the prompt for a message's text (3GPP TS 27.005
// section 3.5.1), or a terminal server's prompt for a name or a password.
func (l *Line) prompted(now time.Time) {
	w := &l.ways[event.Rcvd]
	switch {
	case len(w.held) == 0 || w.held[len(w.held)-1] != ' ' || !private.IsPrompt(string(w.held)):
	case w.frames:
		l.rest(event.Rcvd, now, false)
	default:
		l.endLine(now, event.Rcvd)
	}
}

// data puts both directions into the data state.
func (l *Line) data(now time.Time) {
	for d := range l.ways {
		w := &l.ways[d]
		if w.frames {
			continue
		}
		w.synced = w.mark > 0
		if w.mark > 0 {
			before := bytes.Clone(w.held[:w.mark-1])
			w.drop(w.mark)
			w.mark, w.frames = 0, true // before line, which comes back here if it is CONNECT
			if len(before) > 0 {
				l.line(now, event.Dir(d), before)
			}
		} else if len(w.held) > 0 {
			l.endLine(now, event.Dir(d))
		}
		w.frames = true
	}
}

// command puts both directions into the command state. What the other direction still holds is handed out as it is; own is the
// direction that is being read.
func (l *Line) command(now time.Time, own event.Dir) {
	for d := range l.ways {
		w := &l.ways[d]
		if event.Dir(d) != own && w.frames {
			l.rest(event.Dir(d), now, true)
		}
		w.frames, w.synced, w.mark, w.best = false, false, 0, 0
	}
}

// lineEnd gives the index of the first CR, LF, flag of PPP or of the multiplexer, or end of a message's text (3GPP TS 27.005
// section 3.5.1: Ctrl-Z) in b, or len(b).
func lineEnd(b []byte) int {
	for i, c := range b {
		if c == '\r' || c == '\n' || c == flag || c == muxFlag || c == 0x1a {
			return i
		}
	}
	return len(b)
}
