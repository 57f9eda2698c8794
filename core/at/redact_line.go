package at

import (
	"regexp"
	"strings"
	"sync"
)

// secretCommands are the commands with a PIN, a password or a subscriber's number among their values: everything behind
// the equals sign goes, for the values have another order with each vendor.
var secretCommands = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)([+^*$%#](?:CPIN2?|CPINE?|PIN2?|CPWD|CLCK|CGAUTH|UAUTHREQ|AUTHDATA|QCPDPP|PDPAUTH|PPPAUTH|QICSGP|QICSREG|XGAUTH|MGAUTH|CSTT|SGAUTH|GAUTH|CMGS|CMGW|CPBW|CPBF|CSCA|SAUTH)=)[^;\r\n]*`)
})

// dialled is a telephone number behind a dial command.
var dialled = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(D[TPI]?\s*)\+?[0-9][0-9 -]{5,}[0-9]`)
})

// RedactLine is Redact for a line that was seen on its way, in either direction, where nobody knows which of its parts
// are secret: the values of commands that take a PIN or a password go too, and telephone numbers that are dialled.
func RedactLine(line string) string {
	if i := strings.IndexAny(line, "aA"); i >= 0 && i+1 < len(line) && line[i+1]|0x20 == 't' {
		line = secretCommands().ReplaceAllString(line, "${1}"+hidden)
		line = dialled().ReplaceAllString(line, "${1}"+hidden)
	}
	return Redact(line)
}
