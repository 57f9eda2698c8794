package v250

import "strings"

// Split takes a command line apart into its commands, without the leading AT and in upper case outside of quotes:
// "ATE0V1+CGDCONT=1,\"IP\"" is E0, V1 and +CGDCONT=1,"IP" (ITU-T V.250 section 5.2). A dial command reaches to the end.
func Split(line string) (list []string) {
	body := upper(strings.TrimSpace(line))
	if !strings.HasPrefix(body, "AT") {
		return nil
	}
	body = body[2:]
	for body = strings.TrimLeft(body, " ;"); body != ""; body = strings.TrimLeft(body, " ;") {
		n := next(body)
		list = append(list, strings.TrimSpace(body[:n]))
		body = body[n:]
	}
	return list
}

// upper gives s in upper case, without blanks, but for what is in quotes.
func upper(s string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == ' ':
			continue
		case c >= 'a' && c <= 'z':
			c -= 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// next gives how many octets the first command of s takes.
func next(s string) int {
	i := 0
	if s[0] == '&' || s[0] == '\\' || s[0] == '%' && len(s) > 1 && s[1] >= 'A' && s[1] <= 'Z' && (len(s) == 2 || s[2] >= '0' && s[2] <= '9') {
		i++
	}
	switch {
	case s[0] == 'D':
		return len(s)
	case i == 0 && (s[0] < 'A' || s[0] > 'Z'): // +CGDCONT and the like: to the semicolon
		quoted := false
		for i < len(s) && (s[i] != ';' || quoted) {
			if s[i] == '"' {
				quoted = !quoted
			}
			i++
		}
		return i
	}
	if i >= len(s) {
		return i
	}
	assigns := s[i] == 'S' && i == 0
	for i++; i < len(s) && (s[i] >= '0' && s[i] <= '9' || assigns && (s[i] == '=' || s[i] == '?')); i++ {
	}
	return i
}

// HangsUp says whether a command line only ends a call: +++ leaves the data state and H hangs up (ITU-T V.250 section
// 6.3.6). What a script sends to disconnect begins no other call.
func HangsUp(text string) bool {
	if t := strings.Trim(text, "~^M \r"); t != "" && strings.Trim(t, "+") == "" {
		return true
	}
	if !strings.ContainsAny(text, "Hh") { // asked of every line that a host sends
		return false
	}
	parts := Split(text)
	for _, p := range parts {
		if p != "H" && p != "H0" && p != "H1" && p != "Z" && p != "&F" {
			return false
		}
	}
	return len(parts) > 0 && parts[0][0] == 'H'
}

// Context is what a command that defines a PDP context says (3GPP TS 27.007 section 10.1.1).
type Context struct {
	CID, Type, APN string
}

// ParseContext reads +CGDCONT=<cid>,<type>,<apn>… as Split gives it; +ZGDCONT too.
func ParseContext(part string) (Context, bool) {
	_, rest, ok := strings.Cut(part, "GDCONT=")
	if !ok || strings.HasPrefix(rest, "?") || len(part) < 2 || part[0] != '+' {
		return Context{}, false
	}
	var c Context
	for i, field := range strings.SplitN(rest, ",", 4) {
		field = strings.Trim(strings.TrimSpace(field), `"`)
		switch i {
		case 0:
			c.CID = field
		case 1:
			c.Type = strings.ToUpper(field)
		case 2:
			c.APN = field
		}
	}
	return c, c.CID != ""
}

// Dials says whether a command line dials: its last command is D, or +CGDATA, which enters the data state for a context (3GPP TS
// 27.007 section 10.1.12).
func Dials(line string) bool {
	if !strings.ContainsAny(line, "Dd") { // asked of every line that a host sends
		return false
	}
	if t := strings.TrimSpace(line); len(t) > 2 && t[0]|0x20 == 'a' && t[1]|0x20 == 't' && t[2] == '+' && strings.IndexByte(t, ';') < 0 { // one extended command
		return Name(strings.ReplaceAll(t[2:], " ", "")) == "+CGDATA" && strings.Contains(t, "=")
	}
	parts := Split(line)
	if len(parts) == 0 {
		return false
	}
	last := parts[len(parts)-1]
	return last[0] == 'D' || Name(last) == "+CGDATA" && strings.Contains(last, "=")
}

// Marks begin extended commands and replies: + is the standard's, the others are vendors'.
const Marks = "+^%*#$!_&@"

// Parts cuts a command line at the semicolons outside of quotes, and changes nothing of what stands between them: basic commands
// stay together there, other than in Split.
func Parts(s string) []string { return Cut(s, ';') }

// Cut cuts a text at an octet, but not within quotes.
func Cut(s string, at byte) []string {
	var parts []string
	quoted, begin := false, 0
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == at && !quoted:
			parts = append(parts, s[begin:i])
			begin = i + 1
		}
	}
	return append(parts, s[begin:])
}

// Name gives the name of an extended command, in upper case and with its mark, such as +CGDCONT; "" for a basic one.
func Name(part string) string {
	part = strings.TrimSpace(part)
	if part == "" || strings.IndexByte(Marks, part[0]) < 0 {
		return ""
	}
	if i := strings.IndexAny(part, "=?: "); i >= 0 {
		part = part[:i]
	}
	return strings.ToUpper(part)
}

// Leaves says whether a command, as Parts gives it, leaves the command state where CONNECT answers it: D, A, O and +CGDATA.
func Leaves(part string) bool {
	part = strings.TrimSpace(part)
	return part != "" && strings.IndexByte("DAOdao", part[0]) >= 0 || Name(part) == "+CGDATA"
}
