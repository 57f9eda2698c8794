package at

import (
	"strings"

	"github.com/knakppp/knak/core/private"
)

// Secret parts of a command are held between these two control characters, which are never sent.
const (
	secretBegin = '\x0e'
	secretEnd   = '\x0f'
)

// unmark splits a marked command into what is sent and what is shown.
func unmark(line string) (sent, shown string) {
	var a, b strings.Builder
	in := false
	for _, c := range []byte(line) {
		switch {
		case c == secretBegin:
			if !in {
				b.WriteString(private.Hidden)
			}
			in = true
		case c == secretEnd:
			in = false
		case in:
			a.WriteByte(c)
		default:
			a.WriteByte(c)
			b.WriteByte(c)
		}
	}
	return a.String(), b.String()
}

// Quote writes a string constant for a command line (ITU-T V.250 section 5.4.2.2): a quotation mark or a reverse
// solidus inside is written as its two hexadecimal digits after a reverse solidus.
func Quote(s string) string { return `"` + escapeString(s) + `"` }

func escapeString(s string) string {
	return strings.NewReplacer(`\`, `\5C`, `"`, `\22`).Replace(s)
}
