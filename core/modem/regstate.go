package modem

import (
	"strings"
)

// This file reads what modems answer to AT+CREG?, AT+CGREG?, AT+CEREG? and AT+C5GREG? (3GPP TS 27.007 sections 7.2, 10.1.20,
// 10.1.22 and 10.1.47), and their unsolicited codes. testdata/registration.txt lists the known forms.

// registrationState reads a reply "+CREG: n,stat[,…]". An unsolicited code "+CREG: stat[,…]" may come in its place, which shows
// that n is not 0. Both hold numbers and locations, which can be told apart only by their form: a state is a small decimal
// number; an area code is quoted, or hexadecimal, or longer. name is the command's, with its mark and a colon.
func registrationState(line, name string) (n, state int, ok bool) {
	head, value, ok := cutName(line)
	if !ok || !strings.EqualFold(head, strings.Trim(name, "+:")) {
		return 0, 0, false
	}
	f := parameters(value)
	first, ok := f[0].small()
	if !ok {
		return 0, 0, false
	}
	second, isState := -1, false
	if len(f) > 1 && first <= maxMode && !located(f) {
		second, isState = f[1].small()
		isState = isState && (knownState(second) || len(f) == 2) // an area never comes without a cell
	}
	if !isState {
		return 1, believed(first), true
	}
	return first, believed(second), true
}

// maxMode is the greatest <n> of the registration commands: a greater first number can only be a state.
const maxMode = 5

// uiccFailure is what Nordic's modems say where the SIM does not work.
const uiccFailure = 90

func knownState(state int) bool { return state >= 0 && state <= 11 || state == uiccFailure }

// believed gives unknown for an undefined state: the modem may be registered or not.
func believed(state int) int {
	if !knownState(state) {
		return unknown
	}
	return state
}

// located says whether the second parameter is an area code, and no state, by what stands around it.
func located(f []parameter) bool {
	second := f[1]
	if !second.quoted {
		// Iridium's numbers all have three digits; one such number behind a shorter one is an area code.
		return len(second.text) > 2 && len(second.text) != len(f[0].text)
	}
	// Quoted are area and cell; with three of them in a row the first is the state.
	return !f[0].quoted && len(f) > 2 && f[2].quoted && (len(f) < 4 || !f[3].quoted)
}

// parameter is one value of a line of information text.
type parameter struct {
	text   string
	quoted bool
}

// small reads a decimal number of at most three digits.
func (p parameter) small() (int, bool) {
	if len(p.text) == 0 || len(p.text) > 3 || strings.Trim(p.text, "0123456789") != "" {
		return 0, false
	}
	return number(p.text), true
}

// parameters cuts the values apart, whatever quotation marks they have.
func parameters(value string) []parameter {
	value = strings.NewReplacer("\u201c", `"`, "\u201d", `"`, "\u2033", `"`, "'", `"`).Replace(value)
	var list []parameter
	begin, quoted := 0, false
	for i := 0; i <= len(value); i++ {
		switch {
		case i == len(value), value[i] == ',' && !quoted:
			text := strings.TrimSpace(value[begin:i])
			list = append(list, parameter{strings.TrimSpace(strings.Trim(text, `"`)), strings.HasPrefix(text, `"`)})
			begin = i + 1
		case value[i] == '"':
			quoted = !quoted
		}
	}
	return list
}

// cutName cuts "+NAME: value" apart. The mark may be another one or missing, and so may the colon or the blank.
func cutName(line string) (name, value string, ok bool) {
	line = strings.TrimLeft(strings.TrimSpace(line), "+^*$%#")
	i := strings.IndexAny(line, ": =")
	if i < 0 {
		return "", "", false
	}
	return line[:i], strings.TrimLeft(line[i:], ": ="), true
}
