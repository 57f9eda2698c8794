package sim

import (
	"bytes"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// maxLine is the greatest length of a command line, in octets. V.250 section 5.2.1 asks for 40. A longer line is an ERROR.
const maxLine = 1024

// terminal is the state of the command side that lasts longer than a call.
type terminal struct {
	line     []byte
	overflow bool
	last     string // the last line, for A/
	echo     bool
	verbose  bool
	quiet    bool
	cmee     int
	busy     time.Time // the last reply leaves then; the next one not earlier
	asked    map[string]int
	reports  map[string]int // +CREG, +CGREG, +CEREG: the n that was set
	contexts map[int]string // +CGDCONT: what was set, by cid
	apn      string         // of the context that was dialled last, in lower case
	active   map[int]bool   // +CGACT
	defined  int            // how often +CGDCONT has set one
	attached bool
	detached bool   // the host has told it to leave packet service
	function int    // +CFUN
	onDTR    string // what AT&D says of a drop of DTR, in the words of AT.DTR, or "command"
	dialing  int    // number of the dial that is under way; 0: none
	number   string // that is dialled
	unlucky  bool   // the dice are against this dial
	hasty    bool   // it comes too soon after the last call
	pending  []string
}

// maxContexts bounds +CGDCONT, as 3GPP TS 27.007 section 10.1.1 lets a modem do.
const maxContexts = 16

// maxPending is the greatest number of unsolicited codes that wait for the end of a call.
const maxPending = 64

func (m *Modem) resetTerminal() {
	m.at.echo, m.at.verbose, m.at.quiet, m.at.cmee = m.scenario.AT.Echo, true, false, m.scenario.AT.CME
	m.at.reports = map[string]int{}
}

// command takes octets in command mode and gives back those that came after a command which left it.
func (m *Modem) command(now time.Time, b []byte) []byte {
	for i, c := range b {
		if m.mute || now.Before(m.deaf) || now.Sub(m.lastChar) < time.Duration(m.scenario.AT.Pace) {
			continue
		}
		m.lastChar = now
		if m.at.dialing != 0 && c > ' ' && c < 0x7e {
			m.abortDial(now)
		}
		if m.at.echo && !m.scenario.AT.Silent {
			m.echo = append(m.echo, c)
		}
		switch {
		case c == '\r':
			m.flushEcho(now)
			m.commandLine(now)
			m.runDue(now) // a dial without delay
			if m.online {
				return b[i+1:]
			}
		case c == '\n':
		case c == '\b':
			m.at.line = m.at.line[:max(len(m.at.line)-1, 0)]
		case len(m.at.line) < maxLine:
			m.at.line = append(m.at.line, c)
			if strings.EqualFold(string(m.at.line), "a/") { // V.250 section 5.2.4: no CR behind it
				m.flushEcho(now)
				m.at.line = append(m.at.line[:0], m.at.last...)
				m.commandLine(now)
			}
		default:
			m.at.overflow = true
		}
	}
	m.flushEcho(now)
	return nil
}

func (m *Modem) flushEcho(now time.Time) {
	if len(m.echo) > 0 {
		m.writeText(now, m.echo)
		m.echo = m.echo[:0]
	}
}

// commandLine runs what stands in the line buffer. What has no AT in it is not a command (V.250 section 5.2.1) and gets
// no answer; so does a line that began with binary noise, up to its AT.
func (m *Modem) commandLine(now time.Time) {
	line, overflow := m.at.line, m.at.overflow
	m.at.line, m.at.overflow = m.at.line[:0], false
	if i := bytes.LastIndexByte(line, 0x7e); i >= 0 {
		line = line[i+1:]
	}
	if len(line) < 2 || !strings.EqualFold(string(line[:2]), "at") {
		return
	}
	text := string(line)
	m.at.last = text
	m.event(event.AT{Dir: event.Rcvd, Text: hideSecrets(text)})
	if m.scenario.AT.Silent {
		return
	}
	if overflow {
		m.reply(now, now, nil, "ERROR")
		return
	}
	due := now.Add(time.Duration(m.scenario.AT.Delay))
	if r := m.override(now, canonical(text)); r != nil {
		m.replyOverride(now, r, nil)
		return
	}
	var lines []string
	for rest := text[2:]; ; {
		cmd, after, err := nextCommand(rest)
		if err {
			m.reply(now, due, lines, "ERROR")
			return
		}
		if cmd.name == "" {
			break
		}
		rest = after
		m.at.asked["AT"+cmd.String()]++
		if t := m.trap(now, "AT"+cmd.String()); t != nil {
			m.spring(now, t)
			return
		}
		if r := m.overrideCounted(now, "AT"+cmd.String()); r != nil {
			if rest == "" || r.Result != "OK" || r.Silent {
				m.replyOverride(now, r, lines)
				return
			}
			lines = append(lines, r.Lines...)
			continue
		}
		more, result := m.run(now, cmd)
		lines = append(lines, more...)
		if result == noResult {
			return
		}
		if result != "OK" {
			m.reply(now, due, lines, result)
			return
		}
	}
	m.reply(now, due, lines, "OK")
}

// noResult says that a command has already answered, or will.
const noResult = ""

// override finds the scenario's reply to a whole line that is not one command, which it counts.
func (m *Modem) override(now time.Time, line string) *Reply {
	if line != "AT" && !strings.Contains(line, ";") {
		return nil // a single command is looked up when its turn comes
	}
	m.at.asked[line]++
	return m.overrideCounted(now, line)
}

func (m *Modem) overrideCounted(now time.Time, command string) *Reply {
	n := m.at.asked[command]
	if len(m.at.asked) > maxEntries { // a host that makes up commands must not fill the memory
		m.at.asked = map[string]int{command: n}
	}
	for i := range m.scenario.AT.Replies {
		r := &m.scenario.AT.Replies[i]
		if Fits(r.Command, command) && !m.given(r.Unless) && (r.Once == "" || m.given(r.Once)) && m.lately(now, r) && (r.Nth == 0 || r.Nth == n) && (r.Until == 0 || n <= r.Until) {
			return r
		}
	}
	return nil
}

func (m *Modem) replyOverride(now time.Time, r *Reply, lines []string) {
	m.deaf = later(m.deaf, now.Add(time.Duration(r.Deaf)))
	if r.Silent {
		return
	}
	delay := r.Delay
	if delay == 0 {
		delay = m.scenario.AT.Delay
	}
	m.reply(now, now.Add(time.Duration(delay)), append(lines, r.Lines...), r.Result)
}

// reply answers a command line: information lines, then the result code (V.250 section 5.7).
func (m *Modem) reply(now, due time.Time, lines []string, result string) {
	if due.Before(m.at.busy) {
		due = m.at.busy
	}
	m.at.busy = due
	var b []byte
	for _, l := range lines {
		b = m.appendInfo(b, l)
	}
	if !m.at.quiet {
		b = m.appendResult(b, result)
	}
	if !due.After(now) {
		m.sayReply(now, lines, result, b)
		return
	}
	m.agenda.add(task{at: due, run: func(now time.Time) {
		if !m.online {
			m.sayReply(now, lines, result, b)
		}
	}})
}

func (m *Modem) sayReply(now time.Time, lines []string, result string, b []byte) {
	for _, l := range lines {
		m.event(event.AT{Dir: event.Sent, Text: l})
	}
	m.event(event.AT{Dir: event.Sent, Text: result})
	m.writeText(now, b)
}

func (m *Modem) appendInfo(b []byte, line string) []byte {
	if m.at.verbose {
		b = append(b, '\r', '\n')
	}
	b = append(b, line...)
	return append(b, '\r', '\n')
}

// numericResults are the result codes under V0 (V.250 table 1). Others have no number and are sent as words.
var numericResults = map[string]string{
	"OK": "0", "CONNECT": "1", "RING": "2", "NO CARRIER": "3", "ERROR": "4", "NO DIALTONE": "6", "BUSY": "7", "NO ANSWER": "8",
}

func (m *Modem) appendResult(b []byte, result string) []byte {
	if !m.at.verbose {
		if word, _, _ := strings.Cut(result, " 7"); word == "CONNECT" {
			result = word
		}
		if n, ok := numericResults[result]; ok {
			return append(append(b, n...), '\r')
		}
	}
	return m.appendInfo(b, result)
}

// say sends one line that nobody asked for, at once.
func (m *Modem) say(now time.Time, line string) {
	if m.at.quiet || m.scenario.AT.Silent || m.mute {
		return
	}
	m.event(event.AT{Dir: event.Sent, Text: line})
	m.writeText(now, m.appendResult(nil, line))
}

// unsolicited sends a line, or keeps it until the call is over.
func (m *Modem) unsolicited(now time.Time, line string) {
	if !m.online {
		m.say(now, line)
		return
	}
	if len(m.at.pending) < maxPending {
		m.at.pending = append(m.at.pending, line)
	}
}

func (m *Modem) writeText(now time.Time, b []byte) {
	m.out.write(OutputWrite, now, b, m.scenario.AT.Chunk, time.Duration(m.scenario.AT.ChunkDelay))
}

// A parsedCommand is one command of a line: name with its leading +, & or the like in upper case, then what follows.
type parsedCommand struct {
	name string // "E", "&F", "+CSQ", "D"
	op   string // "", "?", "=", "=?"
	arg  string
}

func (c parsedCommand) String() string { return c.name + c.op + c.arg }

const extensionMarks = "+^$*#!_%"

// nextCommand takes one command off the body of a line (V.250 sections 5.3 and 5.4).
func nextCommand(s string) (c parsedCommand, rest string, bad bool) {
	s = strings.TrimLeft(s, " ;")
	if s == "" {
		return c, "", false
	}
	first := upper(s[0])
	switch {
	case first == 'D':
		c.name, c.arg = "D", s[1:]
		return c, "", false
	case strings.IndexByte(extensionMarks, first) >= 0:
		end := unquotedSemicolon(s)
		c.name, rest = s[:end], s[end:]
		if i := strings.IndexAny(c.name, "=?"); i >= 0 {
			c.name, c.arg = c.name[:i], c.name[i:]
			switch c.arg {
			case "?", "=?":
				c.op, c.arg = c.arg, ""
			default:
				c.op, c.arg = "=", c.arg[1:]
			}
		}
		c.name = strings.ToUpper(strings.TrimSpace(c.name))
		return c, rest, false
	case first == 'S':
		i := 1
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		c.name = "S" + s[1:i]
		if i < len(s) && s[i] == '?' {
			c.op, i = "?", i+1
		} else if i < len(s) && s[i] == '=' {
			j := i + 1
			for j < len(s) && isDigit(s[j]) {
				j++
			}
			c.op, c.arg, i = "=", s[i+1:j], j
		}
		return c, s[i:], false
	case first == '&' || first == '\\':
		if len(s) < 2 {
			return c, "", true
		}
		c.name, s = string([]byte{first, upper(s[1])}), s[2:]
	case 'A' <= first && first <= 'Z':
		c.name, s = string([]byte{first}), s[1:]
	default:
		return c, "", true
	}
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	c.arg = s[:i]
	return c, s[i:], false
}

func unquotedSemicolon(s string) int {
	quoted := false
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return i
		}
	}
	return len(s)
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		c -= 'a' - 'A'
	}
	return c
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// canonical gives a line as scenario files write it: commands in upper case, their arguments as they are.
func canonical(line string) string {
	out := "AT"
	for rest := line[2:]; ; {
		c, after, bad := nextCommand(rest)
		if bad || c.name == "" {
			return out
		}
		if out != "AT" && strings.IndexByte(extensionMarks, c.name[0]) >= 0 {
			out += ";"
		}
		out, rest = out+c.String(), after
	}
}

// plainCommands are those whose arguments may be shown. Others may hold a PIN or a password.
var plainCommands = map[string]bool{
	"+CREG": true, "+CGREG": true, "+CEREG": true, "+COPS": true, "+CGDCONT": true, "+CGACT": true, "+CGATT": true,
	"+CFUN": true, "+CMEE": true, "+FCLASS": true, "+IFC": true, "+CURC": true,
}

// hideSecrets writes a command line for the trace.
func hideSecrets(line string) string {
	var out strings.Builder
	out.WriteString("AT")
	for rest, first := line[2:], true; ; first = false {
		c, after, bad := nextCommand(rest)
		if bad {
			return out.String() + "…"
		}
		if c.name == "" {
			return out.String()
		}
		rest = after
		extended := strings.IndexByte(extensionMarks, c.name[0]) >= 0
		if extended && !first {
			out.WriteByte(';')
		}
		if extended && c.op == "=" && !plainCommands[c.name] {
			out.WriteString(c.name + "=…")
			continue
		}
		if c.name == "D" && c.arg != "" && !strings.ContainsAny(c.arg, "*#") { // a number somebody could be called by
			c.arg = "…"
		}
		out.WriteString(c.name + c.op + strings.Map(printable, c.arg))
	}
}

// printable replaces what would disturb a line of text.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f || r == '\ufffd' {
		return '.'
	}
	return r
}
