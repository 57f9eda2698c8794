package quirks

import (
	"errors"
	"fmt"
	"strings"
)

// refused are AT commands that a profile must not send, because they can lock the modem or the SIM, cost money, or change the
// modem for good. Each entry stands for all commands that begin with it. Those that are always refused may be in no file, not even
// with may_harm: a PIN, for example, is given with --pin, which sends it once.
var refused = []struct {
	prefix, why string
	always      bool
}{
	{"D", "it dials; the number belongs in dial.number", true},

	{"+CPIN", "it spends a PIN try (3GPP TS 27.007 section 8.3)", true},
	{"+CLCK", "it locks the SIM or the modem (3GPP TS 27.007 section 7.4)", true},
	{"+CPWD", "it changes a password or spends a try (3GPP TS 27.007 section 7.5)", true},
	{"+CSIM", "it talks to the SIM itself and can spend a PIN try (3GPP TS 27.007 section 8.17)", true},
	{"+CRSM", "it can write to the SIM (3GPP TS 27.007 section 8.18)", true},
	{"+CGLA", "it talks to the SIM itself and can spend a PIN try (3GPP TS 27.007 section 8.43)", true},
	{"+CAMM", "it spends a PIN2 try (3GPP TS 27.007 section 8.6)", true},
	{"^CPIN", "it spends a PIN try", true},
	{"^CARDLOCK", "it spends a try at the modem's own lock", true},

	{"+CCFC", "it forwards calls (3GPP TS 27.007 section 7.11)", false},
	{"+CTFR", "it deflects calls (3GPP TS 27.007 section 7.14)", false},
	{"+CUSD", "it can order and bill (3GPP TS 27.007 section 7.15)", false},
	{"+CMGS", "it sends an SMS (3GPP TS 27.005 section 3.5.1)", false},
	{"+CMSS", "it sends an SMS (3GPP TS 27.005 section 3.5.2)", false},
	{"+CMGW", "it writes an SMS (3GPP TS 27.005 section 3.5.3)", false},
	{"+CMGD", "it deletes messages (3GPP TS 27.005 section 3.5.4)", false},
	{"+CMGC", "it sends an SMS command (3GPP TS 27.005 section 3.5.5)", false},
	{"+CPBW", "it writes to the SIM's telephone book (3GPP TS 27.007 section 8.14)", false},

	{"&W", "it writes the settings of today into the modem's memory (ITU-T V.250 leaves it to vendors)", false},
	{"+EGMR", "it can write the IMEI", false},
	{"+SIMEI", "it can write the IMEI", false},
	{"^NVWR", "it writes the modem's permanent memory", false},
	{"+QNVW", "it writes the modem's permanent memory", false},
	{"+QNVFW", "it writes the modem's permanent memory", false},
	{"!ENTERCND", "it opens commands that change the modem for good", false},
	{"^SETPORT", "it changes the modem's USB interfaces for good, and the wrong ones cannot be taken back", false},
	{"^U2DIAG", "it changes the modem's USB interfaces for good", false},
	{"!USBCOMP", "it changes the modem's USB interfaces for good", false},
	{"!UDUSBCOMP", "it changes the modem's USB interfaces for good", false},
	{"+ZCDRUN", "it changes the modem's USB interfaces for good", false},

	{"+UFWUPD", "it replaces the firmware", false},
	{"+UFWINSTALL", "it replaces the firmware", false},
	{"^SFDL", "it replaces the firmware", false},
	{"^GODLOAD", "it starts the firmware loader", false},
	{"+QFOTADL", "it replaces the firmware", false},
	{"+QFASTBOOT", "it starts the firmware loader", false},
	{"+QDOWNLOAD", "it starts the firmware loader", false},
	{"!BOOTHOLD", "it starts the firmware loader", false},

	{"+UFACTORY", "it resets the modem to the state in which it left the factory", false},
	{"+QPRTPARA", "it resets the modem to the state in which it left the factory", false},
	{"!RMARESET", "it resets the modem to the state in which it left the factory", false},
}

// refusedError says that an AT command is on the list. mayHarm says that the user's own file may send it anyway.
type refusedError struct {
	command, why string
	mayHarm      bool
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%q is refused: %s", e.command, e.why)
}

// checkCommand holds an AT command of a profile to one line, one command, none of the refused ones. dials says that it is
// the one that may dial, and to which the number is appended.
func checkCommand(s string, dials bool) error {
	if err := oneLine(s); err != nil {
		return err
	}
	up := strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	body, ok := strings.CutPrefix(up, "AT")
	if !ok {
		return fmt.Errorf("%q is not an AT command: it must begin with AT", s)
	}
	if strings.Contains(s, ";") {
		return fmt.Errorf("%q holds several commands; write one command for each element", s)
	}
	// A blank behind = or ? may be a parameter to a modem that does not leave blanks out: AT+CPIN= ? tries a PIN there.
	asks := true
	if i := strings.IndexAny(s, "=?"); i >= 0 {
		asks = !strings.Contains(s[i:], " ")
	}
	// Basic commands may stand before another one without anything between (ITU-T V.250 section 5.2.4).
	last := ""
	for body != "" {
		part, rest := basicCommand(body)
		for _, r := range refused {
			if strings.HasPrefix(part, r.prefix) && !(asks && reads(part)) && !(dials && r.prefix == "D") {
				return &refusedError{command: s, why: r.why, mayHarm: !r.always}
			}
		}
		last, body = part, rest
	}
	if dials && !strings.HasPrefix(last, "D") && !strings.Contains(last, "=") {
		return errors.New("it must end in D or in parameters, so that what is appended can only be a number")
	}
	return nil
}

// basicCommand takes the first command off a line in upper case: a letter, or & or \ and a letter, with digits; S with its
// assignment. D and commands of other forms reach to the end of the line.
func basicCommand(s string) (part, rest string) {
	letter := func(i int) bool { return i < len(s) && s[i] >= 'A' && s[i] <= 'Z' }
	i := 0
	if s[0] == '&' || s[0] == '\\' {
		i++
	}
	if !letter(i) || s[i] == 'D' && i == 0 {
		return s, ""
	}
	assigns := s[i] == 'S' && i == 0
	for i++; i < len(s) && (s[i] >= '0' && s[i] <= '9' || assigns && (s[i] == '=' || s[i] == '?')); i++ {
	}
	return s[:i], s[i:]
}

// reads says whether a command only asks: a name and "?" or "=?" (3GPP TS 27.007 section 4).
func reads(part string) bool {
	name, ok := strings.CutSuffix(part, "?")
	name = strings.TrimSuffix(name, "=")
	return ok && !strings.ContainsAny(name, "=,?\"")
}
