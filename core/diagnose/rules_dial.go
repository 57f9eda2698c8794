package diagnose

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/event"
)

var dialRules = []rule{
	{
		id: "registration-denied", category: "dial-refused-by-network",
		title:   "The network refuses this SIM",
		meaning: "The modem asked to register, and the network refused. The subscription is not active, not valid in this network or country, or the device is blocked.",
		cure:    []string{`ask the operator whether the SIM is active and may use data, here and in this device`, `let the modem choose the network by itself: AT+COPS=0`, `try the SIM in a telephone`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedRegistrationDenied)
			if h.Up != nil || !told && (h.at.registered() != regDenied || !h.dialFailed() && !(h.over() && h.at.dial == "")) {
				return no
			}
			if !told && h.at.deniedForCalls() {
				return likely.by(h.at.registrationText()...)
			}
			return certain.by(append(h.at.registrationText(), f.said)...)
		},
	},
	{
		id: "not-registered", category: "not-registered",
		title:   "The modem is not registered in a network",
		meaning: "No network can carry a call: the modem is still searching, its radio is off, the antenna is missing, or there is no coverage.",
		cure: []string{`wait longer: knak dial --set registration.wait=5m --timeout 7m`, `look at the signal: AT+CSQ answers 99 where there is none; check antenna and place`,
			`turn the radio on: AT+CFUN=1; and let the modem choose the network: AT+COPS=0`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedNotRegistered)
			evidence := append(h.at.registrationText(), f.said)
			unanswered := h.log.seen && h.at.dial != "" && h.at.result == "" && h.lcp.rcvd == 0 && !h.auth.started() && h.over()
			_, lost := h.lostBeforeDial()
			switch {
			case lost:
				return no
			case h.Up == nil && h.dialFailed() && h.at.registered() == regUnknown && (h.at.boot.seen() || h.at.cme == cmeSIMBusy || h.at.pinSent && h.at.pinError == ""):
				evidence = append(evidence, h.at.boot, h.dialText())
				out := likely.by(evidence...)
				out.meaning = "The modem had only just started or received its PIN: it may need up to a minute before it can dial."
				return out
			case told:
				return certain.by(evidence...)
			case h.Up != nil || !h.dialFailed() && !unanswered && !(h.over() && (h.stuckInIPCP() || h.at.dial == "")):
				return no
			case h.at.registered() == regNo || h.at.registered() == regUnknown && h.at.noSignal():
				return likely.by(append(evidence, h.dialText())...)
			}
			return no
		},
	},
	{
		id: "dial-error", category: "dial-refused-by-network",
		title:   "The modem refuses the dial command",
		meaning: "It answered with an error before it made a call. The number, the context or the modem's state is wrong.",
		cure:    []string{cureAPN, `try another dial string: knak dial --number "*99#" or --number "*99***1#"`, `check that the context exists: AT+CGDCONT?`, cureModem},
		match: func(h *history) found {
			f, told := h.failed(event.FailedDialRefused)
			fromDetail := told && h.at.result == "" && strings.Contains(strings.ToUpper(f.Detail), "ERROR")
			if h.Up != nil || !isError(h.at.result) && !fromDetail {
				return no
			}
			c := certain
			if h.at.boot.seen() || h.at.cme == cmeSIMBusy || h.at.registered() == regNo || h.at.registered() == regUnknown && h.at.noSignal() {
				c = likely // not-registered says more
			}
			out := c.by(h.dialText(), f.said)
			if r, _ := v250.ParseFinal(h.at.result); r != v250.CME { // a plain ERROR has no number
				return out
			}
			if words := v250.CMEWords(h.at.cme); words != "" {
				out.meaning = fmt.Sprintf("Its error %d means: %s.", h.at.cme, words)
			}
			return out
		},
	},
	{
		id: "no-carrier", category: "dial-refused-by-network",
		title:   "The call was not connected",
		meaning: "The modem accepted the dial command, tried, and gave up. The network refused the data call, or the modem was not ready for it.",
		cure:    []string{cureRegistration, cureAPN, `ask the operator whether data is enabled for this SIM`, `try another dial string: knak dial --number "*99#" or --number "*99***1#"`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedDialRefused)
			refused := h.at.result != "" && !isError(h.at.result) && !strings.HasPrefix(strings.ToUpper(h.at.result), "CONNECT") ||
				h.line.carrierLost.seen() && h.line.lostIn == event.PhaseDial
			if told && h.at.result == "" {
				refused = !strings.Contains(strings.ToUpper(f.Detail), "ERROR")
			}
			if _, lost := h.lostBeforeDial(); lost || h.Up != nil || !refused || h.line.frames.seen() || h.line.prompt.seen() && h.connected() {
				return no
			}
			out := likely.by(append(h.at.registrationText(), h.dialText(), f.said)...)
			out.meaning = whyNotPutThrough[strings.ToUpper(h.at.result)]
			return out
		},
	},
	{
		id: "ppp-instead-of-answers", category: "login-dialogue-mismatch",
		title:   "The modem sends PPP packets where the dialer expects words",
		meaning: "The other end has begun PPP, or did not end it after the last call, while the dialer still sends commands or waits for a prompt. Its packets get no answer, so it hangs up after a while.",
		cure: []string{`let PPP begin at once after CONNECT (wvdial: Stupid Mode = yes; pppd: nothing after CONNECT in the chat script)`,
			`end the old call first: knak dial does this by itself (pppd: "" "\d+++\d" and ATH at the beginning of the chat script), or unplug it`},
		match: func(h *history) found {
			if h.Up != nil || !h.line.frames.seen() || h.lcp.asked+h.lcp.rcvd > 0 || h.auth.started() || !h.over() {
				return no
			}
			if h.log.ppp { // they came before the dialer had started it
				return no
			}
			return likely.by(h.line.frames)
		},
	},
	{
		id: "connect-script-failed", category: "dial-refused-by-network",
		title:   "The script that dials has failed",
		meaning: "The steps that set up the modem and dial ended with an error: a chat script, or the dialling part of another program. The lines before, or the script's own log, show which command failed; chat writes a log with -v.",
		cure:    []string{`look at the dialogue (pppd: connect 'chat -v -f FILE'; knak dial shows it with -v)`, cureRegistration, cureAPN},
		match: func(h *history) found {
			if h.Up != nil || !h.log.scriptEnd.seen() {
				return no
			}
			out := possible.by(h.log.scriptEnd)
			if !strings.Contains(strings.ToLower(h.log.scriptEnd.text), "script") { // a program's own steps
				out.title = "Setting the modem up or dialling has failed"
			}
			return out
		},
	},
	{
		id:      "at-error",
		title:   "The modem refuses a command that is needed",
		meaning: "One of the commands before the dial was answered with an error. Not every firmware has every command.",
		cure:    []string{`see which profile is used and why: knak quirks explain; a profile can leave the command out or word it differently`, cureModem},
		match: func(h *history) found {
			f, told := h.failed(event.FailedATError)
			if !told && h.Up == nil && h.over() && h.at.dial == "" && h.at.refused && h.lcp.asked+h.lcp.rcvd == 0 {
				out := possible.by(h.at.cmeLine) // it was the last thing that was said; whether it was needed, nobody says
				if h.at.pinError != "" && h.at.command != "" && strings.HasPrefix(strings.ToUpper(h.at.command), "AT+CPIN=") {
					out.meaning = "ERROR alone does not say that the PIN was wrong: a SIM that wants none refuses it so, and quotation marks of a text processor do, too. AT+CPIN? says what the SIM wants."
				}
				return out
			}
			if !told {
				return no
			}
			out := certain.by(h.at.cmeLine, f.said)
			if setsContext(h.at.cmeLine.text + f.Detail) {
				out.category = "dial-refused-by-network"
			}
			return out
		},
	},
}

// setsContext says whether a command prepares the context or the attachment, so that its refusal is one of the call.
func setsContext(s string) bool {
	s = strings.ToUpper(s)
	return strings.Contains(s, "+CGDCONT") || strings.Contains(s, "+CGATT") || strings.Contains(s, "+CGACT") || strings.Contains(s, "+CGQ")
}

// dialFailed says whether a dial was tried and not answered by CONNECT.
func (h *history) dialFailed() bool {
	if _, told := h.failed(event.FailedDialRefused); told {
		return true
	}
	r := strings.ToUpper(h.at.result)
	return r != "" && !strings.HasPrefix(r, "CONNECT")
}

func (h *history) dialText() clue {
	if h.at.dial == "" || h.at.result == "" {
		return clue{}
	}
	return clue{pos: h.at.dialAt, text: h.at.dial + " → " + h.at.result}
}

func isError(result string) bool { return strings.Contains(strings.ToUpper(result), "ERROR") }

// whyNotPutThrough is what each result code adds (V.250 section 6.3.1).
var whyNotPutThrough = map[string]string{
	"BUSY":        "BUSY: the number is busy, which cannot happen in a data call: it may be a voice number, or the network is overloaded.",
	"NO DIALTONE": "NO DIALTONE: the modem has no network at this moment, or treats the number as one for a telephone line.",
	"NO ANSWER":   "NO ANSWER: the network did not answer within the modem's own time limit.",
	"OK":          "OK: the modem did not treat the command as a data call.",
}
