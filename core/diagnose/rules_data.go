package diagnose

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// dataRules judge what came after an address was there.
var dataRules = []rule{
	{
		id: "link-carries-nothing", category: "no-data-after-up",
		title: "The link opened but carries nothing",
		meaning: "There is an address, but nothing that was sent from it was answered. If the network refused the context, some firmware invents an address: it looks right but carries nothing. " +
			"Or the network accepts this SIM but blocks its data.",
		cure: []string{`probe a host that certainly answers: knak dial --set prove.targets=ADDRESS; a network may drop knak's default probes`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedCarriesNothing)
			d := &h.data
			switch {
			case told, d.probes >= 3 && d.answers == 0 && h.down != nil && h.Up == nil:
			case h.Up != nil && h.log.noPing.seen() && !h.log.route.seen() && !h.log.noRoute.seen():
				return likely.by(h.log.noPing)
			case h.Up != nil && d.rcvd == 0 && d.sent >= 5 && d.answers == 0 && h.over():
				return likely.by(count("%d IP packets sent, none received", d.sent))
			case h.Up != nil && h.down != nil && h.down.BytesIn == 0 && h.down.BytesOut > 200 && d.answers == 0:
				return likely.by(count("%d bytes sent, none received in %.0f s", h.down.BytesOut, h.down.Seconds))
			default:
				return no
			}
			var last clue
			if d.probes > 0 {
				last = count("%d probes, no answer; the last: probe %s by %s: %s", d.probes, d.lastProbe.Target, d.lastProbe.How, d.lastProbe.Result)
			}
			return late(likely, h, h.ipcp.ack, last, f.said)
		},
	},
	{
		id: "echo-timeout", category: "echo-timeout-too-strict",
		title: "The other end stopped answering Echo-Requests",
		match: func(h *history) found {
			f, told := h.failed(event.FailedEchoTimeout)
			if h.log.gone.seen() || h.log.redial.seen() { // transport-lost says more
				return no
			}
			if !told && (h.Up == nil || h.data.unanswered < 4 || !h.over() || h.line.carrierLost.seen() || h.data.ended.seen()) {
				return no
			}
			out := likely.by(f.said)
			if h.data.echoes > 0 {
				out.add(count("%d Echo-Requests without an answer, %d answers before", h.data.unanswered, h.data.echoReplies))
			}
			switch {
			case h.data.echoes+h.data.echoReplies == 0: // a log without packets
				out.meaning = "Its silence alone does not say whether the line is gone or whether the limit is too strict for this modem."
			case h.data.echoReplies == 0:
				out.meaning = "It never answered an Echo-Request: this firmware does not support them, and the link itself may be good."
				out.cure = []string{`send none: knak dial --set lcp.echo_mode=off (pppd: lcp-echo-failure 0)`}
				return out
			case h.busy():
				out.meaning = "It answered before, and there was much traffic: an answer comes late if it has to wait behind data."
			default:
				out.category = "transport-lost"
				out.meaning = "It answered before."
			}
			out.meaning += " The radio link is lost, the modem hangs, or bytes are lost on the port when much data flows."
			out.cure = []string{`dial again and keep dialling: knak dial --persist`, `allow more missing answers: knak dial --set lcp.echo_failure=8 (pppd: lcp-echo-failure 8)`,
				`check flow control of a serial cable: knak dial --set port.flow=rtscts (pppd: crtscts)`}
			return out
		},
	},
	{
		id: "transport-lost", category: "transport-lost",
		title:   "The connection to the modem or to the network was lost",
		meaning: "The device disappeared from the machine, or nothing answered when the call was tried again. No PPP setting causes this: check power, cable, driver and line; or the modem has restarted.",
		cure: []string{`look for USB disconnects in the kernel's log (dmesg), and give the modem enough power: another cable, a hub with its own supply`,
			`check the line, for DSL its modem's lamps`, `dial again and keep dialling: knak dial --persist (pppd: persist, maxfail 0)`},
		match: func(h *history) found {
			up := h.Up != nil || h.log.wasUp
			_, echo := h.failed(event.FailedEchoTimeout)
			switch {
			case up && (h.log.gone.seen() || h.log.redial.seen()):
				f, _ := h.failed(event.FailedEchoTimeout)
				return certain.by(f.said, h.line.carrierLost, h.log.gone, h.log.redial)
			case h.log.gone.seen() && h.over():
				return likely.by(h.line.carrierLost, h.log.gone)
			case echo && h.log.redial.seen():
				return likely.by(h.failures[0].said, h.log.redial)
			}
			return no
		},
	},
	{
		id: "hangup-just-after-up", category: "port-shared-with-other-program",
		title: "The port hung up seconds after the link had come up",
		meaning: "The other end sent neither a Terminate-Request nor NO CARRIER: the port itself was closed, or its lines were changed. " +
			"Another program that opens the same port does this: a console or getty, ModemManager, a second dialer.",
		cure: []string{`see who has the port open: fuser -v PORT`, `stop the getty on it: systemctl stop serial-getty@PORT.service, and remove console=PORT from the kernel's command line`,
			`ignore the carrier line (DCD) if the port has none: knak dial --set port.watch_carrier=false (pppd: local)`},
		match: func(h *history) found {
			if h.Up == nil || !h.log.seen || !h.shortLived() || h.log.gone.seen() || h.log.pppoe {
				return no
			}
			var lived clue
			if h.log.timed {
				lived = count("connected for %.1f minutes", h.log.minutes)
			}
			return likely.by(h.line.carrierLost, lived)
		},
	},
	{
		id: "pppoe-session-cut", category: "pppd-or-kernel-bug",
		title: "The PPPoE session was closed without a PPP packet",
		meaning: "A server that ends a session first sends an LCP Terminate-Request. Here there was none, and echo had not failed: a PADT closed the session. " +
			"Some kernels have accepted a PADT that was meant for another subscriber with the same session number. The log alone does not show which PADT it was.",
		cure: []string{`look at what arrives: tcpdump -e -n -i INTERFACE ether proto 0x8863, and compare the PADT's destination with this interface's address`, `use a newer kernel`,
			`until then keep dialling (pppd: persist, holdoff 5)`},
		match: func(h *history) found {
			if h.Up == nil || !h.log.pppoe || !h.line.carrierLost.seen() || h.log.gone.seen() || h.log.redial.seen() || h.otherFailure() {
				return no
			}
			return likely.by(h.line.carrierLost)
		},
	},
	{
		id: "ip-rejected", category: "no-data-after-up",
		title: "The modem rejects the packets that it agreed to carry",
		meaning: "IPCP was open, but each IPv4 packet was answered with a Protocol-Reject: the PPP of the other end has lost its network, or the context carries no IPv4. " +
			"A few such rejections just after the link came up are harmless.",
		cure: []string{`check the type of the context: knak dial --set context.type=IP (AT+CGDCONT? shows what is set)`, `let knak dial again: knak dial --persist`},
		match: func(h *history) found {
			f, told := h.failedIn(event.PhaseUp, event.FailedProtocolRejected)
			if !told {
				return no
			}
			return certain.by(h.lcp.rejected[packet.IP], f.said)
		},
	},
	{
		id: "address-conflict", category: "no-data-after-up",
		title: "The address that the peer gave is in one of this host's own networks",
		meaning: "With it, this host could not reach a neighbour, its router or itself any more, so the link was not brought up, or was ended when the host got that network. " +
			"A stick or router that gives private addresses may use the same network as this host's LAN. If it does not, somebody may be trying to take over this host's traffic.",
		cure: []string{`give the stick's or the LAN's network another range, in its own settings`, `accept the address anyway, if no other device has it: knak dial --allow-address ADDRESS`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedAddressConflict)
			if !told {
				return no
			}
			return certain.by(h.ipcp.ack, f.said)
		},
	},
	{
		id: "default-route-kept", category: "default-route-not-installed",
		title: "The default route does not lead through the link",
		meaning: "The link is up, but pppd left an existing default route in place, so traffic to the Internet does not go through the link. " +
			"Often that route belongs to the stick's own network port, where nothing answers.",
		cure: []string{`give the link the default route: knak dial --default-route (pppd: replacedefaultroute, or ip route replace default dev ppp0)`, `stop the DHCP client on the stick's other network port`},
		match: func(h *history) found {
			if h.Up == nil || !h.log.route.seen() || h.log.routed {
				return no
			}
			c := possible // somebody who has another way out may want it so
			switch d := h.down; {
			case h.log.routeOver != "" && !strings.HasPrefix(h.log.routeOver, "through ppp"): // a route without a gateway leads nowhere
				c = likely
			case d != nil && d.BytesIn < 500, h.log.noNames.seen(), h.log.noPing.seen(), h.log.noRoute.seen(), h.log.elsewhere.seen():
				c = likely
			}
			var traffic clue
			if h.down != nil {
				traffic = count("%d bytes sent, %d received", h.down.BytesOut, h.down.BytesIn)
			}
			return c.by(h.log.route, traffic, h.log.noNames, h.log.elsewhere)
		},
	},
	{
		id: "default-route-missing", category: "default-route-not-installed",
		title:   "No default route leads through the link",
		meaning: "The link is up, but programs report that there is no route to the Internet.",
		cure:    []string{`give the link the default route: knak dial --default-route (pppd: defaultroute and, where another exists, replacedefaultroute)`, `or set it by hand: ip route replace default dev ppp0`},
		match: func(h *history) found {
			if h.Up == nil || !h.log.noRoute.seen() && !h.log.elsewhere.seen() || h.log.routed {
				return no
			}
			c := likely
			if !h.log.noRoute.seen() { // somebody showed the table of routes; what they miss they do not say
				if !h.log.route.seen() && (h.log.pppoe || strings.HasPrefix(h.log.tty, "/dev/pts/")) { // a tunnel may be meant for some addresses only
					c = possible
				}
				return c.by(h.log.route, h.log.elsewhere)
			}
			if !h.log.route.seen() && h.log.ownNoRoute {
				c = possible // any daemon says so of an address of its own, for example of IPv6
			}
			return c.by(h.log.route, h.log.noRoute)
		},
	},
	{
		id: "ipcp-renegotiated", category: "ipcp-option-interop",
		title: "The peer negotiated the addresses again on a link that was up",
		meaning: "A Configure-Request on an open link takes it down until both ends have agreed again (RFC 1661 section 4.3). " +
			"Some modems send one right after the link came up, and with a dialer that follows this rule, addresses and routes go away for a moment.",
		cure: []string{`dial with knak, which keeps the link up if nothing changes`, `check that up and down scripts may run twice (pppd: ip-up, ip-down)`},
		match: func(h *history) found {
			if h.Up == nil || !h.ipcp.again.seen() {
				return no
			}
			return possible.by(h.ipcp.again)
		},
	},
	{
		id: "compression-sync-lost", category: "compression-failure",
		title:   "The compression of the two ends is out of step",
		meaning: "Compressed packets arrive and can no longer be decompressed. The reason is a peer that compresses wrongly, or bytes that are lost on the port.",
		cure:    []string{`use no compression (knak asks for none; pppd: nodeflate nobsdcomp, or noccp for all of it)`, `check flow control of a serial cable: knak dial --set port.flow=rtscts (pppd: crtscts)`},
		match: func(h *history) found {
			switch {
			case h.log.lostSync.seen():
				return certain.by(h.log.lostSync)
			case h.log.resets >= 5:
				return likely.by(h.log.reset.and(", %d times", h.log.resets))
			}
			return no
		},
	},
	{
		id: "peer-ended-session", category: "peer-ended-session",
		title: "The other end ended the session",
		cure:  []string{`dial again and keep dialling: knak dial --persist (pppd: persist)`},
		match: func(h *history) found {
			if h.Up == nil && h.lcp.terminated.seen() && !h.begun() {
				out := likely.by(h.lcp.terminated)
				out.meaning = "It sent a Terminate-Request. This log begins in the middle of a session: it does not show whether the link worked before, and for how long. Time limits, idle limits and networks that drop the context end sessions in this way."
				return out
			}
			if h.Up == nil || !h.data.ended.seen() {
				return no
			}
			out := certain.by(h.data.ended)
			out.meaning = "The link worked and was then ended properly by the other end: a time limit, an idle limit, or the network dropped the context."
			return out
		},
	},
	{
		id: "dns-missing", category: "dns-missing-or-placeholder",
		title:   "The link has no usable name server",
		meaning: "Addresses work, names do not: the modem gave no name server, or only placeholders, which its firmware gives while it has no real ones.",
		cure:    []string{cureWider, `give it more time for real ones: knak dial --set ipcp.placeholder_patience=60s (pppd: ipcp-max-failure 100)`, `set name servers by hand for this link`},
		match: func(h *history) found {
			asked := h.ipcp.wanted[129] || h.ipcp.wanted[131] || h.log.wantDNS || h.log.noNames.seen()
			if h.Up == nil || h.Up.Local == "" && h.log.seen || len(h.failures) > 0 || h.log.seen && h.log.afterUp == 0 && len(h.Up.DNS) == 0 || !asked && len(h.Up.DNS) == 0 {
				return no
			}
			usable := func(s string) bool {
				a, err := netip.ParseAddr(s)
				if err != nil && h.log.seen { // what was made unreadable before the log was posted
					return true
				}
				return err == nil && !a.IsUnspecified() && !a.IsLoopback() && !slices.Contains(call.Placeholders, a)
			}
			fromAck := slices.ContainsFunc(h.ipcp.dns, func(a netip.Addr) bool { return usable(a.String()) })
			if slices.ContainsFunc(h.Up.DNS, usable) || len(h.Up.DNS) == 0 && fromAck {
				return no
			}
			var given clue
			if len(h.Up.DNS) > 0 {
				given = count("name servers: %s", strings.Join(h.Up.DNS, ", "))
			}
			return likely.by(h.ipcp.ack, given, h.log.noNames)
		},
	},
}

// begun says whether anything of how the call began is there: a dial, a request of either end, an authentication.
func (h *history) begun() bool {
	return h.at.sent > 0 || h.lcp.asked+h.lcp.peerAsked > 0 || h.auth.started() || h.ipcp.asked+h.ipcp.peerAsked > 0 || h.log.connect.seen() || h.log.pppd
}

// busy says that much went through the link.
func (h *history) busy() bool {
	return h.down != nil && h.down.Seconds > 0 && float64(h.down.BytesIn+h.down.BytesOut)/h.down.Seconds > 2000
}

// otherFailure says that something failed besides that the line was lost.
func (h *history) otherFailure() bool {
	return slices.ContainsFunc(h.failures, func(f fault) bool { return f.Cause != event.FailedCarrierLost })
}

// shortLife is how long a link lives at most that another program on its port ends.
const shortLife = 20 * time.Second

// shortLived says that the port ended within seconds of the addresses, without a word of the other end.
func (h *history) shortLived() bool {
	if !h.line.carrierLost.seen() || h.line.carrierLost.has("NO CARRIER") || h.data.ended.seen() || h.otherFailure() {
		return false
	}
	if h.log.timed {
		return h.log.minutes <= shortLife.Minutes()
	}
	return !h.UpAt.IsZero() && !h.log.lostAt.IsZero() && h.log.lostAt.Sub(h.UpAt) <= shortLife
}
