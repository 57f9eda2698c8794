package link

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/prove"
)

// This file holds the states between the agreement on addresses and the plane: does the link work?

// maxTargets is how many targets from an adviser are probed.
const maxTargets = 8

// judge takes new addresses: the link is proved, or believed without proof, unless the addresses change too fast.
func (s *Session) judge(now time.Time, l *line) {
	if s.pause(now, l, true) {
		s.judgeNow(now, l)
	}
}

// pause is true if new addresses may be used now. Otherwise the session goes to the state pausing.
func (s *Session) pause(now time.Time, l *line, judge bool) (followed bool) {
	due := s.changes.Due(now)
	if due.After(now) {
		s.to(now, &pausing{onLine: onLine{line: l}, until: due, judge: judge})
		return false
	}
	s.changes.Take(now)
	return true
}

// pausing waits if the peer changes the addresses again and again; after the wait the latest ones are used. Otherwise the peer
// could keep advisers, probes and planes busy without limit.
type pausing struct {
	onLine
	until time.Time
	judge bool // the addresses will be judged; false: the plane is made
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

// judgeNow decides whether a link is proved, or believed without proof; an adviser may be asked first.
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

// proveOrOpen makes the plane, with probes before it if probe is true. others are targets in addition to the profile's.
func (s *Session) proveOrOpen(now time.Time, l *line, probe bool, others []netip.Addr) {
	if probe {
		s.to(now, &proving{onLine: onLine{line: l}, others: others})
		return
	}
	s.to(now, &opening{onLine{line: l}})
}

// judging waits for the adviser's answer about the proof.
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

// proving waits for answers to probes.
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
	if f := a.lost4; f != nil && !a.network.Local.IsValid() { // IPv6 alone did not work: the reason why there is no IPv4 says more
		s.fail(now, Outcome{Kind: Kind(f.Kind), Phase: f.Phase, Detail: s.hide(f.Detail) + "; IPv6 carries nothing either", Provisional: f.Provisional})
		return
	}
	from, _ := a.ends()
	s.fail(now, Outcome{Kind: KindCarriesNone, Phase: event.PhaseProve, Provisional: a.provisional,
		Detail: "nothing that was sent from " + from.String() + " was answered (" + string(reason) + ")"})
}
