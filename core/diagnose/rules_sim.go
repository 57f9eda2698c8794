package diagnose

import (
	"strings"

	"github.com/knakppp/knak/core/event"
)

// simRules judge the SIM: without one that is open no modem registers. A wrong PIN counts against the SIM, so no cure says to try one that is not known.
var simRules = []rule{
	{
		id: "puk-needed", category: "not-registered",
		title:   "The SIM is blocked and needs its PUK",
		meaning: "A wrong PIN was entered too often. Only the PUK, which came with the SIM, unlocks it again; ten wrong PUKs destroy the SIM, so knak never sends one.",
		cure:    []string{`put the SIM into a telephone and enter the PUK there; the owner gets it from the operator`},
		match: func(h *history) found {
			return simCase(h, h.at.pin == "SIM PUK" || h.at.sim == cmePUKNeeded, event.FailedPUKNeeded)
		},
	},
	{
		id: "pin-wrong", category: "not-registered",
		title:   "The SIM refuses the PIN",
		meaning: "After three wrong PINs the SIM is blocked. knak does not try the same PIN again.",
		cure:    []string{`correct the PIN: knak dial --pin-file FILE`, `if it is not known for certain, try it in a telephone first, which shows how many tries are left`},
		match: func(h *history) found {
			out := simCase(h, h.at.pinError != "" && h.at.cme == cmeWrongPIN, event.FailedPINWrong)
			if out.confidence == 0 && h.Up == nil && h.at.pinError != "" && strings.HasSuffix(h.at.pin, " PIN") { // it wanted one, and refused without saying why
				return likely.by(count("+CPIN: %s", h.at.pin), h.at.cmeLine)
			}
			return out
		},
	},
	{
		id: "pin-needed", category: "not-registered",
		title:   "The SIM needs a PIN",
		meaning: "After each start of the modem the SIM is locked until its PIN is entered.",
		cure:    []string{`knak dial --pin-file FILE`, `or put the SIM into a telephone and turn the PIN off there`},
		match: func(h *history) found {
			waiting := h.at.pin == "SIM PIN" && !h.at.pinSent && (h.over() || h.dialFailed()) && !h.connected()
			return simCase(h, waiting || h.at.sim == cmeSIMPINWant && !h.connected(), event.FailedPINNeeded)
		},
	},
	{
		id: "sim-busy", category: "not-registered",
		title:   "The modem is still busy with its SIM",
		meaning: "After a start it reads the SIM for some seconds, and refuses until then what needs it. If it goes on for longer than half a minute, the SIM or its contacts are at fault.",
		cure:    []string{`wait and ask again: knak dial does (pppd: a pause in the chat script, or persist)`, `take the SIM out, look at it, put it in again, and plug the modem in again`},
		match: func(h *history) found {
			if h.Up != nil || h.at.sim != cmeSIMBusy || h.connected() || h.dialFailed() || !h.over() {
				return no
			}
			return likely.by(h.at.simLine)
		},
	},
	{
		id: "no-sim", category: "not-registered",
		title:   "The modem finds no SIM that works",
		meaning: "There is no SIM, it is inserted the wrong way round, its contacts are dirty, or it is broken.",
		cure:    []string{`take the SIM out, look at it, put it in again, and plug the modem in again`, `try the SIM in a telephone`},
		match: func(h *history) found {
			seen := strings.Contains(h.at.pin, "NOT INSERTED") || h.at.sim == 10 || h.at.sim == 13 || h.at.sim == 15
			return simCase(h, seen && !h.connected(), event.FailedNoSIM)
		},
	},
}

// simCase is certain where the modem said so or the part that asked it was told so.
func simCase(h *history, seen bool, cause string) found {
	f, told := h.failed(cause)
	if h.Up != nil || !seen && !told {
		return no
	}
	evidence := []clue{f.said}
	if h.at.pin != "" && h.at.pin != "READY" {
		evidence = append(evidence, count("+CPIN: %s", h.at.pin))
	}
	switch {
	case h.at.sim != 0:
		evidence = append(evidence, h.at.simLine)
	case h.at.pinError != "":
		evidence = append(evidence, h.at.cmeLine)
	}
	if !told && h.at.sim != h.at.cme && h.at.pin == "" { // it has said something else since
		return likely.by(evidence...)
	}
	return certain.by(evidence...)
}

// connected says whether a call was answered.
func (h *history) connected() bool {
	return strings.HasPrefix(strings.ToUpper(h.at.result), "CONNECT") || h.lcp.rcvd > 0
}
