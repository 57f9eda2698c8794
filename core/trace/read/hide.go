package read

import (
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/ppp/packet"
)

// secretWords are what may stand before a secret or a telephone number in the log of a program.
var secretWords = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(passw(?:ord|d)?|passphrase|secret|pincode|\bpin|calling number|REMOTENUMBER)(["']?\s*(?:=|:|\s)\s*)("[^"]*"?|'[^']*'?|[^\s,)\]]+)`)
})

// hideAll gives a line of a log as it may be shown.
func hideAll(s string) string {
	if mentionsSecret(s) {
		s = secretWords().ReplaceAllString(s, "${1}${2}<hidden>")
	}
	if i := commandInside(s); i >= 0 {
		s = s[:i] + at.RedactCommand(s[i:])
	}
	switch {
	case showsOctets(s): // digits with spaces between are no number there
		s = packet.HideNumbers(s)
	case mayIdentify(s):
		s = at.Redact(s)
	}
	return s
}

// showsOctets says whether there are octets in hex in a line, each two digits: a packet that pppd does not like, for example.
func showsOctets(s string) bool {
	run := 0
	for i := 0; i+2 < len(s); {
		if s[i] == ' ' && isHexDigit(s[i+1]) && isHexDigit(s[i+2]) && (i+3 == len(s) || s[i+3] == ' ' || s[i+3] == ']') {
			if run++; run == 4 {
				return true
			}
			i += 3
			continue
		}
		run = 0
		i++
	}
	return false
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

// notSecret are sayings of pppd that hold one of the words and no secret.
var notSecret = [...]string{"secret file", "suitable secret", "secret (password)", "bad account or password"}

func mentionsSecret(s string) bool {
	for _, w := range notSecret {
		if strings.Contains(s, w) {
			return false
		}
	}
	for _, w := range [...]string{"assw", "ASSW", "assphrase", "ecret", "ECRET", "pin", "PIN", "calling number", "REMOTENUMBER"} {
		if strings.Contains(s, w) {
			return true
		}
	}
	return false
}

// commandInside finds an AT command that can carry a secret: one with an equals sign, or a dial string.
func commandInside(s string) int {
	for i := 0; i+2 < len(s); i++ {
		if (s[i] == 'A' && s[i+1] == 'T' || s[i] == 'a' && s[i+1] == 't') && (i == 0 || !isLetter(s[i-1])) && strings.ContainsAny(s[i+2:i+3], "+^%*#$DdEe&IiQqVvZzXxSsMmLlHh!@\\-") {
			return i
		}
	}
	return -1
}

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// mayIdentify says whether at.Redact could find something: it is slow, and most lines have nothing.
func mayIdentify(s string) bool {
	digits, marks := 0, strings.IndexByte("+^%*#$", first(s)) >= 0
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case c == ':' || c == '=':
			marks = true
		}
	}
	return marks || digits >= 6
}

func first(s string) byte {
	if s == "" {
		return 0
	}
	return s[0]
}

// printable gives s so that a terminal cannot obey it.
func printable(s string) string {
	plain := true
	for i := range len(s) {
		plain = plain && s[i] >= ' ' && s[i] <= '~'
	}
	if plain {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b.WriteString(`\x`)
			b.WriteByte("0123456789abcdef"[s[i]>>4])
			b.WriteByte("0123456789abcdef"[s[i]&15])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			q := strconv.QuoteRuneToASCII(r)
			b.WriteString(q[1 : len(q)-1])
		}
		i += n
	}
	return b.String()
}
