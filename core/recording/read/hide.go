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

// secretBegins are the words of secretWords by their first letter, in lower case.
var secretBegins = [...]string{"passw", "passphrase", "pin", "secret", "calling number", "remotenumber"}

// mentionsSecret says whether secretWords can find something.
func mentionsSecret(s string) bool {
	found := false
	for i := 0; i < len(s) && !found; i++ {
		switch c := s[i] | 0x20; {
		case s[i] >= utf8.RuneSelf:
			found = true // letters that fold to others are left to the slow look
		case c == 'p', c == 's', c == 'c', c == 'r':
			for _, w := range secretBegins {
				found = found || w[0] == c && len(s)-i >= len(w) && strings.EqualFold(s[i:i+len(w)], w)
			}
		}
	}
	if !found {
		return false
	}
	for _, w := range notSecret {
		if strings.Contains(s, w) {
			return false
		}
	}
	return true
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

// mayIdentify says whether at.Redact can find something: it is slow, and most lines have nothing. What it looks for are codes
// at the start, 14 digits with a space or hyphen between or not, 14 digits in hex, and labels.
func mayIdentify(s string) bool {
	if s == "" || strings.IndexByte("+^%*#$", s[0]) >= 0 {
		return s != ""
	}
	digits, hex := 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			digits++
			hex++
		case isHexDigit(c):
			digits = 0
			hex++
		case c == ' ' || c == '-':
			hex = 0
			if i == 0 || s[i-1] < '0' || s[i-1] > '9' {
				digits = 0
			}
		case c == ':' || c == '=':
			if isLabel(s[:i]) {
				return true
			}
			digits, hex = 0, 0
		default:
			digits, hex = 0, 0
		}
		if digits >= 14 || hex >= 14 {
			return true
		}
	}
	return false
}

// labels are the last words of what modems and kernels print before an identity.
var labels = [...]string{"imei", "imeisv", "sv", "imsi", "iccid", "meid", "esn", "sn", "s/n", "serial", "number", "fsn", "msisdn"}

// isLabel says whether the last word of s may name an identity.
func isLabel(s string) bool {
	s = strings.TrimRight(s, " \t")
	i := len(s)
	for i > 0 && isLetter(s[i-1]) {
		i--
	}
	word := s[i:]
	if i > 0 && s[i-1] >= utf8.RuneSelf { // letters that fold to others are left to the slow look
		return true
	}
	if len(word) == 1 && i > 1 {
		word = s[i-2:] // perhaps S/N
	}
	if len(word) < 2 || len(word) > 6 {
		return false
	}
	for _, l := range labels {
		if strings.EqualFold(word, l) {
			return true
		}
	}
	return false
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
