package read

import (
	"strings"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/format"
)

// oriented gives the direction of a line of the dialogue. In some logs the arrows may point either way.
func (f *formatted) oriented(dir event.Dir, text string) event.Dir {
	if !f.f.Swaps {
		return dir
	}
	if f.swap == swapUnknown {
		switch {
		case isEcho([]byte(text)):
			f.swap = swapNo
			if dir == event.Rcvd {
				f.swap = swapYes
			}
		case v250.IsFinal(text) || text == "OK":
			f.swap = swapNo
			if dir == event.Sent {
				f.swap = swapYes
			}
		}
	}
	if f.swap == swapYes {
		return 1 - dir
	}
	return dir
}

// lineEnds are the ways in which programs write the line ends of the dialogue, and a quotation mark within quotation marks.
var lineEnds = strings.NewReplacer(`\"`, `"`, "<CRLF>", "\n", "[CR]", "\n", "[LF]", "\n", "{CR}", "\n", "{LF}", "\n", "<0D>", "\n", "<0A>", "\n", "<CR>", "\n", "<LF>", "\n", "<cr>", "\n", "<lf>", "\n", `\r`, "\n", `\n`, "\n", `\x0d`, "\n", `\x0a`, "\n", `\0d`, "\n", `\0a`, "\n",
	`\015`, "\n", `\012`, "\n", "^M", "\n", "^J", "\n", "␍", "\n", "␊", "\n", "\r", "\n")

// dialogue takes text of the AT dialogue, which may be several lines.
func (f *formatted) dialogue(dir event.Dir, text string, from origin) {
	text = literal(text)
	if strings.HasPrefix(text, "..") || strings.HasSuffix(text, "..") { // dots in place of line ends
		text = strings.ReplaceAll(text, "..", "\n")
	}
	if strings.ContainsAny(text, "<[{\\^\r\n") || strings.Contains(text, "\xe2\x90") { // what lineEnds knows begins so
		text = lineEnds.Replace(text)
	}
	for text != "" {
		l, rest, _ := strings.Cut(text, "\n")
		if l = strings.TrimSpace(l); l != "" && !f.again(said{from: from, dir: dir, text: l}) {
			f.says(dir, l)
		}
		text = rest
	}
}

func (f *formatted) says(dir event.Dir, l string) {
	if dir == event.Sent {
		f.s.sends(l)
		return
	}
	f.s.fromModem([]byte(l))
	if f.more == format.AT && v250.IsFinal(l) {
		f.left = 0 // the answer is complete
	}
}

// again says whether the log has shown the same event already in the other form: in octets if it is in words now, or the other
// way round.
func (f *formatted) again(x said) bool {
	for i := range f.recent {
		if r := &f.recent[i]; r.from != x.from && r.same(&x) {
			*r = said{}
			return true
		}
	}
	f.recent[f.written%len(f.recent)] = x
	f.written++
	return false
}

// same says whether two are the same line of the dialogue, or packets that are written the same.
func (s *said) same(t *said) bool {
	if s.text != t.text || s.dir != t.dir || s.packet.Protocol != t.packet.Protocol || len(s.packet.Data) == 0 != (len(t.packet.Data) == 0) {
		return false
	}
	return len(s.packet.Data) == 0 && s.text != "" || len(s.packet.Data) > 0 && s.packet.Data[0] == t.packet.Data[0] && s.packet.Line() == t.packet.Line()
}

// literal removes quotation marks around a text: "…", '…', b'…'.
func literal(s string) string {
	t := s
	if len(t) > 2 && t[0] == 'b' {
		t = t[1:]
	}
	if n := len(t); n >= 2 && (t[0] == '"' || t[0] == '\'') && t[n-1] == t[0] {
		return t[1 : n-1]
	}
	return s
}

// characters gives the octets that a program has shown as characters, with <cr>, <ln>, <FF> or C's escapes for octets that cannot
// be printed.
func characters(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); i++ {
		rest := b[i:]
		switch {
		case hasFold(rest, "<cr>"), hasFold(rest, "<lf>"), hasFold(rest, "<ln>"):
			c := byte('\n')
			if rest[1]|0x20 == 'c' {
				c = '\r'
			}
			out = append(out, c)
			i += 3
		case len(rest) >= 4 && rest[0] == '<' && rest[3] == '>' && isHexDigit(rest[1]) && isHexDigit(rest[2]):
			out = append(out, unhex(rest[1])<<4|unhex(rest[2]))
			i += 3
		case len(rest) >= 4 && rest[0] == '\\' && rest[1] == 'x' && isHexDigit(rest[2]) && isHexDigit(rest[3]):
			out = append(out, unhex(rest[2])<<4|unhex(rest[3]))
			i += 3
		case len(rest) >= 2 && rest[0] == '\\' && (rest[1] == 'r' || rest[1] == 'n'):
			c := byte('\n')
			if rest[1] == 'r' {
				c = '\r'
			}
			out = append(out, c)
			i++
		case len(rest) >= 2 && rest[0] == '^' && (rest[1] == 'M' || rest[1] == 'J'):
			out = append(out, rest[1]&0x1f)
			i++
		default:
			out = append(out, b[i])
		}
	}
	return out
}

func hasFold(b []byte, s string) bool {
	return len(b) >= len(s) && strings.EqualFold(string(b[:len(s)]), s)
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c&0x1f + 9
}
