package quirks

import (
	"fmt"
	"strings"
)

// refused are AT commands that a profile must not send, because they can lock, bill, or change the modem for good.
var refused = []struct{ prefix, why string }{
	{"D", "it dials; the number belongs in dial.number"},
	{"+CPIN", "it spends a PIN try (3GPP TS 27.007 section 8.3)"},
	{"+CLCK", "it locks the SIM or the modem (3GPP TS 27.007 section 7.4)"},
	{"+CPWD", "it changes a password or spends a try (3GPP TS 27.007 section 7.5)"},
	{"+CCFC", "it forwards calls (3GPP TS 27.007 section 7.11)"},
	{"+CUSD", "it can order and bill (3GPP TS 27.007 section 7.15)"},
	{"+CMGS", "it sends an SMS (3GPP TS 27.005 section 3.5.1)"},
	{"+CMSS", "it sends an SMS (3GPP TS 27.005 section 3.5.2)"},
	{"+CMGC", "it sends an SMS command (3GPP TS 27.005 section 3.5.5)"},
	{"+CMGD", "it deletes messages (3GPP TS 27.005 section 3.5.4)"},
	{"+EGMR", "it can write the IMEI"},
}

// checkCommand holds an AT command of a profile to one line, one command, none of the refused ones; dials says that it
// is the one that may dial.
func checkCommand(s string, dials bool) error {
	if err := oneLine(s); err != nil {
		return err
	}
	up := strings.ToUpper(strings.ReplaceAll(s, " ", ""))
	if !strings.HasPrefix(up, "AT") {
		return fmt.Errorf("%q is not an AT command: it must begin with AT", s)
	}
	if strings.Contains(s, ";") {
		return fmt.Errorf("%q holds several commands; write one command for each element", s)
	}
	for _, r := range refused {
		if strings.HasPrefix(up[2:], r.prefix) && !(dials && r.prefix == "D") {
			return fmt.Errorf("%q is refused: %s", s, r.why)
		}
	}
	return nil
}
