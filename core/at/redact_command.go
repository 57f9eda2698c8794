package at

import "strings"

// Hidden stands for a secret or an identity in everything that is shown.
const Hidden = hidden

// kept says of commands whose parameters hold a secret or a telephone number how many parameters come before it.
func kept(name string) (n int, secret bool) {
	switch name {
	case "+CPIN", "+CPIN2", "^CPIN", "^CPIN2", "*CPIN", "^CARDLOCK", "^CARDUNLOCK", "#USERID", "#PASSW", "_OWANAUTH", "^PPPCFG", "+ZPASS", "+NPSDA",
		"+CMGS", "+CMGW", "+CSCA", "+CPBF", "+CSIM", "+CTFR":
		return 0, true
	case "+CPWD", "+CSTT", "+WPPP", "+CPBW", "+CUSD", "+CRSM", "^DTMF":
		return 1, true
	case "+CLCK", "+CGAUTH", "$QCPDPP", "^AUTHDATA", "+UAUTHREQ", "+UPSD", "*EIAAUW", "#PDPAUTH", "+XGAUTH", "^SICS", "^SISS", "+CCFC":
		return 2, true
	case "+QICSGP", "%IPDPCFG":
		return 3, true
	}
	return 0, false
}

// RedactCommand gives a line of somebody's AT dialogue as it may be shown, a command, the echo of one or what the modem
// answered: passwords, PINs and telephone numbers in the parameters of the commands that carry them are replaced, and what
// Redact replaces. A command that is not known is shown.
func RedactCommand(line string) string {
	text := strings.TrimLeft(line, "+") // an escape sequence may stand before it
	if len(text) < 2 || !strings.EqualFold(text[:2], "AT") {
		return Redact(line)
	}
	start := len(line) - len(text) + 2
	parts := splitCommands(line[start:])
	for i, part := range parts {
		parts[i] = redactPart(part)
	}
	return line[:start] + Redact(strings.Join(parts, ";"))
}

func redactPart(part string) string {
	word := strings.TrimSpace(part)
	if word == "" {
		return part
	}
	if !strings.ContainsRune(extendedMarks, rune(word[0])) {
		return telephone().ReplaceAllString(part, hidden) // ATD, or settings, which have no such numbers
	}
	name, parameters, ok := strings.Cut(part, "=")
	n, secret := kept(strings.ToUpper(strings.TrimSpace(name)))
	if !ok || !secret || parameters == "" || parameters == "?" {
		return part
	}
	for at, quoted := 0, false; at < len(parameters); at++ {
		if n == 0 {
			return name + "=" + parameters[:at] + hidden
		}
		switch parameters[at] {
		case '"':
			quoted = !quoted
		case ',':
			if !quoted {
				n--
			}
		}
	}
	return part
}
