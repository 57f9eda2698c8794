package diagnose

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sentence"
)

// logLine takes a line of another program by its meanings.
func (h *history) logLine(r event.Record, e event.Log) {
	h.log.seen = h.log.seen || e.Program != ""
	if h.Up != nil {
		h.log.afterUp++
	}
	if len(e.Means) == 0 {
		return
	}
	line := h.here(e.Text)
	h.log.known++
	for _, word := range e.Means {
		h.means(r, word, e, line)
	}
}

// means takes one meaning of a line.
func (h *history) means(r event.Record, word string, e event.Log, line clue) {
	l := &h.log
	switch word {
	// How far the call has come.
	case event.MeansStarted:
		l.pppd = true
		if l.ours && h.Up == nil && len(h.failures) == 0 && !further(h.phase, event.PhaseDial) { // this side ended the call before this one
			l.ours, l.ended = false, false
		}
		h.advance(event.PhaseDial)
	case event.MeansSerialUp:
		l.dialled = h.at.dial == "" || strings.HasPrefix(strings.ToUpper(h.at.result), "CONNECT")
		h.advance(event.PhaseLCP)
	case event.MeansDialerConnected:
		l.dialled = true
	case event.MeansDisconnects:
		if at, err := time.Parse(time.ANSIC, e.Value); err == nil && !l.pppAt.IsZero() && l.pppFor == 0 {
			l.pppFor = at.Sub(l.pppAt)
		}
	case event.MeansStartingPPP:
		l.ppp = true
		if at, err := time.Parse(time.ANSIC, e.Value); err == nil && l.pppAt.IsZero() {
			l.pppAt = at
		}
		l.ended = l.ended && (h.Up != nil || len(h.failures) > 0 || h.lcp.terminated.seen() || l.ours) // before this, no call had really begun
		h.advance(event.PhaseLCP)
	case event.MeansConnect:
		_, port, _ := strings.Cut(e.Value, " ")
		l.connect, l.tty = line, port
		l.pppoe = l.pppoe || !strings.HasPrefix(port, "/dev/")
		h.advance(event.PhaseLCP)
	case event.MeansOverEthernet:
		l.pppoe = true
	case event.MeansWantsDNS:
		l.wantDNS = true
	case event.MeansAuthStarted:
		h.auth.names(e.Value)
		h.advance(event.PhaseAuth)
	case event.MeansPeerAuthOK:
		h.advance(event.PhaseAuth)
	case event.MeansAuthOK:
		h.auth.names(e.Value)
		keep(&h.auth.success, line)
		h.advance(event.PhaseIPCP)
	case event.MeansLocalAddress, event.MeansNewAddress:
		h.advance(event.PhaseUp)
		l.afterUp = 0
	case event.MeansRemoteAddress, event.MeansDNSAddress:
		l.afterUp = 0
	case event.MeansActivated:
		h.advance(event.PhaseUp)

	// How it ended.
	case event.MeansHangup:
		h.hungUp(r, line)
	case event.MeansHangupSignal: // by the end of the port, or by a person: the next lines tell
		keep(&l.signal, line)
	case event.MeansTerminated, event.MeansExits:
		l.ended = l.ended || l.known > 1 || h.begun() || h.far != "" // a stack that says it is dead before anything else has only been made
	case event.MeansSignal:
		keep(&l.gaveUp, line)
		l.ours, l.ended = true, true
	case event.MeansEndedByUs:
		l.ours, l.ended = true, true
	case event.MeansGaveUp:
		keep(&l.gaveUp, line)
		l.ended = true
	case event.MeansNotInTime:
		h.notInTime(line)
	case event.MeansPeerTerminated:
		h.peerEnds(line, e.Value)
	case event.MeansIPCPTerminated:
		if h.Up == nil {
			keep(&h.ipcp.terminated, line)
		}
	case event.MeansConnectTime:
		h.minutesLine(r, e.Value)
	case event.MeansTraffic:
		h.bytesLine(r, e.Value)
	case event.MeansExitStatus:
		h.exitStatus(r, e, line)
	case event.MeansScriptEnd:
		l.scriptEnd, l.ended = line, true

	// Failures in PPP without an event of their own.
	case event.MeansAuthFailed:
		h.auth.names(e.Text)
		if !h.auth.failure.seen() || h.auth.message == "" {
			h.auth.failure, h.auth.message = line, e.Value
		}
	case event.MeansSevenBit:
		keep(&h.line.sevenBit, line)
	case event.MeansNoAuthPossible:
		keep(&l.noAuth, line)
	case event.MeansIPCPRejected:
		h.rejects(packet.IPCP, line)
	case event.MeansBadReply:
		keep(&l.badNak, line)
	case event.MeansBadAck:
		l.badAck = line
		l.badAcks++
	case event.MeansLostCompression:
		keep(&l.lostSync, line)

	// Messages of programs that use the link.
	case event.MeansDefaultRouteKept:
		if !l.route.seen() {
			l.route, l.routeOver = line, e.Value
		}
	case event.MeansNoNames:
		if h.Up != nil {
			keep(&l.noNames, line)
		}
	case event.MeansNoRoute:
		if h.Up != nil && !l.noRoute.seen() {
			l.noRoute, l.ownNoRoute = line, e.Value == ""
		}
	case event.MeansPing:
		l.pinged, _, _ = strings.Cut(e.Value, " ")
	case event.MeansPingLost:
		if a, err := netip.ParseAddr(l.pinged); h.Up != nil && (err != nil || !slices.Contains(call.Placeholders, a)) {
			keep(&l.noPing, line)
		}
	case event.MeansRouteTo:
		h.routeLine(e.Value, line)
	case event.MeansPortGone:
		if !h.Refused { // a port that goes away after the call has ended is not the cause
			keep(&l.gone, line)
		}
	case event.MeansNobodyNow:
		keep(&l.redial, line)

	// The dial.
	case event.MeansPrompt:
		if isWaitingFor(h.line.prompt.text) && !isWaitingFor(line.text) { // what it waited for is there
			h.line.prompt = line
		}
		keep(&h.line.prompt, line)
	case event.MeansPromptGone:
		if h.line.prompt.seen() {
			h.line.prompt, l.ended = line, true
			h.advance(event.PhaseLCP)
		}
	case event.MeansExpects:
		l.expects = strings.ToLower(e.Value)
	case event.MeansNoWords:
		h.alarm(line)
	case event.MeansAborted:
		h.aborted(e.Value, line)
	case event.MeansDialResult:
		if h.at.result == "" {
			h.at.result, h.at.dialAt = e.Value, h.pos
		}
		if h.at.dial == "" {
			h.at.dial = "the dial"
		}
	default:
		h.hit(word, e, line)
	}
	switch word {
	case event.MeansHangup, event.MeansPeerTerminated, event.MeansAuthFailed, event.MeansIPCPRejected, event.MeansExitStatus: // they say more, and are handled above
	default:
		if f, ok := call.FailureOf(e, word); ok {
			h.fail(f.Phase, f.Cause, line)
		}
	}
}

// names notes the method that a line names.
func (a *authHistory) names(s string) {
	for _, m := range []string{"CHAP", "PAP", "EAP"} {
		if strings.Contains(strings.ToUpper(s), m) {
			a.method = m
			return
		}
	}
	if a.method == "" {
		a.method = "authentication"
	}
}

// notInTime notes that the program that started the dialer stopped waiting.
func (h *history) notInTime(line clue) {
	switch {
	case h.Up != nil || len(h.failures) > 0:
	case h.far == event.PhaseIPCP:
		h.log.gaveUp, h.log.ended = line, true
	default:
		h.fail(h.far, event.FailedTimeout, line)
	}
}

// exitStatus notes what pppd's exit status adds to the known facts.
func (h *history) exitStatus(r event.Record, e event.Log, line clue) {
	f, ok := call.FailureOf(e, event.MeansExitStatus)
	switch {
	case !ok:
		return
	case f.Cause == event.FailedCarrierLost:
		h.log.diedHungUp = true
		h.hungUp(r, line)
		return
	case f.Cause == event.FailedEchoTimeout:
		h.fail(f.Phase, f.Cause, line)
		return
	case f.Phase == "":
		f.Phase = h.phase
	}
	if h.Up == nil && len(h.failures) == 0 && !h.auth.failure.seen() && !h.lcp.terminated.seen() {
		h.fail(f.Phase, f.Cause, line)
	}
	h.log.ended = true
}

func (h *history) rejects(protocol uint16, line clue) {
	if h.lcp.rejected == nil {
		h.lcp.rejected = map[uint16]clue{}
	}
	h.lcp.rejected[protocol] = line
}

// routeLine notes a row of a table of routes that was pasted after the log, if it is the default route.
func (h *history) routeLine(device string, line clue) {
	device, _, _ = strings.Cut(device, " ")
	switch {
	case h.Up == nil || device == "":
	case strings.HasPrefix(device, "ppp"):
		h.log.routed = true
	default:
		keep(&h.log.elsewhere, line)
	}
}

// unprompted notes that chat had a connection and then waited in vain for a login prompt.
func (h *history) unprompted(line clue) {
	if !h.connected() || h.lcp.rcvd > 0 || h.line.prompt.seen() {
		return
	}
	for _, w := range []string{"ogin", "sername", "assword", "ser id", "userid", ">", "ompuserve", "host name"} {
		if strings.Contains(h.log.expects, w) {
			h.line.prompt = line.and(" (it waited for %s)", h.log.expects)
			return
		}
	}
}

// alarm notes that a script waited in vain for the answer to the dial, or to another command.
func (h *history) alarm(line clue) {
	h.unprompted(line)
	switch {
	case h.at.dial != "" && h.at.dial == h.at.command && h.at.result == "":
		h.at.result, h.at.dialAt = "NO ANSWER", h.pos
	case !h.at.answered && h.at.command != "":
		h.fail("modem", event.FailedModemSilent, line)
	}
	if h.at.answered && h.at.command != "" {
		h.fail(event.PhaseDial, event.FailedTimeout, h.here("no answer in time to "+h.at.command))
	}
	h.log.ended = true
}

// aborted notes that a script saw a string at which it aborts: an answer to the dial, or to another command.
func (h *history) aborted(text string, line clue) {
	h.unprompted(line)
	text = strings.TrimSpace(unended.Replace(text))
	result := strings.ToUpper(text)
	if h.at.dial != "" && h.at.result == "" {
		h.at.result, h.at.dialAt = result, h.pos
	}
	if r, _ := v250.ParseFinal(result); r.OfCall() || v250.Dials(h.at.command) {
		h.fail(event.PhaseDial, event.FailedDialRefused, line)
		return
	}
	h.fail(event.PhaseDial, event.FailedATError, h.here(h.at.command+": "+text))
}

// unended removes the line ends that scripts write.
var unended = strings.NewReplacer(`\n`, "", `\r`, "", "^M", "", "^J", "")

// bytesLine reads the octets that were sent and received, as in "3152 0".
func (h *history) bytesLine(r event.Record, value string) {
	sent, rcvd, _ := strings.Cut(value, " ")
	out, err := strconv.ParseUint(sent, 10, 64)
	in, err2 := strconv.ParseUint(rcvd, 10, 64)
	if err != nil || err2 != nil || h.Up == nil {
		return
	}
	h.down = &event.Down{BytesOut: out, BytesIn: in, Seconds: h.log.minutes * 60}
}

// minutesLine reads how long a link was up.
func (h *history) minutesLine(r event.Record, value string) {
	m, err := strconv.ParseFloat(value, 64)
	if err != nil || h.Up == nil {
		return
	}
	h.log.minutes, h.log.timed = m, true
	if !h.data.ended.seen() && h.lcp.terminated.seen() { // the log does not show how the link came up
		h.data.ended, h.lcp.terminated = h.lcp.terminated, clue{}
	}
	if h.line.carrierLost.seen() && h.line.lostIn != event.PhaseDial {
		h.line.lostIn = event.PhaseUp
	}
}

// saidBy takes a text from a Terminate-Request: it is a sentence of the program that sent it.
func (h *history) saidBy(text string, line clue) {
	for _, w := range sentence.Of("", text).Words {
		h.hit(w, event.Log{Text: text}, line)
	}
}
