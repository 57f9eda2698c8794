package diagnose

import (
	"strings"

	"github.com/knakppp/knak/core/event"
)

var portRules = []rule{
	{
		id: "port-shared", category: "port-shared-with-other-program",
		title:   "ModemManager is using this modem",
		meaning: "It sends its own commands to the same ports, and an answer goes to the program that reads first.",
		cure: []string{`keep it away from this modem while knak dials: knak dial --inhibit`,
			`or stop it: systemctl stop ModemManager`,
			`or make it ignore this modem permanently, by a udev rule with ENV{ID_MM_DEVICE_IGNORE}="1" for its USB id`},
		match: func(h *history) found {
			for _, f := range h.failures {
				if namesModemManager(f.Detail) {
					return certain.by(f.said)
				}
			}
			if h.Up != nil || !h.over() {
				return no
			}
			for _, n := range h.notices {
				if namesModemManager(n) {
					return possible.by(count("%s", n))
				}
			}
			return no
		},
	},
	{
		id: "port-locked", category: "port-shared-with-other-program",
		title:   "Another program holds this port",
		meaning: "Two programs on one port take each other's bytes, so knak does not use this port.",
		cure:    []string{`find the program: fuser -v PORT, or the process number in /var/lock/LCK..*`, `end that program (another pppd, wvdial or knak, a getty, ModemManager), or dial on another port: knak dial --port PATH`},
		match:   told(event.FailedPortLocked),
	},
	{
		id:      "port-open",
		title:   "The port cannot be opened",
		meaning: "The operating system refused to open it.",
		cure:    []string{`see what is there: knak devices`, `let knak look for other causes: knak doctor`},
		match: func(h *history) found { // its detail says why, and what to do
			f, told := h.failed(event.FailedPortOpen)
			why := strings.ToLower(f.Detail)
			gone := strings.Contains(why, "no such ") || strings.Contains(why, "input/output error")
			if !told || gone && (h.Up != nil || h.log.wasUp) { // transport-lost says more
				return no
			}
			out := certain.by(f.said)
			if gone {
				out.category = "modem-not-answering"
			}
			return out
		},
	},
	{
		id: "port-lost", category: "modem-not-answering",
		title:   "The port went away before the call",
		meaning: "The modem was unplugged, restarted or lost its power while the call was prepared, or the program that provides the port ended. There was no call.",
		cure: []string{`see whether the modem is there again, perhaps under another name: knak devices`, `look for a restart or a lack of power: dmesg | tail; use a powered hub or a shorter cable`,
			`let knak wait for it: knak dial --persist`},
		match: func(h *history) found {
			if f, lost := h.lostBeforeDial(); lost {
				return certain.by(f.said)
			}
			return no
		},
	},
	{
		id:      "no-modem",
		title:   "No modem was found",
		meaning: "No port on this machine looks like one of a modem. A stick that still shows a disc drive or a network card is not a modem yet.",
		cure: []string{`see what is there: knak devices; lsusb shows whether the stick is plugged in at all`, `install usb_modeswitch, which turns a stick from a disc drive into a modem`,
			`name the port if you know it: knak dial --port PATH`},
		match: told(event.FailedNoModem),
	},
	{
		id: "modem-not-answering", category: "modem-not-answering",
		title:   "The modem does not answer commands",
		meaning: "Nothing came back to AT. The port is for something else, the modem hangs or is still in an old call, or the speed or flow control is wrong.",
		cure:    []string{curePort, cureModem, `try without hardware flow control: knak dial --set port.flow=none`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedModemSilent, event.FailedDataMode)
			switch {
			case h.line.frames.seen(): // it does answer, in PPP
			case told:
				return certain.by(f.said)
			case h.at.sent >= 3 && h.at.others*2 <= h.at.sent+1 && h.at.rcvd == 0 && h.at.dial == "" && h.lcp.rcvd == 0 && len(h.line.texts) == 0 && h.Up == nil: // who goes on to other commands, or to dial, had answers, and the log does not show them
				return likely.by(count("%d commands without an answer", h.at.sent))
			case h.log.gaveUp.seen() && h.at.sent > 0 && h.at.rcvd == 0 && !h.log.connect.seen() && h.Up == nil:
				return likely.by(count("%s without an answer", h.at.command), h.log.gaveUp)
			}
			return no
		},
	},
}

// lostBeforeDial says whether the port ended before a dial command was answered: then what the modem had said last, that it
// still searched for a network for instance, was not the reason. Only who held the port tells of it in that phase.
func (h *history) lostBeforeDial() (fault, bool) {
	f, told := h.failed(event.FailedCarrierLost)
	return f, told && f.Phase == event.PhaseDial && h.Up == nil && h.at.result == "" && !h.line.frames.seen()
}

// told makes a match for what only the part that saw it can know.
func told(cause string) func(*history) found {
	return func(h *history) found {
		if f, ok := h.failed(cause); ok {
			return certain.by(f.said)
		}
		return no
	}
}

func namesModemManager(s string) bool { return strings.Contains(strings.ToLower(s), "modemmanager") }
