package ppp

import (
	"encoding/binary"

	"github.com/knakppp/knak/core/ppp/packet"
)

// ipv6cp is the IPv6 Control Protocol (RFC 5072). It only negotiates the two interface identifiers; addresses come by router
// advertisements.
type ipv6cp struct {
	layer
	cfg    *IPV6CPSettings
	early  []byte // the newest Configure-Request that came before the network phase
	peerID [8]byte
}

func (c *ipv6cp) attach(e *Engine) {
	c.layer = layer{engine: e, protocol: packet.IPV6CP, set: &e.set.IPV6CP.Negotiation}
	c.layer.rules = c
	c.cfg = &e.set.IPV6CP
}

func (c *ipv6cp) reset() {
	c.layer.reset()
	*c = ipv6cp{layer: c.layer, cfg: c.cfg}
}

func (c *ipv6cp) begin() {
	c.ask = requestedOptions{}
	id := c.cfg.InterfaceID
	if id == [8]byte{} {
		id = c.randomID()
	}
	c.ask.add(packet.IPV6CPInterfaceID, id[:])
}

// randomID is an identifier of local scope: the universal/local bit is zero (RFC 5072 section 4.1).
func (c *ipv6cp) randomID() [8]byte {
	var id [8]byte
	binary.BigEndian.PutUint32(id[:4], c.engine.uint32())
	binary.BigEndian.PutUint32(id[4:], c.engine.uint32())
	id[0] &^= 0x02
	return id
}

// localID is what we ask for, or have; zero after the peer rejected the option.
func (c *ipv6cp) localID() [8]byte {
	if w := c.ask.find(packet.IPV6CPInterfaceID); w != nil {
		return w.value
	}
	return [8]byte{}
}

// judge is RFC 5072 section 4.1: zero asks for an identifier, and the two ends' must differ.
func (c *ipv6cp) judge(options []packet.Option) reply {
	r := c.engine.startReview(&c.layer)
	for i, o := range options {
		id, ok := o.InterfaceID()
		switch {
		case o.Type != packet.IPV6CPInterfaceID || repeated(options, i):
			r.reject(o)
		case !ok || id == [8]byte{} || id == c.localID():
			other := c.randomID()
			r.nak(o, other[:])
		}
	}
	return r.reply()
}

func (c *ipv6cp) agreed(options []packet.Option) {
	c.peerID = [8]byte{}
	if o, ok := packet.Find(options, packet.IPV6CPInterfaceID); ok {
		c.peerID, _ = o.InterfaceID()
	}
}

func (c *ipv6cp) agreedLate() {
	if c.peerID != [8]byte{} {
		c.engine.put(c.network())
	}
}

func (c *ipv6cp) matches([]packet.Option) bool { return false }

func (c *ipv6cp) acked([]packet.Option) reply { return reply{action: Ack} }

func (c *ipv6cp) nakked(options []packet.Option) response {
	w := c.ask.find(packet.IPV6CPInterfaceID)
	o, found := packet.Find(options, packet.IPV6CPInterfaceID)
	if w == nil || !found {
		return response{kind: KindEmptyNaks}
	}
	id, ok := o.InterfaceID()
	if !ok || id == [8]byte{} || id == c.peerID || w.holds(id[:]) {
		id = c.randomID()
	}
	w.set(id[:])
	return response{moved: true}
}

func (c *ipv6cp) rejected(options []packet.Option) response {
	for _, o := range options {
		if c.ask.remove(o.Type) {
			return response{moved: true}
		}
	}
	return response{kind: KindRepeatedNaks}
}

func (c *ipv6cp) up() {
	c.engine.relapses = 0
	c.engine.put(c.network())
}

func (c *ipv6cp) network() NetworkUp6 {
	return NetworkUp6{LocalID: c.localID(), PeerID: c.peerID, MTU: c.engine.lcp.peerMRU()}
}

func (c *ipv6cp) down() { c.engine.put(NetworkDown{Protocol: packet.IPV6CP, Final: c.engine.ending}) }

// extra: IPV6CP has no codes of its own.
func (c *ipv6cp) extra(packet.Packet) bool { return false }

func (c *ipv6cp) codeRejected(uint8) {}
