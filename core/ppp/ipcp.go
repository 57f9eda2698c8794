package ppp

import (
	"net/netip"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// ipcp is the IP Control Protocol (RFC 1332) with the name server options of RFC 1877.
type ipcp struct {
	layer
	cfg   *IPCPSettings
	early []byte // the newest Configure-Request that came before the network phase

	startedAt time.Time

	// What the peer's Acks have settled.
	local netip.Addr
	dns   [2]netip.Addr
	nbns  [2]netip.Addr

	// What the peer asked for itself.
	peer      netip.Addr // not valid: it named none
	suggested bool       // AssumePeer was suggested to it

	// Answers that lead nowhere.
	placeholders bool      // one was seen
	narrowed     bool      // we gave up asking for name servers
	stalls       int       // answers in a row that changed nothing
	stalledAt    time.Time // the first of them
	told         bool      // Stalled was put out for them
}

func (c *ipcp) attach(e *Engine) {
	c.layer = layer{engine: e, protocol: packet.IPCP, set: &e.set.IPCP.Negotiation}
	c.layer.rules = c
	c.cfg = &e.set.IPCP
}

func (c *ipcp) reset() {
	c.layer.reset()
	*c = ipcp{layer: c.layer, cfg: c.cfg}
}

func (c *ipcp) begin() {
	c.startedAt = c.engine.now
	c.placeholders, c.narrowed, c.suggested, c.told = false, false, false, false
	c.stalls, c.stalledAt = 0, time.Time{}
	c.ask = wishes{}
	for _, typ := range c.cfg.Request {
		c.wish(typ)
	}
}

// wish asks for an option by 0.0.0.0 (RFC 1332 section 3.3, RFC 1877 section 1), or for Settings' own address.
func (c *ipcp) wish(typ uint8) {
	switch typ {
	case packet.IPCPAddress:
		value := zero4
		if c.fixed() {
			local := c.cfg.Local.As4()
			value = local[:]
		}
		c.ask.add(typ, value)
	case packet.IPCPDNS1, packet.IPCPDNS2, packet.IPCPNBNS1, packet.IPCPNBNS2:
		c.ask.add(typ, zero4)
	}
	// Nothing else can be asked for. Van Jacobson compression would need a data path that does it.
}

// zero4 is the value 0.0.0.0, which asks the peer for one. Nobody writes to it.
var zero4 = make([]byte, 4)

// fixed says whether we insist on an address of our own.
func (c *ipcp) fixed() bool { return c.cfg.Local.Is4() }

// serves says whether we hand out addresses.
func (c *ipcp) serves() bool { return c.cfg.Assign.Address.Is4() }

// assigned is what the peer gets for an option. It is not valid where there is nothing to give.
func (c *ipcp) assigned(typ uint8) netip.Addr {
	a := &c.cfg.Assign
	switch typ {
	case packet.IPCPAddress:
		return a.Address
	case packet.IPCPDNS1:
		return a.DNS[0]
	case packet.IPCPDNS2:
		return a.DNS[1]
	case packet.IPCPNBNS1:
		return a.NBNS[0]
	case packet.IPCPNBNS2:
		return a.NBNS[1]
	}
	return netip.Addr{}
}

// judge answers the peer's request. Everything but addresses is rejected: compression costs more here than it saves, and
// the deprecated IP-Addresses has a successor.
func (c *ipcp) judge(options []packet.Option) answer {
	r := c.engine.startReview(&c.layer)
	for i, o := range options {
		want := c.assigned(o.Type)
		switch {
		case repeated(options, i):
			r.reject(o)
		case want.Is4():
			c.judgeAssigned(r, o, want)
		case o.Type == packet.IPCPAddress:
			c.judgePeerAddress(r, o)
		default:
			r.reject(o)
		}
	}
	return r.answer()
}

func (c *ipcp) judgeAssigned(r *review, o packet.Option, want netip.Addr) {
	if addr, ok := o.Address(); !ok || addr != want {
		b := want.As4()
		r.nak(o, b[:])
	}
}

// judgePeerAddress takes any address that the peer has, unless it has none or ours.
func (c *ipcp) judgePeerAddress(r *review, o packet.Option) {
	addr, ok := o.Address()
	if ok && !addr.IsUnspecified() && addr != c.proposed() {
		return
	}
	zero := ok && addr.IsUnspecified()
	if !c.cfg.AssumePeer.Is4() || zero && (c.suggested || c.cfg.RejectZeroPeer) {
		r.reject(o)
		return
	}
	c.suggested = c.suggested || zero
	b := c.cfg.AssumePeer.As4()
	r.nak(o, b[:])
}

// proposed is the address that we ask for now, or that was agreed.
func (c *ipcp) proposed() netip.Addr {
	if w := c.ask.find(packet.IPCPAddress); w != nil {
		return w.address()
	}
	if w := c.ask.find(packet.IPCPAddresses); w != nil {
		return netip.AddrFrom4([4]byte(w.value[:4]))
	}
	return netip.Addr{}
}

func (w *wish) address() netip.Addr { return netip.AddrFrom4([4]byte(w.value[:4])) }

func (c *ipcp) agreed(options []packet.Option) {
	c.peer = netip.Addr{}
	if o, ok := packet.Find(options, packet.IPCPAddress); ok {
		c.peer, _ = o.Address()
	}
}

func (c *ipcp) agreedLate() {
	if c.peer.IsValid() {
		c.engine.put(c.network())
	}
}

// matches takes an Ack with other name servers than asked for, or with options that we did not ask for, if only the
// address is the one: carriers do that in the last round.
func (c *ipcp) matches(options []packet.Option) bool {
	for _, typ := range [...]uint8{packet.IPCPAddress, packet.IPCPAddresses} {
		if w := c.ask.find(typ); w != nil {
			if o, ok := packet.Find(options, typ); !ok || !w.is(o.Data) {
				return false
			}
		}
	}
	return true
}

// acked takes address and name servers from this Ack alone: what earlier Naks held may have been a placeholder.
func (c *ipcp) acked(options []packet.Option) answer {
	local := c.proposed()
	var dns, nbns [2]netip.Addr
	waits := false
	for _, o := range options {
		addr, ok := o.Address()
		if !ok {
			continue
		}
		switch {
		case o.Type == packet.IPCPAddress:
			continue
		case addr.IsUnspecified():
			waits = waits || c.placeholders
			continue
		case c.placeholder(addr):
			c.sawPlaceholder()
			waits = true
			continue
		}
		switch o.Type {
		case packet.IPCPDNS1:
			dns[0] = addr
		case packet.IPCPDNS2:
			dns[1] = addr
		case packet.IPCPNBNS1:
			nbns[0] = addr
		case packet.IPCPNBNS2:
			nbns[1] = addr
		}
	}
	c.local, c.dns, c.nbns = local, dns, nbns
	if c.unbelievable(local) != "" && !c.fixed() && c.asksAddress() {
		// Also 0.0.0.0: a Nak of it says that there is no address, an Ack that this is the address.
		c.forgetAddress()
		c.stall(KindBogusAddress)
		return answer{action: Retry, delay: c.set.NakPace}
	}
	if waits && !dns[0].IsValid() && !dns[1].IsValid() && c.patient() {
		c.stall(KindNoAddress)
		return answer{action: Retry, delay: c.set.NakPace}
	}
	return answer{action: Ack}
}

func (c *ipcp) asksAddress() bool { return c.proposed().IsValid() }

// forgetAddress asks for an address anew.
func (c *ipcp) forgetAddress() {
	for _, typ := range [...]uint8{packet.IPCPAddress, packet.IPCPAddresses} {
		if w := c.ask.find(typ); w != nil {
			w.value = [maxWishValue]byte{}
		}
	}
}

// unbelievable says what is wrong with an address as ours: a kind of Failure, or "".
func (c *ipcp) unbelievable(addr netip.Addr) string {
	switch {
	case !addr.IsValid() || addr.IsUnspecified():
		return KindNoAddress
	case within(addr, c.cfg.Unbelievable), c.placeholder(addr), addr == c.peer:
		return KindBogusAddress
	}
	return ""
}

func (c *ipcp) placeholder(addr netip.Addr) bool { return within(addr, c.cfg.Placeholders) }

func within(addr netip.Addr, list []netip.Prefix) bool {
	for _, p := range list {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

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
	case !ok || c.fixed():
		return false, ""
	case c.placeholder(addr):
		c.sawPlaceholder()
	}
	if kind = c.unbelievable(addr); kind != "" {
		c.forgetAddress()
		return false, kind
	}
	if w == nil {
		c.ask.add(o.Type, o.Data)
		return true, ""
	}
	if w.is(o.Data) {
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
	if w.is(o.Data) {
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
	case !w.is(value):
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
				return response{fatal: KindAddressRejected, detail: "the peer rejects the option IP-Address"}
			}
			var both [8]byte
			c.ask.add(packet.IPCPAddresses, both[:])
		case packet.IPCPAddresses:
			return response{fatal: KindAddressRejected, detail: "the peer rejects IP-Address and IP-Addresses"}
		}
	}
	kind := KindRepeatedNaks
	if len(options) == 0 {
		kind = KindEmptyNaks
	}
	return c.respond(moved, kind)
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
			c.wish(typ)
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

func (c *ipcp) up() {
	c.engine.provisional, c.engine.relapses = false, 0
	c.engine.put(c.network())
}

func (c *ipcp) down() { c.engine.put(NetworkDown{Protocol: packet.IPCP}) }

// network is what was agreed.
func (c *ipcp) network() NetworkUp {
	up := NetworkUp{
		Local: c.local, Peer: c.peer, MTU: c.engine.lcp.peerMRU(),
		DNS: valid(c.dns), NBNS: valid(c.nbns),
	}
	if w := c.ask.find(packet.IPCPAddresses); w != nil && !up.Peer.IsValid() {
		up.Peer = netip.AddrFrom4([4]byte(w.value[4:8]))
	}
	if c.serves() && !up.Peer.IsValid() {
		up.Peer = c.cfg.Assign.Address
	}
	if !up.Peer.IsValid() || up.Peer.IsUnspecified() {
		up.Peer, up.PeerAssumed = c.cfg.AssumePeer, true
	}
	return up
}

func valid(pair [2]netip.Addr) []netip.Addr {
	var list []netip.Addr
	for _, a := range pair {
		if a.IsValid() {
			list = append(list, a)
		}
	}
	return list
}

// extra: IPCP has no codes of its own.
func (c *ipcp) extra(packet.Packet) bool { return false }

func (c *ipcp) codeRejected(uint8) {}
