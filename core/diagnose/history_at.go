package diagnose

import (
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
)

// atHistory is what the AT dialogue has shown.
type atHistory struct {
	sent, rcvd int
	echoes     int    // commands that came back as an echo only
	others     int    // commands that differ from the one before them
	command    string // the last command that was sent
	refused    bool   // the last command was answered with an error
	answered   bool   // something other than the echo came back

	dial   string    // the dial command, "" if none was sent
	result string    // the modem's answer to the dial command; "": none yet
	dialAt event.Pos // the place of the dial command

	noContext clue // an error to the command that activates the context
	boot      clue // a sign that the modem has just started

	pin      string // the last state of +CPIN, for example "SIM PIN"
	pinSent  bool
	pinError string // the modem's answer, if it refused the PIN
	cme      int    // number of the last +CME ERROR; 0: none, or the error came in words
	cmeTo    string // the command that it answered
	cmeLine  clue   // the last error line with its command
	sim      int    // the last +CME ERROR's number that is of the SIM, until the modem says that the SIM is ready or that it is registered
	simLine  clue   // its line with its command

	state   event.Registration // the last Registration event
	reg     map[string]int     // the last state by +CREG, +CGREG and +CEREG
	packets bool               // +CGATT says that it is attached for packet services
	regLine clue
	csq     string // the last +CSQ line
	csqAt   event.Pos
}

// maxATLine is the most octets that are kept of one line.
const maxATLine = 200

// record takes a line of the dialogue. It says whether the modem has answered something; the echo of a command does not count.
func (a *atHistory) record(e event.AT, here event.Pos) (says bool) {
	text := strings.TrimSpace(e.Text)
	if text == "" {
		return false
	}
	if len(text) > maxATLine {
		text = text[:maxATLine]
	}
	upper := strings.ToUpper(text)
	if e.Dir == event.Sent {
		a.sent++
		if text != a.command {
			a.others++
		}
		a.command, a.answered, a.refused = text, false, false
		switch {
		case v250.Dials(text):
			a.dial, a.result, a.dialAt = text, "", here
		case strings.HasPrefix(upper, "AT+CPIN="):
			a.pinSent, a.pinError = true, ""
		}
		return false
	}
	if upper == strings.ToUpper(a.command) { // the echo shows only that something is there
		a.echoes++
		return false
	}
	a.rcvd++
	a.answered = true
	final := strings.HasPrefix(upper, "+CME ERROR") || strings.HasPrefix(upper, "+CMS ERROR") || upper == "ERROR"
	if final {
		a.refused = true
		a.fail(text, here)
	}
	switch {
	case a.dial != "" && a.command == a.dial && a.result == "" && (final || isDialResult(upper)):
		a.result, a.dialAt = text, here
	case isBoot(upper):
		a.boot = clue{pos: here, text: text}
	case strings.HasPrefix(upper, "+CPIN:"):
		a.pin = strings.TrimSpace(upper[len("+CPIN:"):])
		if a.pin == "READY" {
			a.simWorks()
			if isOfSIM(a.cme) {
				a.cme, a.cmeLine = 0, clue{}
			}
		}
	case strings.HasPrefix(upper, "+CREG:"), strings.HasPrefix(upper, "+CGREG:"), strings.HasPrefix(upper, "+CEREG:"):
		a.registration(text, here)
	case strings.HasPrefix(upper, "+CGATT:"):
		a.packets = strings.TrimSpace(upper[len("+CGATT:"):]) == "1"
	case upper == "OK" && a.cme == cmeSIMBusy && a.command == a.cmeTo:
		a.simWorks()
		a.cme, a.cmeLine = 0, clue{}
	case strings.HasPrefix(upper, "+COPS:") && !strings.Contains(upper, ","): // 27.007 section 7.3: no operator is selected
		a.registration("+COPS: 0", here)
	case strings.HasPrefix(upper, "+COPS:"):
		delete(a.reg, "+COPS")
	case strings.HasPrefix(upper, "+CSQ:"):
		a.csq, a.csqAt = text, here
	case strings.EqualFold(a.command, "AT+CSQ") && strings.HasPrefix(upper, "99"): // some modems leave out the name
		a.csq, a.csqAt = "+CSQ: "+text, here
	case upper == "OK" && strings.HasPrefix(strings.ToUpper(a.command), "AT+CPIN="):
		a.pin = "READY"
		a.simWorks()
	}
	return true
}

// isOfSIM says whether a +CME ERROR's number is one of the SIM (3GPP TS 27.007 section 9.2.1).
func isOfSIM(n int) bool { return n >= 10 && n <= 18 }

// simWorks takes back what the modem said of a SIM that it did not find or could not open yet.
func (a *atHistory) simWorks() { a.sim, a.simLine = 0, clue{} }

// isBoot says whether a line is one that modems send on their own while they start.
func isBoot(upper string) bool {
	for _, b := range []string{"^BOOT:", "^SIMST:", "^SYSSTART", "+PBREADY", "+SIND:", "^SRVST:0", "^SRVST: 0", "*EMRDY", "+SYSSTART", "RDY"} {
		if strings.HasPrefix(upper, b) {
			return true
		}
	}
	return false
}

// isDialResult says whether a line ends a dial command (3GPP TS 27.007 section 6.20, V.250 section 6.3.1).
func isDialResult(upper string) bool {
	r, _ := v250.ParseFinal(upper)
	return r.OfCall()
}

func (a *atHistory) fail(text string, here event.Pos) {
	line := clue{pos: here, text: a.command + " → " + text}
	r, n := v250.ParseFinal(text)
	switch {
	case r == v250.CME:
		a.cme, a.cmeTo, a.cmeLine = max(n, 0), a.command, line
		if isOfSIM(n) {
			a.sim, a.simLine = n, line
		}
	case !isOfSIM(a.cme): // an earlier error about the SIM stays valid when the next command gets an error without a number
		a.cme, a.cmeLine = 0, line
	}
	if strings.HasPrefix(strings.ToUpper(a.command), "AT+CGACT=1") {
		a.noContext = line
	}
	if strings.HasPrefix(strings.ToUpper(a.command), "AT+CPIN=") {
		a.pinError = text
	}
}

// registration reads the state from "+CREG: <n>,<stat>…" or, unasked, "+CREG: <stat>…" (3GPP TS 27.007 section 10.1.20).
func (a *atHistory) registration(text string, here event.Pos) {
	name, rest, _ := strings.Cut(text, ":")
	fields := strings.Split(rest, ",")
	if len(fields) == 1 { // Zephyr's log has blanks where it has split a line
		fields = strings.Fields(rest)
	}
	if len(fields) == 0 {
		return
	}
	stat := fields[0]
	if len(fields) > 1 && !strings.Contains(fields[1], `"`) {
		stat = fields[1]
	}
	n, err := strconv.Atoi(strings.TrimSpace(stat))
	if err != nil {
		return
	}
	name = strings.ToUpper(strings.TrimSpace(name))
	if a.reg == nil {
		a.reg = map[string]int{}
	}
	if len(a.reg) < 4 || a.reg[name] != 0 {
		a.reg[name] = n
	}
	a.regLine = clue{pos: here, text: text[:min(len(text), 60)]}
	if n == 1 || n == 5 {
		a.simWorks() // without a SIM nobody is registered
	}
}

// Numbers of +CME ERROR that are asked for by what they mean (3GPP TS 27.007 section 9.2).
const (
	cmeSIMBusy    = 14
	cmeWrongPIN   = 16
	cmeNoNetwork  = 30
	cmePUKNeeded  = 12
	cmeSIMPINWant = 11
)

// registered is what is known about the registration.
type registered int

const (
	regUnknown registered = iota
	regYes
	regNo
	regDenied
)

func (a *atHistory) registered() registered {
	switch a.state.State {
	case "home", "roaming":
		return regYes
	case "denied":
		return regDenied
	case "searching", "not searching", "unknown":
		return regNo
	}
	known := regUnknown
	for _, n := range a.reg { // one yes is enough: an LTE modem may not be registered for circuit-switched services
		switch n {
		case 1, 5, 6, 7, 9, 10:
			return regYes
		case 3:
			known = regDenied
		case 0, 2, 4:
			known = max(known, regNo)
		}
	}
	switch {
	case a.packets: // attached for packets is registered for them (3GPP TS 27.007 section 10.1.9)
		return regYes
	case known == regUnknown && a.cme == cmeNoNetwork:
		return regNo
	}
	return known
}

// deniedForCalls says that the network was only heard to refuse the SIM for circuit-switched services, which +CREG tells of: it may
// still carry packets (3GPP TS 27.007 section 7.2).
func (a *atHistory) deniedForCalls() bool {
	return a.state.State == "" && a.reg["+CREG"] == 3 && a.reg["+CGREG"] != 3 && a.reg["+CEREG"] != 3 && a.reg["+C5GREG"] != 3
}

// registrationText gives the evidence for the state of registration.
func (a *atHistory) registrationText() []clue {
	var out []clue
	switch {
	case a.state.State != "":
		out = append(out, count("registration: %s", a.state.State))
	case a.regLine.seen():
		out = append(out, a.regLine)
	}
	if a.noSignal() {
		out = append(out, clue{pos: a.csqAt, text: a.csq + " (no signal)"})
	}
	return out
}

// noSignal says whether +CSQ reported that there is no signal (99).
func (a *atHistory) noSignal() bool {
	_, v, _ := strings.Cut(a.csq, ":")
	return strings.HasPrefix(strings.TrimSpace(v), "99")
}
