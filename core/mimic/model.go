package mimic

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// model is what the modem does in one call.
type model struct {
	lcp, auth, ipcp, network, ipv6cp []string // lines of these tables
	lcpRules, authRules, ipcpRules   []rule
	actions                          []rule
	user                             *string // the call's user name, if it can be a condition; nil: it cannot
}

// rule is the lines of one [[….rule]] or [[action]].
type rule []string

func (m *modem) model(c *call.Call) model {
	var k model
	if n, _, ok := c.Name(); ok && !isPrivate(n) {
		k.user = &n
	}
	m.lcp(c, &k)
	m.auth(c, &k)
	m.ipcp(c, &k)
	m.rest(c, &k)
	return k
}

func (m *modem) lcp(c *call.Call, k *model) {
	add := func(format string, args ...any) { k.lcp = append(k.lcp, fmt.Sprintf(format, args...)) }
	own, asked := c.LCP.First(event.Rcvd, packet.ConfigureRequest)
	_, acked := c.LCP.First(event.Rcvd, packet.ConfigureAck)
	switch {
	case !asked && (acked || len(c.IPCP.Steps) > 0):
		add(`own_request = "none"`)
	case asked && len(own.Options) == 0:
		add(`own_request = "empty"`)
	case asked:
		accm := false
		for _, o := range own.Options {
			switch o.Type {
			case packet.LCPMRU:
				if v, ok := o.Uint16(); ok && v >= 64 {
					add("mru = %d", v)
				}
			case packet.LCPACCM:
				accm = true
				if v, ok := o.Uint32(); ok && v != 0 {
					add("accm = %d", v)
				}
			case packet.LCPMagic, packet.LCPPFC, packet.LCPACFC, packet.LCPAuth:
			default:
				m.cant(own.Pos, "it asks in LCP for <%s>, which the simulated modem does not", notation.OptionText(packet.LCP, o))
			}
		}
		if !accm {
			add("accm = -1")
		}
	}
	if _, ok := c.LCP.First(event.Rcvd, packet.DiscardRequest); ok {
		add("discard = true")
	}
	k.lcpRules = m.sequence(c, &c.LCP, nil)
	if e := c.Echoes; e.Sent > 1 && e.Answered == 0 {
		k.lcpRules = append(k.lcpRules, rule{`on = "echo-request"`, `do = "drop"`})
	}
	for _, code := range []uint8{packet.TerminateRequest} { // how long the modem waits before it hangs up
		s, ok := c.LCP.First(event.Sent, code)
		if ok && c.Lost != nil && c.Lost.Time.After(s.Time) && c.Lost.Time.Sub(s.Time) > time.Second {
			add("linger = %s", duration(c.Lost.Time.Sub(s.Time)))
		}
	}
}

func (m *modem) auth(c *call.Call, k *model) {
	add := func(format string, args ...any) { k.auth = append(k.auth, fmt.Sprintf(format, args...)) }
	var demands []string
	for _, s := range c.LCP.Of(event.Rcvd, packet.ConfigureRequest) {
		if o, ok := packet.Find(s.Options, packet.LCPAuth); ok {
			if method, ok := auth.MethodOf(o.Data); ok && !slices.Contains(demands, method.String()) {
				demands = append(demands, method.String())
			} else if !ok {
				m.cant(s.Pos, "it demands <%s>, which the simulator does not know", notation.OptionText(packet.LCP, o))
			}
		}
	}
	if len(demands) == 0 {
		return
	}
	add("demand = %s", Quote(demands[0]))
	if len(demands) > 1 {
		add("also = %s", List(demands[1:]))
	}
	if name, _, ok := c.Challenger(); ok && name != "" && !isPrivate(name) {
		add("name = %s", Quote(name))
	}
	verdict, at := c.Verdict()
	_, named, hasName := c.Name()
	if message := messageOf(at); message != "" {
		add("message = %s", Quote(message))
	}
	last := demands[len(demands)-1]
	challenges := c.Auth.Of(event.Rcvd, packet.CHAPChallenge)
	opened := c.LCP.Agreed(event.Sent) && c.LCP.Agreed(event.Rcvd)
	switch {
	case verdict == call.Refused:
		add(`accept = "none"`)
		var delay []string
		if d := at.Time.Sub(named.Time); hasName && d >= 100*time.Millisecond {
			delay = []string{"delay = " + duration(d)}
			k.authRules = append(k.authRules, append(rule{`on = "response"`, `do = "failure"`, "message = " + Quote(messageOf(at))}, delay...))
		}
	case verdict == call.NoVerdict && last != "pap" && opened && len(challenges) == 0 && !slices.ContainsFunc(c.Auth.Steps, func(s call.Step) bool { return s.Dir == event.Rcvd }):
		add("no_challenge = true")
	case verdict == call.NoVerdict && hasName && len(c.IPCP.Steps) == 0:
		k.authRules = append(k.authRules, m.noVerdict(c, named))
	case verdict == call.Success && hasName:
		if d := at.Time.Sub(named.Time); d >= 100*time.Millisecond && d < 2500*time.Millisecond {
			k.authRules = append(k.authRules, rule{`on = "response"`, `do = "behave"`, "delay = " + duration(d)})
		} else if n := responsesBefore(c, at); n > 1 {
			k.authRules = append(k.authRules, rule{`on = "response"`, fmt.Sprintf("times = %d", n-1), `do = "drop"`})
		}
	}
	if verdict == call.Success && len(challenges) > 1 {
		if n := slices.IndexFunc(challenges, func(s call.Step) bool { return s.Time.After(at.Time) }); n > 0 {
			add("rechallenge = %s", duration(challenges[n].Time.Sub(at.Time)))
		}
	}
}

// responsesBefore counts the responses that the host sent before the verdict.
func responsesBefore(c *call.Call, at call.Step) (n int) {
	for _, s := range c.Auth.Steps {
		if s.Dir == event.Sent && s.Time.Before(at.Time) && s.Protocol == packet.PAP {
			n++
		}
	}
	return n
}

// noVerdict gives the rule for a call that the modem ended without accepting or refusing the name.
func (m *modem) noVerdict(c *call.Call, named call.Step) rule {
	r := rule{`on = "response"`}
	do, delay := `do = "drop"`, time.Duration(0)
	if s, ok := c.Terminated(); ok && s.Dir == event.Rcvd {
		do, delay = `do = "terminate-lcp"`, s.Time.Sub(named.Time)
	} else if c.Lost != nil && !ok {
		do, delay = `do = "hangup"`, c.Lost.Time.Sub(named.Time)
	}
	r = append(r, do)
	if delay >= 50*time.Millisecond {
		r = append(r, "delay = "+duration(delay))
	}
	return r
}

// messageOf gives the text of a verdict (RFC 1334 section 2.2.2, RFC 1994 section 4.2).
func messageOf(s call.Step) string {
	d := s.Data
	if s.Protocol == packet.PAP && len(d) > 0 {
		d = d[1:]
	}
	if s.Protocol == packet.EAP || len(d) > 200 {
		return ""
	}
	return string(d)
}

func (m *modem) ipcp(c *call.Call, k *model) {
	add := func(format string, args ...any) { k.ipcp = append(k.ipcp, fmt.Sprintf(format, args...)) }
	if len(c.IPCP.Steps) == 0 {
		return
	}
	own, asked := c.IPCP.First(event.Rcvd, packet.ConfigureRequest)
	switch {
	case !asked:
		add(`own_request = "none"`)
	case len(own.Options) == 0:
		add(`own_request = "empty"`)
	}
	if o, ok := packet.Find(own.Options, packet.IPCPAddress); ok {
		if a, is := o.Address(); is {
			if a = m.pool.stand(a, packet.IPCPAddress, true); a != defaultLocal && a.IsValid() {
				add("local = %s", Quote(a.String()))
			}
		}
	}
	gives := m.gives(c)
	if a, ok := gives[packet.IPCPAddress]; ok && a != defaultPeer {
		add("peer = %s", Quote(a.String()))
	}
	for _, g := range []struct {
		name     string
		one, two uint8
		usual    int
	}{{"dns", packet.IPCPDNS1, packet.IPCPDNS2, 2}, {"nbns", packet.IPCPNBNS1, packet.IPCPNBNS2, 0}} {
		var list []string
		for _, typ := range []uint8{g.one, g.two} {
			if a, ok := gives[typ]; ok {
				list = append(list, a.String())
			}
		}
		wanted := len(list) > 0 || rejected(c, g.one) || rejected(c, g.two)
		if wanted && (len(list) != g.usual || g.usual > 0 && (list[0] != defaultDNS[0] || list[1] != defaultDNS[1])) {
			add("%s = %s", g.name, List(list))
		}
	}
	k.ipcpRules = m.sequence(c, &c.IPCP, gives)
}

// rejected says whether the modem rejected an option in IPCP.
func rejected(c *call.Call, typ uint8) bool {
	return slices.ContainsFunc(c.IPCP.Of(event.Rcvd, packet.ConfigureReject), func(s call.Step) bool {
		_, ok := packet.Find(s.Options, typ)
		return ok
	})
}

// What the simulated modem gives by default.
var (
	defaultLocal = netip.MustParseAddr("192.0.2.1")
	defaultPeer  = netip.MustParseAddr("192.0.2.2")
	defaultDNS   = [2]string{"198.51.100.53", "198.51.100.54"}
)

// gives says what the modem assigns in the end: the value that it acknowledged, else the only value that it named. A rejected
// option has no value, nor has an option for which the modem named several values.
func (m *modem) gives(c *call.Call) map[uint8]netip.Addr {
	all := map[uint8]netip.Addr{}
	acked, fickle := map[uint8]bool{}, map[uint8]bool{}
	for _, s := range c.IPCP.Steps {
		if s.Dir != event.Rcvd {
			continue
		}
		for _, o := range s.Options {
			a, ok := o.Address()
			if !ok || packet.OptionRequest(packet.IPCP, o.Type) == "" {
				continue
			}
			switch s.Code {
			case packet.ConfigureNak:
				if !acked[o.Type] {
					v := m.pool.stand(a, o.Type, false)
					if old, ok := all[o.Type]; ok && old != v {
						fickle[o.Type] = true
					}
					all[o.Type] = v
				}
			case packet.ConfigureAck:
				all[o.Type], acked[o.Type] = m.pool.stand(a, o.Type, false), true
			case packet.ConfigureReject:
				if !acked[o.Type] {
					delete(all, o.Type)
				}
			}
		}
	}
	for typ := range fickle {
		if !acked[typ] {
			delete(all, typ)
		}
	}
	return all
}

// rest reads what happens besides the negotiation.
func (m *modem) rest(c *call.Call, k *model) {
	if c.Probes > 0 && c.Replies == 0 {
		k.network = append(k.network, "blackhole = true")
	}
	if _, ok := c.IPV6CP.First(event.Rcvd, packet.ConfigureAck); ok {
		k.ipv6cp = append(k.ipv6cp, "enabled = true")
	}
	since, at := "connect", time.Time{}
	if c.Dial != nil {
		at = c.Dial.Answered
	}
	if acks := c.IPCP.Of(event.Rcvd, packet.ConfigureAck); len(acks) > 0 && c.IPCP.Agreed(event.Sent) {
		since, at = "ipcp", acks[0].Time
		if own := c.IPCP.Of(event.Sent, packet.ConfigureAck); len(own) > 0 && own[0].Time.After(at) {
			at = own[0].Time
		}
	}
	do := func(verb string, when time.Time, more ...string) {
		k.actions = append(k.actions, append(rule{"since = " + Quote(since), "after = " + duration(max(when.Sub(at), 0)), "do = " + Quote(verb)}, more...))
	}
	if since == "ipcp" {
		term, ok := c.Terminated()
		switch {
		case ok && term.Dir == event.Rcvd && term.Protocol == packet.LCP:
			do("terminate-lcp", term.Time)
		case ok && term.Dir == event.Rcvd:
			do("terminate-ipcp", term.Time)
		case c.Lost != nil && (!ok || c.Lost.Time.Before(term.Time)):
			do("hangup", c.Lost.Time)
		case c.Echoes.Sent-c.Echoes.Answered > 2 && c.Echoes.Answered > 0:
			do("silence", c.Echoes.Heard.Add(time.Second))
		}
		for _, s := range c.IPCP.Of(event.Rcvd, packet.ConfigureRequest) {
			if s.Time.After(at.Add(500*time.Millisecond)) && len(s.Options) == 0 {
				do("request-ipcp", s.Time)
				break
			}
		}
	}
	if len(c.LCP.Steps) > 0 && !at.IsZero() {
		for _, t := range c.Texts {
			if text := strings.TrimSpace(unescape.Replace(t.Text)); text != "" && !strings.Contains(text, "NO CARRIER") && !slices.ContainsFunc(m.dialKeys, func(s string) bool { return strings.HasPrefix(s, "text =") || strings.HasPrefix(s, `result = "echo"`) }) {
				do("text", t.Time, "message = "+quoteText("\r\n"+text+"\r\n"))
			}
		}
	}
	if c.Unread > 0 || c.Other.More > 0 {
		m.cant(event.Pos{}, "it sends octets that are not frames; they are not copied (docs/sim.md: line.noise, line.corrupt)")
	}
}
