package compare

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/ppp/packet"
)

// hostAspects lists what a dialer decides. The weights are a judgement: highest is what a network checks before it lets a host
// in, then what modems' firmware is known to wait for, then what only shows which dialer it was.
func hostAspects() []aspect {
	return []aspect{
		{id: "auth-name", role: Host, protocol: "auth", what: "name sent", weight: 100, keys: []string{"auth.user"}, see: name, alike: maskedAlike,
			why: "a network can refuse by the name, and says so late or never: the modem itself confirms any name"},
		{id: "apn", role: Host, protocol: "at", what: "APN", weight: 95, keys: []string{"context.apn", "context.apn_lookup"}, see: apn,
			why: "the APN decides which network the call goes to, and a wrong one is refused late or never"},
		{id: "ipcp-options", role: Host, protocol: "ipcp", what: "asked for in IPCP", weight: 90, keys: []string{"ipcp.request", "ipcp.widen"}, see: ipcpAsked, alike: askedAlike,
			why: "much firmware gives no address before it is asked for name servers, some not before NBNS too"},
		{id: "dial-number", role: Host, protocol: "at", what: "number dialled", weight: 85, keys: []string{"dial.number", "context.cid"}, see: number,
			why: "the number says which context is used; another one may not be set up, or not be for PPP"},
		{id: "context-type", role: Host, protocol: "at", what: "type of the context", weight: 80, keys: []string{"context.type"}, see: contextType,
			why: "a network may not serve that type of context"},
		{id: "context-auth", role: Host, protocol: "at", what: "name given to the context", weight: 78, keys: []string{"context.auth_command"}, see: contextAuth,
			why: "where the modem takes the name from the context, what PPP says does not count"},
		{id: "auth-method", role: Host, protocol: "auth", what: "method of authentication", weight: 75, keys: []string{"auth.allow"}, see: method,
			why: "the network may accept one method only"},
		{id: "auth-wanted", role: Host, protocol: "lcp", what: "method asked for instead", weight: 65, keys: []string{"auth.allow"}, see: methodWanted,
			why: "a modem may not know the method that the host asks for instead"},
		{id: "lcp-options", role: Host, protocol: "lcp", what: "asked for in LCP", weight: 55, keys: []string{"lcp.request"}, see: lcpAsked,
			why: "a modem may fall silent at an option that it does not know"},
		{id: "patience", role: Host, protocol: "ipcp", what: "time given to IPCP", weight: 52, keys: []string{"ipcp.deadline"}, see: patience, alike: longEnough,
			why: "the one gave up before the time after which the other one had an address"},
		{id: "ipcp-values", role: Host, protocol: "ipcp", what: "values asked for in IPCP", weight: 50, see: ipcpValues,
			why: "a modem may not give what it did not propose"},
		{id: "lcp-values", role: Host, protocol: "lcp", what: "values asked for in LCP", weight: 45, keys: []string{"lcp.mru", "lcp.accm"}, see: lcpValues, unless: []string{"lcp-options"},
			why: "an MRU or an ACCM that the modem cannot do"},
		{id: "lcp-refused", role: Host, protocol: "lcp", what: "refused of the modem's LCP", weight: 40, keys: []string{"lcp.refuse"}, see: refused(lcpOf, packet.LCPAuth),
			why: "a modem may insist on what it asks for"},
		{id: "ipcp-refused", role: Host, protocol: "ipcp", what: "refused of the modem's IPCP", weight: 38, keys: []string{"ipcp.zero_peer"}, see: refused(ipcpOf, 0),
			why: "a modem may insist on what it asks for"},
		{id: "ipv6cp", role: Host, protocol: "ipv6cp", what: "IPv6 (IPV6CP)", weight: 34, keys: []string{"ipv6cp.enable", "context.type"}, see: offers("IPv6", func(c *call.Call) *call.Protocol { return &c.IPV6CP }),
			why: "some modems drop the call when IPv6 is negotiated"},
		{id: "ipcp-others", role: Host, protocol: "ipcp", what: "asked for in IPCP besides", weight: 32, see: ipcpOthers,
			why: "a modem may answer badly what it does not know"},
		{id: "ipcp-first", role: Host, protocol: "ipcp", what: "first request of IPCP", weight: 36, keys: []string{"ipcp.request"}, see: ipcpFirst, unless: []string{"ipcp-options", "ipcp-others"},
			why: "firmware may judge a host by its first request"},
		{id: "ccp", role: Host, protocol: "ccp", what: "compression (CCP)", weight: 30, see: offers("compression", func(c *call.Call) *call.Protocol { return &c.CCP }),
			why: "some modems answer an unknown protocol badly"},
		{id: "nak-pace", role: Host, protocol: "ipcp", what: "pause after an empty Nak", weight: 28, keys: []string{"ipcp.empty_nak_pace"}, see: pace, alike: near,
			why: "asked again at once, a modem that waits for its network uses up the host's tries"},
		{id: "ipcp-order", role: Host, protocol: "ipcp", what: "order of the IPCP options", weight: 25, keys: []string{"ipcp.request"}, see: order(ipcpOf, ipcpName), unless: []string{"ipcp-options", "ipcp-others", "ipcp-first"},
			why: "a few firmwares look at one place instead of reading the options"},
		{id: "connect-delay", role: Host, protocol: "lcp", what: "silence after CONNECT", weight: 24, keys: []string{"dial.connect_delay"}, see: connectDelay, alike: near,
			why: "a modem may lose what comes too soon after CONNECT"},
		{id: "ipcp-restart", role: Host, protocol: "ipcp", what: "IPCP asked again after", weight: 20, keys: []string{"ipcp.restart"}, see: restart(ipcpOf), alike: near,
			why: "a modem that is slower than that sees a request change under its hands"},
		{id: "lcp-restart", role: Host, protocol: "lcp", what: "LCP asked again after", weight: 18, keys: []string{"lcp.restart"}, see: restart(lcpOf), alike: near,
			why: "a modem that is slower than that sees a request change under its hands"},
		{id: "first-speaker", role: Host, protocol: "lcp", what: "who speaks first", weight: 16, see: speaker, alike: eitherSpeaks,
			why: "a modem may wait for the host, or lose what comes before it has spoken itself"},
		{id: "lcp-order", role: Host, protocol: "lcp", what: "order of the LCP options", weight: 15, keys: []string{"lcp.request"}, see: order(lcpOf, lcpName), unless: []string{"lcp-options"},
			why: "a few firmwares look at one place instead of reading the options"},
	}
}

func lcpOf(c *call.Call) *call.Protocol  { return &c.LCP }
func ipcpOf(c *call.Call) *call.Protocol { return &c.IPCP }

func name(c *call.Call) observation {
	n, s, ok := c.Name()
	if !ok {
		return observation{}
	}
	text, does := fmt.Sprintf("%q", n), fmt.Sprintf("sends the name %q", n)
	if mimic.Masked(n) {
		text, does = "a name, which is hidden", "sends a name"
	}
	if n == "" {
		text, does = `"" (an empty name)`, "sends an empty name"
	}
	return observation{known: true, key: n, text: text, does: does, pos: s.Pos}
}

// maskedAlike says whether one of two names, neither of them empty, was replaced before the recording was given away: they may be
// the same.
func maskedAlike(a, b observation) bool {
	return a.key != "" && b.key != "" && (mimic.Masked(a.key) || mimic.Masked(b.key))
}

func apn(c *call.Call) observation {
	if !c.AT() || len(c.Commands) == 0 {
		return observation{}
	}
	k, cmd, ok := c.Context()
	if !ok {
		return observation{known: true, key: "", text: "none set: the modem's own", does: "leaves the APN as the modem has it", pos: posOf(c.Dial)}
	}
	if k.APN == "" {
		return observation{known: true, key: "", text: `"" (empty)`, does: "sets an empty APN", pos: cmd.Pos}
	}
	return observation{known: true, key: strings.ToLower(k.APN), text: k.APN, does: fmt.Sprintf("uses the APN %q", k.APN), pos: cmd.Pos}
}

func posOf(c *call.Command) event.Pos {
	if c == nil {
		return event.Pos{}
	}
	return c.Pos
}

func contextType(c *call.Call) observation {
	k, cmd, ok := c.Context()
	return observation{known: ok, key: k.Type, text: k.Type, does: "sets a context of type " + k.Type, pos: cmd.Pos}
}

func contextAuth(c *call.Call) observation {
	if len(c.Commands) == 0 {
		return observation{}
	}
	for _, s := range mimic.Settings(c).Settings {
		if s.Key == "context.auth_command" {
			return observation{known: true, key: s.Value, text: "AT" + s.Value, does: "gives the context a name with AT" + s.Value, pos: s.Pos}
		}
	}
	return observation{known: true, text: "none", does: "gives the context no name"}
}

func number(c *call.Call) observation {
	n := c.Dialled()
	if n == "" {
		return observation{}
	}
	return observation{known: true, key: n, text: n, does: "dials " + n, pos: c.Dial.Pos}
}

// first gives the host's first Configure-Request.
func first(p *call.Protocol) (call.Step, bool) { return p.First(event.Sent, packet.ConfigureRequest) }

func lcpName(o packet.Option) string { return packet.OptionTitle(packet.LCP, o.Type) }

func ipcpName(o packet.Option) string { return packet.OptionTitle(packet.IPCP, o.Type) }

func names(options []packet.Option, name func(packet.Option) string) (list []string) {
	for _, o := range options {
		if n := name(o); !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}

func set(list []string) string { return strings.Join(slices.Sorted(slices.Values(list)), " ") }

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, " ")
}

func lcpAsked(c *call.Call) observation {
	s, ok := first(&c.LCP)
	list := names(s.Options, lcpName)
	return observation{known: ok, key: set(list), text: orNothing(list), does: "asks in LCP for " + and(list), pos: s.Pos}
}

// ipcpAsked gives all options that the host asked for by itself. Options that the modem proposed first do not count.
func ipcpAsked(c *call.Call) observation {
	s, ok := first(&c.IPCP)
	var early []string
	for _, o := range s.Options {
		if gives(o.Type) && !slices.Contains(early, ipcpName(o)) {
			early = append(early, ipcpName(o))
		}
	}
	list := slices.Clone(early)
	proposed := map[uint8]bool{}
	for _, step := range c.IPCP.Steps {
		for _, o := range step.Options {
			switch {
			case step.Dir == event.Rcvd && step.Code == packet.ConfigureNak:
				proposed[o.Type] = true
			case step.Dir == event.Sent && step.Code == packet.ConfigureRequest && gives(o.Type) && !proposed[o.Type] && !slices.Contains(list, ipcpName(o)):
				list = append(list, ipcpName(o))
			}
		}
	}
	text := orNothing(early)
	if len(list) > len(early) {
		text += ", later also " + strings.Join(list[len(early):], " ")
	}
	return observation{known: ok, key: set(list), text: text, does: asksFor(list), pos: s.Pos, first: early, all: list}
}

// gives says whether an option is one by which a modem gives an address of some kind.
func gives(typ uint8) bool {
	return slices.Contains([]uint8{packet.IPCPAddress, packet.IPCPDNS1, packet.IPCPDNS2, packet.IPCPNBNS1, packet.IPCPNBNS2}, typ)
}

// ipcpOthers gives the options other than addresses that the host asks for, usually compression.
func ipcpOthers(c *call.Call) observation {
	s, ok := first(&c.IPCP)
	var list []string
	for _, o := range s.Options {
		if !gives(o.Type) {
			list = append(list, ipcpName(o))
		}
	}
	return observation{known: ok, key: set(list), text: orNothing(list), does: "asks in IPCP for " + and(list) + " besides", pos: s.Pos}
}

// within says whether b holds all of a.
func within(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// askedAlike says whether the bad side asked at some time for everything that the good side asked for, and in its first request
// for nothing more. Options that a host adds later, because the modem's answers give no address, are not the cause of these
// answers.
func askedAlike(good, bad observation) bool {
	return within(good.all, bad.all) && within(bad.first, good.all)
}

// asksFor says in words what a host asks for in IPCP.
func asksFor(list []string) string {
	var groups []string
	for _, g := range []string{"DNS", "NBNS"} {
		if slices.Contains(list, g+"1") || slices.Contains(list, g+"2") {
			groups = append(groups, g)
		}
	}
	switch {
	case len(groups) > 0:
		return "asks for " + and(groups)
	case slices.Contains(list, "address"):
		return "asks for an address only"
	}
	return "asks in IPCP for " + and(list)
}

func and(list []string) string {
	switch len(list) {
	case 0:
		return "nothing"
	case 1:
		return list[0]
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

// ipcpFirst counts only if both sides asked for the same options in the end.
func ipcpFirst(c *call.Call) observation {
	s, ok := first(&c.IPCP)
	list := names(s.Options, ipcpName)
	return observation{known: ok, key: set(list), text: orNothing(list), does: "asks first for " + and(list), pos: s.Pos}
}

// ipcpValues gives the values other than 0.0.0.0 that the host proposes by itself.
func ipcpValues(c *call.Call) observation {
	s, ok := first(&c.IPCP)
	var own []string
	for _, o := range s.Options {
		if a, is := o.Address(); is && a != netip.IPv4Unspecified() && gives(o.Type) {
			own = append(own, ipcpName(o))
		}
	}
	text := "0.0.0.0 everywhere"
	if len(own) > 0 {
		text = "values of its own for " + and(own)
	}
	return observation{known: ok, key: set(own), text: text, does: "asks for " + text, pos: s.Pos}
}

func lcpValues(c *call.Call) observation {
	s, ok := first(&c.LCP)
	var list []string
	for _, o := range s.Options {
		switch o.Type {
		case packet.LCPMRU:
			if v, is := o.Uint16(); is {
				list = append(list, fmt.Sprintf("MRU %d", v))
			}
		case packet.LCPACCM:
			if v, is := o.Uint32(); is {
				list = append(list, fmt.Sprintf("ACCM 0x%x", v))
			}
		}
	}
	return observation{known: ok, key: set(list), text: orNothing(list), does: "asks in LCP for " + and(list), pos: s.Pos}
}

// order gives the order of the options in the first request.
func order(of func(*call.Call) *call.Protocol, name func(packet.Option) string) func(*call.Call) observation {
	return func(c *call.Call) observation {
		s, ok := first(of(c))
		list := names(s.Options, name)
		return observation{known: ok, key: strings.Join(list, " "), text: strings.Join(list, " "), pos: s.Pos}
	}
}

// refused gives the options of the modem's requests that the host refuses.
func refused(of func(*call.Call) *call.Protocol, but uint8) func(*call.Call) observation {
	return func(c *call.Call) observation {
		p := of(c)
		if _, asked := p.First(event.Rcvd, packet.ConfigureRequest); !asked {
			return observation{}
		}
		var list []string
		var pos event.Pos
		for _, s := range p.Steps {
			if s.Dir != event.Sent || s.Code != packet.ConfigureNak && s.Code != packet.ConfigureReject {
				continue
			}
			for _, o := range s.Options {
				if o.Type == but || s.Protocol == packet.LCP && o.Type == packet.LCPMagic {
					continue
				}
				n := lcpName(o)
				if s.Protocol == packet.IPCP {
					n = ipcpName(o)
				}
				if !slices.Contains(list, n) {
					if list = append(list, n); len(list) == 1 {
						pos = s.Pos
					}
				}
			}
		}
		return observation{known: true, key: set(list), text: orNothing(list), does: "refuses of what the modem asks " + and(list), pos: pos}
	}
}

// offers says whether the host negotiates a protocol.
func offers(word string, of func(*call.Call) *call.Protocol) func(*call.Call) observation {
	return func(c *call.Call) observation {
		if len(c.IPCP.Steps) == 0 {
			return observation{}
		}
		s, ok := first(of(c))
		if !ok {
			return observation{known: true, text: "not tried", does: "does not try " + word}
		}
		return observation{known: true, key: "yes", text: "tried", does: "tries " + word, pos: s.Pos}
	}
}
