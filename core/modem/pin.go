package modem

import (
	"errors"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/at"
)

// This file keeps a SIM from being locked: it finds out which card it is and how many tries are left, and remembers from one run
// to the next what happened to its PINs. Three wrong PINs lock a SIM (ETSI TS 102 221 section 9.5.1), and a service that restarts
// a dial uses three tries in seconds.

// pinTriesFull is how many tries a SIM usually has; its maker may have given it more.
const pinTriesFull = 3

// Card says which SIM a PIN is for.
type Card struct {
	ICCID string // digits; "": the modem does not tell
	Modem string // if there is no ICCID: the modem's serial number, or else its make, in place of the SIM
}

// PINRecord is what is remembered about a PIN on a card.
type PINRecord struct {
	Refused bool // the card has refused this PIN
	// Sent means that this PIN was sent and the outcome is not known, because the process, the modem or the power ended.
	Sent bool
	// TriesBefore is how many tries were left before it was sent; -1: the modem did not say.
	TriesBefore int
	// Wrong is how many tries were used, or may have been, since the card last accepted a PIN.
	Wrong int
}

// PINOutcome is the outcome of a PIN that was sent.
type PINOutcome uint8

// The outcomes.
const (
	PINAccepted PINOutcome = iota
	PINRefused
	PINUnspent // the modem did not pass it on: the number of tries is unchanged
)

// PINMemory remembers the outcomes of PINs from one run to the next. Its methods are called inside the dialogue and must not
// block.
type PINMemory interface {
	// Recall gives what is remembered about a PIN on a card.
	Recall(c Card, pin string) PINRecord
	// Sending is called before the PIN is sent, in case the machine loses power meanwhile. tries is how many are left; -1:
	// not known. An error means that this will not be remembered.
	Sending(c Card, pin string, tries int) error
	// Settle stores the outcome. An error means that it will not be remembered.
	Settle(c Card, pin string, o PINOutcome) error
}

// iccidCommands ask for the SIM's ICCID, which may be read before the PIN was entered (ETSI TS 102 221
// section 13.2: always): the vendors' own, and EF_ICCID by the standard (3GPP TS 27.007 section 8.18).
var iccidCommands = []string{"AT+CCID", "AT+CRSM=176,12258,0,0,10", "AT+ICCID", "AT^ICCID?", "AT+QCCID", "AT#CCID", "AT+CCID?"}

// readCard finds out which SIM is in the modem.
func readCard(x *at.Exchange, p Plan) (Card, error) {
	for _, command := range iccidCommands {
		reply, err := x.Command(command, p.Timeout)
		var result *at.ResultError
		if err != nil && !errors.As(err, &result) {
			return Card{}, fail(err, "the modem does not tell which SIM it has")
		}
		if err != nil {
			continue
		}
		for _, line := range reply.Lines {
			if iccid := parseICCID(line); iccid != "" {
				return Card{ICCID: iccid}, nil
			}
		}
	}
	reply, err := x.Command("AT+CGSN", p.Timeout)
	var result *at.ResultError
	if err != nil && !errors.As(err, &result) {
		return Card{}, fail(err, "the modem does not tell its serial number")
	}
	for _, line := range reply.Lines {
		if serial := digitsOf(line); len(serial) >= 14 && len(serial) <= 17 { // an IMEI or IMEISV (3GPP TS 23.003 section 6.2)
			return Card{Modem: serial}, nil
		}
	}
	return Card{Modem: p.Identity.Vendor + " " + p.Identity.Model}, nil
}

// parseICCID finds an ICCID in a line: 18 to 20 digits that begin with 89, telecommunication (ITU-T E.118). Many modems
// give it as it stands in EF_ICCID (ETSI TS 102 221 section 13.2): the digits of each octet
// swapped, the rest filled with F.
func parseICCID(line string) string {
	for word := range strings.FieldsFuncSeq(line, func(r rune) bool {
		return (r < '0' || r > '9') && (r|0x20 < 'a' || r|0x20 > 'f')
	}) {
		if len(word) < 18 || len(word) > 22 {
			continue
		}
		plain := strings.TrimRight(word, "Ff")
		if !strings.HasPrefix(plain, "89") {
			plain = strings.TrimRight(swapped(word), "Ff")
		}
		if strings.HasPrefix(plain, "89") && len(plain) >= 18 && digitsOf(plain) == plain {
			return plain
		}
	}
	return ""
}

// swapped swaps the two digits of each octet.
func swapped(s string) string {
	b := []byte(s)
	for i := 0; i+1 < len(b); i += 2 {
		b[i], b[i+1] = b[i+1], b[i]
	}
	return string(b)
}

// digitsOf gives the digits of a line whose letters are a label only.
func digitsOf(line string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, line)
}

// triesQuestion is a command that asks how many tries are left, and where in the answer the number for the PIN stands.
type triesQuestion struct {
	vendor          string // whose modems know it, as they name themselves, in lower case; "": everybody's
	command, prefix string
	field           int    // of the values behind the prefix
	name            string // what must stand in the field before it; "": anything
}

// triesQuestions are asked in this order until one is answered: the standard's (3GPP TS 27.007 section 8.65), and the
// vendors' own, of which a modem whose vendor is known is asked only its own.
var triesQuestions = []triesQuestion{
	{"", `AT+CPINR="SIM PIN"`, "+CPINR:", 1, "SIM PIN"},
	// ^CPIN: <state>,<tries for the code that is asked for>,<PUK tries>,<PIN tries>,<PUK2 tries>,<PIN2 tries>
	{"huawei", "AT^CPIN?", "^CPIN:", 3, ""},
	{"quectel", "AT+QPINC?", "+QPINC:", 1, "SC"},
	{"quectel", "AT+QTRPIN", "+QTRPIN:", 0, ""}, // of its 2G modules
	{"telit", "AT#PCT", "#PCT:", 0, ""},         // of the code that is asked for
	{"simcom", "AT+SPIC", "+SPIC:", 0, ""},
	{"cinterion", "AT^SPIC", "^SPIC:", 0, ""}, // of the code that is asked for
	{"u-blox", "AT+UPINCNT", "+UPINCNT:", 0, ""},
	{"zte", "AT+ZPINPUK=?", "+ZPINPUK:", 0, ""},
	{"ericsson", "AT*EPIN?", "*EPIN:", 0, ""},
	{"intel", "AT+XPINCNT", "+XPINCNT:", 0, ""},
	{"icera", "AT%PINNUM?", "%PINNUM:", 0, ""},
	{"option", "AT_OERCN?", "_OERCN:", 0, ""},
	{"alcatel", "AT+PNNM?", "+PNNM:", 0, ""},
}

// questionsFor gives the questions that a vendor's modem may answer: all where the vendor is none of the table.
func questionsFor(vendor string) []triesQuestion {
	vendor = strings.ToLower(vendor)
	knows := func(q triesQuestion) bool { return q.vendor != "" && strings.Contains(vendor, q.vendor) }
	if !slices.ContainsFunc(triesQuestions, knows) {
		return triesQuestions
	}
	return slices.DeleteFunc(slices.Clone(triesQuestions), func(q triesQuestion) bool { return q.vendor != "" && !knows(q) })
}

// maxTries is the largest count that is believed: a SIM counts its tries in four bits (ETSI TS 102 221 section 11.1.9).
const maxTries = 15

// pinTries asks how many tries are left; -1: the modem does not say.
func pinTries(x *at.Exchange, p Plan) int {
	for _, q := range questionsFor(p.Identity.Vendor) {
		reply, err := x.Command(q.command, p.Timeout)
		var result *at.ResultError
		if err != nil && !errors.As(err, &result) {
			return -1 // it has stopped answering: what follows says so
		}
		if err != nil {
			continue
		}
		for _, line := range reply.Lines {
			if n := q.tries(line); n >= 0 {
				return n
			}
		}
	}
	return -1
}

func (q triesQuestion) tries(line string) int {
	rest, ok := strings.CutPrefix(line, q.prefix)
	if !ok {
		return -1
	}
	f := fields(rest)
	if len(f) <= q.field || q.name != "" && f[q.field-1] != q.name {
		return -1
	}
	if n := number(f[q.field]); n <= maxTries {
		return n
	}
	return -1
}
