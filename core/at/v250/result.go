// Package v250 knows what a line of the AT command channel says: which commands stand in a command line, which lines are result
// codes, what a modem says unasked, and what error numbers mean (ITU-T V.250, 3GPP TS 27.007, 27.005). All parts of knak use it,
// so that the dialogue with a modem, hiding, and the readers of recordings split lines in the same way.
package v250

import (
	"strconv"
	"strings"
)

// Result is a final result code (ITU-T V.250 section 5.7.1, 3GPP TS 27.007 section 9, 3GPP TS 27.005 section 3.2.5).
type Result uint8

// The final results.
const (
	NoResult     Result = iota
	OK                  // OK
	Connect             // CONNECT, with or without a text behind it
	Failed              // ERROR
	CME                 // +CME ERROR
	CMS                 // +CMS ERROR
	NotSupported        // COMMAND NOT SUPPORT, TOO MANY PARAMETERS: Huawei's forms of ERROR
	NoCarrier           // NO CARRIER
	Busy                // BUSY
	NoDialtone          // NO DIALTONE or NO DIAL TONE
	NoAnswer            // NO ANSWER
	Delayed             // DELAYED, BLACKLISTED: the modem refuses to dial that number again so soon
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
		if words != "" && strings.EqualFold(words, text) {
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

// IsFinal says whether a line is a final result (ITU-T V.250 section 5.7.1), such as OK, ERROR or CONNECT with a speed.
func IsFinal(line string) bool {
	r, _ := ParseFinal(line)
	return r != NoResult
}

// EndsCommand says whether a line is a result code after which the modem takes commands again: any but CONNECT, which begins the
// data state (V.250 section 5.7.1).
func EndsCommand(line string) bool {
	r, _ := ParseFinal(line)
	return r != NoResult && r != Connect
}

// Unasked are what modems say unasked in plain words, which could be taken for information text.
var Unasked = []string{
	"RING", "RDY", "Call Ready", "SMS Ready", "SMS DONE", "PB DONE", "NORMAL POWER DOWN", "POWERED DOWN", "UNDER-VOLTAGE", "OVER-VOLTAGE",
	"+CRING", "APP RDY", "STARTUP", "SYSSTART", "VOICE NO CARRIER",
}
