package ppp

import (
	"net/netip"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is how IPCP takes what is no Ack: Naks and Rejects that lead on, and those that lead nowhere.

// nakked takes up what the peer suggests, also what we did not ask for. What changes nothing is named.
func (c *ipcp) nakked(options []packet.Option) response {
	moved, kind := false, KindRepeatedNaks
	if len(options) == 0 {
		kind = KindEmptyNaks
	}
	for _, o := range options {
		var m bool
		var k string
		switch o.Type {
		case packet.IPCPAddress:
			m, k = c.suggestAddress(o)
		case packet.IPCPAddresses:
			m, k = c.suggestAddresses(o)
		case packet.IPCPDNS1, packet.IPCPDNS2, packet.IPCPNBNS1, packet.IPCPNBNS2:
			m, k = c.suggestServer(o)
		}
		moved = moved || m
		if k != "" {
			kind = k
		}
	}
	if !moved && kind == KindNoAddress && !c.patient() {
		// Only placeholders for so long: if an address is at hand we go on without name servers, and if not, the modem
		// may be one that gives none as long as it is asked for them.
		moved = c.dropServers()
	}
	return c.respond(moved, kind)
}

// suggestAddress takes a Nak's IP-Address up. It says whether that changes the request, and what is wrong if not.
func (c *ipcp) suggestAddress(o packet.Option) (moved bool, kind string) {
	addr, ok := o.Address()
	w := c.ask.find(o.Type)
	switch {
	case !ok:
		return false, ""
	case c.fixed():
		if c.refusals++; c.cfg.YieldLocal > 0 && c.refusals >= c.cfg.YieldLocal && w != nil {
			c.ask.remove(o.Type)
			c.ask.refuse(o.Type)
			return true, ""
		}
		return false, KindRepeatedNaks
	case c.placeholder(addr):
		c.sawPlaceholder()
	}
	if kind = c.unbelievable(addr); kind != "" {
		c.bogus = c.bogus || kind == KindBogusAddress
		c.forgetAddress()
		return false, kind
	}
	if w == nil {
		c.ask.add(o.Type, o.Data)
		return true, ""
	}
	if w.holds(o.Data) {
		return false, KindRepeatedNaks
	}
	w.set(o.Data)
	return true, ""
}

// suggestAddresses does the same for the deprecated IP-Addresses, if it had to be asked for: our address, then the
// peer's (RFC 1332 section 3.1).
func (c *ipcp) suggestAddresses(o packet.Option) (moved bool, kind string) {
	w := c.ask.find(o.Type)
	if w == nil || len(o.Data) != 8 {
		return false, ""
	}
	if kind = c.unbelievable(netip.AddrFrom4([4]byte(o.Data[:4]))); kind != "" {
		c.forgetAddress()
		return false, kind
	}
	if w.holds(o.Data) {
		return false, KindRepeatedNaks
	}
	w.set(o.Data)
	return true, ""
}

// suggestServer does the same for a name server. As long as there is no address either, 0.0.0.0 and our own values mean
// that the modem waits for its network; with one, that it has no such server, and is asked only so often.
func (c *ipcp) suggestServer(o packet.Option) (moved bool, kind string) {
	addr, ok := o.Address()
	if !ok {
		return false, ""
	}
	value := o.Data
	switch {
	case c.placeholder(addr):
		c.sawPlaceholder()
		kind, value = KindNoAddress, zero4
	case addr.IsUnspecified():
		kind = KindNoAddress
	}
	w := c.ask.find(o.Type)
	switch {
	case w == nil && (c.ask.wasRefused(o.Type) || c.narrowed && kind != ""):
		return false, kind
	case w == nil:
		c.ask.add(o.Type, value)
		return true, kind
	case !w.holds(value):
		w.set(value)
		w.same = 0
		// From a real value back to none is no step ahead.
		return kind == "", kind
	case c.placeholder(addr) || c.unbelievable(c.proposed()) != "":
		return false, kind
	}
	if w.same++; int(w.same) < c.cfg.MaxIdentical {
		return false, kind
	}
	c.ask.remove(o.Type)
	return true, ""
}

// dropServers stops asking for name servers that the peer has only placeholders for.
func (c *ipcp) dropServers() bool {
	dropped := false
	c.narrowed = true
	for _, typ := range [...]uint8{packet.IPCPDNS1, packet.IPCPDNS2, packet.IPCPNBNS1, packet.IPCPNBNS2} {
		if w := c.ask.find(typ); w != nil && w.address().IsUnspecified() {
			c.ask.remove(typ)
			dropped = true
		}
	}
	return dropped
}

// rejected stops asking for what the peer does not know. Without an address there is nothing to be had, but the option
// that IP-Address has replaced may still be known.
func (c *ipcp) rejected(options []packet.Option) response {
	moved := false
	for _, o := range options {
		if !c.ask.remove(o.Type) {
			continue
		}
		c.ask.refuse(o.Type)
		moved = true
		switch o.Type {
		case packet.IPCPAddress:
			if c.cfg.NoOldAddresses || c.fixed() {
				return c.addressRejected("the peer rejects the option IP-Address")
			}
			var both [8]byte
			c.ask.add(packet.IPCPAddresses, both[:])
		case packet.IPCPAddresses:
			return c.addressRejected("the peer rejects IP-Address and IP-Addresses")
		}
	}
	kind := KindRepeatedNaks
	if len(options) == 0 {
		kind = KindEmptyNaks
	}
	return c.respond(moved, kind)
}

// addressRejected names a peer that gives no address. One that had only addresses that cannot be ours, and rejects the
// option when we would not have them, has given a bogus one.
func (c *ipcp) addressRejected(detail string) response {
	if c.bogus {
		return response{fatal: KindBogusAddress, detail: "the peer has only addresses that cannot be ours, and then none: " + detail}
	}
	return response{fatal: KindAddressRejected, detail: detail}
}

func (c *ipcp) respond(moved bool, kind string) response {
	if moved {
		c.stalls, c.stalledAt, c.told = 0, time.Time{}, false
		return response{moved: true}
	}
	c.stall(kind)
	return response{kind: kind}
}

// stall counts an answer that leads nowhere, and widens the request.
func (c *ipcp) stall(kind string) {
	c.trouble = kind
	c.stalls++
	if c.stalls == 1 {
		c.stalledAt = c.engine.now
		c.engine.notice("info", "IPCP: the peer's answer changes nothing ("+kind+"); asking again")
	}
	if c.stalls != c.cfg.WidenAfter {
		return
	}
	for _, typ := range c.cfg.Widen {
		if !c.ask.wasRefused(typ) {
			c.askFor(typ)
		}
	}
}

func (c *ipcp) stallAt() time.Time {
	if c.stalls == 0 || c.told || c.cfg.StallReport == 0 || !c.negotiating() {
		return time.Time{}
	}
	return c.stalledAt.Add(c.cfg.StallReport)
}

func (c *ipcp) advance() {
	if due(c.stallAt(), c.engine.now) {
		c.told = true
		f := Failure{Kind: c.trouble, Protocol: packet.IPCP, Detail: "the peer's answers lead nowhere"}
		c.engine.put(Stalled{Failure: c.engine.complete(f), Naks: c.stalls, For: c.engine.now.Sub(c.startedAt)})
	}
	c.layer.advance()
}

func (c *ipcp) deadline() time.Time { return soonest(c.layer.deadline(), c.stallAt()) }

// sawPlaceholder gives a modem that says so the time to get its context up.
func (c *ipcp) sawPlaceholder() {
	if c.placeholders {
		return
	}
	c.placeholders = true
	if c.deadlineAt.IsZero() {
		return
	}
	if at := c.startedAt.Add(c.cfg.PlaceholderDeadline); at.After(c.deadlineAt) {
		c.deadlineAt = at
	}
}

// patient says whether it is still worth while to wait for real name servers.
func (c *ipcp) patient() bool { return c.engine.now.Sub(c.startedAt) < c.cfg.PlaceholderPatience }
