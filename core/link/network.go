package link

import (
	"net/netip"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file holds the states in which PPP negotiates and terminates, and the results of the negotiation.

// minMTU is the smallest MTU that every link must have, in octets (RFC 791 section 3.2).
const minMTU = 68

// usualMTU is the largest MTU used, in octets. No network behind a modem has a larger one, even if the peer announces an MRU of
// up to 65535.
const usualMTU = 1500

// negotiating is LCP, the authentication and IPCP, until IPCP is open; also again, where it has closed before the link was up.
type negotiating struct{ onLine }

func (n *negotiating) networkUp(s *Session, now time.Time, _ ppp.NetworkUp) { s.judge(now, n.line) }

// networkUp takes the addresses. If they cannot be used, the attempt ends.
func (s *Session) networkUp(now time.Time, n ppp.NetworkUp) {
	a := s.attempt
	n.MTU = a.mtu(n.MTU)
	if !n.Local.IsValid() { // no address was asked for: by an adviser's verdict, or by the profile
		s.fail(now, Outcome{Kind: event.FailedNoAddress, Phase: event.PhaseIPCP, Detail: "IPCP is open without an address for us"})
		return
	}
	if len(n.DNS) == 0 && a.selection.Policy.Bool("ipcp.require_dns") {
		s.fail(now, Outcome{Kind: KindNoDNS, Phase: event.PhaseIPCP, Detail: "the peer named no name server, and ipcp.require_dns is set"})
		return
	}
	old := a.network
	a.network, a.carries = n, true
	s.state.(lineState).networkUp(s, now, old)
}

// networkUp6 takes the IPv6 identifiers. A plane that exists already gets our identifier now, so that a peer that is slow in
// IPV6CP does not delay IPv4. If IPv4 will not come or has failed, this link has IPv6 only.
func (s *Session) networkUp6(now time.Time, n ppp.NetworkUp6) {
	s.attempt.network6 = n
	if s.ipv6Alone(now) {
		return
	}
	if !s.plane.open || n.LocalID == [8]byte{} || n.LocalID == s.plane.id6 {
		return
	}
	s.plane.id6 = n.LocalID
	s.out.put(AddIPv6{n.LocalID})
	if _, isUp := s.state.(*up); isUp {
		s.story.event(now, event.Notice{Level: "info", Text: "IPv6 is open, too: our link-local address is " + linkLocal(n.LocalID).String()})
	}
}

// networkLost is called when IPCP or IPV6CP has failed and the other one may be enough.
func (s *Session) networkLost(now time.Time, f ppp.Failure) {
	if f.Protocol == packet.IPCP {
		s.attempt.lost4 = &f
		s.ipv6Alone(now)
	}
}

// ipv6Alone goes on with IPv6, if it is open, without waiting for IPv4, which has failed or is not in the context.
func (s *Session) ipv6Alone(now time.Time) bool {
	a := s.attempt
	n, negotiates := s.state.(*negotiating)
	if !negotiates || a.network6.LocalID == [8]byte{} || a.network.Local.IsValid() ||
		a.lost4 == nil && a.selection.Policy.Text("context.type") != "IPV6" {
		return false
	}
	s.story.event(now, event.Notice{Level: "info", Text: "this link has IPv6 only"})
	a.network, a.carries = ppp.NetworkUp{MTU: a.mtu(a.network6.MTU)}, true
	s.judge(now, n.line)
	return true
}

// mtu gives the MTU for the peer's MRU, within minMTU and usualMTU.
func (a *attempt) mtu(peers int) int {
	most := a.selection.Policy.Int("link.mtu")
	if most < minMTU {
		most = usualMTU
	}
	return min(peers, most)
}

// ends gives the addresses by which the link is proved: the IPv4 addresses, else the link-local ones.
func (a *attempt) ends() (local, peer netip.Addr) {
	if local, peer = a.network.Local, a.network.Peer; local.IsValid() {
		return local, peer
	}
	if a.network6.PeerID != [8]byte{} {
		peer = linkLocal(a.network6.PeerID)
	}
	return linkLocal(a.network6.LocalID), peer
}

// linkLocal is the address of an interface identifier (RFC 5072 section 5).
func linkLocal(id [8]byte) netip.Addr {
	a := [16]byte{0: 0xfe, 1: 0x80}
	copy(a[8:], id[:])
	return netip.AddrFrom16(a)
}

func (s *Session) networkDown(now time.Time, n ppp.NetworkDown) {
	a := s.attempt
	if n.Protocol == packet.IPV6CP {
		a.network6 = ppp.NetworkUp6{}
	}
	if (n.Protocol == packet.IPV6CP) == a.network.Local.IsValid() {
		return // the link was not brought up by this protocol
	}
	a.carries = false
	if n.Final {
		return // the next events say how the link ends
	}
	s.state.(lineState).networkDown(s, now)
}

// closing is the state in which the engine terminates the link. The plane is closed already: nothing may be sent from an address
// that is being given back.
type closing struct{ onLine }

func (c *closing) enter(s *Session, now time.Time) {
	s.asker.dropAll()
	c.held = nil
	s.story.enter(now, event.PhaseHangup)
	s.plane.close(&s.out)
}

// The link is ending already.
func (c *closing) end(*Session, time.Time, Outcome) {}
func (c *closing) redial(*Session, time.Time)       {}
func (c *closing) comesUp() bool                    { return false }

func texts(list []netip.Addr) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}
