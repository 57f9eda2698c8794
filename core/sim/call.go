package sim

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/private"
)

// call is one call, from CONNECT to NO CARRIER: the modem's end of a PPP link.
type call struct {
	number  int
	engine  *ppp.Engine // nil: the call carries no PPP
	loop    bool        // without an engine: what the host sends comes back
	enc     *hdlc.Encoder
	dec     *hdlc.Decoder
	damaged uint64   // of dec's count, what is in Counters already
	ending  bool     // the host has asked to terminate, and the end is planned
	router6 [16]byte // the modem's own IPv6 address
	peerMRU int      // the longest IP packet that the host takes

	silent     bool
	authDone   bool
	networkUp  bool
	networkUp6 bool
	stages     map[string]bool // what Action.Since names, once reached

	user      string // the name that the host gave, if named
	named     bool
	method    string // by which it gave it; "none": it did not
	apn       string // of the context that was dialled, in lower case
	challenge []byte // the last one sent
	id        uint8  // of the packets that we make outside the engine

	first map[uint16]time.Time // when each protocol's first packet came
	rules map[*Rule]*ruleCount

	delivering uint16       // the protocol of the packet that the engine is given, which the rules have seen; 0: none
	verdict    *ppp.Verdict // what a rule wants of it
}

// slack is how much longer than the MRU a frame may be, for hosts that count the headers wrong.
const slack = 64

// startCall begins PPP, or what the scenario has in its place.
func (m *Modem) startCall(now time.Time) {
	m.calls++
	c := &call{
		number: m.calls,
		apn:    m.at.apn,
		method: auth.None.String(),
		enc:    hdlc.NewEncoder(hdlc.DefaultConfig()),
		dec:    hdlc.NewDecoder(hdlc.DefaultDecoderConfig()),
		stages: map[string]bool{},
		first:  map[uint16]time.Time{},
		rules:  map[*Rule]*ruleCount{},
	}
	m.call, m.online = c, true
	m.escape = escapeWatch{last: now}
	switch m.dialResult() {
	case "echo":
		c.loop = true
		return
	case "text":
		return
	}
	c.engine = ppp.New(m.settings(), chanceReader{m.random})
	m.frameAs(ppp.DefaultFraming())
	c.engine.Open(now)
	m.drain(now)
}

// chanceReader gives the engine its random octets.
type chanceReader struct{ rng *rand.Rand }

func (r chanceReader) Read(b []byte) (int, error) {
	fill(b, r.rng)
	return len(b), nil
}

// forever is a number of tries that never runs out: a modem does not give up by itself.
const forever = 1 << 30

// settings makes the engine the modem's end, one that behaves.
func (m *Modem) settings() ppp.Settings {
	s := ppp.Defaults()
	s.Trace = false // the modem traces what is on the line, which rules can make differ from what the engine wanted
	s.Unchecked = true
	s.Points = ppp.PointPeerRequest | ppp.PointOpened
	for _, n := range []*ppp.Negotiation{&s.LCP.Negotiation, &s.IPCP.Negotiation, &s.IPV6CP.Negotiation} {
		n.MaxConfigure, n.MaxFailure, n.FreeNaks = forever, forever, forever
		n.VaryAfter = 0 // a modem asks for what it wants
		n.Deadline, n.AssumeRequestAfter = 0, 0
	}

	l := &m.scenario.LCP
	s.LCP.EchoMode = ppp.EchoOff
	s.LCP.NoRequest = l.OwnRequest == "none"
	s.LCP.Request = []uint8{packet.LCPACCM, packet.LCPMagic, packet.LCPPFC, packet.LCPACFC}
	s.LCP.ACCM = uint32(max(l.ACCM, 0))
	if l.ACCM < 0 {
		s.LCP.Request = s.LCP.Request[1:]
	}
	if l.MRU != 0 {
		s.LCP.MRU = uint16(l.MRU)
		s.LCP.Request = append([]uint8{packet.LCPMRU}, s.LCP.Request...)
	}
	if l.OwnRequest == "empty" {
		s.LCP.Request = nil
	}

	s.Auth = m.authSettings()

	i := &m.scenario.IPCP
	s.IPCP.NoRequest = i.OwnRequest == "none"
	s.IPCP.Local = i.Local
	s.IPCP.YieldLocal = 5 // to a host that will not have it
	s.IPCP.Request = []uint8{packet.IPCPAddress}
	if i.OwnRequest == "empty" {
		s.IPCP.Request = nil
	}
	s.IPCP.Assign.Address = i.Peer
	copy(s.IPCP.Assign.DNS[:], i.DNS)
	copy(s.IPCP.Assign.NBNS[:], i.NBNS)
	s.IPCP.Widen, s.IPCP.StallReport = nil, 0
	s.IPCP.Placeholders, s.IPCP.Unbelievable = nil, nil
	s.IPV6CP.Enabled = m.scenario.IPV6CP.Enabled
	return s
}

func (m *Modem) authSettings() ppp.AuthSettings {
	a := &m.scenario.Auth
	var s ppp.AuthSettings
	for _, name := range append([]string{a.Demand}, a.Also...) {
		var method auth.Method
		// The names were checked when the scenario was read.
		if err := method.UnmarshalText([]byte(name)); err == nil && method != auth.None && !slices.Contains(s.Demand, method) {
			s.Demand = append(s.Demand, method)
		}
	}
	s.Server = auth.ServerConfig{
		Name:           a.Name,
		AcceptAnybody:  a.Accept == "any",
		Message:        a.Message,
		FailureMessage: a.Message,
		Rechallenge:    time.Duration(a.Rechallenge),
		MaxRequests:    forever,
		Limit:          -1,
	}
	if a.Accept != "none" {
		secret := auth.NewSecret(a.Password)
		s.Server.Lookup = func(name string) (auth.Secret, bool) { return secret, name == a.User }
	}
	return s
}

// drain does what the engine wants done.
func (m *Modem) drain(now time.Time) {
	for c := m.call; m.call == c && c != nil && c.engine != nil; {
		out, ok := c.engine.Next()
		if !ok {
			return
		}
		switch o := out.(type) {
		case ppp.Send:
			if m.scenario.Auth.NoChallenge && (o.Protocol == packet.CHAP || o.Protocol == packet.EAP) {
				continue
			}
			if o.Protocol == packet.CHAP && len(o.Info) > 0 && o.Info[0] == packet.CHAPChallenge {
				c.challenge = append(c.challenge[:0], o.Info...)
			}
			m.control(now, o.Protocol, o.Info)
		case ppp.Framing:
			m.frameAs(o)
		case ppp.Decision:
			m.decide(now, o)
		case ppp.AuthDone:
			c.authDone = true
			m.reached(now, "auth")
		case ppp.NetworkUp:
			c.networkUp = true
			m.reached(now, "ipcp")
		case ppp.NetworkUp6:
			c.networkUp6 = true
			c.router6 = [16]byte{0: 0xfe, 1: 0x80}
			copy(c.router6[8:], o.LocalID[:])
		case ppp.NetworkDown:
			if o.Protocol == packet.IPCP {
				c.networkUp = false
			} else {
				c.networkUp6 = false
			}
		case ppp.Finished:
			if c.ending {
				continue // as planned
			}
			m.event(event.Notice{Level: "info", Text: "the modem's end of the link is finished: " + o.Failure.Error()})
			m.hangUp(now, true)
		}
	}
}

// decide answers the engine's questions: by the rule that applies to the packet, otherwise as the engine intended.
func (m *Modem) decide(now time.Time, d ppp.Decision) {
	c := m.call
	switch {
	case d.Point == ppp.PointPeerRequest && c.delivering != d.Protocol:
		// The engine had kept it from before its phase: only now the rules have a say.
		if r := m.match(now, d.Protocol, d.Packet); r != nil {
			c.engine.Resolve(now, d.ID, ppp.Verdict{Action: ppp.Drop, By: "scenario"})
			m.apply(now, r, d.Protocol, d.Packet)
			return
		}
	case d.Point == ppp.PointPeerRequest && c.verdict != nil:
		v := *c.verdict
		c.verdict = nil
		c.engine.Resolve(now, d.ID, v)
		return
	case d.Point == ppp.PointOpened && d.Protocol == packet.LCP:
		m.agenda.add(task{at: now, call: c.number, run: func(now time.Time) {
			if m.scenario.LCP.Discard {
				m.discard(now)
			}
			m.reached(now, "lcp")
		}})
	}
	c.engine.Resolve(now, d.ID, ppp.Verdict{})
}

// reached tells the actions that a stage of the call was reached, the first time that it was.
func (m *Modem) reached(now time.Time, stage string) {
	if !m.call.stages[stage] {
		m.call.stages[stage] = true
		m.since(now, stage)
	}
}

// frameAs makes the line follow what LCP agreed.
func (m *Modem) frameAs(f ppp.Framing) {
	c := m.call
	cfg := hdlc.DefaultConfig()
	c.peerMRU = f.PeerMRU
	cfg.ACCM = f.SendACCM
	cfg.PFC, cfg.ACFC = f.SendPFC, f.SendACFC
	if m.scenario.Line.Escape == "never" {
		cfg.ACCM = 0
	}
	switch m.scenario.Line.Compress {
	case "unasked":
		cfg.PFC, cfg.ACFC = true, true
	case "never":
		cfg.PFC, cfg.ACFC = false, false
	}
	c.enc.Set(cfg)
	in := hdlc.DefaultDecoderConfig()
	in.ACCM = f.RecvACCM
	in.MRU = max(f.OwnMRU, hdlc.DefaultMRU) + slack
	c.dec.Set(in)
}

// data takes octets in data mode.
func (m *Modem) data(now time.Time, b []byte) {
	c := m.call
	if m.mute {
		return
	}
	if m.scenario.Line.Control == "lost" {
		b = slices.DeleteFunc(bytes.Clone(b), func(c byte) bool { return c < ' ' })
	}
	if c.engine == nil {
		if c.loop {
			m.out.write(OutputWrite, now, b, 0, 0)
		}
		return
	}
	for item, rest := c.dec.Next(b); item.Kind != hdlc.None; item, rest = c.dec.Next(rest) {
		if item.Kind == hdlc.Text {
			// Not what it says: a command may hold a PIN.
			m.event(event.Notice{Level: "info", Text: fmt.Sprintf("%d octets of text where frames were expected", len(item.Text))})
			continue
		}
		m.fromHost(now, item.Protocol, item.Info)
		if m.call != c {
			return // the frame ended the call; what follows it is lost, as in a modem that switches over
		}
	}
	damaged := c.dec.Stats().Damaged()
	m.counters.FramesBad += damaged - c.damaged
	c.damaged = damaged
}

// packetIn takes a frame that got through the line.
func (m *Modem) packetIn(now time.Time, protocol uint16, info []byte) {
	c := m.call
	m.counters.FramesIn++
	switch protocol {
	case packet.IP, packet.IPv6:
		m.ip(now, info)
		return
	}
	m.event(event.Packet{Dir: event.Rcvd, Protocol: protocol, Data: private.Packet(protocol, info)})
	if isAuth(protocol) {
		c.noteUser(protocol, info)
	}
	if r := m.match(now, protocol, info); r != nil {
		m.apply(now, r, protocol, info)
		return
	}
	m.deliver(now, protocol, info, nil)
}

// deliver hands a packet to the engine, with a verdict where a rule has one.
func (m *Modem) deliver(now time.Time, protocol uint16, info []byte, verdict *ppp.Verdict) {
	c := m.call
	if protocol == packet.LCP && len(info) > 0 && info[0] == packet.TerminateRequest && !c.ending {
		// By default long enough to acknowledge a second one, should the first Ack be lost on the way to a host that asks
		// again at once.
		c.ending = true
		m.agenda.add(task{at: now.Add(time.Duration(m.scenario.LCP.Linger)), call: c.number, run: func(now time.Time) { m.hangUp(now, true) }})
	}
	c.delivering, c.verdict = protocol, verdict
	c.engine.Receive(now, protocol, info)
	m.drain(now)
	c.delivering, c.verdict = 0, nil
}

// ip gives a data packet to the network behind the modem, or to the outside sink.
func (m *Modem) ip(now time.Time, p []byte) {
	if !m.call.networkUp && !m.call.networkUp6 {
		return
	}
	m.counters.PacketsIn++
	if m.tooLong(now, p) {
		return
	}
	if !m.network.routed(p) {
		return
	}
	if m.takePackets {
		m.out.write(OutputPacket, now, p, 0, 0)
		return
	}
	if p[0]>>4 == 6 {
		m.answered = m.network.respond6(m.answered[:0], p, m.call.router6, &m.counters)
	} else {
		m.answered = m.network.respond(m.answered[:0], p, &m.counters)
	}
	switch {
	case len(m.answered) == 0:
		if m.takeUnanswered {
			m.out.write(OutputPacket, now, p, 0, 0)
		}
	case m.network.Delay > 0:
		answer := bytes.Clone(m.answered)
		m.agenda.add(task{at: now.Add(time.Duration(m.network.Delay)), call: m.call.number, run: func(now time.Time) {
			m.sendIP(now, answer)
		}})
	default:
		m.sendIP(now, m.answered)
	}
}

// control sends a control packet, traced.
func (m *Modem) control(now time.Time, protocol uint16, info []byte) {
	if m.call.silent || !m.online || m.mute {
		return
	}
	m.event(event.Packet{Dir: event.Sent, Protocol: protocol, Data: private.Packet(protocol, info)})
	m.send(now, protocol, info)
}

// craft sends a control packet that the engine knows nothing of.
func (m *Modem) craft(now time.Time, protocol uint16, code, id uint8, data []byte) {
	m.control(now, protocol, packet.Packet{Code: code, ID: id, Data: data}.AppendTo(nil))
}

func (m *Modem) discard(now time.Time) {
	m.craft(now, packet.LCP, packet.DiscardRequest, m.call.nextID(), make([]byte, 4)) // RFC 1661 section 5.9: magic 0
}

// nextID counts down from the top, away from the engine's identifiers.
func (c *call) nextID() uint8 {
	c.id--
	return c.id
}

func isAuth(protocol uint16) bool {
	return protocol == packet.PAP || protocol == packet.CHAP || protocol == packet.EAP
}

// noteUser keeps the name in the host's answer, and by which method it answered.
func (c *call) noteUser(protocol uint16, info []byte) {
	p, err := packet.Parse(info)
	if err != nil || len(p.Data) == 0 {
		return
	}
	name, ok := packet.AuthName(protocol, p.Code, p.Data)
	if !ok {
		return
	}
	c.user, c.named = string(name), true
	switch n := int(p.Data[0]); {
	case protocol == packet.PAP:
		c.method = auth.PAP.String()
	case protocol == packet.EAP:
		c.method = auth.EAP.String()
	case n == 49 && p.Data[n] == 0: // RFC 2433 section 5, RFC 2759 section 4: 49 octets, the last of which are flags that are zero in version 2
		c.method = auth.MSCHAPv2.String()
	case n == 49:
		c.method = auth.MSCHAP.String()
	default:
		c.method = auth.CHAPMD5.String()
	}
}
