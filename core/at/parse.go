package at

import (
	"slices"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
)

// command is one command line taken apart as far as its answer needs it.
type command struct {
	line     string   // with secrets, as sent
	shown    string   // redacted
	prefixes []string // "+CREG:" for each extended command in the line
	basic    bool     // it holds a basic command such as I or Z, whose information text has no prefix
	dials    bool     // D, A, O or +CGDATA: CONNECT and NO CARRIER answer it
	secret   bool     // a part of it is secret
}

// parseCommand takes a command line apart (ITU-T V.250 section 5.2.1).
func parseCommand(line string) command {
	c := command{line: line}
	body := line
	if len(body) >= 2 && strings.EqualFold(body[:2], "AT") {
		body = body[2:]
	}
	for _, part := range v250.Parts(body) {
		c.dials = c.dials || v250.Leaves(part)
		if name := v250.Name(part); name != "" {
			c.prefixes = append(c.prefixes, name+":")
		} else {
			c.basic = true
		}
	}
	return c
}

// unsolicitedNames are the extended codes that come unasked even while a basic command such as ATI is answered, whose
// information text may itself begin with a plus sign.
var unsolicitedNames = []string{
	"+CREG:", "+CGREG:", "+CEREG:", "+C5GREG:", "+CGEV:", "+CMTI:", "+CMT:", "+CDS:", "+CDSI:", "+CLIP:", "+CCWA:", "+CUSD:", "+CRING:",
	"+CPIN:", "+CFUN:", "+CTZV:", "+CTZE:", "+CIEV:", "+QIND:", "+QUSIM:", "+ZUSIMR:", "+ZDONR:", "+ZPASR:",
	"^RSSI:", "^MODE:", "^SRVST:", "^SIMST:", "^BOOT:", "^DSFLOWRPT:", "^HCSQ:", "^STIN:", "^CSNR:", "^DCONN", "^DEND",
}

// unsolicited says whether a line is no part of the answer to c. c is nil where no command runs.
func (c *command) unsolicited(line string) bool {
	if c == nil {
		return true
	}
	if slices.ContainsFunc(v250.Unasked, func(w string) bool { return line == w || strings.HasPrefix(line, w+":") }) {
		return true
	}
	name, ok := codeName(line)
	if !ok {
		return false
	}
	for _, p := range c.prefixes {
		if name == p || sameStem(name, p) {
			return false
		}
	}
	if !c.basic && len(c.prefixes) > 0 {
		return true
	}
	return slices.Contains(unsolicitedNames, name)
}

// isKnown says whether a line is a final result or one of the listed unsolicited codes.
func isKnown(line string) bool {
	if r, _ := v250.ParseFinal(line); r != v250.NoResult {
		return true
	}
	name, _ := codeName(line)
	return slices.Contains(unsolicitedNames, name) || slices.Contains(v250.Unasked, line)
}

// codeName gives the "+NAME:" that a line begins with, in upper case.
func codeName(line string) (string, bool) {
	if line == "" || !strings.ContainsRune(v250.Marks, rune(line[0])) {
		return "", false
	}
	i := strings.IndexByte(line, ':')
	if i < 2 || strings.ContainsAny(line[1:i], " \",=") {
		return "", false
	}
	return strings.ToUpper(line[:i+1]), true
}

// sameStem lets +ICCID: answer AT+CCID, and ^CPIN: answer AT+CPIN: vendors differ in the mark and the first letter.
func sameStem(name, prefix string) bool {
	a, b := name[1:], prefix[1:]
	return a == b || len(a) > 5 && strings.HasSuffix(b, a) || len(b) > 4 && strings.HasSuffix(a, b)
}
