package read

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
)

// dialogue is what a log has shown of the talk with the modem before PPP.
type dialogue struct {
	by        string // "chat" or "wvdial" while it goes on: what names no program is the modem's
	wvdial    string // the program under whose name wvdial's lines come, for example "wvdial"
	last      string // the last command
	password  bool   // what is sent next is a secret
	answered  bool   // the modem said something
	connected bool
}

// open says whether the modem still answers commands.
func (t *dialogue) open() bool { return t.by != "" }

func (s *logSource) sends(command string) {
	if !call.HangsUp(command) && (s.talk.by != "" || call.Dials(command)) { // a manager talks to the modem all day
		s.begins("the dialer begins again")
	}
	s.enter(event.PhaseDial)
	t := &s.talk
	t.connected = false
	t.last = strings.TrimSpace(command)
	text := t.last
	if !s.c.Raw {
		if t.password {
			text = "<hidden>"
		}
		text = at.Redact(at.RedactCommand(text))
	}
	t.password = false
	s.emit(event.AT{Dir: event.Sent, Text: printable(text)})
}

// fromModem takes a line of the modem.
func (s *logSource) fromModem(line []byte) {
	text := strings.TrimRight(string(line[:min(len(line), maxUnread)]), " \t")
	for strings.HasSuffix(text, "^M") { // chat shows a carriage return so
		text = strings.TrimSuffix(text, "^M")
	}
	text = strings.TrimPrefix(text, "^M")
	if strings.Trim(text, "^@ \t") == "" { // nothing, or the zeros of a line at another speed
		return
	}
	t := &s.talk
	if strings.Contains(text, "}!}") || strings.Contains(text, "~[7f]") || strings.Contains(text, "~^?}#") { // frames with escapes (RFC 1662 section 4.2)
		s.emit(event.Text{Text: printable(text)})
		return
	}
	if t.last == "" && isEcho(line) { // the echo of a command that the log does not have
		s.sends(text)
		return
	}
	echo := strings.EqualFold(strings.TrimSpace(text), t.last)
	hidden := text
	if !s.c.Raw {
		if hidden = at.Redact(text); echo || isEcho(line) {
			hidden = at.Redact(at.RedactCommand(text))
		}
	}
	if t.connected {
		s.emit(event.Text{Text: printable(hidden)})
		return
	}
	s.enter(event.PhaseDial)
	s.emit(event.AT{Dir: event.Rcvd, Text: printable(hidden)})
	if !echo {
		t.answered = true
		if t.connected = strings.HasPrefix(text, "CONNECT"); t.connected && s.call.cause == event.FailedDialRefused { // it was dialled again
			s.call.cause, s.call.code = "", 0
			delete(s.call.failed, event.FailedDialRefused)
		}
	}
}

// isEcho says whether a line looks like a command.
func isEcho(b []byte) bool {
	return len(b) >= 2 && (b[0] == 'A' && b[1] == 'T' || b[0] == 'a' && b[1] == 't') && (len(b) == 2 || !isLetter(b[2]) || bytes.IndexByte([]byte("DEIQVZXSMLHdezi"), b[2]) >= 0) &&
		bytes.IndexByte(b, ' ') != 2
}

// isDialResult says whether a line ends a dial command without a connection (ITU-T V.250 section 6.3).
func isDialResult(text string) bool {
	r, _ := at.ParseFinal(text)
	return r.OfCall() && r != at.Connect
}

// isChat knows the lines of chat -V, which name no program.
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
		t.password = strings.Contains(strings.ToLower(text), "assw")
		s.log("chat", msg)
	case text == "alarm":
		s.log("chat", msg)
		s.alarm()
	case strings.HasPrefix(text, "Failed ("):
		s.log("chat", msg)
		s.aborted(strings.TrimSuffix(text[len("Failed ("):], ")"))
	case isChat(msg), strings.HasPrefix(text, "Can't "), strings.HasPrefix(text, "warning"):
		s.log("chat", msg)
	default:
		s.fromModem(msg)
	}
}

// alarm is chat's word for an answer that did not come in time.
func (s *logSource) alarm() {
	if !s.talk.answered {
		s.fails("modem", event.FailedModemSilent, "no answer to "+s.talk.last)
		return
	}
	s.fails(event.PhaseDial, event.FailedTimeout, "no answer in time to "+s.talk.last)
}

// aborted is a string for which chat was told to give up.
func (s *logSource) aborted(text string) {
	text = strings.Trim(strings.NewReplacer(`\n`, "", `\r`, "", "^M", "", "^J", "").Replace(text), " ")
	dialling := strings.HasPrefix(strings.ToUpper(s.talk.last), "ATD")
	if isDialResult(text) || dialling {
		s.fails(event.PhaseDial, event.FailedDialRefused, text)
		return
	}
	s.fails(event.PhaseDial, event.FailedATError, s.talk.last+": "+text)
}

func isWvdial(msg []byte) bool {
	return bytes.HasPrefix(msg, []byte("-->")) && !bytes.HasPrefix(msg, []byte("--> '"))
}

// wvdial takes what stands behind its arrow.
func (s *logSource) wvdial(msg []byte) {
	text := string(msg)
	t := &s.talk
	for _, w := range [...]string{"Sending: ", "Re-Sending: "} {
		if command, ok := strings.CutPrefix(text, w); ok {
			s.addresses()
			command, answer := echoed(command)
			s.sends(command)
			s.fromModem([]byte(answer))
			return
		}
	}
	text = strings.TrimPrefix(text, "pppd: ")
	if isAddress(beginning(text)) || strings.HasPrefix(text, "Using interface") {
		s.pppd([]byte(text))
		return
	}
	s.addresses()
	if strings.HasPrefix(text, "WvDial:") || strings.HasPrefix(text, "Initializing modem") {
		s.begins("wvdial begins again")
		t.answered, t.connected = false, false
	}
	s.log("wvdial", msg)
	lower := strings.ToLower(text)
	switch {
	case strings.HasPrefix(lower, "carrier detected"):
		s.call.began = s.rec.Time
	case strings.HasPrefix(lower, "starting pppd"), strings.HasPrefix(lower, "pid of pppd"):
		s.call.sawPPP = true
		s.call.began = s.rec.Time
		s.enter(event.PhaseLCP)
	case strings.HasPrefix(lower, "authentication (") && strings.HasSuffix(lower, "started"):
		s.enter(event.PhaseAuth)
	case strings.HasPrefix(lower, "authentication (") && strings.Contains(lower, "success"):
		s.authenticated("")
	case strings.HasPrefix(lower, "authentication (") && strings.HasSuffix(lower, "failed"),
		strings.HasPrefix(lower, "authentication error"), strings.HasPrefix(lower, "we failed to authenticate"):
		s.fails(event.PhaseAuth, event.FailedAuthRejected, text)
	case strings.HasPrefix(lower, "modem not responding"):
		s.fails("modem", event.FailedModemSilent, text)
	case strings.HasPrefix(lower, "no carrier"), strings.HasPrefix(lower, "busy"), strings.HasPrefix(lower, "no dial tone"), strings.HasPrefix(lower, "no dialtone"),
		strings.HasPrefix(lower, "no answer"):
		if order(s.call.phase) <= order(event.PhaseDial) {
			s.fails(event.PhaseDial, event.FailedDialRefused, text)
		}
	case strings.HasPrefix(lower, "cannot open /dev"):
		s.fails("port", event.FailedPortOpen, text)
	case strings.Contains(lower, "is locked") || strings.Contains(lower, "resource busy"):
		s.fails("port", event.FailedPortLocked, text)
	case strings.HasPrefix(lower, "disconnecting at"):
		s.call.goodbye = true
	case strings.HasPrefix(lower, "the ppp daemon has died"):
		s.died(text)
	case strings.HasPrefix(lower, "auto reconnect will be attempted"):
		s.ends("the dialer ended the call")
		t.connected = false
	case strings.HasPrefix(lower, "caught signal"):
		s.call.ending = true
	}
}

// echoed parts a command from its echo and the answer, where all stand in one line.
func echoed(text string) (command, answer string) {
	first := firstWord(text)
	if i := strings.Index(text, " "+first); i > 0 && len(first) > 2 {
		return text[:i], strings.TrimSpace(strings.TrimPrefix(text[i+1:], text[:i]))
	}
	return text, ""
}

// beginning gives the words by which a line of pppd is known, "" if it is none.
func beginning(text string) string {
	if k := known([]byte(text)); k != nil {
		return k.begins
	}
	return ""
}

// died reads "… (exit code = 16)", which is pppd's.
func (s *logSource) died(text string) {
	code := -1
	if _, v, ok := strings.Cut(text, "(exit code = "); ok {
		if n, err := strconv.Atoi(strings.TrimSuffix(v, ")")); err == nil {
			code = n
		}
	}
	switch code {
	case 16:
		s.fails("", event.FailedCarrierLost, text)
	case 15:
		s.fails(event.PhaseUp, event.FailedEchoTimeout, text)
	case 17:
		s.fails(event.PhaseLCP, event.FailedLoopedBack, text)
	case 19:
		s.fails(event.PhaseAuth, event.FailedAuthRejected, text)
	}
	if code > 0 {
		s.call.code = code
	}
	s.ends(text)
}

// Arrows of ModemManager's debug log, from the host's view.
var (
	mmSent = []byte("--> '")
	mmRcvd = []byte("<-- '")
)

func isModemManager(msg []byte) bool {
	return bytes.Contains(msg, mmSent) || bytes.Contains(msg, mmRcvd)
}

// modemManager takes a line such as [modem0/ttyUSB2/at] --> 'AT+CGMI<CR>'.
func (s *logSource) modemManager(d dressed) {
	i := bytes.Index(d.msg, mmSent)
	sent := i >= 0
	if !sent {
		i = bytes.Index(d.msg, mmRcvd)
	}
	text := string(d.msg[i+len(mmSent):])
	if j := strings.LastIndexByte(text, '\''); j >= 0 {
		text = text[:j]
	}
	lines := strings.FieldsFunc(strings.NewReplacer("<CR>", "\n", "<LF>", "\n").Replace(text), func(r rune) bool { return r == '\n' })
	for _, l := range lines {
		if sent {
			s.sends(l)
		} else {
			s.fromModem([]byte(l))
		}
	}
}
