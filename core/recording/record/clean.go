package record

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp/packet"
)

// The octets of the line (RFC 1662 sections 3.1 and 4.2).
const (
	flag      = 0x7e
	escape    = 0x7d
	escapeBit = 0x20
)

// heldLimit bounds what waits for a flag or a line end: twice the longest frame, for every octet may be escaped.
const heldLimit = 2 * recordedMRU

// cleaner takes the secrets out of one direction of a line as it is on the wire, and leaves everything else octet for
// octet. A frame with a secret keeps its length: the secret is overwritten, and the FCS made to fit. A line of the AT
// dialogue may become shorter. Frames that arrived damaged, and noise, are overwritten whole: what they held is not known.
//
// A frame is held back until its flag, a line until its end.
type cleaner struct {
	secrets     bool // stay
	controlOnly bool
	words       []string // are overwritten in text
	other       *cleaner // of the other direction

	held    []byte // octets since the last flag or line end
	text    bool   // all of them are text
	flagged bool   // the last octet that went out was a flag
	hidden  bool   // the other side asked for a password: the next line is one
	sends   bool   // this is the direction of commands
	private bool   // the last command was hidden whole: what comes up to the next is its answer, but for final results
	frame   []byte
}

func (c *cleaner) reset() { c.held, c.text = c.held[:0], true }

// append appends what of b, and of what was held back, is whole.
func (c *cleaner) append(dst, b []byte) []byte {
	for len(b) > 0 {
		n := bytes.IndexByte(b, flag)
		if n == 0 {
			dst = c.end(dst)
			if !c.flagged || !c.controlOnly {
				dst = append(dst, flag)
			}
			c.flagged = true
			b = b[1:]
			continue
		}
		if n < 0 {
			n = len(b)
		}
		dst = c.take(dst, b[:n])
		b = b[n:]
	}
	return dst
}

// take takes octets without a flag among them.
func (c *cleaner) take(dst, b []byte) []byte {
	for len(b) > 0 && (c.text || len(c.held) == 0) {
		c.text = isText(b[0])
		c.held = append(c.held, b[0])
		if c.text && c.lineEnds() {
			dst = c.end(dst)
		}
		b = b[1:]
	}
	c.held = append(c.held, b...)
	if len(c.held) > heldLimit {
		dst = c.end(dst)
	}
	return dst
}

func isText(o byte) bool { return o >= ' ' && o < 0x7f || o == '\r' || o == '\n' || o == '\t' }

// lineEnds says whether the text held is a line, or a prompt that no line end will follow.
func (c *cleaner) lineEnds() bool {
	switch c.held[len(c.held)-1] {
	case '\r', '\n':
		return true
	case ' ':
		return bytes.HasSuffix(c.held, []byte(": ")) || bytes.HasSuffix(c.held, []byte("> "))
	}
	return false
}

// end appends what is held, as a frame or a text that ends here.
func (c *cleaner) end(dst []byte) []byte {
	if len(c.held) == 0 {
		return dst
	}
	was := len(dst)
	frame, whole := c.unescape()
	switch {
	case whole && hdlc.Sound(frame):
		dst = c.endFrame(dst, frame[:len(frame)-2])
	case c.text:
		dst = c.endText(dst)
	case c.secrets:
		dst = append(dst, c.held...)
	default:
		dst = append(dst, bytes.Repeat([]byte{'*'}, len(c.held))...)
	}
	c.flagged = c.flagged && len(dst) == was
	c.held = c.held[:0]
	return dst
}

// unescape gives what is held without escapes, and false if it ends in the middle of one.
func (c *cleaner) unescape() (frame []byte, whole bool) {
	c.frame = c.frame[:0]
	escaped := false
	for _, o := range c.held {
		switch {
		case escaped:
			c.frame = append(c.frame, o^escapeBit)
			escaped = false
		case o == escape:
			escaped = true
		default:
			c.frame = append(c.frame, o)
		}
	}
	return c.frame, !escaped
}

// endFrame appends a sound frame, whose body stands before the FCS.
func (c *cleaner) endFrame(dst, body []byte) []byte {
	protocol, head := header(body)
	if protocol < firstControl {
		if c.controlOnly {
			return dst
		}
		return append(dst, c.held...)
	}
	if c.secrets {
		return append(dst, c.held...)
	}
	clean := packet.Redact(protocol, body[head:])
	if bytes.Equal(clean, body[head:]) {
		return append(dst, c.held...)
	}
	clean = append(bytes.Clone(body[:head]), clean...)
	raw := c.held
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
func (c *cleaner) endText(dst []byte) []byte {
	if c.secrets {
		return append(dst, c.held...)
	}
	line := strings.TrimRight(string(c.held), "\r\n")
	end := c.held[len(line):]
	known := c.hideWords(line)
	switch {
	case line == "":
	case c.hidden, c.private && known != at.Hidden && !at.IsFinal(line): // the former is an echo
		line = strings.Repeat("*", len(line))
		c.hidden = false
	default:
		if c.sends && c.other != nil {
			c.other.private = known == at.Hidden
		}
		line = at.RedactCommand(known)
	}
	if c.other != nil && asksSecret(line) {
		c.other.hidden = true
	}
	return append(append(dst, line...), end...)
}

// wordLimit bounds the secrets that are known: a plugin may have a new one for every attempt.
const wordLimit = 256

// hide adds secrets; the oldest are forgotten.
func (c *cleaner) hide(words []string) {
	for _, w := range words {
		if !slices.Contains(c.words, w) {
			c.words = append(c.words, w)
		}
	}
	c.words = slices.Delete(c.words, 0, max(0, len(c.words)-wordLimit))
}

// hideWords overwrites the secrets that are known.
func (c *cleaner) hideWords(line string) string {
	for _, w := range c.words {
		if len(w) > 3 {
			line = strings.ReplaceAll(line, w, at.Hidden)
		} else if w != "" {
			line = strings.ReplaceAll(line, `"`+w+`"`, `"`+at.Hidden+`"`)
		}
	}
	return line
}

// asksSecret says whether a line asks for a password or the like, or for the text of a message (3GPP TS 27.005 section 3.5.1).
func asksSecret(line string) bool {
	if line = strings.ToLower(strings.TrimSpace(line)); line != "" && strings.ContainsRune("+^%*#$", rune(line[0])) {
		return false // a result code, such as +CPIN: READY, whose beginning looks so
	}
	for _, end := range []string{"word:", "pin:", "code:", "secret:"} {
		if strings.HasSuffix(line, end) {
			return true
		}
	}
	return line == ">"
}
