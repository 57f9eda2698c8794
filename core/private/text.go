package private

import (
	"strings"
	"unicode/utf8"
)

var (
	// secretWords are the words that may stand before a secret or a telephone number in the log of a program.
	secretWords = pattern(`(?i)(passw(?:ord|d)?|passphrase|secret|pincode|\bpin|calling number|REMOTENUMBER)(["']?\s*(?:=|:|\s)\s*)("[^"]*"?|'[^']*'?|[^\s,)\]]+)`)
	// givenSecrets are the secretWords that an equals sign or a colon follows.
	givenSecrets = pattern(`(?i)(passw(?:ord|d)?|passphrase|secret|pincode|\bpin|calling number|REMOTENUMBER)(["']?\s*[=:]\s*)("[^"]*"?|'[^']*'?|[^\s,)\]+]+)`)
	// An IMSI has 14 or 15 digits, an IMEI 14 to 16, an ICCID 18 to 20 (ITU-T E.118, 3GPP TS 23.003); some modems put
	// spaces or hyphens between. A MEID is 14 hexadecimal digits.
	longDigits = pattern(`[0-9](?:[ -]?[0-9]){13,}[0-9A-Fa-f]*`)
	longHex    = pattern(`[0-9A-Fa-f]{14,}`)
	// dotted is an IMEI with dots between, as some modems print it; the groups have no fixed lengths.
	dotted = pattern(`[0-9]+(?:\.[0-9]+)+`)
	// labelled is what modems print in answer to ATI and the like.
	labelled = pattern(`(?i)\b(IMEI(?: ?SV)?|IMSI|ICCID|MEID|ESN|SN|S/N|Serial ?(?:Number|No\.?)?|FSN|MSISDN|Own number)(\s*[:=]\s*|\s+is\s+)\S.*`)
	// coded is a modem's reply in the middle of a line of a log.
	coded = pattern(`(?:^|[\s"'(>\[\]])([+^*%$#!_][A-Z][A-Z0-9]{2,23}: ?)`)
)

// Text gives a line of a log with these replaced: text after words such as password, secrets in AT commands and replies, and
// identities.
func Text(s string) string {
	var known Known
	return NewDialogue(&known).foreign(s)
}

// foreign is Text, and learns what it hides.
func (d *Dialogue) foreign(s string) string {
	g := glanceAt(s)
	if g.secret() && mentionsSecret(s) {
		for _, m := range givenSecrets().FindAllStringSubmatch(s, -1) {
			d.known.Add(strings.Trim(m[3], `"'`))
		}
		s = secretWords().ReplaceAllString(s, "${1}${2}"+Hidden)
		g = glanceAt(s)
	}
	return d.glanced(s, g)
}

// sentence is text for people that speaks of passwords without telling them.
func (d *Dialogue) sentence(s string) string {
	g := glanceAt(s)
	if g.secret() && mentionsSecret(s) {
		s = givenSecrets().ReplaceAllString(s, "${1}${2}"+Hidden)
		g = glanceAt(s)
	}
	return d.glanced(s, g)
}

// own is a sentence of this process, which tells no secret behind the word for it: it may quote a modem, though.
func (d *Dialogue) own(s string) string { return d.glanced(s, glanceAt(s)) }

// glanced is own for a text that was looked through once.
func (d *Dialogue) glanced(s string, g glance) string {
	if g.begins&beginsCommand != 0 {
		if i := commandInside(s); i >= 0 {
			aside := Dialogue{known: d.known}
			s = s[:i] + aside.Sent(s[i:])
			return d.known.Text(identified(s))
		}
	}
	if g.begins&beginsReply != 0 {
		if i := replyInside(s); i >= 0 {
			aside := Dialogue{known: d.known}
			s = s[:i] + aside.received(s[i:])
			return d.known.Text(identified(s))
		}
	}
	if g.digits >= leastDigits || g.seen&aWide != 0 || g.begins&beginsIs != 0 || g.seen&aColon != 0 && hasLabel(s) { // an identity has so many, or a label before it
		s = identified(s)
	}
	return d.known.Text(s)
}

// identified is Identities for a line that may show octets, where digits with spaces between are no number.
func identified(s string) string {
	switch {
	case !mayIdentify(s):
	case showsOctets(s):
		s = Numbers(s)
	default:
		s = identify(s)
	}
	return s
}

// leastDigits is the smallest number of digits of an identity without a label: a MEID that has six (see identify).
const leastDigits = 6

// replyInside finds a modem's reply in a line, -1 if there is none.
func replyInside(s string) int {
	for i := 0; i+4 < len(s); i++ {
		if strings.IndexByte(replyMarks, s[i]) < 0 || s[i+1] < 'A' || s[i+1] > 'Z' || s[i+2] < 'A' || s[i+2] > 'Z' && !isDigit(s[i+2]) {
			continue
		}
		if m := coded().FindStringSubmatchIndex(s[max(i-1, 0):]); m != nil {
			return max(i-1, 0) + m[2]
		}
		return -1
	}
	return -1
}

// Identities replaces text that may name a subscriber or a device: runs of 14 and more digits, and values labelled IMEI, IMSI and
// the like.
func Identities(line string) string {
	if !mayIdentify(line) {
		return line
	}
	return identify(line)
}

// identify is Identities for a line that has one, perhaps.
func identify(line string) string {
	line = labelled().ReplaceAllString(line, "$1$2"+Hidden)
	line = longDigits().ReplaceAllString(line, Hidden)
	line = dotted().ReplaceAllStringFunc(line, func(s string) string {
		digits, longest, run, groups := 0, 0, 0, 1
		for i := range len(s) {
			if s[i] == '.' {
				run = 0
				groups++
				continue
			}
			digits, run = digits+1, run+1
			longest = max(longest, run)
		}
		if digits < 14 || digits > 17 || groups < 3 || longest < 6 || longest > 8 {
			return s
		}
		return Hidden
	})
	line = longHex().ReplaceAllStringFunc(line, func(s string) string {
		digits := 0
		for i := range len(s) {
			if isDigit(s[i]) {
				digits++
			}
		}
		if digits < 6 {
			return s
		}
		return Hidden
	})
	return strings.ReplaceAll(line, "<"+Hidden+">", Hidden) // of a value that pppd prints between < and >
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

// notSecret are messages of pppd that contain one of the words and no secret.
var notSecret = [...]string{"secret file", "suitable secret", "secret (password)", "bad account or password"}

// secretBegins are the first letters of secretWords, in lower case, with the words.
var secretBegins = [...]string{"passw", "passphrase", "pin", "secret", "calling number", "remotenumber"}

// mentionsSecret says whether secretWords can find something.
func mentionsSecret(s string) bool {
	found := false
	for i := 0; i < len(s) && !found; i++ {
		switch c := s[i] | 0x20; {
		case s[i] >= utf8.RuneSelf:
			found = true // letters that fold to others are left to the slow look
		case (c == 'p' || c == 's' || c == 'c' || c == 'r') && i+1 < len(s) && (s[i+1]|0x20 == 'a' || s[i+1]|0x20 == 'e' || s[i+1]|0x20 == 'i' || s[i+1] >= utf8.RuneSelf):
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

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }

// mayIdentify says whether Identities can find something: that is slow, and most lines have nothing. What it looks for are 14 digits with a space or hyphen between or not, 14 digits in hex, and labels.
func mayIdentify(s string) bool {
	digits, hex, points := 0, 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			digits++
			hex++
			points++
		case c == '.':
			digits, hex = 0, 0
		case isHexDigit(c):
			digits, points = 0, 0
			hex++
		case c == ' ' || c == '-':
			hex, points = 0, 0
			if i == 0 || s[i-1] < '0' || s[i-1] > '9' {
				digits = 0
			}
			if c == ' ' && i+2 < len(s) && s[i+1]|0x20 == 'i' && s[i+2]|0x20 == 's' && isLabel(s[:i]) {
				return true
			}
		case c == ':' || c == '=':
			if isLabel(s[:i]) {
				return true
			}
			digits, hex, points = 0, 0, 0
		default:
			digits, hex, points = 0, 0, 0
		}
		if digits >= 14 || hex >= 14 || points >= 14 {
			return true
		}
	}
	return false
}

// hasLabel says whether what may name an identity stands before a colon or an equals sign.
func hasLabel(s string) bool {
	for i := range len(s) {
		if looks[s[i]]&aColon != 0 && isLabel(s[:i]) {
			return true
		}
	}
	return false
}

// labels are the last words of what modems and kernels print before an identity.
var labels = [...]string{"imei", "imeisv", "sv", "imsi", "iccid", "meid", "esn", "sn", "s/n", "serial", "number", "no", "no.", "fsn", "msisdn"}

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
