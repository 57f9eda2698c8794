package diagnose

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/event"
)

// restRules speak where no other rule has anything to say: a call that failed always gets an account of where it stopped
// and what was exchanged, and a log that shows no end is said to show none.
var restRules = []rule{
	{
		id:      "stopped-here",
		title:   "The call failed, and no known cause fits",
		meaning: "No rule of knak fits this case; the evidence shows how far the call came.",
		match: func(h *history) found {
			switch {
			case h.Up != nil && !h.broke():
				return no
			case h.Up == nil && !h.ended():
				return no
			}
			if f := h.hostFailure(); f.Cause != "" {
				if !h.begun() { // there was no call, and the failure's own words say what there was
					return no
				}
				out := likely.by(f.said)
				out.title = "This side ended the call: " + f.Cause
				out.meaning = "Neither the modem nor the network ended it."
				out.cure = []string{`let knak look at this host: knak doctor`}
				return out
			}
			phase := h.stoppedIn()
			s := stops[phase]
			out := possible.by(h.accounts()...)
			out.title, out.meaning, out.cure = s.title, s.meaning, s.cure
			if h.log.gaveUp.seen() || h.log.ours && h.Up == nil {
				out.meaning = "This side ended it before it had worked or failed. " + out.meaning
			}
			return out
		},
	},
	{
		id:      "log-ends-here",
		title:   "The log ends before the call has worked or failed",
		meaning: "In the part that it shows, nothing has failed and nothing has worked.",
		cure: []string{`post the rest too: everything up to "Connection terminated" or the next attempt (pppd: the options debug and logfile FILE; journalctl -t pppd -t chat)`,
			`or record a complete call: knak dial --record FILE`},
		match: func(h *history) found {
			if h.Up != nil || h.ended() || !h.log.eof || h.Worked() {
				return no
			}
			out := possible.by(h.accounts()...)
			if s := stops[h.stoppedIn()]; h.begun() || h.far != "" {
				out.meaning = "It came as far as " + s.place + "."
			} else if h.log.speaksOfModems() {
				out.title = "The log does not show a call, in words that knak knows"
				out.meaning = fmt.Sprintf("%d lines of it speak of a modem. The last of them shows how far it came.", h.log.spoken)
				out.add(h.log.spoke)
			} else {
				out.title = "The log does not show a call"
				out.meaning = "There are lines of a dialer in it, but neither a dial nor a packet nor an address."
			}
			return out
		},
	},
}

// stop is what is said of a call that ended in a phase for no reason that a rule knows.
type stop struct {
	place   string // "It came as far as …"
	title   string
	meaning string
	cure    []string
}

var stops = map[string]stop{
	"": {
		place: "the dialer's start", title: "The call failed before it began",
		meaning: "Neither a dial nor a packet is shown.",
		cure:    []string{`let the dialer log more (pppd: debug, and chat -v; knak dial -v), and look at the lines before its first word`, `see what is there: knak devices; and knak doctor`},
	},
	event.PhaseDial: {
		place: "the dialogue with the modem", title: "It stopped while the modem was being dialled",
		meaning: "PPP had not begun. At this point the reason is the modem, the network, or a script that waits for a word that does not come.",
		cure:    []string{`look at the whole dialogue (pppd: chat -v; knak dial -v)`, cureRegistration, cureModem},
	},
	event.PhaseLCP: {
		place: "LCP, where the two ends agree on the line", title: "It stopped in LCP, where the two ends agree on the line",
		meaning: "LCP did not open. If both ends send packets, the usual reason is lost or damaged frames; otherwise one end insists on an option.",
		cure:    []string{`ask for nothing: knak dial --set lcp.request=[] (pppd: default-asyncmap, nomagic, nopcomp, noaccomp)`, `check speed and flow control of a serial cable: knak dial --baud N --set port.flow=rtscts (pppd: crtscts)`, curePort},
	},
	event.PhaseAuth: {
		place: "the authentication", title: "It stopped in the authentication",
		meaning: "LCP was open, and the authentication had not finished.",
		cure:    []string{`allow PAP only: knak dial --set auth.allow=pap (pppd: refuse-chap, refuse-mschap, refuse-mschap-v2, refuse-eap)`, cureCredentials, cureModem},
	},
	event.PhaseIPCP: {
		place: "IPCP, where the addresses are agreed on", title: "It stopped in IPCP, where the addresses are agreed on",
		meaning: "The line and the authentication were good, but no address came. With a cellular modem the reason is usually the network: APN, account, coverage.",
		cure:    []string{cureContext, cureAPN, cureCredentials},
	},
	event.PhaseUp: {
		place: "a link that was up", title: "The link was up, and then it ended",
		meaning: "It worked and was lost; the only known reason is in the evidence.",
		cure:    []string{`dial again and keep dialling: knak dial --persist (pppd: persist)`, `check signal (AT+CSQ) and power: modems on a weak USB port restart when they send`},
	},
}

// stoppedIn is the phase of stops in which the attempt ended.
func (h *history) stoppedIn() string {
	switch {
	case h.Up != nil:
		return event.PhaseUp
	case h.ipcp.asked+h.ipcp.peerAsked > 0 || h.far == event.PhaseIPCP || h.far == event.PhaseUp:
		return event.PhaseIPCP
	case h.auth.started() || h.far == event.PhaseAuth:
		return event.PhaseAuth
	case h.lcp.asked+h.lcp.rcvd > 0 || h.far == event.PhaseLCP:
		return event.PhaseLCP
	case h.at.sent > 0 || h.far == event.PhaseDial:
		return event.PhaseDial
	}
	return ""
}

// hostFailure gives the first failure, if it is one that this host made by itself: a data plane that cannot be set up, a
// plugin that is required and fails, a mistake of the user's.
func (h *history) hostFailure() fault {
	if len(h.failures) > 0 && slices.Contains(hostCauses, h.failures[0].Cause) {
		return h.failures[0]
	}
	return fault{}
}

var hostCauses = []string{"usage", "plane", "privilege", "no-kernel", "plugin-required", "aborted", "link-held", "internal"}

// broke says that a link which was up ended by a fault, and not because this side or its user wanted it.
func (h *history) broke() bool {
	return h.brokeBy != "" || h.line.carrierLost.seen() && !h.log.ours && h.line.lostIn != event.PhaseDial
}

// accounts tells what was exchanged, protocol by protocol, what the failing parts said, and how it ended.
func (h *history) accounts() []clue {
	var out []clue
	if h.at.sent > 0 && h.lcp.asked+h.lcp.rcvd == 0 {
		out = append(out, count("%s", h.at.account()))
	}
	out = append(out, count("%s", h.lcp.account("LCP")))
	out = append(out, h.auth.account())
	out = append(out, count("%s", h.ipcp.account("IPCP")), h.lcp.terminated, h.ipcp.terminated, h.line.carrierLost, h.log.gaveUp, h.log.signal)
	for _, f := range h.failures {
		said := f.said
		if strings.TrimSpace(f.Detail) == "" {
			said.text = "in phase " + f.Phase + ": " + f.Cause
		}
		if len(out) < maxAccounts {
			out = append(out, said)
		}
	}
	if h.down != nil && h.down.Reason != "" && len(h.failures) == 0 {
		out = append(out, h.here("it ended: "+h.down.Reason))
	}
	return out
}

const maxAccounts = 12

// account tells the dialogue with the modem in a sentence.
func (a *atHistory) account() string {
	s := fmt.Sprintf("%d commands, %d lines in answer; the last command was %s", a.sent, a.rcvd, a.command)
	if !a.answered {
		s += ", without an answer"
	}
	return s
}

// account tells how far the authentication came, in a sentence.
func (a *authHistory) account() clue {
	switch {
	case a.success.seen():
		return a.success
	case a.failure.seen():
		return a.failure
	case a.sent > 0:
		return count("%s: sent %s, no result", a.method, timesText(a.sent))
	case a.challenge.seen():
		return a.challenge.and(", without our answer")
	}
	return clue{}
}
