package link

import (
	"net/netip"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is the states in which PPP negotiates and in which it says good-bye, and what the two ends agree on.

// minMTU is the least that every link must carry (RFC 791 section 3.2).
const minMTU = 68

// usualMTU is what no network behind a modem goes beyond, whatever the peer says that it takes itself: its MRU may be 65535.
const usualMTU = 1500

// negotiating is LCP, the authentication and IPCP, until IPCP is open; also again, where it has closed before the link was up.
type negotiating struct{ onLine }

func (n *negotiating) networkUp(s *Session, now time.Time, _ ppp.NetworkUp) { s.judge(now, n.line) }

// networkUp takes the addresses. Where they are no use the attempt ends.
func (s *Session) networkUp(now time.Time, n ppp.NetworkUp) {
	a := s.attempt
	n.MTU = a.mtu(n.MTU)
	if !n.Local.IsValid() { // nobody has asked for one: a verdict of somebody else, or the profile
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

// networkUp6 takes the IPv6 identifiers. A plane that was made before them gets ours now: a peer that is slow in IPV6CP
// does not hold IPv4 up. Where IPv4 is not to come, or has failed, this link has IPv6 only.
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

// networkLost hears that IPCP or IPV6CP has failed, and that the other one may do.
func (s *Session) networkLost(now time.Time, f ppp.Failure) {
	if f.Protocol == packet.IPCP {
		s.attempt.lost4 = &f
		s.ipv6Alone(now)
	}
}

// ipv6Alone goes on with IPv6, where that is open, without waiting for IPv4: it has failed, or the context has none.
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

// mtu bounds what the peer takes.
func (a *attempt) mtu(peers int) int {
	most := a.selection.Policy.Int("link.mtu")
	if most < minMTU {
		most = usualMTU
	}
	return min(peers, most)
}

// ends are the addresses by which the link is proved: those of IPv4, else the link-local ones.
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
		return // it is not what the link was brought up by
	}
	a.carries = false
	if n.Final {
		return // what follows says how it ends
	}
	s.state.(lineState).networkDown(s, now)
}

// closing is the engine saying good-bye. The plane is gone: nothing may be sent from an address that is being lost.
type closing struct{ onLine }

func (c *closing) enter(s *Session, now time.Time) {
	s.asker.dropAll()
	c.held = nil
	s.story.enter(now, event.PhaseHangup)
	s.plane.close(&s.out)
}

// It ends already.
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
