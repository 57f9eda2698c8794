package private

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
)

// The octets of the line (RFC 1662 sections 3.1 and 4.2).
const (
	flag      = 0x7e
	escape    = 0x7d
	escapeBit = 0x20
)

// heldLimit bounds the octets that wait for a flag or a line end: twice the longest frame, because every octet may be escaped.
const heldLimit = 2 * 16384

// Stream removes secrets from the octets of a serial line, in both directions, and leaves everything else unchanged. A frame with
// a secret keeps its length: the secret is overwritten, and the FCS is corrected. A line of the AT dialogue may become shorter.
// Damaged frames and noise are overwritten as a whole, because their content is not known.
//
// A frame is held back until its flag, a line until its end.
type Stream struct {
	keep        bool // secrets stay
	controlOnly bool
	hider       *Hider
	ways        [2]direction // by event.Dir
	frame       []byte
}

// direction is the state of one direction of a Stream.
type direction struct {
	held    []byte // octets since the last flag or line end
	text    bool   // all of them are text
	flagged bool   // the last octet that went out was a flag
}

// NewStream makes a Stream that hides the same secrets as hider. keep leaves secrets in place; controlOnly leaves out the packets
// of network-layer protocols (RFC 1661 section 2: below 0x8000).
func NewStream(hider *Hider, keep, controlOnly bool) *Stream {
	s := &Stream{keep: keep, controlOnly: controlOnly, hider: hider}
	s.Reset()
	return s
}

// Reset forgets the octets that are held back: the next ones do not belong to them.
func (s *Stream) Reset() {
	for i := range s.ways {
		w := &s.ways[i]
		w.held, w.text = w.held[:0], true
	}
}

// Append appends the complete frames and lines of b and of the octets that were held back in its direction.
func (s *Stream) Append(dst []byte, dir event.Dir, b []byte) []byte {
	w := &s.ways[dir]
	for len(b) > 0 {
		n := bytes.IndexByte(b, flag)
		if n == 0 {
			dst = s.End(dst, dir)
			if !w.flagged || !s.controlOnly {
				dst = append(dst, flag)
			}
			w.flagged = true
			b = b[1:]
			continue
		}
		if n < 0 {
			n = len(b)
		}
		dst = s.take(dst, dir, b[:n])
		b = b[n:]
	}
	return dst
}

// take takes octets without a flag among them.
func (s *Stream) take(dst []byte, dir event.Dir, b []byte) []byte {
	w := &s.ways[dir]
	for len(b) > 0 && (w.text || len(w.held) == 0) {
		w.text = isText(b[0])
		w.held = append(w.held, b[0])
		if w.text && w.lineEnds() {
			dst = s.End(dst, dir)
		}
		b = b[1:]
	}
	w.held = append(w.held, b...)
	if len(w.held) > heldLimit {
		dst = s.End(dst, dir)
	}
	return dst
}

func isText(o byte) bool {
	return o >= ' ' && o < 0x7f || o == '\r' || o == '\n' || o == '\t' || o == 0x1a
}

// lineEnds says whether the text held is a line, or a prompt that no line end will follow.
func (w *direction) lineEnds() bool {
	switch w.held[len(w.held)-1] {
	case '\r', '\n', 0x1a:
		return true
	case ' ':
		return IsPrompt(string(w.held))
	}
	return false
}

// IsPrompt says whether text is a prompt: for a name or a password at a terminal server, or ">" for the text of a message. No line
// end follows a prompt. A reply that only begins like a prompt, such as "+CLIP: …", is not one.
func IsPrompt(text string) bool {
	text = toLower(strings.TrimSpace(text))
	if text == ">" {
		return true
	}
	if text == "" || strings.IndexByte(v250.Marks, text[0]) >= 0 {
		return false
	}
	for _, end := range [...]string{"word:", "pin:", "code:", "secret:", "login:", "name:", "user:"} {
		if strings.HasSuffix(text, end) {
			return true
		}
	}
	return false
}

// End appends the octets that are held back in a direction, as a frame or a text that ends here.
func (s *Stream) End(dst []byte, dir event.Dir) []byte {
	w := &s.ways[dir]
	if len(w.held) == 0 {
		return dst
	}
	was := len(dst)
	frame, whole := s.unescape(w.held)
	switch {
	case whole && hdlc.Sound(frame):
		dst = s.endFrame(dst, w.held, frame[:len(frame)-2])
	case w.text:
		dst = s.endText(dst, dir, w.held)
	case s.keep:
		dst = append(dst, w.held...)
	default:
		dst = append(dst, bytes.Repeat([]byte{star}, len(w.held))...)
	}
	w.flagged = w.flagged && len(dst) == was
	w.held = w.held[:0]
	return dst
}

// unescape gives what is held without escapes, and false if it ends in the middle of one.
func (s *Stream) unescape(held []byte) (frame []byte, whole bool) {
	s.frame = s.frame[:0]
	escaped := false
	for _, o := range held {
		switch {
		case escaped:
			s.frame = append(s.frame, o^escapeBit)
			escaped = false
		case o == escape:
			escaped = true
		default:
			s.frame = append(s.frame, o)
		}
	}
	return s.frame, !escaped
}

// endFrame appends a sound frame, whose body stands before the FCS.
func (s *Stream) endFrame(dst, raw, body []byte) []byte {
	protocol, head := header(body)
	if protocol < firstControl {
		if s.controlOnly {
			return dst
		}
		return append(dst, raw...)
	}
	if s.keep {
		return append(dst, raw...)
	}
	clean := s.hider.Packet(protocol, body[head:])
	if bytes.Equal(clean, body[head:]) {
		return append(dst, raw...)
	}
	clean = append(bytes.Clone(body[:head]), clean...)
	for i := range body {
		n := 1
		if raw[0] == escape {
			n = 2
		}
		if clean[i] == body[i] {
			dst = append(dst, raw[:n]...)
		} else {
			dst = appendEscaped(dst, clean[i])
		}
		raw = raw[n:]
	}
	for _, o := range hdlc.AppendFCS(nil, clean) {
		dst = appendEscaped(dst, o)
	}
	return dst
}

// firstControl is where the protocol numbers of control protocols begin (RFC 1661 section 2).
const firstControl = 0x8000

func appendEscaped(dst []byte, o byte) []byte {
	if o < ' ' || o == flag || o == escape {
		return append(dst, escape, o^escapeBit)
	}
	return append(dst, o)
}

// header reads the protocol number, and says where the information field begins. Address and Control may be left out, and
// the protocol may have one octet (RFC 1661 sections 6.5 and 6.6). A frame with no such header gets 0xffff, which nobody
// uses: it is taken for a control packet with nothing to hide.
func header(body []byte) (protocol uint16, n int) {
	if len(body) >= 2 && body[0] == 0xff && body[1] == 0x03 {
		n = 2
	}
	switch p := body[n:]; {
	case len(p) >= 1 && p[0]&1 != 0 && p[0] != 0xff:
		return uint16(p[0]), n + 1
	case len(p) >= 2 && p[0]&1 == 0:
		return binary.BigEndian.Uint16(p), n + 2
	}
	return 0xffff, len(body)
}

// endText appends a line of text.
func (s *Stream) endText(dst []byte, dir event.Dir, held []byte) []byte {
	if s.keep {
		return append(dst, held...)
	}
	line := strings.TrimRight(string(held), "\r\n\x1a")
	end := held[len(line):]
	line = s.hider.line(dir, line)
	return append(append(dst, line...), end...)
}
