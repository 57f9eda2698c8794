package read

import (
	"bytes"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/format"
	"github.com/knakppp/knak/core/sentence"
)

// dialogue is what a log has shown of the AT dialogue before PPP.
type dialogue struct {
	by        string // "chat" or "wvdial" during the dialogue: lines that name no program are then the modem's
	wvdial    string // the program under whose name wvdial's lines come, for example "wvdial"
	last      string // the last command
	answered  bool   // the modem has answered something
	final     bool   // the answer was a final result code: the next line is a command
	connected bool
}

// open says whether the modem still answers commands.
func (t *dialogue) open() bool { return t.by != "" }

func (s *logSource) sends(command string) {
	t := &s.talk
	t.connected, t.final = false, false
	t.last = strings.TrimSpace(command)
	s.begins(event.AT{Dir: event.Sent, Text: t.last})
	s.enter(event.PhaseDial)
	s.emit(event.AT{Dir: event.Sent, Text: printable(t.last)})
}

// fromModem takes a line of the modem.
func (s *logSource) fromModem(line []byte) {
	text := strings.TrimRight(string(line[:min(len(line), maxUnread)]), " \t")
	for strings.HasSuffix(text, "^M") { // chat shows a carriage return as ^M
		text = strings.TrimSuffix(text, "^M")
	}
	text = strings.TrimPrefix(text, "^M")
	if strings.Trim(text, "^@ \t") == "" { // nothing, or zeros received at a wrong speed
		return
	}
	t := &s.talk
	if showsFrames(text) {
		s.emit(event.Text{Text: printable(text)})
		return
	}
	if isEcho(line) && (t.last == "" || t.final && !strings.EqualFold(strings.TrimSpace(text), t.last)) { // the echo of a command that the log does not show
		s.sends(text)
		return
	}
	echo := strings.EqualFold(strings.TrimSpace(text), t.last)
	if t.connected {
		s.emit(event.Text{Text: printable(text)})
		return
	}
	s.enter(event.PhaseDial)
	s.emit(event.AT{Dir: event.Rcvd, Text: printable(text)})
	if !echo {
		t.answered = true
		t.final = v250.IsFinal(text)
		if t.connected = strings.HasPrefix(text, "CONNECT"); t.connected && s.call.cause == event.FailedDialRefused { // the host dialled again
			s.call.cause, s.call.code, s.call.unsuccessful = "", 0, false
		}
	}
}

// showsFrames says whether a text shows frames with their escapes (RFC 1662 section 4.2).
func showsFrames(text string) bool {
	return strings.Contains(text, "}!}") || strings.Contains(text, "~[7f]") || strings.Contains(text, "~^?}#")
}

// isEcho says whether a line looks like a command.
func isEcho(b []byte) bool {
	return len(b) >= 2 && (b[0] == 'A' && b[1] == 'T' || b[0] == 'a' && b[1] == 't') && (len(b) == 2 || !isLetter(b[2]) || bytes.IndexByte([]byte("DEIQVZXSMLHdezi"), b[2]) >= 0) &&
		bytes.IndexByte(b, ' ') != 2
}

// isDialResult says whether a line is a result code of a dial command that did not connect (ITU-T V.250 section 6.3).
func isDialResult(text string) bool {
	r, _ := v250.ParseFinal(text)
	return r.OfCall() && r != v250.Connect
}

// isChat says whether a line is one of chat -V, which names no program.
func isChat(msg []byte) bool {
	for _, w := range [...]string{"send (", "expect (", "abort on (", "timeout set to ", " -- got it", " -- failed", "report (", "clear abort on (", "SAY "} {
		if bytes.HasPrefix(msg, []byte(w)) {
			return true
		}
	}
	switch string(bytes.TrimSpace(msg)) {
	case "alarm", "Failed", "-- got it", "-- failed":
		return true
	}
	return bytes.HasPrefix(msg, []byte("Failed (")) && msg[len(msg)-1] == ')'
}

// chat takes a line of chat.
func (s *logSource) chat(msg []byte) {
	text := strings.TrimRight(string(msg), " \t")
	t := &s.talk
	switch {
	case strings.HasPrefix(text, "send ("):
		t.by = "chat"
		command := strings.TrimSuffix(text[len("send ("):], ")")
		for strings.HasPrefix(command, "^M") {
			command = command[2:]
		}
		for strings.HasSuffix(command, "^M") {
			command = command[:len(command)-2]
		}
		if command == "" {
			s.log("chat", msg)
			return
		}
		s.sends(command)
	case strings.HasPrefix(text, "expect ("):
		t.by = "chat"
		s.log("chat", msg)
	case text == "alarm":
		s.log("chat", msg)
	case strings.HasPrefix(text, "Failed ("):
		s.log("chat", msg)
	case isChat(msg), strings.HasPrefix(text, "Can't "), strings.HasPrefix(text, "warning"):
		s.log("chat", msg)
	default:
		s.fromModem(msg)
	}
}

func isWvdial(msg []byte) bool {
	return bytes.HasPrefix(msg, []byte("-->")) && !bytes.HasPrefix(msg, []byte("--> '"))
}

// wvdial takes the part of a wvdial line after its arrow.
func (s *logSource) wvdial(msg []byte) {
	text := string(msg)
	for _, w := range [...]string{"Sending: ", "Re-Sending: "} {
		if command, ok := strings.CutPrefix(text, w); ok {
			command, answer := echoed(command)
			s.sends(command)
			s.fromModem([]byte(answer))
			return
		}
	}
	if m := sentence.Of("", text); m.By == "pppd" && (m.Is(event.MeansInterface) || m.Address()) {
		s.log("pppd", []byte(strings.TrimPrefix(text, "pppd: ")))
		return
	}
	s.log("wvdial", msg)
}

// echoed separates a command from its echo and the answer, if all are in one line.
func echoed(text string) (command, answer string) {
	first := firstWord(text)
	if i := strings.Index(text, " "+first); i > 0 && len(first) > 2 {
		return text[:i], strings.TrimSpace(strings.TrimPrefix(text[i+1:], text[:i]))
	}
	return text, ""
}

// Arrows of ModemManager's debug log, from the host's view.
var (
	mmSent = []byte("--> '")
	mmRcvd = []byte("<-- '")
)

func isModemManager(msg []byte) bool {
	if bytes.IndexByte(msg, '>') < 0 && bytes.IndexByte(msg, '<') < 0 {
		return false
	}
	return bytes.Contains(msg, mmSent) || bytes.Contains(msg, mmRcvd) || isArrowAlone(msg)
}

// isArrowAlone says whether a line of ModemManager ends with its arrow: a mail has wrapped it, and the text is in the next line.
func isArrowAlone(msg []byte) bool {
	return bytes.Contains(msg, []byte("(tty")) && (bytes.HasSuffix(msg, []byte("): -->")) || bytes.HasSuffix(msg, []byte("): <--")))
}

// quotation is a quotation of the dialogue by ModemManager whose line ends before the closing quotation mark.
type quotation struct {
	sent  bool
	text  string
	lines int // lines so far; 0: no quotation is open
}

// maxQuoted is the most lines of a quotation.
const maxQuoted = 6

// modemManager takes a line such as [modem0/ttyUSB2/at] --> 'AT+CGMI<CR>'.
func (s *logSource) modemManager(d logLine) {
	i := bytes.Index(d.msg, mmSent)
	sent := i >= 0
	if !sent {
		i = bytes.Index(d.msg, mmRcvd)
	}
	if i < 0 { // only the arrow
		s.quote = quotation{sent: bytes.HasSuffix(d.msg, []byte("-->")), lines: 1}
		return
	}
	text := string(d.msg[i+len(mmSent):])
	j := strings.LastIndexByte(text, '\'')
	if j < 0 {
		s.quote = quotation{sent: sent, text: text, lines: 1}
		return
	}
	s.quoted(sent, text[:j])
}

// goesOn takes a line that continues an open quotation. It is false if no quotation is open.
func (s *logSource) goesOn(line []byte) bool {
	q := &s.quote
	if q.lines == 0 {
		return false
	}
	q.lines++
	if text := string(bytes.TrimSpace(line)); q.text == "" {
		q.text = strings.TrimPrefix(text, "'")
	} else {
		q.text += " " + text
	}
	if j := strings.LastIndexByte(q.text, '\''); j >= 0 || q.lines == maxQuoted {
		text, sent := strings.TrimSuffix(q.text, "'"), q.sent
		s.quote = quotation{}
		s.quoted(sent, text)
	}
	return true
}

// quoted takes text of the dialogue, with its line ends shown as <CR> and <LF>.
func (s *logSource) quoted(sent bool, text string) {
	for l := range strings.FieldsFuncSeq(lineEnds.Replace(text), func(r rune) bool { return r == '\n' }) {
		if sent {
			s.sends(l)
		} else {
			s.fromModem([]byte(l))
		}
	}
}

// labels end what a program writes before a line of the dialogue that it logs: "Send AT Command: ATE0", "SIM Status: +CPIN: READY".
var labels = []string{": ", "-> ", "=> ", ">> ", "> ", "<< ", "< ", "= ", ", ", "b'", `b"`}

// retold takes a line of the dialogue out of a line of a program that knak does not know, behind what the program calls it; a list as
// Python shows it has several. It is false if there is none.
func (s *logSource) retold(d logLine) bool {
	switch d.program {
	case "kernel", "NetworkManager", "ModemManager", "systemd", "pppd":
		return false
	}
	msg := d.msg[:min(len(d.msg), maxUnread)]
	if !bytes.Contains(msg, []byte("AT")) && !bytes.Contains(msg, []byte("+C")) && !bytes.Contains(msg, []byte("OK")) && !bytes.Contains(msg, []byte("ERROR")) {
		return false
	}
	if i := bytes.IndexByte(msg, '['); i >= 0 && msg[len(msg)-1] == ']' {
		took := false
		for part := range bytes.SplitSeq(msg[i+1:len(msg)-1], []byte(", ")) {
			text := bare(part)
			if len(part) > 2 && len(text) < len(part) && format.IsAnswer(text) {
				s.tellsAnswer(text)
				took = true
			}
		}
		return took
	}
	for i := range msg {
		for _, l := range labels {
			if !bytes.HasPrefix(msg[i:], []byte(l)) {
				continue
			}
			text := bare(msg[i+len(l):])
			switch {
			case l == ": " && bytes.HasPrefix(text, []byte("AT")) && format.IsCommand(text), l != ": " && len(text) > 2 && format.IsCommand(text):
				s.tellsCommand(d, text)
				return true
			case isTold(text):
				s.tellsAnswer(text)
				return true
			}
		}
	}
	return false
}

// retelling is what such a program has told of the dialogue.
type retelling struct {
	answers bool // it tells what the modem answers, too
	command string
	times   int // so often in a row, without an answer
}

// enoughAlike is how often a command must come again before the silence behind it is the modem's: a program that does not log answers
// has no reason to say the same so often.
const enoughAlike = 3

// tellsCommand takes a command. While no answer has been seen, the program may log only what it sends: then the line is one like
// others.
func (s *logSource) tellsCommand(d logLine, text []byte) {
	t := &s.retell
	if command := string(text); t.command == command {
		t.times++
	} else {
		t.command, t.times = command, 1
	}
	switch {
	case t.answers && t.times == 1, !t.answers && t.times >= enoughAlike: // some say each command twice
		s.sends(t.command)
	case !t.answers:
		s.log(d.program, d.msg)
	}
}

// tellsAnswer takes an answer, behind the command that it is to.
func (s *logSource) tellsAnswer(text []byte) {
	t := &s.retell
	if !t.answers && t.command != "" && t.times < enoughAlike {
		s.sends(t.command)
	}
	t.answers, t.times = true, 0
	s.fromModem(text)
}

// isTold says whether a text is an answer that no other program would write by chance: one with its code, or a result code.
func isTold(text []byte) bool {
	if len(text) > 3 && text[0] == '+' && text[1] >= 'A' && text[1] <= 'Z' {
		i := bytes.IndexByte(text, ':')
		return i > 2 && format.IsAnswer(text)
	}
	switch string(text) {
	case "OK", "ERROR", "NO CARRIER", "BUSY", "NO ANSWER", "NO DIALTONE", "CONNECT":
		return true
	}
	return bytes.HasPrefix(text, []byte("CONNECT ")) && format.IsAnswer(text)
}

// bare takes off the quotation marks, brackets and line ends that a program shows around a line.
func bare(b []byte) []byte {
	b = bytes.TrimSpace(b)
	b = bytes.TrimPrefix(b, []byte("("))
	if len(b) > 2 && b[0] == 'b' && (b[1] == '\'' || b[1] == '"') {
		b = b[1:]
	}
	if len(b) > 1 && (b[0] == '\'' || b[0] == '"') {
		if i := bytes.LastIndexByte(b[1:], b[0]); i >= 0 {
			b = b[1 : i+1]
		}
	}
	for _, end := range []string{`\n`, `\r`, "<CR>", "^M", "^J"} {
		b = bytes.TrimSuffix(b, []byte(end))
		b = bytes.TrimPrefix(b, []byte(end))
	}
	return bytes.TrimSpace(bytes.TrimSuffix(bytes.TrimSuffix(b, []byte(`\r`)), []byte("<CR>")))
}
