package diagnose

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/knakppp/knak/core/trace"
)

// dataRules judge what came after an address was there.
var dataRules = []rule{
	{
		id: "link-carries-nothing", category: "no-data-after-up",
		title: "The link opened but carries nothing",
		meaning: "There is an address, but nothing that was sent from it was answered. Where the network refused the context, some firmware makes an address up: it looks right and leads nowhere. " +
			"Or the network lets this SIM in and blocks its data.",
		cure: []string{`probe a host that you know to answer: knak dial --set prove.targets=ADDRESS; a network may drop what knak sends by default`},
		match: func(h *history) found {
			f, told := h.failed(trace.FailedCarriesNothing)
			d := &h.data
			switch {
			case told, d.probes >= 3 && d.answers == 0 && h.down != nil && h.up == nil:
			case h.up != nil && h.down != nil && h.down.BytesIn == 0 && h.down.BytesOut > 200 && d.answers == 0:
				return is(likely, fmt.Sprintf("%d bytes sent, none received in %.0f s", h.down.BytesOut, h.down.Seconds))
			default:
				return no
			}
			last := ""
			if d.probes > 0 {
				last = fmt.Sprintf("%d probes, no answer; the last: %s", d.probes, d.lastProbe)
			}
			return late(likely, h, h.ipcp.ack, last, f.Detail)
		},
	},
	{
		id: "echo-timeout", category: "echo-timeout-too-strict",
		title: "The other end stopped answering Echo-Requests",
		match: func(h *history) found {
			f, told := h.failed(trace.FailedEchoTimeout)
			if !told && (h.up == nil || h.data.unanswered < 4 || !h.over() || h.line.carrierLost != "" || h.data.ended != "") {
				return no
			}
			out := is(likely, f.Detail)
			if h.data.echoes > 0 {
				out.add(fmt.Sprintf("%d Echo-Requests without an answer, %d answers before", h.data.unanswered, h.data.echoReplies))
			}
			switch {
			case h.data.echoes+h.data.echoReplies == 0: // a log without packets
				out.meaning = "Its silence alone does not say whether the line is gone or whether the limit is too strict for this modem."
			case h.data.echoReplies == 0:
				out.meaning = "It never answered one: this firmware does not do it, and the link itself may be sound."
				out.cure = []string{`do not ask: knak dial --set lcp.echo_mode=off (pppd: lcp-echo-failure 0)`}
				return out
			default:
				out.category = "transport-lost"
				out.meaning = "It did answer before."
			}
			out.meaning += " The radio link is gone, the modem is stuck, or bytes are lost on the port while much data flows."
			out.cure = []string{`dial again and keep dialling: knak dial --persist`, `ask less strictly: knak dial --set lcp.echo_failure=8 (pppd: lcp-echo-failure 8)`,
				`check flow control of a serial cable: knak dial --set port.flow=rtscts (pppd: crtscts)`}
			return out
		},
	},
	{
		id: "peer-ended-session", category: "peer-ended-session",
		title:   "The other end ended the session",
		meaning: "The link worked and was then ended properly by the other end: a time limit, an idle rule, or the network dropped the context.",
		cure:    []string{`dial again and keep dialling: knak dial --persist (pppd: persist)`},
		match: func(h *history) found {
			if h.up == nil || h.data.ended == "" {
				return no
			}
			return is(certain, h.data.ended)
		},
	},
	{
		id: "dns-missing", category: "dns-missing-or-placeholder",
		title:   "The link has no usable name server",
		meaning: "Addresses work, names do not: the modem gave no name server, or only placeholders that its firmware fills in while it has none.",
		cure:    []string{cureWider, `give it longer for real ones: knak dial --set ipcp.placeholder_patience=60s (pppd: ipcp-max-failure 100)`, `set name servers by hand for this link`},
		match: func(h *history) found {
			if h.up == nil || len(h.failures) > 0 || !h.ipcp.asked[129] && !h.ipcp.asked[131] {
				return no
			}
			usable := func(s string) bool {
				a, err := netip.ParseAddr(s)
				return err == nil && !a.IsUnspecified() && !a.IsLoopback() && !slices.Contains(placeholders, a)
			}
			fromAck := slices.ContainsFunc(h.ipcp.dns, func(a netip.Addr) bool { return usable(a.String()) })
			if slices.ContainsFunc(h.up.DNS, usable) || len(h.up.DNS) == 0 && fromAck {
				return no
			}
			return is(likely, h.ipcp.ack)
		},
	},
}
