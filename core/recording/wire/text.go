package wire

import (
	"bytes"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
)

func isInk(c byte) bool  { return c > ' ' && c < 0x7f }
func isChar(c byte) bool { return c >= ' ' && c < 0x7f || c == '\r' || c == '\n' || c == '\t' }

// isText says whether all octets are printable ASCII, CR, LF or TAB.
func isText(p []byte) bool {
	for _, c := range p {
		if !isChar(c) {
			return false
		}
	}
	return true
}

// ink counts the visible characters.
func ink(p []byte) int {
	n := 0
	for _, c := range p {
		if isInk(c) {
			n++
		}
	}
	return n
}

// lead finds a complete line of text at the beginning of octets that should be a frame: a modem's message, which ends with CR LF
// (ITU-T V.250 section 5.7.1), or a command, which ends with CR. line is without its line ends, size counts them; size is 0 if
// there is no such line. With loose, any line that ends with CR is accepted, because a host's answer to a prompt has no other
// form.
func lead(p []byte, loose bool) (line []byte, size int) {
	from := 0
	for from < len(p) && (p[from] == '\r' || p[from] == '\n') {
		from++
	}
	to := from
	for to < len(p) && p[to] >= ' ' && p[to] < 0x7f {
		to++
	}
	line = p[from:to]
	if to == len(p) || p[to] != '\r' {
		return nil, 0
	}
	size = to + 1
	switch {
	case size < len(p) && p[size] == '\n' && ink(line) > 1:
		return line, size + 1
	case isCommand(line), loose && ink(line) > 0:
		return line, size
	}
	return nil, 0
}

// isCommand says whether a line begins with the attention code of a command line (ITU-T V.250 section 5.2.1), or with the escape
// sequence that some dialers send directly before it.
func isCommand(line []byte) bool {
	line = bytes.TrimPrefix(line, []byte("+++"))
	if len(line) < 2 || !(line[0] == 'A' && line[1] == 'T' || line[0] == 'a' && line[1] == 't') {
		return false
	}
	return len(line) == 2 || line[2] >= ' ' && line[2] < 0x7f
}

// lastResult finds a result code with its line ends at the end of p, and gives the index where it begins: it follows a frame that
// was cut off when the call ended.
func lastResult(p []byte) (from int, ok bool) {
	tail := p[max(0, len(p)-64):]
	body, ok := bytes.CutSuffix(tail, []byte("\r\n"))
	if !ok {
		return 0, false
	}
	i := bytes.LastIndex(body, []byte("\r\n"))
	if i < 0 || !isResult(string(body[i+2:])) {
		return 0, false
	}
	return len(p) - len(tail) + i, true
}

// isResult says whether a line is a result code that ends the data state (ITU-T V.250 section 5.7.1, 3GPP TS 27.007 section 9.2).
func isResult(line string) bool {
	r, _ := v250.ParseFinal(line)
	return r != v250.NoResult && r != v250.Connect
}

// isConnect says whether a line is the result code CONNECT, with or without text after it.
func isConnect(line string) bool {
	rest, ok := strings.CutPrefix(line, "CONNECT")
	return ok && (rest == "" || rest[0] == ' ' || rest[0] >= '0' && rest[0] <= '9')
}
