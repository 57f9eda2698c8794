package at

import "strings"

// Hidden stands for a secret or an identity in everything that is shown.
const Hidden = hidden

// kept says of commands whose parameters hold a secret or a telephone number how many parameters come before it.
var kept = map[string]int{
	"+CPIN": 0, "+CPIN2": 0, "^CPIN": 0, "^CPIN2": 0, "*CPIN": 0, "+CLCK": 2, "+CPWD": 1, "^CARDLOCK": 0, "^CARDUNLOCK": 0,
	"+CGAUTH": 2, "$QCPDPP": 2, "^AUTHDATA": 2, "^PPPCFG": 0, "+UAUTHREQ": 2, "+UPSD": 2, "*EIAAUW": 2, "#PDPAUTH": 2, "#USERID": 0, "#PASSW": 0,
	"+QICSGP": 3, "+CSTT": 1, "%IPDPCFG": 3, "+XGAUTH": 2, "+ZPASS": 0, "^SICS": 2, "^SISS": 2, "+NPSDA": 0, "+WPPP": 1, "_OWANAUTH": 0,
	"+CMGS": 0, "+CMGW": 0, "+CSCA": 0, "+CPBW": 1, "+CPBF": 0, "+CUSD": 1, "+CCFC": 2, "+CRSM": 1, "+CSIM": 1, "+CTFR": 0, "^DTMF": 1,
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
		return telephone.ReplaceAllString(part, hidden) // ATD, or settings, which have no such numbers
	}
	name, parameters, ok := strings.Cut(part, "=")
	n, secret := kept[strings.ToUpper(strings.TrimSpace(name))]
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
