package sim

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
)

// ruleCount is the state of a rule in this call: how often it was matched and carried out.
type ruleCount struct {
	seen, done int
	last       time.Time // when the last was seen
}

// codeNames are the names that Rule.On uses.
var codeNames = map[string]uint8{
	"request": packet.ConfigureRequest, "ack": packet.ConfigureAck, "nak": packet.ConfigureNak,
	"reject": packet.ConfigureReject, "terminate-request": packet.TerminateRequest,
	"terminate-ack": packet.TerminateAck, "code-reject": packet.CodeReject, "protocol-reject": packet.ProtocolReject,
	"echo-request": packet.EchoRequest, "echo-reply": packet.EchoReply, "discard-request": packet.DiscardRequest,
	"identification": packet.Identification, "time-remaining": packet.TimeRemaining,
}

// rulesFor gives a protocol's rules, none while the protocol's phase has not come (RFC 1661 section 3).
func (m *Modem) rulesFor(protocol uint16) ([]Rule, ruleSet) {
	switch {
	case protocol == packet.LCP:
		return m.scenario.LCP.Rules, lcpRules
	case isAuth(protocol):
		return m.scenario.Auth.Rules, authRules
	case protocol == packet.IPCP && m.call.authDone:
		return m.scenario.IPCP.Rules, ipcpRules
	case protocol == packet.IPV6CP && m.call.authDone:
		return m.scenario.IPV6CP.Rules, ipv6cpRules
	}
	return nil, ruleSet{}
}

// match finds the rule for a packet from the host; nil means behave.
func (m *Modem) match(now time.Time, protocol uint16, info []byte) *Rule {
	rules, set := m.rulesFor(protocol)
	p, err := packet.Parse(info)
	if len(rules) == 0 || err != nil {
		return nil
	}
	c := m.call
	first, known := c.first[protocol]
	if !known {
		first = now
		c.first[protocol] = now
	}
	age := now.Sub(first)
	var options []packet.Option
	if p.Code >= packet.ConfigureRequest && p.Code <= packet.ConfigureReject && set.protocol != 0 {
		options, _ = packet.ParseOptions(nil, p.Data)
	}
	var found *Rule
	for i := range rules {
		r := &rules[i]
		if r.On != "any" && r.On != "response" && codeNames[r.On] != p.Code {
			continue
		}
		n := c.rules[r]
		if n == nil {
			n = &ruleCount{}
			c.rules[r] = n
		}
		n.seen++ // also behind the rule that wins: nth counts packets
		hasty := r.Sooner == 0 || n.seen > 1 && now.Sub(n.last) < time.Duration(r.Sooner)
		n.last = now
		if found == nil && hasty && !m.given(r.Unless) && c.holds(r, n, age, set.protocol, options) {
			n.done++
			found = r
			m.event(event.Notice{Level: "info", Text: fmt.Sprintf("%s rule %d applies: %s", packet.ProtocolName(protocol), i+1, r.Do)})
		}
	}
	return found
}

func (c *call) holds(r *Rule, n *ruleCount, age time.Duration, protocol uint16, options []packet.Option) bool {
	switch {
	case r.Nth > 0 && n.seen != r.Nth,
		r.Times > 0 && n.done >= r.Times,
		r.Call > 0 && c.number != r.Call,
		age < time.Duration(r.After),
		r.Before > 0 && age >= time.Duration(r.Before),
		r.User != nil && (!c.named || c.user != *r.User),
		r.UserNot != nil && c.named && c.user == *r.UserNot,
		len(r.APN) > 0 && !slices.Contains(r.APN, c.apn),
		slices.Contains(r.APNNot, c.apn),
		slices.Contains(r.Method, c.method):
		return false
	}
	for _, name := range r.Asks {
		if !has(options, protocol, name) {
			return false
		}
	}
	lacks := len(r.Lacks) == 0
	for _, name := range r.Lacks {
		lacks = lacks || !has(options, protocol, name)
	}
	if !lacks {
		return false
	}
	for name, value := range r.Value {
		want, _ := parseOption(protocol, name+"="+value)
		o, ok := packet.Find(options, want.typ)
		if !ok || !bytes.Equal(o.Data, want.data) {
			return false
		}
	}
	return true
}

func has(options []packet.Option, protocol uint16, name string) bool {
	o, err := findOption(protocol, name)
	if err != nil {
		return false
	}
	_, ok := packet.Find(options, o.typ)
	return ok
}

// apply does what a rule says, now or after its delay.
func (m *Modem) apply(now time.Time, r *Rule, protocol uint16, info []byte) {
	if r.Delay == 0 {
		m.do(now, r, protocol, info)
		return
	}
	info = bytes.Clone(info)
	m.agenda.add(task{at: now.Add(time.Duration(r.Delay)), call: m.call.number, run: func(now time.Time) {
		m.do(now, r, protocol, info)
	}})
}

// do carries a rule out. The packet was parsed when the rule was matched.
func (m *Modem) do(now time.Time, r *Rule, protocol uint16, info []byte) {
	p, _ := packet.Parse(info)
	switch r.Do {
	case "behave":
		m.deliver(now, protocol, info, nil)
	case "ack", "nak", "reject":
		m.answer(now, r, protocol, info, p)
	case "terminate":
		m.craft(now, protocol, packet.TerminateRequest, m.call.nextID(), []byte(r.Message))
	case "code-reject":
		m.craft(now, protocol, packet.CodeReject, m.call.nextID(), info)
	case "protocol-reject":
		m.protocolReject(now, protocol, info)
	case "failure":
		m.refuse(now, protocol, p, r.Message)
	case "challenge":
		if len(m.call.challenge) > 0 {
			m.control(now, packet.CHAP, m.call.challenge)
		}
	default:
		m.act(now, r.Do, r.Message)
	}
}

// answer gives the rule's answer to a Configure-Request through the engine, so that the engine knows what it agreed to.
// Any other packet is answered past the engine.
func (m *Modem) answer(now time.Time, r *Rule, protocol uint16, info []byte, p packet.Packet) {
	asked, _ := packet.ParseOptions(nil, p.Data)
	v := ppp.Verdict{Action: map[string]ppp.Action{"ack": ppp.Ack, "nak": ppp.Nak, "reject": ppp.Reject}[r.Do], By: "scenario"}
	if r.Do != "ack" || len(r.Options) > 0 {
		specs := make([]optionSpec, 0, len(r.Options))
		for _, text := range r.Options {
			spec, _ := parseOption(protocol, text) // checked when the scenario was read
			specs = append(specs, spec)
		}
		v.Options = build(specs, asked, m.chance)
		if v.Options == nil {
			v.Options = []packet.Option{}
		}
	}
	if p.Code == packet.ConfigureRequest {
		m.deliver(now, protocol, info, &v)
		return
	}
	if v.Options == nil {
		v.Options = asked
	}
	m.craft(now, protocol, codeNames[r.Do], p.ID, packet.AppendOptions(nil, v.Options))
}

// protocolReject says that the modem does not know the protocol (RFC 1661 section 5.7).
func (m *Modem) protocolReject(now time.Time, protocol uint16, info []byte) {
	data := append([]byte{byte(protocol >> 8), byte(protocol)}, info...)
	m.craft(now, packet.LCP, packet.ProtocolReject, m.call.nextID(), data)
}

// refuse ends an authentication with a failure, and then the link, as an authenticator does.
func (m *Modem) refuse(now time.Time, protocol uint16, p packet.Packet, message string) {
	switch protocol {
	case packet.PAP: // the message has a length octet in front (RFC 1334 section 2.2.2)
		message = message[:min(len(message), 255)]
		m.craft(now, protocol, packet.PAPNak, p.ID, append([]byte{byte(len(message))}, message...))
	case packet.CHAP:
		m.craft(now, protocol, packet.CHAPFailure, p.ID, []byte(message))
	case packet.EAP:
		m.craft(now, protocol, packet.EAPFailure, p.ID, nil)
	}
	m.act(now, "terminate-lcp", "Authentication failed")
}

// since plans the actions that count from a stage which has just been reached.
func (m *Modem) since(now time.Time, stage string) {
	for _, a := range m.scenario.Actions {
		if a.Since != stage || a.Call != 0 && a.Call != m.calls {
			continue
		}
		call := 0
		if m.call != nil && stage != "power-on" {
			call = m.call.number
		}
		m.repeat(now.Add(time.Duration(a.After)), time.Duration(a.Every), call, func(now time.Time) {
			if (m.call != nil || outsideCall(a.Do)) && !m.given(a.Unless) {
				m.event(event.Notice{Level: "info", Text: "action: " + a.Do})
				m.act(now, a.Do, a.Message)
			}
		})
	}
}

// garbageLen is how many random octets stand for garbage: a few frames' worth.
const garbageLen = 96

// outsideCall says whether an action needs no call.
func outsideCall(do string) bool {
	return do == "text" || do == "crash" || do == "mute" || do == "unplug"
}

// act does what needs no packet to answer.
func (m *Modem) act(now time.Time, do, message string) {
	if m.call == nil && !outsideCall(do) {
		return
	}
	switch do {
	case "crash":
		m.restart(now)
	case "unplug":
		m.unplugs++
		m.restart(now)
	case "mute":
		m.silence(now)
	case "long-packet":
		m.sendIP(now, m.longPacket())
	case "silence":
		m.call.silent = true
	case "hangup":
		m.hangUp(now, true)
	case "terminate-ipcp":
		m.craft(now, packet.IPCP, packet.TerminateRequest, m.call.nextID(), []byte(message))
	case "terminate-lcp":
		if m.call.engine != nil {
			m.call.engine.Close(now, message)
			m.drain(now)
		}
	case "text":
		m.out.write(OutputWrite, now, []byte(message), 0, 0)
	case "garbage":
		b := make([]byte, garbageLen)
		fill(b, m.chance)
		b[0], b[garbageLen/2], b[garbageLen-1] = 0x7e, 0x7e, 0x7e
		m.out.write(OutputWrite, now, b, 0, 0)
	case "discard":
		m.discard(now)
	case "request-ipcp":
		m.craft(now, packet.IPCP, packet.ConfigureRequest, m.call.nextID(), nil)
	case "request-lcp":
		m.craft(now, packet.LCP, packet.ConfigureRequest, m.call.nextID(), nil)
	}
}
