package read

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/sentence"
)

// established is what pppd writes directly after the modem's last word, if that word had no line end.
const established = "Serial connection established"

// isStatus says whether a line that names no program is pppd's.
func (s *logSource) isStatus(msg []byte) bool {
	if s.talk.by == "wvdial" && s.talk.open() { // such lines may be the modem's, and wvdial marks pppd's lines
		return bytes.Contains(msg, []byte(established))
	}
	return s.isPPPD(msg) || bytes.Contains(msg, []byte(established))
}

// isPPPD says whether a line is one of pppd's sentences.
func isPPPD(msg []byte) bool { return len(msg) >= 4 && sentence.Of("", string(msg)).By == "pppd" }

// isPPPD is the function isPPPD with a cache, because lines in a log are repeated.
func (s *logSource) isPPPD(msg []byte) bool {
	slot := s.owns.slot(msg)
	if !slot.holds(msg) {
		slot.put(msg, isPPPD(msg))
	}
	return slot.value
}

// pppd takes a line of pppd that is not a packet.
func (s *logSource) pppd(msg []byte) {
	if i := bytes.Index(msg, []byte(established)); i > 0 { // the modem's last word had no line end
		s.fromModem(msg[:i])
		msg = msg[i:]
	}
	s.log("pppd", msg)
}

// says gives the event of a line, and the events that follow from it for the call.
func (s *logSource) says(e event.Log, shared event.Event) {
	address := slices.ContainsFunc(e.Means, sentence.IsAddress)
	if !address {
		s.addresses()
	}
	s.begins(shared)
	for _, w := range e.Means {
		s.before(w, e.Value)
	}
	s.emit(shared)
	if e.Is(event.MeansExitStatus) {
		s.after(event.MeansExitStatus, e)
	}
	for _, w := range e.Means {
		s.after(w, e)
	}
}

// before updates the state of the call by a word's meaning, before the event of the line is given.
func (s *logSource) before(word, value string) {
	switch word {
	case event.MeansSerialUp:
		s.talk.by = ""
	case event.MeansInterface:
		s.call.iface = firstWord(value)
	case event.MeansInitializing:
		s.talk.answered, s.talk.connected = false, false
	case event.MeansNoWords, event.MeansAborted: // a log may begin where the script already waits
		if s.call.phase == "" {
			s.enter(event.PhaseDial)
		}
	case event.MeansScriptEnd: // what has ended was the dial; said after the line, it would begin another
		s.enter(event.PhaseDial)
	}
}

// after gives the events that follow from a word's meaning.
func (s *logSource) after(word string, e event.Log) {
	c := &s.call
	if f, ok := call.FailureOf(e, word); ok {
		s.failed(f.Cause)
	}
	switch word {
	case event.MeansConnect:
		s.connects(e.Value)
	case event.MeansStartingPPP:
		c.sawPPP = true
		c.began = s.rec.Time
		s.enter(event.PhaseLCP)
	case event.MeansAuthStarted, event.MeansPeerAuthOK:
		s.enter(event.PhaseAuth)
	case event.MeansAuthOK:
		s.enter(event.PhaseIPCP)
	case event.MeansLocalAddress, event.MeansNewAddress, event.MeansRemoteAddress, event.MeansDNSAddress, event.MeansIPv6Up:
		s.address(word, e.Value)
	case event.MeansConnectTime:
		if v, err := strconv.ParseFloat(e.Value, 64); err == nil && v >= 0 && v < 1e9 {
			c.seconds = v * 60
		}
	case event.MeansTraffic:
		sent, rcvd, _ := strings.Cut(e.Value, " ")
		out, err := strconv.ParseUint(sent, 10, 64)
		in, err2 := strconv.ParseUint(rcvd, 10, 64)
		if err == nil && err2 == nil {
			c.out, c.in = out, in
		}
	case event.MeansHangup, event.MeansPeerTerminated, event.MeansEchoTimeout, event.MeansEndedByUs:
		c.ending = true
	case event.MeansSignal:
		if !c.ending && c.cause == "" {
			c.cause, c.code = "signal", 5
		}
		c.ending = true
		s.enter(event.PhaseHangup)
	case event.MeansTerminated:
		c.ending = true
		s.ends("terminated")
	case event.MeansExits:
		s.ends("terminated")
		c.ended = c.phase != ""
	case event.MeansExitStatus:
		if n, err := strconv.Atoi(e.Value); err == nil && n > 0 {
			c.code = n
		}
	case event.MeansRedials:
		s.ends("the dialer ended the call")
		s.talk.connected = false
	case event.MeansDisconnects:
		c.goodbye = true
	case event.MeansRegistration:
		if state := registrationState(e.Value); state != "" {
			s.emit(event.Registration{State: state})
		}
	case event.MeansScriptEnd:
		c.code = 8
		s.talk.by = ""
	case event.MeansDialResult:
		if event.PhaseOrder(c.phase) <= event.PhaseOrder(event.PhaseDial) {
			s.failed(event.FailedDialRefused)
		}
	case event.MeansNoWords:
		if s.talk.answered {
			s.failed(event.FailedTimeout)
		} else {
			s.failed(event.FailedModemSilent)
		}
	case event.MeansAborted:
		if isDialResult(unended.Replace(e.Value)) || v250.Dials(s.talk.last) {
			s.failed(event.FailedDialRefused)
		} else {
			s.failed(event.FailedATError)
		}
	}
}

// registrationState gives event.Registration's word for ModemManager's, "" where it says nothing.
func registrationState(word string) string {
	word, _, _ = strings.Cut(strings.Trim(word, "'\")"), "-") // home-sms-only
	switch word {
	case "home", "roaming", "searching", "denied":
		return word
	case "idle":
		return "not searching"
	case "registering":
		return "searching"
	}
	return ""
}

// unended removes the line ends that scripts write.
var unended = strings.NewReplacer(`\n`, "", `\r`, "", "^M", "", "^J", "")

// connects takes the interface and the port of a "Connect:".
func (s *logSource) connects(value string) {
	iface, port, _ := strings.Cut(value, " ")
	if s.call.iface, s.call.port = iface, firstWord(port); port != "" {
		s.emit(event.Device{Port: s.call.port})
	}
	s.call.began = s.rec.Time
	s.talk.by = ""
	s.call.sawPPP = true
	s.enter(event.PhaseLCP)
}

// address takes one line of the group that a dialer writes when IPCP is open.
func (s *logSource) address(word, value string) {
	c := &s.call
	if c.up == nil {
		c.up = &event.Up{}
	}
	a := firstWord(value)
	if v, _, ok := notation.Address(a); ok { // for a hidden address, the placeholder that packets have
		a = v.String()
	}
	switch word {
	case event.MeansIPv6Up:
		c.up.IPv6 = a
	case event.MeansLocalAddress, event.MeansNewAddress:
		c.up.Local = a
	case event.MeansRemoteAddress:
		c.up.Peer = a
	case event.MeansDNSAddress:
		c.up.DNS = append(c.up.DNS, a)
	}
}

// made gives the event for a program's line.
func made(program, text string) event.Log {
	m := sentence.Of(program, text)
	return event.Log{Program: program, Text: printable(text), Means: m.Words, Value: printable(m.Value)}
}

func firstWord(s string) string {
	w, _, _ := strings.Cut(strings.TrimSpace(s), " ")
	return w
}
