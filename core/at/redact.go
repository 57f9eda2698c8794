package at

import (
	"regexp"
	"strings"
	"sync"
)

// hidden stands for a secret or an identity in everything that is shown.
const hidden = "<hidden>"

// Secret parts of a command are held between these two control characters, which are never sent.
const (
	secretBegin = '\x0e'
	secretEnd   = '\x0f'
)

var (
	// An IMSI has 14 or 15 digits, an IMEI 14 to 16, an ICCID 18 to 20 (ITU-T E.118, 3GPP TS 23.003); some modems put
	// spaces or hyphens between. A MEID is 14 hexadecimal digits.
	longDigits = pattern(`[0-9](?:[ -]?[0-9]){13,}[0-9A-Fa-f]*`)
	longHex    = pattern(`[0-9A-Fa-f]{14,}`)
	// labelled is what modems print in answer to ATI and the like.
	labelled = pattern(`(?i)\b(IMEI(?: ?SV)?|IMSI|ICCID|MEID|ESN|SN|S/N|Serial(?: Number)?|FSN|MSISDN)(\s*[:=]\s*)\S.*`)
	// telephone is a number in a dial command that is none of the short ones for packet service, such as *99***1#.
	telephone = pattern(`\+?[0-9]{7,}`)
	// numbered are the unsolicited codes and replies that carry telephone numbers or message texts.
	numbered = pattern(`(?i)^([+^%*#$](?:CLIP|CCWA|CNUM|COLP|CNAP|CMT|CDS|CUSD|CBM|CLCC|CMGR|CMGL|CRSM|CSIM|CIMI|CGSN|GSN|[IQ]?CCID|MEID|CPBR|CRING):)\s*\S.*`)
)

// pattern makes a regular expression that is compiled when it is first used: what starts must not wait for it.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// HideNumber replaces a telephone number in a dial command; one of the short ones for packet service stays.
func HideNumber(command string) string { return telephone().ReplaceAllString(command, hidden) }

// Redact replaces what may name a subscriber or a device: runs of 14 and more digits, telephone numbers in the codes
// that carry them, and values labelled IMEI, IMSI and the like.
func Redact(line string) string {
	line = numbered().ReplaceAllString(line, "$1 "+hidden)
	line = labelled().ReplaceAllString(line, "$1$2"+hidden)
	line = longDigits().ReplaceAllString(line, hidden)
	return longHex().ReplaceAllStringFunc(line, func(s string) string {
		digits := 0
		for i := 0; i < len(s); i++ {
			if s[i] >= '0' && s[i] <= '9' {
				digits++
			}
		}
		if digits < 6 {
			return s
		}
		return hidden
	})
}

// unmark splits a marked command into what is sent and what is shown.
func unmark(line string) (sent, shown string) {
	var a, b strings.Builder
	in := false
	for _, c := range []byte(line) {
		switch {
		case c == secretBegin:
			if !in {
				b.WriteString(hidden)
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

// secrets are the marked strings of one dialogue, so that echoes of them are hidden too.
type secrets []string

func (s *secrets) add(secret string) {
	if secret == "" {
		return
	}
	for _, form := range []string{secret, escapeString(secret)} {
		known := false
		for _, old := range *s {
			known = known || old == form
		}
		if !known {
			*s = append(*s, form)
		}
	}
}

// hide replaces the secrets in a received line. One of three characters or less is looked for between quotes only,
// since it would be found in any text; echoes of its command are recognised as such before.
func (s secrets) hide(line string) string {
	for _, secret := range s {
		if len(secret) > 3 {
			line = strings.ReplaceAll(line, secret, hidden)
		} else {
			line = strings.ReplaceAll(line, `"`+secret+`"`, `"`+hidden+`"`)
		}
	}
	return line
}

// Quote writes a string constant for a command line (ITU-T V.250 section 5.4.2.2): a quotation mark or a reverse
// solidus inside is written as its two hexadecimal digits after a reverse solidus.
func Quote(s string) string { return `"` + escapeString(s) + `"` }

func escapeString(s string) string {
	return strings.NewReplacer(`\`, `\5C`, `"`, `\22`).Replace(s)
}
