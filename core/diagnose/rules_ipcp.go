package diagnose

import (
	"fmt"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// ipcpRules judge the network phase: the authentication is over, an address is asked for, and none comes, or none that
// can be one. Naks without an address, empty or with placeholders, also open many good sessions: they say something only
// while no address has followed.
var ipcpRules = []rule{
	{
		id: "ipcp-empty-nak", category: "apn-or-account-not-accepted",
		title: "The modem answers the request for an address with Configure-Naks that hold nothing",
		meaning: "A Configure-Nak should say what would be acceptable; an empty one says nothing. Modems do this when they have no address to give: " +
			"the network refused the user name, the password or the APN, the modem is not registered, or the request is not the one that the firmware expects. " +
			"The packets alone do not show which of these it is.",
		match: func(h *history) found {
			_, told := h.failed(event.FailedEmptyNaks)
			switch p := &h.ipcp; {
			case !h.stuckInIPCP() || p.nakAddress.IsValid():
				return no
			case told || p.empty >= 3 || p.empty >= 2 && h.over():
				return emptyNak(likely, h)
			case p.empty >= 2:
				return emptyNak(possible, h)
			}
			return no
		},
	},
	{
		id: "context-refused", category: "pdp-activation-refused",
		title:   "The modem could not activate the context",
		meaning: "The command that activates the packet data context was answered with an error: the network refuses the context, whatever PPP does later.",
		cure:    []string{`AT+CEER may name the reason; AT+CGATT? should answer 1`, cureAPN, `ask the operator whether data is enabled for this SIM`},
		match: func(h *history) found {
			if h.Up != nil || !h.at.noContext.seen() {
				return no
			}
			f := likely.by(h.at.noContext)
			if w := v250.CMEWords(h.at.cme); w != "" {
				f.meaning = fmt.Sprintf("Its error %d means: %s.", h.at.cme, w)
			}
			return f
		},
	},
	{
		id: "ipcp-protocol-rejected", category: "apn-or-account-not-accepted",
		title:   "The modem does not speak IPCP on this call",
		meaning: "It rejected IPCP, the protocol that gives IPv4 addresses. Modems do this when the dialled context carries no IPv4.",
		cure:    []string{`check the type of the context: knak dial --set context.type=IP (AT+CGDCONT? shows what is set)`, cureAPN},
		match: func(h *history) found {
			f, told := h.failedIn(event.PhaseIPCP, event.FailedProtocolRejected)
			line := h.lcp.rejected[packet.IPCP]
			if h.Up != nil || !told && !line.seen() {
				return no
			}
			return certain.by(line, f.said)
		},
	},
	{
		id: "ipcp-terminated-by-peer", category: "pdp-activation-refused",
		title:   "The modem ended IPCP instead of giving an address",
		meaning: "The modem could not get an address from the network: the network refused the context.",
		cure:    []string{cureContext},
		match: func(h *history) found {
			if h.Up != nil || !h.ipcp.terminated.seen() || h.Ours.IsValid() || h.ipcp.weNaks >= 3 { // ipcp-peer-address-refused says more
				return no
			}
			return late(likely, h, h.ipcp.request, h.ipcp.terminated)
		},
	},
	{
		id: "lcp-terminated-by-peer-after-auth", category: "pdp-activation-refused",
		title:   "The modem ended the link when it was asked for an address",
		meaning: "The modem asked the network for an address, got none, and ended the whole link: the network refused the context.",
		cure:    []string{cureContext},
		match: func(h *history) found {
			f, told := h.failedIn(event.PhaseIPCP, event.FailedTerminated)
			if h.Up != nil || h.Ours.IsValid() || h.ipcp.terminated.seen() || isRAS(h.lcp.terminateID) || h.ipcp.placeholder > 0 ||
				h.ipcp.forced.IsValid() && h.ipcp.nakAddress.IsValid() { // local-address-forced: it did give one
				return no
			}
			unasked := h.lcp.demanded == "" && h.lcp.agreed == "" && !h.lcp.wePeer && !h.auth.started() && h.ipcp.asked > 0
			if h.lcp.terminated.seen() && (h.lcp.afterAuth || unasked) || told && !h.log.seen {
				return late(likely, h, h.ipcp.request, h.lcp.terminated, f.said)
			}
			return no
		},
	},
	{
		id: "ipcp-hangup-after-auth", category: "pdp-activation-refused",
		title:   "The modem hung up when it was asked for an address",
		meaning: "The call was answered, but the modem asks the network only when an address is requested, and the network refused.",
		cure: []string{cureContext,
			`if the operator's APN accepts only PAP, refuse the other methods: knak dial --set auth.allow=pap (pppd: refuse-chap, refuse-mschap, refuse-mschap-v2, refuse-eap)`},
		match: func(h *history) found {
			if !h.line.carrierLost.seen() || !h.stuckInIPCP() || h.lcp.terminated.seen() || h.ipcp.placeholder > 0 {
				return no
			}
			if !h.provisional() {
				return possible.by(h.ipcp.request, h.line.carrierLost)
			}
			return late(likely, h, h.ipcp.request, h.line.carrierLost)
		},
	},
	{
		id: "ipcp-placeholder-only", category: "apn-or-account-not-accepted",
		title: "The modem gives placeholder name servers and never an address",
		meaning: "The firmware gives 10.11.12.13 and 10.11.12.14 while it has nothing from the network; in a good call this lasts a few seconds. " +
			"Here no address followed: the network did not accept the user name, the password or the APN, or did not answer at all.",
		match: func(h *history) found {
			p := &h.ipcp
			if !h.stuckInIPCP() || p.placeholder == 0 || p.nakAddress.IsValid() {
				return no
			}
			c := possible
			switch {
			case h.over():
				c = likely
			case p.placeholder < 10:
				return no
			}
			f := late(c, h, p.request, p.placeholderNak.and(", %d times", p.placeholder))
			f.cure = cureAccount(h, true)
			return f
		},
	},
	{
		id: "ipcp-address-rejected", category: "ipcp-option-interop",
		title:   "The modem refuses to negotiate our address",
		meaning: "It rejected the IP-Address option, so it cannot say which address to use. Some firmware does this while it has no context; older peers need the option IP-Addresses of RFC 1172.",
		cure:    []string{cureContext, cureAPN, `if the operator gave you a fixed address, set it in another way for this modem, often by AT+CGDCONT`},
		match: func(h *history) found {
			f, told := h.failed(event.FailedAddressRejected)
			switch {
			case !h.stuckInIPCP() || !told && !h.ipcp.addressRejected.seen():
				return no
			case told || h.over():
				return likely.by(h.ipcp.request, h.ipcp.addressRejected, f.said)
			}
			return possible.by(h.ipcp.request, h.ipcp.addressRejected)
		},
	},
	{
		id: "local-address-forced", category: "local-ip-forced",
		title:   "We asked for an address of our own, and the modem does not give it",
		meaning: "The first request contained an address instead of 0.0.0.0, which asks for one. A cellular network gives the address; some modems do not even answer a request that contains one.",
		cure:    []string{`ask for any address (knak does by default; pppd: noipdefault, and no local address among the options)`},
		match: func(h *history) found {
			p := &h.ipcp
			asked := p.peerAddress.IsValid() && p.peerAddress.IsUnspecified() // of us: we are the server, and have an address of our own
			if !h.stuckInIPCP() || !p.forced.IsValid() || asked || isRAS(h.lcp.terminateID) || p.asked < 3 && !h.ended() {
				return no
			}
			return likely.by(p.request, p.nak)
		},
	},
	{
		id: "ipcp-ack-not-taken", category: "ipcp-option-interop",
		title:   "An acknowledgement of our request is not recognised",
		meaning: "The peer acknowledges the request, but this side discards the acknowledgement because it is not equal to the request; so both ends repeat their packets. One of the two has a fault in its IPCP.",
		cure:    []string{`ask for fewer options, so that less can differ: knak dial --set ipcp.request=address (pppd: novj, without usepeerdns)`, `use another release of pppd, or dial without it: knak dial`},
		match: func(h *history) found {
			if h.Up != nil || !h.log.badAck.seen() {
				return no
			}
			c := possible
			switch {
			case h.log.badAcks > 1:
				c = certain
			case h.ended():
				c = likely
			}
			return c.by(h.ipcp.request, h.ipcp.ack, h.log.badAck.and(", %d times", h.log.badAcks))
		},
	},
	{
		id: "ipcp-option-dropped", category: "ipcp-option-interop",
		title: "The peer never agreed to the address that this side believes is agreed",
		meaning: "This side wanted another address for the peer; the peer then left the option out of its request, and this side acknowledged that. " +
			"To leave an option out means to have no value (RFC 1661 section 5.3), not to agree: each end now believes in a different address for the peer.",
		cure: []string{`accept the peer's address (knak does; pppd: ipcp-accept-remote)`, `or insist on yours: pppd releases since 2021 refuse a request without the option`},
		match: func(h *history) found {
			if !h.ipcp.consented {
				return no
			}
			return likely.by(h.ipcp.weNaked, h.ipcp.dropped)
		},
	},
	{
		id: "ipcp-peer-address-refused", category: "ipcp-option-interop",
		title:   "This side does not accept the peer's address",
		meaning: "The peer sent its address again and again, and each time this side answered with another one, because an address for the peer is set in its options or its system. The two never agree.",
		cure:    []string{`accept the peer's address (knak does; pppd: ipcp-accept-remote, and no remote address among the options)`},
		match: func(h *history) found {
			if p := &h.ipcp; h.Up == nil && p.refusedTheirs.seen() && !p.weAgreed && (p.terminated.seen() || h.lcp.terminated.seen()) && !isRAS(h.lcp.terminateID) {
				out := likely.by(p.refusedTheirs, p.terminated, h.lcp.terminated)
				out.meaning = "The peer sent its address or asked for one, and this side rejected the option, because it has no address to give."
				out.cure = []string{`name an address for the peer (pppd: 192.0.2.1:192.0.2.2, or one in the fourth field of the secrets file)`}
				return out
			}
			if h.Up != nil || h.ipcp.weNaks < 3 || h.ipcp.weAgreed || !h.over() {
				return no
			}
			return likely.by(h.ipcp.weNaked, count("%d Configure-Naks with another address for the peer", h.ipcp.weNaks), h.ipcp.terminated)
		},
	},
	{
		id: "ipcp-garbage", category: "apn-or-account-not-accepted",
		title:   "The modem sends garbage where an address is expected",
		meaning: "After the authentication came bytes that are not packets of any agreed protocol. Some firmware does this when the network refused the context.",
		cure:    []string{cureModem},
		match: func(h *history) found {
			f, told := h.failed(event.FailedGarbage)
			if !h.stuckInIPCP() || !told && h.ipcp.damaged < 3 {
				return no
			}
			var evidence clue
			if h.ipcp.damaged > 0 {
				evidence = h.ipcp.damagedLine.and(", and %d like it", h.ipcp.damaged-1)
			}
			return late(likely, h, h.ipcp.request, evidence, f.said)
		},
	},
	{
		id: "ipcp-changing-nak", category: "ipcp-option-interop",
		title:   "The modem names another value in each Configure-Nak and never settles",
		meaning: "Each suggestion was accepted, and each time the modem wanted another value. This is a fault in its IPCP, or it waits in this way while the network refuses.",
		cure:    []string{cureContext, cureAPN, cureModem},
		match: func(h *history) found {
			f, told := h.failed(event.FailedRepeatedNaks)
			p := &h.ipcp
			if !h.stuckInIPCP() || p.repeated > 1 || p.naks < 5 || p.placeholder > 0 || !told && !h.over() {
				return no
			}
			return likely.by(p.request, p.nak, count("%d Configure-Naks", p.naks), f.said)
		},
	},
	{
		id: "ipcp-repeated-nak", category: "pdp-activation-refused",
		title:   "The modem repeats the same Configure-Nak and never gives an address",
		meaning: "The modem is waiting: its Naks change nothing, whatever is asked. That is normal for some seconds while it activates the context. Here it did not end, so the network has probably refused or not answered.",
		cure:    []string{`give it more time: knak dial --set ipcp.deadline=3m --timeout 5m (pppd: ipcp-max-failure 300)`, cureContext},
		match: func(h *history) found {
			f, told := h.failed(event.FailedRepeatedNaks, event.FailedNoAddress)
			p := &h.ipcp
			if h.Up != nil || h.log.badAcks > 0 {
				return no
			}
			if h.log.badNak.seen() && h.over() && !h.Ours.IsValid() && p.placeholder == 0 {
				return late(likely, h, p.request, p.nak, h.log.badNak)
			}
			if !h.stuckInIPCP() || p.placeholder > 0 || p.empty >= 2 && p.repeated < 2 || p.forced.IsValid() {
				return no
			}
			var evidence clue
			if p.repeated > 0 {
				evidence = p.nak.and(", %d times", p.repeated)
			}
			switch {
			case told && p.repeated != 1 || p.repeated >= 5 && h.over():
				return late(likely, h, p.request, evidence, f.said)
			case p.repeated >= 20:
				return late(possible, h, p.request, evidence)
			}
			return no
		},
	},
	{
		id: "ipcp-no-answer", category: "pdp-activation-refused",
		title:   "The modem does not answer the request for an address",
		meaning: "LCP and the authentication worked, then nothing came back. Modems are silent here when the network does not answer them, or refuses the context: the network is down, the subscription has no data, or the user name, the password or the APN is wrong.",
		cure:    []string{cureContext, `give it longer: knak dial --set ipcp.deadline=3m --set ipcp.max_configure=60 --timeout 5m (pppd: ipcp-max-configure 60)`},
		match: func(h *history) found {
			_, told := h.failedIn(event.PhaseIPCP, event.FailedTimeout)
			p := &h.ipcp
			switch {
			case !h.stuckInIPCP() || p.answers > 0 || p.terminated.seen() || h.lcp.terminated.seen() || p.forced.IsValid() || p.damaged >= 3 ||
				h.line.carrierLost.seen() || h.lcp.rejected[packet.IPCP].seen():
				return no
			case !told && p.asked == 0 && h.auth.success.seen() && h.log.gaveUp.seen(): // a log without packets
				out := late(likely, h, h.log.gaveUp)
				out.category = "apn-or-account-not-accepted"
				return out
			case told || p.asked >= 3 && h.over():
				return late(likely, h, p.request.and(", %d requests without an answer", p.asked))
			case p.asked >= 3:
				return late(possible, h, p.request.and(", %d requests without an answer", p.asked))
			}
			return no
		},
	},
	{
		id: "ipcp-silent-after-answer", category: "pdp-activation-refused",
		title: "The modem answered once, and then no more",
		match: func(h *history) found {
			_, told := h.failedIn(event.PhaseIPCP, event.FailedTimeout)
			p := &h.ipcp
			if !h.stuckInIPCP() || p.answers == 0 || p.code == packet.ConfigureAck || p.since < 3 && !(told && p.since > 0) || !told && !h.over() ||
				p.terminated.seen() || h.lcp.terminated.seen() || p.forced.IsValid() || p.damaged >= 3 || h.line.carrierLost.seen() || h.lcp.rejected[packet.IPCP].seen() {
				return no
			}
			f := late(likely, h, p.answer, p.request.and(", %s without an answer after that", timesText(p.since)), count("%s", p.account("IPCP")))
			f.firm = p.since >= 5
			switch {
			case p.nakAddress.IsValid() && p.code == packet.ConfigureNak:
				f.meaning = "It named an address, and did not answer the request for that address. It acknowledges only when its context is up, and that did not happen in time; or its answer was lost on the line. " + f.meaning
				f.cure = append([]string{`give it longer: knak dial --set ipcp.deadline=3m --set ipcp.max_configure=60 --timeout 5m (pppd: ipcp-max-configure 60)`, cureContext}, f.cure...)
			default:
				f.meaning = "It rejected or changed at once what it can decide by itself. The rest needs the network, and the network gives nothing: it is down, the signal is weak, the subscription has no data, or the APN, the user name or the password is wrong. " + f.meaning
				f.cure = append([]string{cureContext, `look at the signal: AT+CSQ; below about 8 a modem often gets no data`,
					`give it longer: knak dial --set ipcp.deadline=3m --set ipcp.max_configure=60 --timeout 5m (pppd: ipcp-max-configure 60)`}, f.cure...)
			}
			return f
		},
	},
	{
		id: "ipcp-peer-never-asks", category: "ipcp-option-interop",
		title: "The modem acknowledged our address and never asked for its own",
		meaning: "IPCP is open when each end has acknowledged the other's request (RFC 1661 section 4.1). The modem acknowledged ours, and its own request never came: it was lost, it came before this side was ready, or the firmware does not send it. " +
			"A dialer that waits for it gives up in the end.",
		cure: []string{`dial with knak, which can go on without that request: knak dial --set ipcp.assume_request_after=5s`, `let PPP begin a little later: knak dial --set dial.connect_delay=2s (pppd: connect-delay 2000)`,
			`ask for the address only: knak dial --set ipcp.request=address (pppd: novj, without usepeerdns)`, cureModem},
		match: func(h *history) found {
			_, told := h.failedIn(event.PhaseIPCP, event.FailedTimeout)
			p := &h.ipcp
			if h.Up != nil || p.acks == 0 || p.peerAsked > 0 || p.asked == 0 || h.lcp.terminated.seen() || p.terminated.seen() || h.line.carrierLost.seen() ||
				!call.Believable(h.Ours, h.Theirs) || h.log.badAck.seen() {
				return no
			}
			switch {
			case told || p.acks >= 3 && h.over():
				return likely.by(p.ack.and(", %s", timesText(p.acks)), count("%s", p.account("IPCP")))
			case p.acks >= 3:
				return possible.by(p.ack.and(", %s", timesText(p.acks)))
			}
			return no
		},
	},
	{
		id: "bogus-address", category: "pdp-activation-refused",
		title: "The modem gave an address that no host can have",
		meaning: "For PPP this is a success, but no answer can reach such an address. Firmware gives a default address when the network refused the context: " +
			"the user name, the password or the APN is wrong, or the modem is not registered.",
		match: func(h *history) found {
			f, told := h.failed(event.FailedBogusAddress)
			a := h.Ours
			if h.Up == nil && (told || a.IsValid() && h.ipcp.asked > 0 && !call.Believable(a, h.Theirs)) {
				return late(certain, h, h.ipcp.ack, f.said)
			}
			// An engine that believes no such address asks on instead of taking it.
			n := h.ipcp.nakAddress
			if h.stuckInIPCP() && h.over() && n.IsValid() && !call.Believable(n, h.Theirs) {
				return late(certain, h, h.ipcp.nak)
			}
			return no
		},
	},
}

// emptyNak tells all that is known about the E398's kind of refusal.
func emptyNak(c confidence, h *history) found {
	var naks clue
	if h.ipcp.empty > 0 {
		naks = h.ipcp.emptyText()
	}
	f := late(c, h, h.ipcp.request, naks)
	f.cure = cureAccount(h, true)
	f.meaning += " With a Huawei E398 that did this, the Windows dialer that worked sent an empty user name, and Windows dialers ask for DNS and NBNS " +
		"addresses as well. This cure was never confirmed."
	f.add(h.at.registrationText()...)
	return f
}
