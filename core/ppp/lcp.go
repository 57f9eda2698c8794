package ppp

import (
	"encoding/binary"
	"slices"

	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Bounds of the Maximum-Receive-Unit that we go along with. RFC 1661 section 6.1 sets none; below the first no IP packet
// of use fits, and beyond the second no frame decoder need be made to go.
const (
	minMRU     = 128
	maxMRU     = 16384
	defaultMRU = 1500
)

// lcp is the Link Control Protocol (RFC 1661 sections 5 and 6).
type lcp struct {
	layer
	cfg *LCPSettings

	magic uint32 // our magic number; 0: none is agreed, or none was asked
	loops int    // how many times it came back

	// What the peer said in the request that we acknowledged.
	peer struct {
		mru       int
		accm      uint32
		magic     uint32
		pfc, acfc bool
	}
	peerDemands auth.Method // how it wants us to authenticate
	refusedAuth bool        // we refused the way it wanted, and it has not come with another

	echo echo
}

func (c *lcp) attach(e *Engine) {
	c.layer = layer{engine: e, protocol: packet.LCP, set: &e.set.LCP.Negotiation}
	c.layer.rules = c
	c.cfg = &e.set.LCP
	c.echo.off = true
}

func (c *lcp) reset() {
	c.layer.reset()
	*c = lcp{layer: c.layer, cfg: c.cfg, echo: echo{off: true}}
	c.forgetPeer()
}

// forgetPeer sets what the peer agreed to back to RFC 1661's and RFC 1662's defaults.
func (c *lcp) forgetPeer() {
	c.peer.mru, c.peer.accm, c.peer.magic = defaultMRU, 0xffffffff, 0
	c.peer.pfc, c.peer.acfc = false, false
	c.peerDemands = auth.None
}

// peerMRU is the largest information field that the peer takes now: the default as long as LCP is not Opened.
func (c *lcp) peerMRU() int {
	if c.state != StateOpened || c.peer.mru == 0 {
		return defaultMRU
	}
	return c.peer.mru
}

func (c *lcp) begin() {
	c.ask = requestedOptions{}
	c.magic = 0
	var b [4]byte
	for _, typ := range c.wanted(c.cfg.Request) {
		switch typ {
		case packet.LCPMRU:
			c.ask.add(typ, binary.BigEndian.AppendUint16(b[:0], c.cfg.MRU))
		case packet.LCPACCM:
			c.ask.add(typ, binary.BigEndian.AppendUint32(b[:0], c.cfg.ACCM))
		case packet.LCPMagic:
			c.newMagic()
		case packet.LCPPFC, packet.LCPACFC:
			c.ask.add(typ, nil)
		}
	}
	if demand := c.engine.set.Auth.Demand; len(demand) > 0 {
		c.ask.add(packet.LCPAuth, demand[0].AppendOption(b[:0]))
	}
}

// recalled takes the magic number of the request that counts now.
func (c *lcp) recalled() {
	c.magic = 0
	if w := c.ask.find(packet.LCPMagic); w != nil && len(w.data()) == 4 {
		c.magic = binary.BigEndian.Uint32(w.data())
	}
}

// newMagic asks for another magic number than before.
func (c *lcp) newMagic() {
	var b [4]byte
	c.magic = c.engine.uint32()
	binary.BigEndian.PutUint32(b[:], c.magic)
	if w := c.ask.find(packet.LCPMagic); w != nil {
		w.set(b[:])
		return
	}
	c.ask.add(packet.LCPMagic, b[:])
}

// judge is RFC 1661 section 6, option by option.
func (c *lcp) judge(options []packet.Option) reply {
	r := c.engine.startReview(&c.layer)
	for i, o := range options {
		if repeated(options, i) || slices.Contains(c.cfg.RefuseOptions, o.Type) {
			r.reject(o)
			continue
		}
		switch o.Type {
		case packet.LCPMRU:
			if mru, ok := o.Uint16(); !ok || mru < minMRU {
				r.nak(o, []byte{minMRU >> 8, minMRU & 0xff})
			}
		case packet.LCPACCM:
			if _, ok := o.Uint32(); !ok {
				r.nak(o, make([]byte, 4))
			}
		case packet.LCPAuth:
			c.judgeAuth(r, o)
		case packet.LCPMagic:
			c.judgeMagic(r, o)
		case packet.LCPPFC, packet.LCPACFC:
			if len(o.Data) != 0 {
				r.nak(o, nil)
			}
		default:
			r.reject(o)
		}
	}
	if c.loops >= c.cfg.MaxLoops {
		return reply{action: Terminate, kind: KindLoopedBack, reason: "our own packets come back"}
	}
	if o, ok := packet.Find(options, packet.LCPAuth); ok && c.engine.pin.weaker > maxWeaker {
		m, _ := auth.MethodOf(o.Data)
		f := c.engine.downgraded(m)
		return reply{action: Terminate, kind: f.Kind, reason: f.Detail}
	}
	return r.reply()
}

// maxWeaker is how often the peer may demand an authentication that is weaker than the first one. Each time we answer with what we
// want; after that the link is ended.
const maxWeaker = 2

func (c *lcp) judgeAuth(r *review, o packet.Option) {
	e := c.engine
	allow := e.allowedMethods()
	m, ok := auth.MethodOf(o.Data)
	if ok && slices.Contains(allow, m) {
		e.pin.weaker = 0
		e.agreedOn(m) // also where something else is not agreed yet: it was offered, and we are content
		return
	}
	if ok && e.tooWeak(m) {
		e.pin.weaker, e.pin.wants = e.pin.weaker+1, m
		if e.pin.weaker == 1 {
			e.notice("warning", e.downgraded(m).Detail+"; refused")
		}
	}
	c.refusedAuth = true
	if len(allow) == 0 || r.stubborn {
		r.reject(o)
		return
	}
	var b [4]byte
	r.nak(o, allow[0].AppendOption(b[:0]))
}

// judgeMagic is RFC 1661 section 6.4: our own number means that we hear ourselves, by chance or by a loop.
func (c *lcp) judgeMagic(r *review, o packet.Option) {
	magic, ok := o.Uint32()
	if ok && magic != 0 && magic != c.magic {
		return
	}
	if ok && magic != 0 {
		c.loops++
	}
	// Max-Failure does not count here: MaxLoops does.
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], c.engine.uint32())
	stubborn := r.stubborn
	r.stubborn = false
	r.nak(o, b[:])
	r.stubborn = stubborn
}

func (c *lcp) agreed(options []packet.Option) {
	c.refusedAuth = false
	c.forgetPeer()
	for _, o := range options {
		switch o.Type {
		case packet.LCPMRU:
			if mru, ok := o.Uint16(); ok {
				c.peer.mru = max(int(mru), minMRU)
			}
		case packet.LCPACCM:
			if accm, ok := o.Uint32(); ok {
				c.peer.accm = accm
			}
		case packet.LCPAuth:
			c.peerDemands, _ = auth.MethodOf(o.Data)
		case packet.LCPMagic:
			c.peer.magic, _ = o.Uint32()
		case packet.LCPPFC:
			c.peer.pfc = true
		case packet.LCPACFC:
			c.peer.acfc = true
		}
	}
}

func (c *lcp) agreedLate() {
	c.engine.put(c.framing())
	c.engine.auth.late(c.peerDemands)
}

// matches holds an Ack to its octets: a wrong one would set the two ends' framing apart.
func (c *lcp) matches([]packet.Option) bool { return false }

func (c *lcp) acked([]packet.Option) reply { return reply{action: Ack} }

func (c *lcp) nakked(options []packet.Option) response {
	before := c.ask
	for _, o := range options {
		w := c.ask.find(o.Type)
		switch o.Type {
		case packet.LCPMRU:
			// Also where we did not ask: the peer says what it can send (RFC 1661 section 5.3).
			mru, ok := o.Uint16()
			switch {
			case !ok || mru < minMRU || mru > maxMRU:
			case w == nil && !c.ask.wasRefused(o.Type):
				c.ask.add(o.Type, o.Data)
			case w != nil:
				w.set(o.Data)
			}
		case packet.LCPACCM:
			// RFC 1662 section 7.1: the peer knows more characters that get lost on their way to us.
			if accm, ok := o.Uint32(); ok && w != nil {
				var b [4]byte
				asked, _ := w.option().Uint32()
				binary.BigEndian.PutUint32(b[:], accm|asked)
				w.set(b[:])
			}
		case packet.LCPMagic:
			if w != nil {
				c.loops++
				c.newMagic()
			}
		case packet.LCPAuth:
			if w != nil {
				return c.otherAuth(w, o)
			}
		default:
			c.ask.remove(o.Type)
		}
	}
	if c.loops >= c.cfg.MaxLoops {
		return response{fatal: KindLoopedBack, detail: "our own packets come back"}
	}
	if c.ask == before {
		kind := KindRepeatedNaks
		if len(options) == 0 {
			kind = KindEmptyNaks
		}
		return response{kind: kind}
	}
	return response{moved: true}
}

// otherAuth demands what the peer would rather have, or the next best.
func (c *lcp) otherAuth(w *requestedOption, o packet.Option) response {
	demand := c.engine.set.Auth.Demand
	now, _ := auth.MethodOf(w.data())
	next, ok := auth.MethodOf(o.Data)
	if !ok || !slices.Contains(demand, next) || next == now {
		i := slices.Index(demand, now) + 1
		if i >= len(demand) {
			return response{fatal: KindAuthMethod, detail: "the peer takes none of the methods that we demand"}
		}
		next = demand[i]
	}
	var b [4]byte
	w.set(next.AppendOption(b[:0]))
	return response{moved: true}
}

func (c *lcp) rejected(options []packet.Option) response {
	moved := false
	for _, o := range options {
		if o.Type == packet.LCPAuth && c.ask.find(o.Type) != nil {
			return response{fatal: KindAuthMethod, detail: "the peer refuses to authenticate itself"}
		}
		if c.ask.remove(o.Type) {
			c.ask.refuse(o.Type)
			moved = true
			if o.Type == packet.LCPMagic {
				c.magic = 0
			}
		}
	}
	return response{moved: moved, kind: KindRepeatedNaks}
}

// weDemand is the method by which the peer must authenticate itself.
func (c *lcp) weDemand() auth.Method {
	w := c.ask.find(packet.LCPAuth)
	if w == nil {
		return auth.None
	}
	m, _ := auth.MethodOf(w.data())
	return m
}

// framing is what both requests agreed on. What the peer asked for is what it receives, and so what we send.
func (c *lcp) framing() Framing {
	f := Framing{
		SendACCM: c.peer.accm | c.cfg.SendACCM, RecvACCM: 0xffffffff,
		SendPFC: c.peer.pfc, SendACFC: c.peer.acfc,
		RecvPFC: c.ask.find(packet.LCPPFC) != nil, RecvACFC: c.ask.find(packet.LCPACFC) != nil,
		PeerMRU: c.peer.mru, OwnMRU: defaultMRU,
	}
	// Values of another length can only be a Verdict's.
	if w := c.ask.find(packet.LCPACCM); w != nil {
		if accm, ok := w.option().Uint32(); ok {
			f.RecvACCM = accm
		}
	}
	if w := c.ask.find(packet.LCPMRU); w != nil {
		if mru, ok := w.option().Uint16(); ok {
			f.OwnMRU = int(mru)
		}
	}
	return f
}

func (c *lcp) up() {
	c.loops = 0
	c.echo = echo{}
	c.life()
	c.engine.linkUp()
}

func (c *lcp) down() {
	c.echo.off = true
	c.engine.linkDown()
}

// extra takes what only LCP has (RFC 1661 sections 5.7 to 5.9, RFC 1570 section 2).
func (c *lcp) extra(p packet.Packet) bool {
	switch p.Code {
	case packet.ProtocolReject:
		c.receiveProtocolReject(p)
	case packet.EchoRequest:
		c.receiveEchoRequest(p)
	case packet.EchoReply:
		c.receiveEchoReply(p)
	case packet.DiscardRequest, packet.Identification, packet.TimeRemaining:
		// Nothing to answer, and nothing to know. RXR would have no other effect.
	default:
		return false
	}
	return true
}

// codeRejected: a peer that does not know Echo-Requests is sent none.
func (c *lcp) codeRejected(code uint8) {
	if code == packet.EchoRequest {
		c.echo.off = true
	}
}

// receiveProtocolReject is RFC 1661 section 5.7. The network protocols are lost with it, and LCP of course; what we would
// have liked to talk besides is not missed.
func (c *lcp) receiveProtocolReject(p packet.Packet) {
	if c.state != StateOpened || len(p.Data) < 2 {
		return
	}
	e := c.engine
	protocol := binary.BigEndian.Uint16(p.Data)
	detail := "the peer does not know " + packet.ProtocolName(protocol)
	switch {
	case protocol == packet.LCP:
		e.rejected(&c.layer, detail)
	case protocol == packet.IPCP && e.phase == phaseNetwork:
		e.rejected(&e.ipcp.layer, detail)
	case protocol == packet.IPV6CP && e.phase == phaseNetwork:
		e.rejected(&e.ipv6cp.layer, detail)
	case (protocol == packet.IP || protocol == packet.IPv6) && e.phase == phaseNetwork:
		e.put(DataRejected{protocol})
	case e.auth.uses(protocol):
		e.fail(Failure{Kind: KindProtocolRejected, Protocol: protocol, Detail: detail})
	}
}

// rejectProtocol answers a protocol that we do not speak.
func (c *lcp) rejectProtocol(protocol uint16, info []byte) {
	e := c.engine
	start := len(e.arena)
	e.arena = binary.BigEndian.AppendUint16(e.arena, protocol)
	e.arena = append(e.arena, info[:min(len(info), c.peerMRU()-packet.HeaderLen-2)]...)
	data := e.arena[start:len(e.arena):len(e.arena)]
	e.send(packet.LCP, packet.Packet{Code: packet.ProtocolReject, ID: c.newID(), Data: data})
}
