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
	bogus        bool      // the peer suggested an address that cannot be ours
	insists      int       // requests of the peer's for another address than it is to have
	refusals     int       // Naks in a row of the address that we insist on
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
	c.placeholders, c.narrowed, c.suggested, c.told, c.bogus = false, false, false, false, false
	c.refusals, c.insists = 0, 0
	c.stalls, c.stalledAt = 0, time.Time{}
	c.ask = requestedOptions{}
	for _, typ := range c.wanted(c.cfg.Request) {
		c.askFor(typ)
	}
}

// askFor asks for an option by 0.0.0.0 (RFC 1332 section 3.3, RFC 1877 section 1), or for Settings' own address.
func (c *ipcp) askFor(typ uint8) {
	switch typ {
	case packet.IPCPAddress:
		value := zero4
		if c.cfg.Local.Is4() && !c.cfg.Local.IsUnspecified() {
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
func (c *ipcp) fixed() bool { return c.cfg.Local.Is4() && !c.cfg.AcceptLocal }

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
func (c *ipcp) judge(options []packet.Option) reply {
	r := c.engine.startReview(&c.layer)
	suggesting := false
	for i, o := range options {
		want := c.assigned(o.Type)
		switch {
		case repeated(options, i):
			r.reject(o)
		case want.Is4():
			c.judgeAssigned(r, o, want)
		case o.Type == packet.IPCPAddress:
			suggesting = c.judgePeerAddress(r, o) || suggesting
		case o.Type == packet.IPCPAddresses && c.ask.find(packet.IPCPAddresses) != nil:
			c.judgePeerAddresses(r, o)
		default:
			r.reject(o)
		}
	}
	a := r.reply()
	// A Reject of something else goes first (RFC 1661 section 5.4): then the suggestion was not sent, and will be.
	c.suggested = c.suggested || suggesting && a.action == Nak
	return a
}

// maxSuggestions is how often a peer is asked to take the address that we want it to have.
const maxSuggestions = 10

func (c *ipcp) judgeAssigned(r *review, o packet.Option, want netip.Addr) {
	addr, ok := o.Address()
	if ok && o.Type == packet.IPCPAddress && c.cfg.AcceptPeer && !addr.IsUnspecified() && addr != c.proposed() {
		return
	}
	if ok && o.Type == packet.IPCPAddress && addr != want && !addr.IsUnspecified() {
		if c.insists++; c.insists > maxSuggestions {
			r.reject(o) // it does not take what is suggested to it; without the option it has what we say
			return
		}
	}
	if !ok || addr != want {
		b := want.As4()
		r.nak(o, b[:])
	}
}

// judgePeerAddress takes any address that the peer has, unless it has none or ours. It tells whether it suggests one to a
// peer that has none.
func (c *ipcp) judgePeerAddress(r *review, o packet.Option) (suggesting bool) {
	addr, ok := o.Address()
	if ok && !addr.IsUnspecified() && addr != c.proposed() {
		return false
	}
	zero := ok && addr.IsUnspecified()
	if !c.cfg.AssumePeer.Is4() || zero && (c.suggested || c.cfg.RejectZeroPeer) {
		r.reject(o)
		return false
	}
	b := c.cfg.AssumePeer.As4()
	r.nak(o, b[:])
	return zero
}

// judgePeerAddresses takes the deprecated IP-Addresses (RFC 1332 section 3.1) from a peer with which we use it ourselves,
// because it knows no IP-Address: its own address, and the one that it believes to be ours.
func (c *ipcp) judgePeerAddresses(r *review, o packet.Option) {
	if len(o.Data) != 8 {
		r.reject(o)
		return
	}
	theirs, ours := netip.AddrFrom4([4]byte(o.Data[:4])), netip.AddrFrom4([4]byte(o.Data[4:]))
	want := append([]byte(nil), o.Data...)
	if theirs.IsUnspecified() || theirs == c.proposed() {
		if !c.cfg.AssumePeer.Is4() {
			r.reject(o)
			return
		}
		copy(want, c.cfg.AssumePeer.AsSlice())
	}
	if c.fixed() && ours != c.cfg.Local {
		copy(want[4:], c.cfg.Local.AsSlice())
	}
	if string(want) != string(o.Data) {
		r.nak(o, want)
	}
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

func (w *requestedOption) address() netip.Addr { return netip.AddrFrom4([4]byte(w.value[:4])) }

func (c *ipcp) agreed(options []packet.Option) {
	c.peer = netip.Addr{}
	if o, ok := packet.Find(options, packet.IPCPAddress); ok {
		c.peer, _ = o.Address()
	} else if o, ok := packet.Find(options, packet.IPCPAddresses); ok && len(o.Data) == 8 {
		c.peer = netip.AddrFrom4([4]byte(o.Data[:4]))
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
			if o, ok := packet.Find(options, typ); !ok || !w.holds(o.Data) {
				return false
			}
		}
	}
	return true
}

// acked takes address and name servers from this Ack alone: what earlier Naks held may have been a placeholder.
func (c *ipcp) acked(options []packet.Option) reply {
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
		return reply{action: Retry, delay: c.set.NakPace}
	}
	if waits && !dns[0].IsValid() && !dns[1].IsValid() && c.patient() {
		c.stall(KindNoAddress)
		return reply{action: Retry, delay: c.set.NakPace}
	}
	return reply{action: Ack}
}

func (c *ipcp) asksAddress() bool { return c.proposed().IsValid() }

// forgetAddress asks for an address anew.
func (c *ipcp) forgetAddress() {
	for _, typ := range [...]uint8{packet.IPCPAddress, packet.IPCPAddresses} {
		if w := c.ask.find(typ); w != nil {
			w.value = [maxRequestedValue]byte{}
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

func (c *ipcp) up() {
	c.engine.provisional, c.engine.relapses = false, 0
	c.engine.put(c.network())
}

func (c *ipcp) down() { c.engine.put(NetworkDown{Protocol: packet.IPCP, Final: c.engine.ending}) }

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
