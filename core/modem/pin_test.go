package modem

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
)

// triesAsked are all the questions for the number of tries, as commands on one line.
func triesAsked() string {
	var list []string
	for _, q := range triesQuestions {
		list = append(list, q.command)
	}
	return strings.Join(list, "|")
}

// notes is a PINMemory in memory.
type notes struct {
	cards    []Card
	record   PINRecord // what it knows at first
	settled  []PINOutcome
	sending  []int
	failing  error
	recalled []string
}

func (n *notes) Recall(c Card, pin string) PINRecord {
	n.cards, n.recalled = append(n.cards, c), append(n.recalled, pin)
	return n.record
}

func (n *notes) Sending(c Card, pin string, tries int) error {
	n.sending = append(n.sending, tries)
	return n.failing
}

func (n *notes) Settle(c Card, pin string, o PINOutcome) error {
	n.settled = append(n.settled, o)
	return n.failing
}

const okay = "OK\r\n"

// What is remembered of a PIN decides whether it is sent, and what becomes of it is remembered.
func TestPINMemory(t *testing.T) {
	const iccid = "8999901234567890123"
	right := []string{"AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n||+CPIN: READY\r\nOK\r\n", `AT+CPIN="1234"`, okay}
	wrong := []string{"AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n", `AT+CPIN="1234"`, "+CME ERROR: 16\r\n"}
	card := []string{"AT+CCID", "+CCID: \"" + iccid + "\"\r\nOK\r\n"}
	tries := func(numbers ...int) []string {
		var all []string
		for _, n := range numbers {
			all = append(all, fmt.Sprintf("+CPINR: SIM PIN,%d,3\r\nOK\r\n", n))
		}
		return []string{`AT+CPINR="SIM PIN"`, strings.Join(all, "||")}
	}
	fresh := PINRecord{TriesBefore: -1}
	for _, c := range []struct {
		name    string
		record  PINRecord
		change  func(*Plan)
		answers [][]string
		sent    bool
		settled []PINOutcome
		fails   string // "": the dialogue goes on
	}{
		{"the right one", fresh, nil, [][]string{right, card, tries(3)}, true, []PINOutcome{PINAccepted}, ""},
		{"a wrong one", fresh, nil, [][]string{wrong, card, tries(3, 2)}, true, []PINOutcome{PINRefused}, "2 tries are left"},
		{"a wrong one, and the modem does not count", fresh, nil, [][]string{wrong, card}, true, []PINOutcome{PINRefused}, "the SIM refused the PIN"},
		{"an error that cost no try", fresh, nil, [][]string{wrong, card, tries(3, 3)}, true, []PINOutcome{PINUnspent}, "3 tries are left"},
		{"the SIM is blocked by it", fresh, nil, [][]string{{"AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n", `AT+CPIN="1234"`, "+CME ERROR: 12\r\n"}, card, tries(2)},
			true, []PINOutcome{PINRefused}, "wants its PUK"},
		{"no answer after it: nothing is known", fresh, nil, [][]string{{"AT+CPIN?", "+CPIN: SIM PIN\r\nOK\r\n||", `AT+CPIN="1234"`, ""}, card, tries(3)}, true, nil, ""},
		{"refused before", PINRecord{Refused: true, TriesBefore: -1, Wrong: 1}, nil, [][]string{right, card, tries(2)}, false, nil, "has refused this one before"},
		{"refused before, and told to send it", PINRecord{Refused: true, TriesBefore: -1, Wrong: 1}, func(p *Plan) { p.PINAgain = true },
			[][]string{right, card, tries(2)}, true, []PINOutcome{PINAccepted}, ""},
		{"the last try", fresh, nil, [][]string{right, card, tries(1)}, false, nil, "1 try is left"},
		{"the last try, and told to spend it", fresh, func(p *Plan) { p.PINLastTry = true }, [][]string{right, card, tries(1)}, true, []PINOutcome{PINAccepted}, ""},
		{"--pin-again does not spend the last try", PINRecord{Refused: true, TriesBefore: -1, Wrong: 2}, func(p *Plan) { p.PINAgain = true },
			[][]string{right, card, tries(1)}, false, nil, "1 try is left"},
		{"no try, whatever was told", fresh, func(p *Plan) { p.PINLastTry, p.PINAgain = true, true }, [][]string{right, card, tries(0)}, false, nil, "0 tries are left"},
		{"two were wrong, and the modem does not count", PINRecord{TriesBefore: -1, Wrong: 2}, nil, [][]string{right, card}, false, nil, "perhaps 1 try is left"},
		{"two were wrong, the modem counts: somebody has entered the right one since", PINRecord{TriesBefore: -1, Wrong: 2}, nil, [][]string{right, card, tries(3)},
			true, []PINOutcome{PINAccepted}, ""},
		{"the power failed while it was sent, and it cost a try", PINRecord{Sent: true, TriesBefore: 3, Wrong: 1}, nil, [][]string{right, card, tries(2)},
			false, []PINOutcome{PINRefused}, "has refused this one before"},
		{"the power failed while it was sent, and it cost none", PINRecord{Sent: true, TriesBefore: 3, Wrong: 1}, nil, [][]string{right, card, tries(3)},
			true, []PINOutcome{PINAccepted}, ""},
		{"the power failed while it was sent, and the modem does not count", PINRecord{Sent: true, TriesBefore: -1, Wrong: 1}, nil, [][]string{right, card},
			true, []PINOutcome{PINAccepted}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fake{answers: map[string][]string{"ATE0": {okay}, "AT+CEREG?": {"+CEREG: 0,1\r\nOK\r\n"}, "ATD*99***1#": {"CONNECT\r\n"}}}
			for _, list := range c.answers {
				for i := 0; i < len(list); i += 2 {
					f.answers[list[i]] = strings.Split(list[i+1], "||")
				}
			}
			plan := Defaults()
			n := &notes{record: c.record}
			plan.PIN, plan.PINs = "1234", n
			if c.change != nil {
				c.change(&plan)
			}
			o := f.run(t, Prepare(plan, nil))
			sent := slices.Contains(o.sent, `AT+CPIN="1234"`)
			if sent != c.sent || sent && len(n.sending) != 1 {
				t.Errorf("sent: %v, told before: %v; all of it: %q", sent, n.sending, o.sent)
			}
			if !slices.Equal(n.settled, c.settled) {
				t.Errorf("remembered %v, want %v", n.settled, c.settled)
			}
			if !slices.Equal(n.cards, []Card{{ICCID: iccid}}) || !slices.Equal(n.recalled, []string{"1234"}) {
				t.Errorf("asked for %v and %q", n.cards, n.recalled)
			}
			if (o.err == nil) != (c.fails == "") || o.err != nil && !strings.Contains(o.err.Error(), c.fails) {
				t.Errorf("%v; want %q", o.err, c.fails)
			}
			for _, e := range o.events {
				if text := fmt.Sprintf("%+v", e); strings.Contains(text, iccid) || strings.Contains(text, "1234") {
					t.Errorf("an event gives it away: %s", text)
				}
			}
		})
	}
}

// A memory that takes nothing is said so, and is no reason not to dial.
func TestPINMemoryThatFails(t *testing.T) {
	f := &fake{answers: map[string][]string{"ATE0": {okay}, "AT+CPIN?": {"+CPIN: SIM PIN\r\nOK\r\n", "+CPIN: READY\r\nOK\r\n"}, `AT+CPIN="1234"`: {okay},
		"AT+CEREG?": {"+CEREG: 0,1\r\nOK\r\n"}}}
	plan := Defaults()
	plan.PIN, plan.PINs = "1234", &notes{failing: errors.New("no room")}
	o := f.run(t, Prepare(plan, nil))
	told := slices.ContainsFunc(o.events, func(e event.Event) bool {
		n, ok := e.(event.Notice)
		return ok && n.Level == "warning" && strings.Contains(n.Text, "no room")
	})
	if o.err != nil || !told {
		t.Errorf("%v, told: %v", o.err, told)
	}
}

// Which card it is, by the commands that modems know (the numbers are made up).
func TestCard(t *testing.T) {
	const iccid = "8999901234567890123"
	for _, c := range []struct {
		command, answer string
		want            Card
	}{
		{"AT+CCID", "+CCID: \"" + iccid + "\"", Card{ICCID: iccid}},
		{"AT+CCID", iccid + "F", Card{ICCID: iccid}},
		{"AT+CRSM=176,12258,0,0,10", `+CRSM: 144,0,"989909214365870921F3"`, Card{ICCID: iccid}},
		{"AT^ICCID?", "^ICCID: 989909214365870921F3", Card{ICCID: iccid}},
		{"AT+ICCID", "+ICCID: " + iccid, Card{ICCID: iccid}},
		{"AT#CCID", "#CCID: " + iccid, Card{ICCID: iccid}},
		{"AT+CGSN", "990000001234567", Card{Modem: "990000001234567"}},
		{"AT+CGSN", `+CGSN: "990000001234567"`, Card{Modem: "990000001234567"}},
		{"AT+CRSM=176,12258,0,0,10", "+CRSM: 105,130,\"\"", Card{Modem: "Acme E1"}},
		{"AT+CCID", "+CCID: FFFFFFFFFFFFFFFFFFFF", Card{Modem: "Acme E1"}},
	} {
		n := &notes{record: PINRecord{TriesBefore: -1}}
		plan := Defaults()
		plan.PIN, plan.PINs, plan.Identity = "1234", n, Identity{Vendor: "Acme", Model: "E1"}
		f := &fake{answers: map[string][]string{"ATE0": {okay}, "AT+CPIN?": {"+CPIN: SIM PIN\r\nOK\r\n"}, c.command: {c.answer + "\r\nOK\r\n"}}}
		o := f.run(t, Prepare(plan, nil))
		if !slices.Equal(n.cards, []Card{c.want}) {
			t.Errorf("%s %s: %v, want %v", c.command, c.answer, n.cards, c.want)
		}
		for _, e := range o.events {
			if text := fmt.Sprintf("%+v", e); strings.Contains(text, iccid) || strings.Contains(text, "990000001234567") || strings.Contains(text, "989909214365870921") {
				t.Errorf("%s: an event gives it away: %s", c.command, text)
			}
		}
	}
}

func TestTriesQuestions(t *testing.T) {
	for _, c := range []struct {
		vendor, command, answer string
		want                    int
		asked                   int // how many questions
	}{
		{"", `AT+CPINR="SIM PIN"`, "+CPINR: SIM PIN,2,3", 2, 1},
		{"", "AT+SPIC", "+SPIC: 1,10,3,10", 1, 6},
		{"Quectel", "AT+QPINC?", "+QPINC: \"SC\",2,10", 2, 2},
		{"Quectel", "AT+QPINC?", "+QPINC: \"P2\",2,10", -1, 3},
		{"SIMCOM INCORPORATED", "AT+SPIC", "+SPIC: 3,10,3,10", 3, 2},
		{"Telit", "AT#PCT", "#PCT: 3", 3, 2},
		{"Cinterion", "AT^SPIC", "^SPIC: 2", 2, 2},
		{"u-blox", "AT+UPINCNT", "+UPINCNT: 3,3,10,10", 3, 2},
		{"huawei", "AT^CPIN?", "^CPIN: SIM PIN,3,10,3,10,3", 3, 2},
		{"huawei", "AT^CPIN?", "^CPIN: READY,,10,3,10,3", 3, 2},
		{"ZTE CORPORATION", "AT+ZPINPUK=?", "+ZPINPUK: 3,10", 3, 2},
		{"Telit", "AT#PCT", "#PCT: 3333", -1, 2},
		{"Telit", "AT#PCT", "#PCT: -3", -1, 2},
	} {
		plan := Defaults()
		plan.PIN, plan.Identity = "1234", Identity{Vendor: c.vendor}
		f := &fake{answers: map[string][]string{"ATE0": {okay}, "AT+CPIN?": {"+CPIN: SIM PIN\r\nOK\r\n"}, c.command: {c.answer + "\r\nOK\r\n"}}}
		o := f.run(t, Prepare(plan, nil))
		var refused *PINRefusedError
		if !errors.As(o.err, &refused) || refused.Remaining != c.want {
			t.Errorf("%s %s: %v, want %d", c.vendor, c.answer, o.err, c.want)
		}
		first := slices.Index(o.sent, `AT+CPINR="SIM PIN"`)
		asked := 1
		for asked < len(o.sent)-first && !strings.HasPrefix(o.sent[first+asked], "AT+CPIN") {
			asked++
		}
		if asked != c.asked {
			t.Errorf("%s: %d questions, want %d: %q", c.vendor, asked, c.asked, o.sent)
		}
	}
}
