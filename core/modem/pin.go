package modem

import (
	"errors"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/at"
)

// This file is what keeps a SIM from being locked: which card it is, how many tries are left, and what is remembered of
// its PINs from one run to the next. Three wrong PINs lock a SIM (ETSI TS 102 221 section 9.5.1), and a service that
// restarts a dial has them spent in seconds.

// pinTriesFull is how many tries a SIM has at first; who made it may have given it more.
const pinTriesFull = 3

// Card says which SIM a PIN is for.
type Card struct {
	ICCID string // digits; "": the modem does not tell
	Modem string // where there is no ICCID: the modem's serial number, or else its make; it stands for whatever SIM is in it
}

// PINRecord is what is remembered of a PIN at a card.
type PINRecord struct {
	Refused bool // the card has refused this PIN
	// Sent says that this PIN was sent and that nothing is known of the outcome: the process, the modem or the power ended.
	Sent bool
	// TriesBefore is how many tries were left before it was sent; -1 where the modem did not tell.
	TriesBefore int
	// Wrong is how many tries were spent, or may have been, since the card has accepted a PIN.
	Wrong int
}

// PINOutcome is what became of a PIN that was sent.
type PINOutcome uint8

// The outcomes.
const (
	PINAccepted PINOutcome = iota
	PINRefused
	PINUnspent // the modem did not take it, and the number of tries is what it was
)

// PINMemory remembers, from one run to the next, what became of PINs. Its methods are called from inside the dialogue, and
// must not wait for anybody.
type PINMemory interface {
	// Recall gives what is remembered of a PIN at a card.
	Recall(c Card, pin string) PINRecord
	// Sending is called before the PIN is sent, for a machine that loses its power over it. tries is how many are left, -1
	// where the modem does not tell. The error is that it will not be remembered.
	Sending(c Card, pin string, tries int) error
	// Settle says what became of it. The error is that it will not be remembered.
	Settle(c Card, pin string, o PINOutcome) error
}

// iccidCommands ask for the SIM's ICCID, which may be read before the PIN was entered (ETSI TS 102 221
// section 13.2: always): the vendors' own, and EF_ICCID by the standard (3GPP TS 27.007 section 8.18).
var iccidCommands = []string{"AT+CCID", "AT+CRSM=176,12258,0,0,10", "AT+ICCID", "AT^ICCID?", "AT+QCCID", "AT#CCID", "AT+CCID?"}

// readCard finds out which SIM is there.
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

// maxTries bounds what is believed: a SIM counts its tries in four bits (ETSI TS 102 221 section 11.1.9).
const maxTries = 15

// pinTries asks how many tries are left; -1 where the modem does not tell.
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
