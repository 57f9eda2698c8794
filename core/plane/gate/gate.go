// Package gate judges the addresses that a peer names for a link, before this host uses them: ours, the peer's, those of the name
// servers. The other end of a modem's line chooses them freely. With the address of the host's gateway, a neighbour or its own
// resolver it could take traffic that is not meant for the link.
//
// The package only computes. Package plane/host reads the host's state. The planes ask this package before they change the host,
// and again when the peer names other addresses or the host gets others.
package gate

import (
	"fmt"
	"net/netip"
	"slices"
)

// Offer holds the addresses that a peer names for a link, by IPCP (RFC 1332, RFC 1877) or in its modem's answers. The zero Addr is
// no address. IPv6 addresses are judged as well.
type Offer struct {
	Local netip.Addr   // the address for this host
	Peer  netip.Addr   // the peer's own
	DNS   []netip.Addr // its name servers, best first
	NBNS  []netip.Addr // its NetBIOS name servers, which are only passed to scripts
}

// Host describes this host without the link: the addresses of its other interfaces, and its other routes.
type Host struct {
	Addresses  []netip.Addr   // addresses of its other interfaces
	Broadcasts []netip.Addr   // broadcast addresses of its networks
	Connected  []netip.Prefix // networks that it is connected to; the other end of a point-to-point interface is a network of a single address
	Gateways   []netip.Addr   // next hops of its routes
	Resolvers  []netip.Addr   // the name servers that it uses now
	// Routes are the destinations of its other routes in any table, without default routes. They may overlap with Connected.
	Routes []netip.Prefix
}

// Role is the use of an address.
type Role string

// The roles, in the words for people.
const (
	Local Role = "our address"
	Peer  Role = "the peer's address"
	DNS   Role = "the name server"
	NBNS  Role = "the NetBIOS name server"
)

// Word says why one address is refused.
type Word struct {
	Role Role
	Addr netip.Addr
	What string // the present use of the address: "the host's gateway"
	// Allowable says that a person may allow this address anyway. An address that no host can have is not allowable.
	Allowable bool
}

// String gives the sentence for people.
func (w Word) String() string {
	text := fmt.Sprintf("%s %s is left out: it is %s", w.Role, w.Addr, w.What)
	if w.Role == Local {
		text = fmt.Sprintf("the peer gave us the address %s, which is %s", w.Addr, w.What)
	}
	if w.Allowable {
		text += fmt.Sprintf("; --allow-address %s takes it all the same", w.Addr)
	}
	return text
}

// Verdict holds the parts of an Offer that were accepted.
type Verdict struct {
	Offer
	// Refused, unless nil, says why the link must not come up with this Local address. Local is the zero Addr then.
	Refused *Word
	// Left holds the other addresses that were refused.
	Left []Word
	// ByHost holds the addresses of DNS that the host already uses over another interface: they must get no route over the link.
	ByHost []netip.Addr
}

// Allow holds the conflicts with this host that a person allows.
type Allow []netip.Prefix

func (a Allow) has(addr netip.Addr) bool {
	return slices.ContainsFunc(a, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// Believe judges an offer without looking at this host. It refuses addresses that no host on any network can have.
func Believe(o Offer, allow Allow) Verdict { return Judge(o, Host{}, allow) }

// Judge judges an offer on a host. Call it again whenever one of the two has changed.
func Judge(o Offer, h Host, allow Allow) Verdict {
	var v Verdict
	local := plain(o.Local)
	if local.IsValid() {
		what, allowable := never(local, Local)
		if what == "" {
			what, allowable = h.isToUs(local), true
		}
		if what == "" || allowable && allow.has(local) {
			v.Local = local
		} else {
			v.Refused = &Word{Local, local, what, allowable}
		}
	}
	keep := func(role Role, a netip.Addr) bool {
		what, allowable := never(a, role)
		switch {
		case what != "":
		case a == local:
			what = "what the peer gave us as our own address"
		default:
			what, allowable = h.isBeyond(a, role), true
		}
		if what == "" || allowable && allow.has(a) {
			return true
		}
		v.Left = append(v.Left, Word{role, a, what, allowable})
		return false
	}
	if peer := plain(o.Peer); peer.IsValid() && keep(Peer, peer) {
		v.Peer = peer
	}
	list := func(role Role, from []netip.Addr) (kept []netip.Addr) {
		for _, a := range from {
			if a = plain(a); a.IsValid() && !slices.Contains(kept, a) && keep(role, a) {
				kept = append(kept, a)
			}
		}
		return kept
	}
	v.DNS, v.NBNS = list(DNS, o.DNS), list(NBNS, o.NBNS)
	for _, a := range v.DNS {
		if slices.Contains(h.Resolvers, a) && a != v.Peer {
			v.ByHost = append(v.ByHost, a)
		}
	}
	return v
}

// plain is an address without its zone, and an IPv4 address as one: ::ffff:127.0.0.1 is 127.0.0.1.
func plain(a netip.Addr) netip.Addr { return a.WithZone("").Unmap() }

// The blocks that no host on a link can have as its address (RFC 6890, RFC 5735 section 4).
var (
	thisNetwork = netip.MustParsePrefix("0.0.0.0/8")
	reserved4   = netip.MustParsePrefix("240.0.0.0/4") // class E (RFC 1112 section 4)
	compatible6 = netip.MustParsePrefix("::/96")       // IPv4-compatible: deprecated (RFC 4291 section 2.5.5.1)
	siteLocal6  = netip.MustParsePrefix("fec0::/10")   // deprecated (RFC 3879)
	discard6    = netip.MustParsePrefix("100::/64")    // discard-only (RFC 6666)
	broadcast   = netip.AddrFrom4([4]byte{255, 255, 255, 255})
)

// never says what an address is that cannot be what it is offered as, wherever that is, and whether a person may allow it.
func never(a netip.Addr, role Role) (what string, allowable bool) {
	switch {
	case a.IsUnspecified(), thisNetwork.Contains(a):
		return "no address (RFC 1122 section 3.2.1.3)", false
	case a.IsLoopback():
		return "this host itself (loopback)", false
	case a.IsMulticast():
		return "a multicast group", false
	case a == broadcast:
		return "the broadcast address", false
	case reserved4.Contains(a), compatible6.Contains(a), discard6.Contains(a):
		return "reserved: no host can have it", false
	case a.IsLinkLocalUnicast() && a.Is4():
		// Of a point-to-point link nobody needs it; elsewhere it may be what tells a machine who it is (169.254.169.254).
		return "link-local (RFC 3927)", true
	case a.IsLinkLocalUnicast() && role != Local && role != Peer:
		return "link-local: it means nothing without an interface (RFC 4007)", false
	case siteLocal6.Contains(a):
		return "site-local, which nobody has any more (RFC 3879)", true
	}
	return "", false
}

// use gives the present use of an address on this host, or "".
func (h *Host) use(a netip.Addr) string {
	switch {
	case a.Is6() && a.IsLinkLocalUnicast(): // every interface has its own (RFC 4007 section 5)
		return ""
	case slices.Contains(h.Addresses, a):
		return "the address of another interface of this host"
	case slices.Contains(h.Gateways, a):
		return "the host's gateway"
	case slices.Contains(h.Broadcasts, a):
		return "the broadcast address of a network of this host"
	case slices.Contains(h.Resolvers, a):
		return "a name server that the host asks by another way"
	}
	for _, p := range h.Connected {
		switch {
		case !p.Contains(a):
		case p.IsSingleIP():
			return "at the other end of another interface of this host"
		default:
			return "in " + p.String() + ", a network that this host is connected to"
		}
	}
	return ""
}

// isToUs says what stands against an address as ours: also that somebody has a route to it alone, as to the other end of
// a tunnel. Wider routes of others do not: a VPN's 10.0.0.0/8 has half of the carriers in it.
func (h *Host) isToUs(a netip.Addr) string {
	if what := h.use(a); what != "" {
		return what
	}
	if slices.ContainsFunc(h.Routes, func(p netip.Prefix) bool { return p.IsSingleIP() && p.Addr() == a }) {
		return "where a route of this host leads to it alone"
	}
	return ""
}

// isBeyond says what stands against an address at the peer's end or behind it. A route of ours to this one address would
// win against any other, so there must be none but default routes.
func (h *Host) isBeyond(a netip.Addr, role Role) string {
	if role == DNS && slices.Contains(h.Resolvers, a) { // the same server for both: it needs no route of ours
		h = &Host{Addresses: h.Addresses, Broadcasts: h.Broadcasts, Connected: h.Connected, Gateways: h.Gateways}
	}
	if what := h.use(a); what != "" || a.IsLinkLocalUnicast() {
		return what
	}
	for _, p := range h.Routes {
		if p.Contains(a) {
			return "behind another route of this host, to " + p.String()
		}
	}
	return ""
}

// Shared says whether many networks may use this address at once (RFC 1918, RFC 6598). Any other address belongs to one host on
// the Internet: a route to it through this link would take the traffic for that host away from every other route.
func Shared(a netip.Addr) bool { return a.IsPrivate() || carrierNAT.Contains(a) }

var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// Prefix says why a network that a router at the peer's end advertises for the link (RFC 4861 section 4.6.2) must be refused. ""
// means that it may be used.
func (h *Host) Prefix(p netip.Prefix) (why string) {
	p = p.Masked()
	switch {
	case p.Bits() < 64:
		return "is wider than one link's (RFC 4291 section 2.5.4)"
	case !global.Contains(p.Addr()) && !uniqueLocal.Contains(p.Addr()):
		return "is none for hosts"
	}
	for _, list := range [2][]netip.Prefix{h.Connected, h.Routes} {
		for _, q := range list {
			if q.Overlaps(p) && q.Addr().Is6() {
				return "meets " + q.String() + ", which this host reaches by another way"
			}
		}
	}
	// The peer chooses the rest of our address in it as well, by IPV6CP.
	for _, list := range [2][]netip.Addr{h.Resolvers, h.Gateways} {
		for _, a := range list {
			if p.Contains(a) {
				return "holds " + a.String() + ", which this host asks or goes by"
			}
		}
	}
	return ""
}

var (
	global      = netip.MustParsePrefix("2000::/3") // global unicast (RFC 4291 section 2.4)
	uniqueLocal = netip.MustParsePrefix("fc00::/7") // RFC 4193
)
