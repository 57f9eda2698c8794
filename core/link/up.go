package link

import (
	"fmt"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file holds the states with a plane, or in which a plane is being made, and the changes of a link that is up.

// planeOrders holds the orders given to the maker of planes.
type planeOrders struct {
	open  bool    // the last order was OpenPlane
	asked int     // how many OpenPlanes have no answer yet
	id6   [8]byte // the IPv6 identifier that the plane has
	taken plane.Taken
}

func (p *planeOrders) ask(out *outputs, n ppp.NetworkUp, n6 ppp.NetworkUp6) {
	p.open, p.id6 = true, n6.LocalID
	p.asked++
	p.taken = plane.Taken{Peer: n.Peer, DNS: n.DNS, NBNS: n.NBNS, MTU: n.MTU}
	out.put(OpenPlane{plane.Config{Local: n.Local, Peer: n.Peer, DNS: n.DNS, NBNS: n.NBNS, MTU: n.MTU, InterfaceID6: n6.LocalID}})
}

func (p *planeOrders) close(out *outputs) {
	if p.open {
		p.open = false
		out.put(ClosePlane{})
	}
}

// answered takes one answer, and gives the state that waits for it. An answer about a plane that was closed meanwhile has no such
// state.
func (p *planeOrders) answered(st state) (*opening, bool) {
	p.asked--
	o, waits := st.(*opening)
	return o, waits && p.asked <= 0
}

// opening waits for the plane.
type opening struct{ onLine }

func (o *opening) enter(s *Session, _ time.Time) {
	s.plane.ask(&s.out, s.attempt.network, s.attempt.network6)
}

func (o *opening) networkUp(s *Session, now time.Time, old ppp.NetworkUp) {
	s.addressesAgain(now, o.line, old)
}
func (o *opening) networkDown(s *Session, now time.Time) { s.negotiatesAgain(now) }

// negotiatesAgain keeps the plane until the peer has agreed again, because the address usually stays the same. Meanwhile no
// packet passes (RFC 1661 section 3.7).
func (s *Session) negotiatesAgain(now time.Time) {
	s.story.event(now, event.Notice{Level: "warning", Text: "the peer negotiates again"})
}

// addressesAgain takes addresses that were agreed while there was a plane. Other addresses need another plane, and are proved if
// the first ones were.
func (s *Session) addressesAgain(now time.Time, l *line, old ppp.NetworkUp) {
	a := s.attempt
	if sameNetwork(old, a.network) {
		return
	}
	if old.Local.IsValid() {
		s.story.event(now, event.Notice{Level: "warning", Text: "the peer gave other addresses: the plane is made anew"})
	} else {
		s.story.event(now, event.Notice{Level: "info", Text: "IPv4 is open, too: the plane is made anew"})
	}
	s.plane.close(&s.out)
	if a.proved = false; old.Local != a.network.Local {
		s.judge(now, l)
		return
	}
	if s.pause(now, l, false) {
		s.to(now, &opening{onLine{line: l}})
	}
}

func sameNetwork(a, b ppp.NetworkUp) bool {
	return a.Local == b.Local && a.Peer == b.Peer && a.MTU == b.MTU && slices.Equal(a.DNS, b.DNS)
}

// up is a link on which data flows.
type up struct {
	onLine
	kind, name string // of the plane
	ip, ip6    rejects
}

// rejects counts the packets of one protocol that the peer has rejected since it last sent one itself.
type rejects struct {
	count int
	since time.Time
}

// A peer may reject packets that come before it is ready. If it rejects this many, for this long, it takes none at all.
const (
	rejectsAtLeast = 3
	rejectsFor     = 5 * time.Second
)

// more counts one rejected packet, and says whether the peer takes no such packets at all.
func (r *rejects) more(now time.Time) bool {
	if r.count == 0 {
		r.since = now
	}
	r.count++
	return r.count >= rejectsAtLeast && now.Sub(r.since) >= rejectsFor
}

// dataRejected takes a Protocol-Reject of a data packet. A link that carries no IPv4 has failed; without IPv6 it goes on.
func (u *up) dataRejected(s *Session, now time.Time, protocol uint16) {
	switch {
	case protocol == packet.IP && u.ip.more(now):
		s.fail(now, Outcome{Kind: event.FailedProtocolRejected, Phase: event.PhaseUp,
			Detail: fmt.Sprintf("the peer answered %d IPv4 packets with a Protocol-Reject and sent none", u.ip.count)})
	case protocol == packet.IPv6 && s.attempt.network6.LocalID != [8]byte{} && u.ip6.more(now):
		s.attempt.network6 = ppp.NetworkUp6{}
		s.story.event(now, event.Notice{Level: "warning", Text: "the peer takes no IPv6 packets, though it agreed to IPV6CP: none are sent any more"})
	}
}

// enter says that the link is up.
func (u *up) enter(s *Session, now time.Time) {
	a := s.attempt
	s.worked, a.ways.worked = true, true
	a.pinned.worked(a.facts.Identity)
	s.retry.delay, s.retry.blanked = 0, false
	a.meter.begin(now)
	if s.calls.since.IsZero() {
		s.calls.since = now
	}
	s.story.worked()
	s.varied = Outcome{}
	e := event.Up{
		Interface: u.name, Plane: u.kind,
		DNS: texts(s.plane.taken.DNS), WINS: texts(s.plane.taken.NBNS), MTU: s.plane.taken.MTU,
		ElapsedMS: now.Sub(a.began).Milliseconds(), Proved: a.proved,
	}
	if a.network.Local.IsValid() {
		e.Local = a.network.Local.String()
	}
	if s.plane.taken.Peer.IsValid() {
		e.Peer = s.plane.taken.Peer.String()
	}
	if a.network6.LocalID != [8]byte{} {
		e.IPv6 = linkLocal(a.network6.LocalID).String()
		if a.network6.PeerID != [8]byte{} {
			e.IPv6Peer = linkLocal(a.network6.PeerID).String()
		}
	}
	s.story.enter(now, event.PhaseUp)
	s.story.event(now, e)
	if s.cfg.Once {
		s.end(now, Outcome{Kind: KindDone, Phase: event.PhaseUp, Detail: "the link works, and was only to be tried"})
	}
}

func (u *up) networkUp(s *Session, now time.Time, old ppp.NetworkUp) {
	s.addressesAgain(now, u.line, old)
}
func (u *up) networkDown(s *Session, now time.Time) { s.negotiatesAgain(now) }

func (u *up) packet(s *Session, now time.Time, ip []byte) bool {
	a := s.attempt
	if !a.carries {
		return false
	}
	if len(ip) > 0 && ip[0]>>4 == 6 {
		u.ip6.count = 0
	} else {
		u.ip.count = 0
	}
	a.meter.in += uint64(len(ip))
	a.meter.lastPacket = now
	u.checkBytes(s, now)
	return s.state == state(u)
}

func (u *up) appendPacket(a *attempt, now time.Time, dst, ip []byte) []byte {
	if !a.carries || len(ip) == 0 {
		return dst
	}
	protocol := packet.IP
	switch ip[0] >> 4 {
	case 4:
		if !a.network.Local.IsValid() {
			return dst
		}
	case 6:
		if a.network6.LocalID == [8]byte{} {
			return dst
		}
		protocol = packet.IPv6
	default:
		return dst
	}
	a.meter.out += uint64(len(ip))
	a.meter.lastPacket = now
	return u.encoder.Append(dst, protocol, ip)
}

func (u *up) advance(s *Session, now time.Time) {
	u.onLine.advance(s, now)
	if s.state == state(u) {
		u.checkBytes(s, now)
	}
}

// checkBytes ends the link when so much has passed as the user allows.
func (u *up) checkBytes(s *Session, now time.Time) {
	if m := &s.attempt.meter; s.cfg.MaxBytes > 0 && s.calls.octets+m.in+m.out >= s.cfg.MaxBytes {
		s.end(now, Outcome{Kind: KindMaxBytes, Phase: event.PhaseUp, Detail: "the traffic limit is reached"})
	}
}

// meter counts what passes over a link that is up, even if its plane is replaced.
type meter struct {
	since, lastPacket time.Time
	in, out           uint64 // octets of IP packets
}

// begin starts counting, unless the link only got other addresses.
func (m *meter) begin(now time.Time) {
	if m.since.IsZero() {
		*m = meter{since: now}
	}
	m.lastPacket = now
}
