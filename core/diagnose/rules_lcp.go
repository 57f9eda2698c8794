package diagnose

import (
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
)

var lcpRules = []rule{
	{
		id: "line-looped-back", category: "line-looped-back",
		title:   "Our own packets come back",
		meaning: "The modem sends back what it receives. It is in command mode and echoes, or this port is for commands and not for data.",
		cure:    []string{curePort, `turn the echo off: ATE0; and check that the dial command is answered with CONNECT before PPP begins`, cureModem},
		match: func(h *history) found {
			f, told := h.failed(event.FailedLoopedBack)
			switch {
			case h.Up != nil && !told:
				return no
			case told || h.lcp.looped >= 3:
				return certain.by(h.lcp.loop, f.said)
			case h.lcp.looped > 0 && h.lcp.rcvd == 0:
				return likely.by(h.lcp.loop)
			}
			return no
		},
	},
	{
		id: "login-prompt", category: "login-dialogue-mismatch",
		title:   "The other end wants a login by text before PPP",
		meaning: "It shows a login prompt where PPP is expected. Terminal servers do this; cellular modems do not.",
		cure:    []string{`answer the prompts by a script before PPP (pppd: connect with chat), or ask the provider for a number that begins with PPP`},
		match: func(h *history) found {
			if h.Up != nil || h.lcp.rcvd > 0 || h.auth.started() || h.line.frames.seen() {
				return no
			}
			if h.line.prompt.seen() && h.over() {
				if len(h.line.texts) == 0 && isWaitingFor(h.line.prompt.text) { // wvdial says so of silence, too
					out := possible.by(h.line.prompt)
					out.title = "The dialer waited for a login by text, and the log does not show what came"
					return out
				}
				return likely.by(append([]clue{h.line.prompt}, h.line.texts...)...)
			}
			for _, t := range h.line.texts {
				if l := strings.ToLower(t.text); strings.Contains(l, "ogin:") || strings.Contains(l, "assword:") || strings.Contains(l, "username:") {
					return likely.by(t)
				}
			}
			return no
		},
	},
	{
		id: "wrong-port", category: "wrong-tty-port",
		title:   "This port answers with text where PPP is expected",
		meaning: "A modem has several ports, and this one takes commands but does not carry data. Or the modem never left command mode.",
		cure:    []string{curePort},
		match: func(h *history) found {
			if h.Up != nil || h.lcp.rcvd > 0 || h.auth.started() {
				return no
			}
			for _, t := range h.line.texts {
				if isATText(t.text) {
					return likely.by(t)
				}
			}
			if h.line.sevenBit.seen() {
				return likely.by(h.connectText(), h.line.sevenBit)
			}
			return no
		},
	},
	{
		id: "text-instead-of-frames", category: "no-lcp-answer",
		title:   "Text comes where PPP frames are expected",
		meaning: "Text comes from this port and not PPP: a console, a login, a program's messages, or a modem that has ended the call.",
		cure:    []string{`read the text with a terminal program: it usually shows what is connected`, curePort, cureModem},
		match: func(h *history) found {
			if h.Up != nil || h.lcp.rcvd > 0 || h.auth.started() || !slices.ContainsFunc(h.line.texts, hasWord) || h.lcp.asked == 0 || !h.over() || h.line.frames.seen() {
				return no
			}
			return likely.by(h.line.texts...)
		},
	},
	{
		id: "lcp-no-answer", category: "no-lcp-answer",
		title:   "Nothing on the line answers PPP",
		meaning: "The modem reported a connection, or the dialer assumed one, and then no packet came. Often this port is for commands only; or the firmware still holds an old call.",
		cure:    []string{curePort, cureModem, `check speed and flow control of a serial cable: knak dial --baud N --set port.flow=rtscts (pppd: crtscts)`},
		match: func(h *history) found {
			f, told := h.failedIn(event.PhaseLCP, event.FailedTimeout)
			l := &h.lcp
			if h.at.result != "" && h.dialFailed() { // there was no call: nobody was there to answer
				return no
			}
			if h.log.seen && h.Up == nil && h.log.connect.seen() && h.log.gaveUp.seen() && l.asked+l.rcvd == 0 && !h.auth.started() && h.far == event.PhaseLCP && len(h.failures) == 0 {
				out := likely.by(h.log.connect, h.log.gaveUp) // nobody waited for the timeout
				out.category = h.silentCategory()
				return out
			}
			if h.log.seen && h.Up == nil && l.asked+l.rcvd == 0 && !h.auth.started() && h.far == event.PhaseLCP && (told || h.log.diedHungUp) {
				c := likely
				if !told && h.log.hungUpEarly() {
					c = possible
				}
				out := c.by(h.connectText(), f.said, h.line.carrierLost) // a log without packets
				out.category = h.silentCategory()
				return out
			}
			switch {
			case h.Up != nil || h.auth.started() || l.rcvd > 0 || l.looped > 0 || h.line.carrierLost.seen() && !told:
				return no
			case told || l.asked >= 3 && h.over():
				out := likely.by(h.connectText(), count("%d Configure-Requests without an answer", l.asked), f.said)
				out.category = h.silentCategory()
				return out
			case l.asked >= 5:
				return possible.by(count("%d Configure-Requests without an answer", l.asked))
			}
			return no
		},
	},
	{
		id: "line-one-way", category: "no-lcp-answer",
		title: "Sent packets do not arrive at the other end",
		meaning: "The other end repeats a request that was acknowledged long ago, and answers none of our requests: this side receives its packets, but it does not receive ours. " +
			"Either it does not get the octets (a wire, flow control, a port that only sends), or it discards them as damaged (a wrong speed, control characters that are lost on the way).",
		cure: []string{`check the wire to the modem's receiver, and the flow control: knak dial --set port.flow=none, or rtscts (pppd: nocrtscts, or crtscts)`,
			`escape all control characters that are sent: knak dial --set lcp.send_accm=0xffffffff`, curePort, cureModem},
		match: func(h *history) found {
			l := &h.lcp
			if h.Up != nil || !l.oneWay() || l.terminated.seen() || h.auth.started() || !h.over() && l.peerSame < 5 {
				return no
			}
			out := likely.by(l.peerAsks.and(", the same %s, acknowledged %s", timesText(l.peerSame), timesText(l.weAcked)),
				l.request.and(", %s without an answer", timesText(l.asked)))
			out.firm = l.peerSame >= 5
			return out
		},
	},
	{
		id: "lcp-not-agreed", category: "no-lcp-answer",
		title:   "The two ends could not agree on the link's own options",
		meaning: "Packets passed in both directions, but LCP did not open. Frames may be lost or damaged on the way, or one end insists on an option.",
		cure:    []string{`ask for nothing: knak dial --set lcp.request=[] (pppd: default-asyncmap, nomagic, nopcomp, noaccomp)`, `check flow control of a serial cable: knak dial --set port.flow=rtscts (pppd: crtscts)`},
		match: func(h *history) found {
			f, told := h.failedIn(event.PhaseLCP, event.FailedTimeout)
			l := &h.lcp
			if h.Up != nil || l.rcvd == 0 || l.refused.seen() || l.oneWay() {
				return no
			}
			if !told && h.over() && l.peerAsked > 0 && l.asked >= 5 && l.answers == 0 && !l.terminated.seen() && !h.auth.started() && h.ipcp.asked == 0 {
				out := likely.by(l.peerAsks.and(", asked %s", timesText(l.peerAsked)), l.request.and(", %s without an answer", timesText(l.asked)))
				out.firm = true // it was asked often enough
				return out
			}
			if !told {
				return no
			}
			return likely.by(l.demand, count("%s", l.account("LCP")), f.said)
		},
	},
	{
		id: "lcp-ended-by-peer", category: "no-lcp-answer",
		title: "The modem ends the link before LCP is agreed on",
		meaning: "It answered the first PPP packets with a Terminate-Request. Such a modem is still ending the previous call, has lost its context since CONNECT, " +
			"or does not accept the options.",
		cure: []string{`try again after some seconds: knak dial --persist`, `let PPP begin later: knak dial --set dial.connect_delay=2s (pppd: connect-delay 2000)`, cureContext,
			`ask for nothing: knak dial --set lcp.request=[] (pppd: default-asyncmap, nomagic, nopcomp, noaccomp)`, cureModem},
		match: func(h *history) found {
			l := &h.lcp
			if h.Up != nil || !l.terminated.seen() || l.asked == 0 || l.open() || l.refused.seen() || h.auth.started() || h.ipcp.asked > 0 || isRAS(l.terminateID) || l.wePeer {
				return no
			}
			return likely.by(l.request, l.terminated)
		},
	},
	{
		id: "no-carrier-in-ppp", category: "transport-lost",
		title:   "The modem hung up",
		meaning: "The modem or the network ended the call, not this side.",
		cure:    []string{`dial again and keep dialling: knak dial --persist`, `check signal (AT+CSQ) and power: modems on a weak USB port restart when they send`, cureModem},
		match: func(h *history) found {
			_, silent := h.failedIn(event.PhaseLCP, event.FailedTimeout)
			switch {
			case !h.line.carrierLost.seen() || h.line.lostIn == event.PhaseDial || silent || h.log.ours:
				return no
			case h.Up != nil && h.log.seen && (h.shortLived() || h.log.pppoe):
				return no
			case h.Up != nil && h.log.lostSync.seen(): // compression-sync-lost: it hung up for that
				return possible.by(h.line.carrierLost)
			case h.Up != nil:
				return certain.by(h.line.carrierLost.and(" while the link was up"), h.log.gone)
			case h.stuckInIPCP(): // ipcp-hangup-after-auth says more
				return no
			}
			if h.line.lostIn == "" {
				return possible.by(h.line.carrierLost)
			}
			return likely.by(h.line.carrierLost.and(" in phase %s", h.line.lostIn))
		},
	},
}

// isWaitingFor says whether a line of wvdial only tells that it waits for a prompt, or that it has seen none that it knows.
func isWaitingFor(text string) bool {
	t := strings.ToLower(text)
	return strings.Contains(t, "waiting for prompt") || strings.Contains(t, "know what to do")
}

// hungUpEarly says that pppd did not run for as long as it takes it to ask ten times in vain (pppd(8), lcp-max-configure, lcp-restart).
func (l *logHistory) hungUpEarly() bool { return l.pppFor > 0 && l.pppFor < 25*time.Second }

// hasWord says whether a text has a word of at least four letters: octets of another speed hardly ever make one.
func hasWord(t clue) bool {
	run := 0
	for i := range len(t.text) {
		if c := t.text[i] | 0x20; 'a' <= c && c <= 'z' {
			if run++; run == 4 {
				return true
			}
			continue
		}
		run = 0
	}
	return false
}

// connectText is what led to PPP being tried.
func (h *history) connectText() clue {
	if t := h.dialText(); t.seen() {
		return t
	}
	return h.log.connect
}

// silentCategory tells a modem that was dialled, where the port is the first suspect, from a line on which PPP is all.
func (h *history) silentCategory() string {
	if (h.connected() || h.log.dialled) && !strings.HasPrefix(h.log.tty, "/dev/pts/") && !h.log.pppoe {
		return "wrong-tty-port"
	}
	return ""
}

// isATText says whether a line looks like one of the AT command channel (V.250 section 5).
func isATText(l string) bool {
	u := strings.ToUpper(strings.TrimSpace(l))
	switch {
	case v250.IsFinal(u) && !strings.HasPrefix(u, "CONNECT") && !strings.HasPrefix(u, "NO CARRIER"), u == "RING":
		return true
	case strings.HasPrefix(u, "AT") && len(u) > 2 && strings.ContainsAny(u[2:3], "+^%$&DEVHZIQXS"):
		return true
	}
	if len(u) > 3 && strings.ContainsAny(u[:1], "+^%$*") { // +CREG: 1, ^RSSI:14, *ECAV: …
		name, _, ok := strings.Cut(u[1:], ":")
		return ok && name != "" && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ") == ""
	}
	return false
}
