package hdlc

import "bytes"

// maxLine is the longest text that is handed out at once, in octets.
const maxLine = 256

// text looks for lines of text between and inside frames. It sees the octets as they are on the line: the line ends of a
// message are among the control characters that a frame's octets are stripped of.
type text struct {
	// open: all octets since the last flag are printable, CR, LF or TAB. A frame seldom keeps that up for long.
	open bool
	line []byte // those not yet handed out
	ink  bool   // one of them is printable
	held [maxLine]byte
	// until is how much of the frame had arrived when a line was handed out last: what follows that may be a frame.
	until int
	// from is how much of the frame had arrived at the last line feed that was dropped, or -1.
	from int
}

func (t *text) restart() {
	t.open, t.ink = true, false
	t.line = t.held[:0]
	t.until, t.from = 0, -1
}

// take adds an octet and says whether a line is complete: it has something printable and ends with CR LF, or is as long as
// they get.
func (t *text) take(c byte) bool {
	if !isText(c) {
		t.open = false
		return false
	}
	t.ink = t.ink || isPrintable(c)
	t.line = append(t.line, c)
	if n := len(t.line); n >= 2 && string(t.line[n-2:]) == "\r\n" && t.ink {
		return true
	}
	if len(t.line) < maxLine {
		return false
	}
	if !t.ink {
		t.line = t.held[:0]
		return false
	}
	return true
}

// feed notes a line feed that was dropped from a frame with the given octets so far, and says whether it ends a line that
// such a line feed began too.
func (t *text) feed(frame []byte) bool {
	if t.open {
		return false // take sees to it
	}
	from := t.from
	t.from = len(frame)
	if from < 0 || len(frame) == from || len(frame)-from > maxLine {
		return false
	}
	for _, c := range frame[from:] {
		if !isPrintable(c) {
			return false
		}
	}
	t.line = append(t.held[:0], frame[from:]...)
	return true
}

// cut hands out the line, with the frame at n octets, and begins a new one. The slice holds until the next take or feed.
func (t *text) cut(n int) []byte {
	line := t.line
	t.line, t.ink, t.until = t.held[:0], false, n
	return line
}

// lastLine is the line of text at the end of p, if p ends with CR LF, text, CR LF; otherwise nil.
func lastLine(p []byte) []byte {
	body, ok := bytes.CutSuffix(p[max(0, len(p)-maxLine):], []byte("\r\n"))
	if !ok {
		return nil
	}
	from := bytes.LastIndex(body, []byte("\r\n"))
	if from < 0 || from+2 == len(body) {
		return nil
	}
	for _, c := range body[from+2:] {
		if !isPrintable(c) {
			return nil
		}
	}
	return p[len(p)-len(body)-2+from:]
}

// isPrintable says whether c stands for itself in a message. The Control Escape and the flag do not: a message with a
// brace or a tilde in it is not known as one.
func isPrintable(c byte) bool { return c >= ' ' && c < escape }

func isText(c byte) bool { return isPrintable(c) || c == '\r' || c == '\n' || c == '\t' }
