package at

import "bytes"

// Limits of what is kept, for modems that send nonsense.
const (
	maxLine  = 1024      // characters of one line; the rest of it is cut
	maxFrame = 4096      // octets of one frame that may be PPP's
	maxRest  = 64 * 1024 // octets that are kept for PPP
)

// flag is the HDLC flag sequence (RFC 1662 section 3.1). In text it is a tilde.
const flag = 0x7e

// framePatterns are beginnings of PPP frames (RFC 1662 sections 3.1 and 4.2, RFC 1661 section 6) that do not occur in modems'
// text. The first octets of an LCP frame are always sent so (RFC 1662 section 7.1); with the compressed forms an established link
// begins an IP packet. The last one is LCP on a line that strips the eighth bit.
var framePatterns = [][]byte{
	{0x7e, 0xff, 0x7d, 0x23},
	{0x7e, 0xff, 0x03},
	{0xff, 0x7d, 0x23, 0xc0, 0x21},
	{0x7d, 0x23, 0xc0, 0x21, 0x7d},
	{0xff, 0x03, 0xc0, 0x21},
	{0x7e, 0x21, 0x45},
	{0x7e, 0xc0, 0x21, 0x7d},
	[]byte("}#@!}"),
	[]byte("}#}!"),
}

const longestPattern = 5

// reader cuts what the modem sends into lines and PPP frames.
type reader struct {
	line    []byte // the text of the line that is being received
	cut     bool   // the line was longer than maxLine
	frame   []byte // a tilde and what followed it: a frame or, if a line end comes first, text
	inFrame bool
	shared  bool // the flag that began frame also ended the one before
	recent  [longestPattern]byte

	frames []byte // complete frames, flags included
	framed bool   // a frame pattern was seen since this was last cleared

	noise uint64 // octets dropped: neither text nor frames
	cuts  uint64 // lines cut
}

// push takes one octet. It reports whether that completed a line, which is then returned.
func (r *reader) push(c byte) (string, bool) {
	copy(r.recent[:], r.recent[1:])
	r.recent[longestPattern-1] = c
	if r.matchPattern(c) {
		r.framed = true
	}
	if r.inFrame {
		return r.pushFrame(c)
	}
	if c == flag {
		// A modem that does not end its CONNECT line: the first flag does.
		line, ok := "", false
		if bytes.HasPrefix(r.line, []byte("CONNECT")) {
			line, ok = r.endLine()
		}
		r.beginFrame(false)
		return line, ok
	}
	return r.pushText(c)
}

// matchPattern reports whether the latest octets are one of framePatterns.
func (r *reader) matchPattern(c byte) bool {
	for _, p := range framePatterns {
		if p[len(p)-1] == c && bytes.HasSuffix(r.recent[:], p) {
			return true
		}
	}
	return false
}

func (r *reader) beginFrame(shared bool) {
	r.inFrame, r.shared = true, shared
	r.frame = append(r.frame[:0], flag)
}

// pushFrame takes one octet after a flag. Before LCP is open every control character inside a frame is escaped (RFC
// 1662 section 7.1), so a line end shows that it was no frame.
func (r *reader) pushFrame(c byte) (string, bool) {
	switch {
	case c == flag && len(r.frame) == 1:
		r.shared = false
		return "", false // flags between frames
	case c == flag && looksLikePPP(r.frame[1:]):
		r.frame = append(r.frame, flag)
		r.keep()
		r.framed = true
		r.beginFrame(true)
		return "", false
	case c == flag:
		r.frameIsText()
		r.beginFrame(false)
		return "", false
	case c == '\r' || c == '\n':
		r.frameIsText()
		return r.pushText(c)
	case len(r.frame) >= maxFrame:
		r.noise += uint64(len(r.frame))
		r.inFrame = false
		return r.pushText(c)
	}
	r.frame = append(r.frame, c)
	return "", false
}

// keep takes a complete frame aside for PPP.
func (r *reader) keep() {
	if len(r.frames)+len(r.frame) > maxRest {
		r.noise += uint64(len(r.frame))
		return
	}
	r.frames = append(r.frames, r.ownFrame()...)
}

// ownFrame is frame without a flag that is the end of the frame before, which has it already.
func (r *reader) ownFrame() []byte {
	if r.shared {
		return r.frame[1:]
	}
	return r.frame
}

// frameIsText gives the octets after a flag back to the line, or drops them where they are the beginning of a frame
// that was cut off.
func (r *reader) frameIsText() {
	r.inFrame = false
	p := r.ownFrame()
	if looksLikePPP(r.frame[1:]) {
		r.noise += uint64(len(p))
		return
	}
	if len(p) > 0 && p[0] == flag && len(r.line) == 0 {
		p = p[1:] // a stray flag must not spoil the result code behind it
		r.noise++
	}
	for _, c := range p {
		r.text(c)
	}
}

// looksLikePPP says whether the octets after a flag can be the beginning of a PPP frame: address and control field,
// escaped or not, or LCP's protocol number without them (RFC 1661 section 6.6, RFC 1662 section 4.2).
func looksLikePPP(p []byte) bool {
	for _, begin := range [][]byte{{0xff, 0x7d, 0x23}, {0xff, 0x03}, {0xc0, 0x21}, []byte("}#@!"), {0x7f, 0x7d, 0x23}} {
		if bytes.HasPrefix(p, begin) {
			return true
		}
	}
	return false
}

// pushText takes one octet outside frames. Lines end with any run of CR and LF; modems put none, one or two CRs there.
func (r *reader) pushText(c byte) (string, bool) {
	if c == '\r' || c == '\n' {
		return r.endLine()
	}
	r.text(c)
	return "", false
}

// text adds one octet to the line. NULs, other control characters and everything outside ASCII are noise.
func (r *reader) text(c byte) {
	switch {
	case c == '\t':
		c = ' '
	case c < 0x20 || c >= 0x7f:
		r.noise++
		return
	}
	if len(r.line) >= maxLine {
		r.cut = true
		return
	}
	r.line = append(r.line, c)
}

func (r *reader) endLine() (string, bool) {
	if r.cut {
		r.cuts++
		r.cut = false
	}
	line := string(bytes.TrimSpace(r.line))
	r.line = r.line[:0]
	return line, line != ""
}

// reset forgets what was received in part, and the frames.
func (r *reader) reset() {
	r.line, r.cut = r.line[:0], false
	r.inFrame, r.framed = false, false
	r.frame, r.frames = r.frame[:0], nil
	r.recent = [longestPattern]byte{}
}

// takeFrames gives what PPP should see of the octets so far: the complete frames and the one that has begun.
func (r *reader) takeFrames() []byte {
	p := r.frames
	if r.inFrame && looksLikePPP(r.frame[1:]) {
		p = append(p, r.ownFrame()...)
	}
	inFrame := r.inFrame
	r.reset()
	if inFrame && len(p) == 0 {
		p = []byte{flag} // it may turn out to be one
	}
	return p
}
