package diagnose

import "fmt"

// Cures that several rules share. Each names knak's flag and, if there is one, pppd's option.
const (
	cureAPN          = `ask the operator for the APN of this SIM: knak dial --apn NAME (for pppd: AT+CGDCONT=1,"IP","NAME" in the chat script)`
	cureRegistration = `check that the modem is registered: AT+CREG?, AT+CGREG? and AT+CEREG? answer with 1 (home) or 5 (roaming) as the second number`
	cureContext      = `ask the modem why: AT+CGATT? should answer 1; AT+CGACT=1,1 activates the context by itself, and AT+CEER may then name the reason`
	curePort         = `use another port of the same modem: knak devices lists them; then knak dial --port PATH`
	cureModem        = `unplug the modem, wait ten seconds, plug it in again and dial again`
	cureWider        = `ask for all that a Windows dialer asks for: knak dial --set ipcp.request=address,dns1,dns2,nbns1,nbns2 (pppd: usepeerdns, from 2.5.0 on also usepeerwins)`
	cureEmptyUser    = `send an empty user name: knak dial --user "" (pppd: user "")`
	cureCredentials  = `send the user name and password that the operator gives for this APN: knak dial --user NAME --password-file FILE`
)

// cureAccount gives what to try if the network did not accept user name, password or APN. With windowsFirst, the cures of Windows
// dialers come first, because the modem behaves as one with which a Windows dialer worked; otherwise they come last.
func cureAccount(h *history, windowsFirst bool) []string {
	var windows []string
	if h.auth.user != nil && *h.auth.user != "" {
		windows = append(windows, cureEmptyUser)
	}
	if h.ipcp.asked > 0 && !h.ipcp.askedAll() {
		windows = append(windows, cureWider)
	}
	account := []string{cureCredentials, cureAPN, cureRegistration}
	if windowsFirst {
		return append(windows, account...)
	}
	return append(account, windows...)
}

// sentText says which user name was sent, and which options were asked for.
func sentText(h *history) string {
	s := "No user name was sent"
	switch {
	case h.auth.user == nil:
	case *h.auth.user == "":
		s = "The user name that was sent was empty"
	default:
		s = fmt.Sprintf("The user name that was sent was %q", *h.auth.user)
	}
	if h.ipcp.asked > 0 {
		s += "; what was asked for: " + h.ipcp.askedText()
	}
	return s + "."
}

// successText says what the success of the authentication proves, if there was one.
func successText(h *history) string {
	if !h.provisional() {
		return ""
	}
	method := h.auth.method
	if method == "" {
		method = "authentication"
	}
	s := "That the modem answered " + method + " with success proves nothing: such a modem says yes to any user name and password, " +
		"keeps them, and asks the network only when an address is wanted (3GPP TS 29.061)."
	if h.auth.challenger == "UMTS_CHAP_SRVR" {
		s += " Its challenge came from UMTS_CHAP_SRVR, the name that one maker's chipset gives itself in modems of many brands."
	}
	return s
}

// authEvidence gives the packets of the exchange that ended in a success.
func authEvidence(h *history) []clue {
	return []clue{h.lcp.demand, h.auth.challenge, h.auth.request, h.auth.success}
}

// late makes the finding for a refusal that shows only after a provisional success.
func late(c confidence, h *history, evidence ...clue) found {
	f := c.by(append(authEvidence(h), evidence...)...)
	f.meaning = successText(h)
	if f.meaning != "" {
		f.meaning += " "
	}
	f.meaning += sentText(h)
	f.cure = cureAccount(h, false)
	return f
}
