package link

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/prove"
)

// This file is the states from the first packet of PPP to data flowing, and what changes in the middle of a link.

// minMTU is the least that every link must carry (RFC 791 section 3.2).
const minMTU = 68

// usualMTU is what no network behind a modem goes beyond, whatever the peer says that it takes itself: its MRU may be 65535.
const usualMTU = 1500

// maxTargets is how many targets of somebody else are probed.
const maxTargets = 8

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
// does not hold IPv4 up. Where IPv4 is not to come, or has failed, the link is one of IPv6 alone.
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
	s.story.event(now, event.Notice{Level: "info", Text: "the link is one of IPv6 alone"})
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

// judge takes new addresses: the link is proved or believed, unless they change too fast.
func (s *Session) judge(now time.Time, l *line) {
	if s.pause(now, l, true) {
		s.judgeNow(now, l)
	}
}

// pause says whether addresses that are new may be followed now. Otherwise it goes to wait.
func (s *Session) pause(now time.Time, l *line, judge bool) (followed bool) {
	due := s.changes.Due(now)
	if due.After(now) {
		s.to(now, &pausing{onLine: onLine{line: l}, until: due, judge: judge})
		return false
	}
	s.changes.Take(now)
	return true
}

// pausing waits where the peer changes the addresses again and again: the latest ones are followed, when their time has come.
// Whoever is asked, probes and planes would only be as busy as the peer likes.
type pausing struct {
	onLine
	until time.Time
	judge bool // they are to be judged; otherwise the plane is made
}

func (p *pausing) networkUp(_ *Session, _ time.Time, _ ppp.NetworkUp) { p.judge = true }

func (p *pausing) deadline(s *Session) time.Time {
	if !s.attempt.carries {
		return p.onLine.deadline(s)
	}
	return soonest(p.onLine.deadline(s), p.until)
}

func (p *pausing) advance(s *Session, now time.Time) {
	p.onLine.advance(s, now)
	if s.state != state(p) || !s.attempt.carries || now.Before(p.until) {
		return
	}
	s.changes.Take(now)
	if p.judge {
		s.judgeNow(now, p.line)
		return
	}
	s.to(now, &opening{p.onLine})
}

// judgeNow decides whether a link that IPCP calls open is proved or believed; somebody else may be asked first.
func (s *Session) judgeNow(now time.Time, l *line) {
	if s.cfg.Prove == ProveNever || !s.asker.wants(advice.Prove{}) {
		s.proveOrOpen(now, l, s.mustProve(), nil)
		return
	}
	s.to(now, &judging{onLine: onLine{line: l}})
}

func (s *Session) mustProve() bool {
	switch {
	case s.cfg.Prove == ProveNever:
		return false
	case s.cfg.Prove == ProveAlways:
		return true
	}
	switch s.attempt.selection.Policy.Text("prove.mode") {
	case "always":
		return true
	case "never":
		return false
	}
	return s.attempt.provisional || s.attempt.lost4 != nil && !s.attempt.network.Local.IsValid()
}

// proveOrOpen probes before the plane is made, or does not; others are targets besides the profile's.
func (s *Session) proveOrOpen(now time.Time, l *line, probe bool, others []netip.Addr) {
	if probe {
		s.to(now, &proving{onLine: onLine{line: l}, others: others})
		return
	}
	s.to(now, &opening{onLine{line: l}})
}

// judging waits for what somebody says to the proof.
type judging struct {
	onLine
	question *inquiry
}

func (j *judging) enter(s *Session, now time.Time) {
	a, n := s.attempt, s.attempt.network
	j.question = s.asker.ask(now, advice.Prove{
		Link: s.cfg.Name, Attempt: s.retry.number, Local: n.Local, Peer: n.Peer, PeerAssumed: n.PeerAssumed,
		DNS: slices.Clone(n.DNS), MTU: n.MTU, Provisional: a.provisional, WillProbe: s.mustProve(),
	}, func(now time.Time, a advice.Answer, _ bool) {
		p, _ := a.(advice.Proof)
		j.answered(s, now, p)
	})
}

func (j *judging) leave(s *Session) { s.asker.drop(j.question) }

func (j *judging) networkUp(s *Session, now time.Time, _ ppp.NetworkUp) { s.judge(now, j.line) }

func (j *judging) networkDown(s *Session, now time.Time) { s.to(now, &negotiating{j.onLine}) }

func (j *judging) answered(s *Session, now time.Time, p advice.Proof) {
	probe := s.mustProve()
	intent := map[bool]string{false: "believe", true: "probe"}[probe]
	tell := func(verdict string) {
		s.asker.verdict(func(e event.Event) { s.story.event(now, e) }, advice.KindProve, intent, verdict, p.By)
	}
	targets := slices.DeleteFunc(slices.Clone(p.Targets), func(a netip.Addr) bool {
		return !a.Is4() || a.IsUnspecified() || a.IsMulticast() || a.IsLoopback()
	})
	targets = targets[:min(len(targets), maxTargets)]
	switch {
	case !p.Opinion():
	case p.Refuse != "":
		tell("refuse: " + oneLine(p.Refuse))
		s.fail(now, Outcome{Kind: KindCarriesNone, Phase: event.PhaseProve, Provisional: s.attempt.provisional, Detail: s.hide(p.By + ": " + oneLine(p.Refuse))})
		return
	case p.Trust != "" && s.cfg.Prove == ProveAlways:
		tell("trust: " + oneLine(p.Trust) + "; but the user wants a proof")
	case p.Trust != "":
		tell("trust: " + oneLine(p.Trust))
		probe, targets = false, nil
	case len(targets) > 0:
		tell(fmt.Sprintf("probe %d more", len(targets)))
		probe = true
	}
	s.proveOrOpen(now, j.line, probe, targets)
}

// proving has probes out.
type proving struct {
	onLine
	others []netip.Addr
	proof  *prove.Machine
}

func (p *proving) enter(s *Session, now time.Time) {
	policy, n := s.attempt.selection.Policy, s.attempt.network
	s.story.enter(now, event.PhaseProve)
	local, peer := s.attempt.ends()
	p.proof = prove.New(prove.Config{
		Local: local, Peer: peer, PeerAssumed: n.PeerAssumed, DNS: n.DNS,
		Targets: append(addresses(policy.List("prove.targets")), p.others...), Limit: policy.Duration("prove.limit"),
		Interval: policy.Duration("prove.interval"), Random: s.cfg.random64(),
	})
	p.proof.Start(now)
	p.pump(s, now)
}

func (p *proving) networkUp(s *Session, now time.Time, _ ppp.NetworkUp) {
	if s.pause(now, p.line, true) {
		s.to(now, &proving{onLine: p.onLine, others: p.others})
	}
}

func (p *proving) networkDown(s *Session, now time.Time) { s.to(now, &negotiating{p.onLine}) }

func (p *proving) packet(s *Session, now time.Time, ip []byte) bool {
	p.proof.Receive(now, ip)
	p.pump(s, now)
	return false
}

func (p *proving) deadline(s *Session) time.Time {
	return soonest(p.onLine.deadline(s), p.proof.Deadline())
}

func (p *proving) advance(s *Session, now time.Time) {
	p.onLine.advance(s, now)
	if s.state == state(p) {
		p.proof.Advance(now)
		p.pump(s, now)
	}
}

// pump does what the proof asks for.
func (p *proving) pump(s *Session, now time.Time) {
	for {
		o, ok := p.proof.Next()
		if !ok {
			return
		}
		switch o := o.(type) {
		case prove.Send:
			protocol := packet.IP
			if o.Packet[0]>>4 == 6 {
				protocol = packet.IPv6
			}
			p.send(protocol, o.Packet)
		case prove.Event:
			s.story.event(now, o.Probe)
		case prove.Proved:
			s.attempt.proved = true
			s.to(now, &opening{p.onLine})
			return
		case prove.Failed:
			p.failed(s, now, o.Reason)
			return
		}
	}
}

func (p *proving) failed(s *Session, now time.Time, reason prove.Reason) {
	if reason == prove.NoTarget {
		s.story.event(now, event.Notice{Level: "warning",
			Text: "the link cannot be proved: the peer named neither its own address nor a name server; --set prove.targets=ADDRESS names one"})
		s.to(now, &opening{p.onLine})
		return
	}
	a := s.attempt
	if f := a.lost4; f != nil && !a.network.Local.IsValid() { // IPv6 alone was a hope: why there is no IPv4 says more
		s.fail(now, Outcome{Kind: Kind(f.Kind), Phase: f.Phase, Detail: s.hide(f.Detail) + "; IPv6 carries nothing either", Provisional: f.Provisional})
		return
	}
	from, _ := a.ends()
	s.fail(now, Outcome{Kind: KindCarriesNone, Phase: event.PhaseProve, Provisional: a.provisional,
		Detail: "nothing that was sent from " + from.String() + " was answered (" + string(reason) + ")"})
}

// planeOrders is what was said to whoever makes planes.
type planeOrders struct {
	open  bool    // the last word was OpenPlane
	asked int     // OpenPlanes that were not answered yet
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

// answered takes one answer, and gives the state that waits for it. An answer about a plane that is closed again by then is
// nobody's.
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

// negotiatesAgain: the plane stays as it is until the peer has agreed again, for mostly it is the same address. Meanwhile no
// packet passes (RFC 1661 section 3.7).
func (s *Session) negotiatesAgain(now time.Time) {
	s.story.event(now, event.Notice{Level: "warning", Text: "the peer negotiates again"})
}

// addressesAgain follows addresses that were agreed while there was a plane: other ones need another plane, and are proved
// where the first were.
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

// rejects counts the packets of one kind that the peer rejected since it sent one itself.
type rejects struct {
	count int
	since time.Time
}

// A peer rejects packets that came before it was ready; one that goes on with it, so often and for so long, takes none.
const (
	rejectsAtLeast = 3
	rejectsFor     = 5 * time.Second
)

// more counts one, and says whether the peer takes no such packets.
func (r *rejects) more(now time.Time) bool {
	if r.count == 0 {
		r.since = now
	}
	r.count++
	return r.count >= rejectsAtLeast && now.Sub(r.since) >= rejectsFor
}

// dataRejected hears of a Protocol-Reject of a packet with data. A link that carries no IPv4 is none; without IPv6 it goes on.
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
	s.retry.delay = 0
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
		s.end(now, Outcome{Kind: KindDone, Phase: event.PhaseUp, Detail: "the link works, and --once was given"})
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

// meter is what passes over a link that is up, however often its plane is made anew.
type meter struct {
	since, lastPacket time.Time
	in, out           uint64 // octets of IP packets
}

// begin begins to count, unless it is the same link with other addresses.
func (m *meter) begin(now time.Time) {
	if m.since.IsZero() {
		*m = meter{since: now}
	}
	m.lastPacket = now
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
