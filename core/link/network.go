package link

import (
	"net/netip"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/prove"
)

// This file is an attempt from its addresses to data flowing: the proof, the plane, and what changes in the middle of a link.

// minMTU is the least that every link must carry (RFC 791 section 3.2).
const minMTU = 68

// usualMTU is what no network behind a modem goes beyond, whatever the peer says that it takes itself: its MRU may be 65535.
const usualMTU = 1500

// networkUp takes the addresses: the link is proved, or the plane is made at once.
func (s *Session) networkUp(now time.Time, n ppp.NetworkUp) {
	most := s.selection.Policy.Int("link.mtu")
	if most < minMTU {
		most = usualMTU
	}
	n.MTU = min(n.MTU, most)
	if !n.Local.IsValid() { // nobody has asked for one: a verdict of somebody else, or the profile
		s.fail(now, Outcome{Kind: event.FailedNoAddress, Phase: event.PhaseIPCP, Detail: "IPCP is open without an address for us"})
		return
	}
	if len(n.DNS) == 0 && s.selection.Policy.Bool("ipcp.require_dns") {
		s.fail(now, Outcome{Kind: KindNoDNS, Phase: event.PhaseIPCP, Detail: "the peer named no name server, and ipcp.require_dns is set"})
		return
	}
	old := s.network
	s.network, s.carries = n, true
	switch s.stage {
	case stagePPP:
		s.judge(now)
	case stageProving:
		s.startProof(now, s.targets)
	case stageOpening, stageUp:
		if sameNetwork(old, n) {
			return
		}
		s.event(now, event.Notice{Level: "warning", Text: "the peer gave other addresses: the plane is made anew"})
		s.closePlane()
		if s.proved = false; old.Local != n.Local {
			s.judge(now)
			return
		}
		s.openPlane(now)
	}
}

// networkUp6 takes the IPv6 identifiers. A plane that was made before them gets ours now: a peer that is slow in IPV6CP
// does not hold IPv4 up.
func (s *Session) networkUp6(now time.Time, n ppp.NetworkUp6) {
	s.network6 = n
	if !s.planeOpen || n.LocalID == [8]byte{} || n.LocalID == s.planeID6 {
		return
	}
	s.planeID6 = n.LocalID
	s.out.put(AddIPv6{n.LocalID})
	if s.stage == stageUp {
		s.event(now, event.Notice{Level: "info", Text: "IPv6 is open, too: our link-local address is " + linkLocal(n.LocalID).String()})
	}
}

func sameNetwork(a, b ppp.NetworkUp) bool {
	return a.Local == b.Local && a.Peer == b.Peer && a.MTU == b.MTU && slices.Equal(a.DNS, b.DNS)
}

func (s *Session) networkDown(now time.Time, n ppp.NetworkDown) {
	if n.Protocol == packet.IPV6CP {
		s.network6 = ppp.NetworkUp6{}
		return
	}
	s.carries = false
	switch s.stage {
	case stagePPP:
		s.unjudged()
	case stageProving:
		s.stage, s.proof = stagePPP, nil
	case stageOpening, stageUp:
		// The plane stays as it is until the peer has agreed again: mostly it is the same address.
		s.event(now, event.Notice{Level: "warning", Text: "the peer negotiates again"})
	}
}

func (s *Session) mustProve() bool {
	switch {
	case s.cfg.Prove == ProveNever:
		return false
	case s.cfg.Prove == ProveAlways:
		return true
	}
	switch s.selection.Policy.Text("prove.mode") {
	case "always":
		return true
	case "never":
		return false
	}
	return s.provisional
}

// startProof probes; others are targets besides the profile's.
func (s *Session) startProof(now time.Time, others []netip.Addr) {
	p := s.selection.Policy
	s.stage, s.targets = stageProving, others
	s.enter(now, event.PhaseProve)
	s.proof = prove.New(prove.Config{
		Local: s.network.Local, Peer: s.network.Peer, PeerAssumed: s.network.PeerAssumed, DNS: s.network.DNS,
		Targets: append(addresses(p.List("prove.targets")), others...), Limit: p.Duration("prove.limit"), Interval: p.Duration("prove.interval"), Random: s.random64(),
	})
	s.proof.Start(now)
	s.pumpProof(now)
}

// pumpProof does what the proof asks for.
func (s *Session) pumpProof(now time.Time) {
	for {
		o, ok := s.proof.Next()
		if !ok {
			return
		}
		switch o := o.(type) {
		case prove.Send:
			s.send(packet.IP, o.Packet)
		case prove.Event:
			s.event(now, o.Probe)
		case prove.Proved:
			s.proved = true
			s.openPlane(now)
			return
		case prove.Failed:
			s.notProved(now, o.Reason)
			return
		}
	}
}

func (s *Session) notProved(now time.Time, reason prove.Reason) {
	if reason == prove.NoTarget {
		s.event(now, event.Notice{Level: "warning",
			Text: "the link cannot be proved: the peer named neither its own address nor a name server; --set prove.targets=ADDRESS names one"})
		s.openPlane(now)
		return
	}
	s.fail(now, Outcome{Kind: KindCarriesNone, Phase: event.PhaseProve, Provisional: s.provisional,
		Detail: "nothing that was sent from " + s.network.Local.String() + " was answered (" + string(reason) + ")"})
}

func (s *Session) openPlane(now time.Time) {
	s.stage, s.proof = stageOpening, nil
	s.planeOpen, s.planeID6 = true, s.network6.LocalID
	s.planesAsked++
	s.taken = plane.Taken{Peer: s.network.Peer, DNS: s.network.DNS, NBNS: s.network.NBNS, MTU: s.network.MTU}
	s.out.put(OpenPlane{plane.Config{
		Local: s.network.Local, Peer: s.network.Peer, DNS: s.network.DNS, NBNS: s.network.NBNS, MTU: s.network.MTU, InterfaceID6: s.network6.LocalID,
	}})
}

func (s *Session) closePlane() {
	if s.planeOpen {
		s.planeOpen = false
		s.out.put(ClosePlane{})
	}
}

// announce says that the link is up.
func (s *Session) announce(now time.Time, kind, name string) {
	s.stage = stageUp
	s.wasUp = true
	s.pinned.worked(s.facts.Identity)
	s.access.worked = true
	s.lastPacket = now
	if s.upSince.IsZero() { // otherwise it is the same link with other addresses
		s.upSince = now
		s.bytesIn, s.bytesOut = 0, 0
	}
	s.delay = 0
	clear(s.found)
	up := event.Up{
		Interface: name, Plane: kind, Local: s.network.Local.String(),
		DNS: texts(s.taken.DNS), WINS: texts(s.taken.NBNS), MTU: s.taken.MTU,
		ElapsedMS: now.Sub(s.began).Milliseconds(), Proved: s.proved,
	}
	if s.taken.Peer.IsValid() {
		up.Peer = s.taken.Peer.String()
	}
	if s.network6.LocalID != [8]byte{} {
		up.IPv6 = linkLocal(s.network6.LocalID).String()
		if s.network6.PeerID != [8]byte{} {
			up.IPv6Peer = linkLocal(s.network6.PeerID).String()
		}
	}
	s.enter(now, event.PhaseUp)
	s.event(now, up)
	if s.cfg.Once {
		s.end(now, Outcome{Kind: KindDone, Phase: event.PhaseUp, Detail: "the link works, and --once was given"})
	}
}
