package at

import (
	"slices"
	"strconv"
	"strings"
)

// form is how much of a line a final result takes.
type form uint8

const (
	whole    form = iota // the line is nothing but the text
	withText             // the line, or its first word or words; a blank, a colon or a slash follows
	prefix               // whatever follows
)

// finals is the one table of final results (ITU-T V.250 sections 5.7.1 and 6.3, 3GPP TS 27.007 section 9, 3GPP TS 27.005
// section 3.2.5), and of what vendors say in their place. The first that fits counts.
var finals = []struct {
	text   string
	result Result
	form   form
}{
	{"OK", OK, whole},
	{"ERROR", Failed, whole},
	{"ERROR:", Failed, prefix},
	{"CONNECT FAIL", NoCarrier, withText}, // SIMCom
	{"CONNECT", Connect, withText},
	{"+CME ERROR", CME, withText},
	{"+CMS ERROR", CMS, withText},
	{"CME ERROR", CME, withText},
	{"CMS ERROR", CMS, withText},
	{"+EXT ERROR", Failed, withText},  // TI's modems, and oFono's list
	{"MODEM ERROR", Failed, withText}, // Motorola's EZX telephones
	{"ABORTED", Failed, whole},        // u-blox and Telit: a character stopped the command
	{"NO CARRIER", NoCarrier, withText},
	{"BUSY", Busy, whole},
	{"LINE IN USE", Busy, whole},
	{"NO DIALTONE", NoDialtone, withText},
	{"NO DIAL TONE", NoDialtone, withText},
	{"NO ANSWER", NoAnswer, whole},
	{"DELAYED", Delayed, withText},
	{"BLACKLISTED", Delayed, withText},
	{"COMMAND NOT SUPPORT", NotSupported, prefix}, // Huawei, with or without ED
	{"TOO MANY PARAMETERS", NotSupported, whole},
	{"INVALID COMMAND LINE", NotSupported, whole}, // u-blox
	{"NA", NotSupported, whole},                   // Nokia and others, for what is not available
}

// ParseFinal reads a line as a final result code. Blanks around it do not matter. code is the number of a +CME or +CMS
// ERROR, or -1. It gives NoResult for any other line.
func ParseFinal(line string) (r Result, code int) {
	line = strings.TrimSpace(line)
	for _, f := range finals {
		rest, ok := strings.CutPrefix(line, f.text)
		switch {
		case !ok, f.form == whole && rest != "":
			continue
		case f.form == withText && rest != "" && rest[0] != ' ' && rest[0] != ':' && rest[0] != '/':
			continue // a word that only begins so, for example CONNECTED
		}
		if f.result != CME && f.result != CMS {
			return f.result, -1
		}
		return f.result, errorCode(f.result, strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(rest), ":")))
	}
	return NoResult, -1
}

// errorCode reads what follows "+CME ERROR:": a number, or the words of AT+CMEE=2.
func errorCode(r Result, text string) int {
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		return n
	}
	if r != CME {
		return -1
	}
	for n, words := range cmeWords {
		if strings.EqualFold(words, text) {
			return n
		}
	}
	return -1
}

// OfCall says that a result is final only for a command that makes or takes a call: CONNECT, NO CARRIER and their like. At
// other times it tells about a call that was.
func (r Result) OfCall() bool {
	switch r {
	case Connect, NoCarrier, Busy, NoDialtone, NoAnswer, Delayed:
		return true
	}
	return false
}

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
	for _, part := range splitCommands(body) {
		part = strings.TrimSpace(part)
		if part == "" {
			c.basic = true
			continue
		}
		if !strings.ContainsRune(extendedMarks, rune(part[0])) {
			c.basic = true
			if strings.ContainsRune("DAOdao", rune(part[0])) {
				c.dials = true
			}
			continue
		}
		name := part
		if i := strings.IndexAny(part, "=?: "); i >= 0 {
			name = part[:i]
		}
		c.prefixes = append(c.prefixes, strings.ToUpper(name)+":")
		word := strings.ToUpper(name[1:])
		if word == "CGDATA" {
			c.dials = true
		}
	}
	return c
}

// extendedMarks begin extended commands: + is the standard's, the others are vendors'.
const extendedMarks = "+^%*#$!_&@"

// splitCommands cuts a command line at semicolons outside quotes.
func splitCommands(s string) []string {
	var parts []string
	quoted, begin := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			parts = append(parts, s[begin:i])
			begin = i + 1
		}
	}
	return append(parts, s[begin:])
}

// unsolicitedWords are unsolicited codes that are plain words, and so could be taken for information text.
var unsolicitedWords = []string{
	"RING", "RDY", "Call Ready", "SMS Ready", "SMS DONE", "PB DONE", "NORMAL POWER DOWN", "POWERED DOWN", "UNDER-VOLTAGE", "OVER-VOLTAGE",
	"+CRING", "APP RDY", "STARTUP", "SYSSTART", "VOICE NO CARRIER",
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
	if slices.ContainsFunc(unsolicitedWords, func(w string) bool { return line == w || strings.HasPrefix(line, w+":") }) {
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

// IsFinal says whether a line is a final result (ITU-T V.250 section 5.7.1), such as OK, ERROR or CONNECT with a speed.
func IsFinal(line string) bool {
	r, _ := ParseFinal(line)
	return r != NoResult
}

// isKnown says whether a line is a final result or one of the listed unsolicited codes.
func isKnown(line string) bool {
	if r, _ := ParseFinal(line); r != NoResult {
		return true
	}
	name, _ := codeName(line)
	return slices.Contains(unsolicitedNames, name) || slices.Contains(unsolicitedWords, line)
}

// codeName gives the "+NAME:" that a line begins with, in upper case.
func codeName(line string) (string, bool) {
	if line == "" || !strings.ContainsRune(extendedMarks, rune(line[0])) {
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
