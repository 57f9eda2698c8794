package event

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxText is how many octets of one string from outside are shown on a terminal.
const maxText = 400

// Printable makes s safe to show on a terminal: control characters, invisible characters and invalid UTF-8 become escapes such as
// \r and \x1b. A text of more than 400 octets is cut, with a note of how much is missing.
func Printable(s string) string {
	cut := 0
	if len(s) > maxText {
		n := maxText
		for n > maxText-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		cut, s = len(s)-n, s[:n]
	}
	if cut == 0 && plain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x` + string(hexDigits[s[i]>>4]) + string(hexDigits[s[i]&15]))
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	if cut > 0 {
		b.WriteString(" … (" + strconv.Itoa(cut) + " more bytes)")
	}
	return b.String()
}

const hexDigits = "0123456789abcdef"

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
