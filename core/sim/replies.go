package sim

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
)

// Numbers of mobile equipment errors (3GPP TS 27.007 section 9.2.1).
const (
	cmeNotAllowed    = 3
	cmeNotSupported  = 4
	cmeNoSIM         = 10
	cmePINRequired   = 11
	cmePUKRequired   = 12
	cmeWrongPassword = 16
	cmeNoService     = 30
	cmeWrongValue    = 50
)

// cme is an error as +CMEE says to write it (3GPP TS 27.007 section 9.1).
func (m *Modem) cme(n int) (lines []string, result string) {
	switch m.at.cmee {
	case 1:
		return nil, "+CME ERROR: " + strconv.Itoa(n)
	case 2:
		return nil, "+CME ERROR: " + v250.CMEWords(n)
	}
	return nil, "ERROR"
}

// run carries out one command. The result noResult says that the answer is on its way by itself.
func (m *Modem) run(now time.Time, c parsedCommand) (lines []string, result string) {
	for i := range commands {
		if commands[i].name == c.name {
			return commands[i].do(m, now, c)
		}
	}
	if c.name[0] == 'S' {
		if c.op == "?" {
			return []string{"000"}, "OK"
		}
		return nil, "OK"
	}
	return nil, "ERROR"
}

type commandFunc func(m *Modem, now time.Time, c parsedCommand) (lines []string, result string)

// commands are the built-in ones. Any other command that the scenario does not have answers ERROR.
var commands = [...]struct {
	name string
	do   commandFunc
}{
	{"A", refuseCall}, {"D", dial}, {"H", hook}, {"O", online},
	{"E", setEcho}, {"V", setVerbose}, {"Q", setQuiet},
	{"Z", resetAll}, {"&F", resetAll}, {"I", identify},
	{"B", accept}, {"L", accept}, {"M", accept}, {"N", accept}, {"P", accept}, {"T", accept}, {"X", accept},
	{"&C", accept}, {"&D", onDTR}, {"&K", accept}, {"&S", accept}, {"&V", accept}, {"&W", accept}, {"\\Q", accept},
	{"+CGMI", manufacturer}, {"+GMI", manufacturer}, {"+CGMM", model}, {"+GMM", model}, {"+CGMR", revision}, {"+GMR", revision},
	{"+CGSN", serial}, {"+GSN", serial}, {"+CIMI", subscriber}, {"+CRSM", simFile}, {"+GCAP", capabilities},
	{"+CSUB", subversion},
	{"+CMEE", errorForm}, {"+CFUN", functionality}, {"+CPIN", pin}, {"+CPINR", pinTries}, {"+CEER", cause},
	{"+CREG", registrationStatus}, {"+CGREG", registrationStatus}, {"+CEREG", registrationStatus},
	{"+COPS", operator}, {"+CSQ", signal},
	{"+CGDCONT", contexts}, {"+CGACT", activate}, {"+CGATT", attach}, {"+CGPADDR", address},
	{"+CGDATA", enterData},
	{"+CGAUTH", accept}, {"+FCLASS", accept}, {"+IFC", accept}, {"+CNMI", accept}, {"+CMGF", accept}, {"+CURC", accept}, {"^CURC", accept},
}

func accept(*Modem, time.Time, parsedCommand) ([]string, string) { return nil, "OK" }

func refuseCall(*Modem, time.Time, parsedCommand) ([]string, string) { return nil, "NO CARRIER" }

// onDTR sets what a drop of DTR does (V.250 section 6.2.9).
func onDTR(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	effect, ok := map[string]string{"": "ignore", "0": "ignore", "1": "command", "2": "hangup"}[c.arg]
	if !ok {
		return nil, "ERROR"
	}
	m.at.onDTR = effect
	return nil, "OK"
}

// enterData is the other way to begin a packet call (3GPP TS 27.007 section 10.1.12).
func enterData(m *Modem, now time.Time, c parsedCommand) ([]string, string) {
	switch c.op {
	case "=?":
		return []string{`+CGDATA: ("PPP")`}, "OK"
	case "=":
		return dial(m, now, c)
	}
	return nil, "ERROR"
}

func setEcho(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return setFlag(&m.at.echo, c, true)
}

func setVerbose(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return setFlag(&m.at.verbose, c, true)
}

func setQuiet(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return setFlag(&m.at.quiet, c, true)
}

func setFlag(flag *bool, c parsedCommand, one bool) ([]string, string) {
	switch c.arg {
	case "", "0":
		*flag = !one
	case "1":
		*flag = one
	default:
		return nil, "ERROR"
	}
	return nil, "OK"
}

func resetAll(m *Modem, now time.Time, _ parsedCommand) ([]string, string) {
	if m.call != nil {
		m.hangUp(now, false)
	}
	m.resetTerminal()
	return nil, "OK"
}

func identify(m *Modem, _ time.Time, _ parsedCommand) ([]string, string) {
	id := &m.scenario.Identity
	return []string{"Manufacturer: " + id.Manufacturer, "Model: " + id.Model, "Revision: " + id.Revision, "+GCAP: +CGSM,+DS,+ES"}, "OK"
}

func manufacturer(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return info(c, m.scenario.Identity.Manufacturer)
}

func model(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return info(c, m.scenario.Identity.Model)
}

func revision(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return info(c, m.scenario.Identity.Revision)
}

// serial and subscriber give numbers that belong to nobody: all zero, behind a network's code.
func serial(_ *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return info(c, "000000000000000")
}

func subscriber(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	if n := m.sim.problem(); n != 0 {
		return m.cme(n)
	}
	return info(c, (m.scenario.SIM.Network + "0000000000")[:15])
}

// simFile reads the one file of the card that it has: EF_AD with the length of the MNC (3GPP TS 31.102 section 4.2.18).
func simFile(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	if n := m.sim.problem(); n != 0 {
		return m.cme(n)
	}
	if n := m.scenario.SIM.MNCLength; n != 0 && c.op == "=" && strings.HasPrefix(c.arg, "176,28589,") {
		return []string{fmt.Sprintf(`+CRSM: 144,0,"000000%02X"`, n)}, "OK"
	}
	return m.cme(cmeNotAllowed)
}

// subversion answers what the stock chat scripts of Quectel and SIMCom ask for in one line with the rest.
func subversion(_ *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return info(c, "SubEdition: V01")
}

func capabilities(_ *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return info(c, "+GCAP: +CGSM,+DS,+ES")
}

func info(c parsedCommand, text string) ([]string, string) {
	switch c.op {
	case "":
		return []string{text}, "OK"
	case "=?":
		return nil, "OK"
	}
	return nil, "ERROR"
}

func errorForm(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	return m.small(c, "+CMEE", &m.at.cmee, 2)
}

func functionality(m *Modem, now time.Time, c parsedCommand) ([]string, string) {
	if c.op == "=" {
		c.arg, _, _ = strings.Cut(c.arg, ",")
		if n, err := strconv.Atoi(c.arg); err != nil || n != 0 && n != 1 && n != 4 {
			return m.cme(cmeWrongValue)
		}
	}
	before := m.at.function
	lines, result := m.small(c, "+CFUN", &m.at.function, 4)
	if before != 1 && m.at.function == 1 {
		m.happened(now, "radio")
	}
	return lines, result
}

// small reads, sets and tests a command whose only parameter is a number from 0 to high.
func (m *Modem) small(c parsedCommand, name string, v *int, high int) ([]string, string) {
	switch c.op {
	case "?":
		return []string{fmt.Sprintf("%s: %d", name, *v)}, "OK"
	case "=?":
		return []string{fmt.Sprintf("%s: (0-%d)", name, high)}, "OK"
	case "=":
		n, err := strconv.Atoi(strings.TrimSpace(c.arg))
		if err != nil || n < 0 || n > high {
			return m.cme(cmeWrongValue)
		}
		*v = n
		return nil, "OK"
	}
	return nil, "ERROR"
}

// simCard is the card's state (3GPP TS 27.007 section 8.3).
type simCard struct {
	state string
	pin   string
	full  int // tries after a right PIN
	tries int
}

// problem is the CME error of a command that needs the card; 0: none.
func (s *simCard) problem() int {
	return map[string]int{"none": cmeNoSIM, "pin": cmePINRequired, "puk": cmePUKRequired}[s.state]
}

func pin(m *Modem, now time.Time, c parsedCommand) ([]string, string) {
	switch c.op {
	case "?":
		if m.sim.state == "none" {
			return m.cme(cmeNoSIM)
		}
		return []string{"+CPIN: " + map[string]string{"ready": "READY", "pin": "SIM PIN", "puk": "SIM PUK"}[m.sim.state]}, "OK"
	case "=?":
		return nil, "OK"
	case "=":
		return enterPIN(m, now, strings.Trim(strings.TrimSpace(c.arg), `"`))
	}
	return nil, "ERROR"
}

func enterPIN(m *Modem, now time.Time, given string) ([]string, string) {
	switch m.sim.state {
	case "pin":
		if given == m.sim.pin {
			m.sim.state, m.sim.tries = "ready", m.sim.full
			m.happened(now, "pin")
			m.startRegistration(now)
			return nil, "OK"
		}
		m.sim.tries--
		if m.sim.tries > 0 {
			return m.cme(cmeWrongPassword)
		}
		m.sim.state = "puk"
		return m.cme(cmePUKRequired)
	case "puk": // no scenario has a PUK, so none is right
		return m.cme(cmeWrongPassword)
	case "none":
		return m.cme(cmeNoSIM)
	}
	return m.cme(cmeNotAllowed)
}

// pinTries says how many tries are left (3GPP TS 27.007 section 8.65). A PIN's own number is reset by the right one.
func pinTries(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	if m.sim.state == "none" {
		return m.cme(cmeNoSIM)
	}
	left := m.sim.tries
	if m.sim.state == "puk" {
		left = 0
	}
	lines := []string{fmt.Sprintf("+CPINR: SIM PIN,%d,%d", left, m.sim.full), "+CPINR: SIM PUK,10,10"}
	switch {
	case c.op == "":
		return lines, "OK"
	case c.op == "=" && strings.Contains(c.arg, "PIN"):
		return lines[:1], "OK"
	case c.op == "=" && strings.Contains(c.arg, "PUK"):
		return lines[1:], "OK"
	}
	return m.cme(cmeWrongValue)
}

// cause says why the last dial failed (3GPP TS 27.007 section 6.10), where the scenario has a reason.
func cause(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	if m.scenario.Dial.Cause == "" {
		return nil, "ERROR"
	}
	return info(c, "+CEER: "+m.scenario.Dial.Cause)
}

// registrationNumbers are the values of <stat> (3GPP TS 27.007 section 10.1.20).
var registrationNumbers = map[string]int{"none": 0, "home": 1, "searching": 2, "denied": 3, "unknown": 4, "roaming": 5}

func (m *Modem) registered() bool {
	return m.at.function == 1 && (m.registration == "home" || m.registration == "roaming")
}

// startRegistration begins the registration's own time: at power-on or when the SIM was unlocked.
func (m *Modem) startRegistration(now time.Time) {
	if m.sim.state != "ready" {
		m.registration = "none"
		return
	}
	r := &m.scenario.Registration
	m.setRegistration(now, r.State)
	if r.Attach == "auto" && r.AttachAfter > 0 {
		m.agenda.add(task{at: now.Add(time.Duration(r.AttachAfter)), run: func(time.Time) { m.at.attached = true }})
	}
	for _, step := range r.Then {
		m.agenda.add(task{at: now.Add(time.Duration(step.After)), run: func(now time.Time) {
			m.setRegistration(now, step.State)
		}})
	}
}

func (m *Modem) setRegistration(now time.Time, state string) {
	if state == m.registration {
		return
	}
	m.registration = state
	for _, name := range []string{"+CREG", "+CGREG", "+CEREG"} {
		if n := m.at.reports[name]; n > 0 {
			m.unsolicited(now, name+": "+m.registrationText(n))
		}
	}
}

// registrationText is the state with, for n of 2 and a state that has a cell, the area and the cell. Both are made up.
func (m *Modem) registrationText(n int) string {
	if m.at.function != 1 {
		return "0" // the radio is off: it does not search either (3GPP TS 27.007 section 7.2)
	}
	s := strconv.Itoa(registrationNumbers[m.registration])
	if m.at.function != 1 { // no radio, no network
		s = "0"
	}
	if n == 2 && m.registered() {
		s += `,"0001","00000001"`
	}
	return s
}

func registrationStatus(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	n := m.at.reports[c.name]
	if c.op == "?" {
		return []string{fmt.Sprintf("%s: %d,%s", c.name, n, m.registrationText(n))}, "OK"
	}
	lines, result := m.small(c, c.name, &n, 2)
	m.at.reports[c.name] = n
	return lines, result
}

func operator(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	if n := m.sim.problem(); n != 0 {
		return m.cme(n)
	}
	switch {
	case c.op == "?" && m.registered():
		return []string{fmt.Sprintf(`+COPS: 0,0,"%s",2`, m.scenario.Registration.Operator)}, "OK"
	case c.op == "?":
		return []string{"+COPS: 0"}, "OK"
	case c.op == "=?":
		return []string{fmt.Sprintf(`+COPS: (2,"%s","","00101",2),,(0-4),(0-2)`, m.scenario.Registration.Operator)}, "OK"
	case c.op == "=":
		return nil, "OK"
	}
	return nil, "ERROR"
}

func signal(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	if c.op == "=?" {
		return []string{"+CSQ: (0-31,99),(0-7,99)"}, "OK"
	}
	return info(c, fmt.Sprintf("+CSQ: %d,99", m.scenario.Registration.Signal))
}

// nonIP is the PDP type that carries no IP (3GPP TS 27.007 section 10.1.1 has it as Non-IP; firmware writes it so).
const nonIP = `"NONIP"`

func contexts(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	switch c.op {
	case "?":
		var lines []string
		for _, cid := range slices.Sorted(maps.Keys(m.at.contexts)) {
			lines = append(lines, "+CGDCONT: "+m.at.contexts[cid])
		}
		return lines, "OK"
	case "=?":
		return []string{fmt.Sprintf(`+CGDCONT: (1-%d),"IP",,,(0),(0)`, maxContexts)}, "OK"
	case "=":
		first, rest, defined := strings.Cut(c.arg, ",")
		cid, err := strconv.Atoi(strings.TrimSpace(first))
		if err != nil || cid < 1 || cid > maxContexts {
			return m.cme(cmeWrongValue)
		}
		if !defined { // only the number: undefine it
			delete(m.at.contexts, cid)
			return nil, "OK"
		}
		m.at.defined++
		if _, more, ok := strings.Cut(rest, ","); ok && m.at.defined <= m.scenario.AT.NonIP {
			rest = nonIP + "," + more
		}
		m.at.contexts[cid] = fmt.Sprintf("%d,%s", cid, rest)
		return nil, "OK"
	}
	return nil, "ERROR"
}

func activate(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	switch c.op {
	case "?":
		var lines []string
		for _, cid := range slices.Sorted(maps.Keys(m.at.contexts)) {
			lines = append(lines, fmt.Sprintf("+CGACT: %d,%d", cid, btoi(m.at.active[cid])))
		}
		return lines, "OK"
	case "=?":
		return []string{"+CGACT: (0,1)"}, "OK"
	case "=":
		state, list, _ := strings.Cut(c.arg, ",")
		if state != "0" && state != "1" {
			return m.cme(cmeWrongValue)
		}
		if state == "1" && !m.registered() {
			return m.cme(cmeNoService)
		}
		for _, s := range strings.Split(list, ",") {
			if cid, err := strconv.Atoi(strings.TrimSpace(s)); err == nil && cid >= 1 && cid <= maxContexts {
				m.at.active[cid] = state == "1"
			}
		}
		return nil, "OK"
	}
	return nil, "ERROR"
}

func attach(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	switch c.op {
	case "?":
		return []string{fmt.Sprintf("+CGATT: %d", btoi(m.at.attached && m.registered()))}, "OK"
	case "=?":
		return []string{"+CGATT: (0,1)"}, "OK"
	case "=":
		if c.arg == "1" && !m.registered() {
			return m.cme(cmeNoService)
		}
		if c.arg != "0" && c.arg != "1" {
			return m.cme(cmeWrongValue)
		}
		m.at.detached = m.at.attached && c.arg == "0"
		m.at.attached = c.arg == "1"
		return nil, "OK"
	}
	return nil, "ERROR"
}

func address(m *Modem, _ time.Time, c parsedCommand) ([]string, string) {
	if c.op == "=?" {
		return []string{"+CGPADDR: (1)"}, "OK"
	}
	a := "0.0.0.0"
	if m.call != nil && m.call.networkUp {
		a = m.scenario.IPCP.Peer.String()
	}
	return []string{"+CGPADDR: 1," + a}, "OK"
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
