package link

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// This file is one attempt from the first AT to an open IPCP.

// mruSlack is how much longer than our MRU a frame may be before it is dropped: some modems count differently.
const mruSlack = 128

// quietTime is how long the line must be quiet before text without a line end counts as complete.
const quietTime = time.Second

// begin starts an attempt on an open port.
func (s *Session) begin(now time.Time) {
	s.attempt++
	s.began = now
	s.recovered = false
	s.outcome = Outcome{}
	s.provisional, s.proved, s.carries = false, false, false
	s.network, s.network6 = ppp.NetworkUp{}, ppp.NetworkUp6{}
	s.proof, s.engine = nil, nil
	s.pinSpent = s.pinSpent || s.dialed.PINSent
	s.dialed = modem.Result{}
	s.access.used = nil
	s.generation++
	s.inquiries, s.judging, s.login, s.passes = nil, nil, nil, nil
	s.connected, s.afterwards, s.holding, s.held = false, nil, false, nil
	s.watcher = diagnose.New()
	s.enter(now, event.PhaseDial)
	s.onATPort = s.cfg.ATPort
	s.talk(now, stageDialing, s.dial)
}

// talk gives the port to a dialogue.
func (s *Session) talk(now time.Time, stage stage, dialogue func(*at.Exchange) error) {
	s.stage = stage
	s.dialogue = at.NewDialogue(dialogue)
	if s.lines != nil && !s.onATPort {
		s.dialogue.Lines(now, *s.lines)
	}
	s.dialogue.Advance(now)
	s.pumpDialogue(now)
}

// dial is the dialogue of an attempt: who is it, how is it to be treated, dial.
func (s *Session) dial(x *at.Exchange) error {
	s.facts = Facts{}
	selection, err := s.cfg.Resolve(s.facts)
	if err != nil {
		return err
	}
	// A port whose profile names no number carries PPP at once: there is nobody to talk AT with.
	direct := selection.Policy.Text("dial.number") == ""
	if !direct {
		plan := s.planFor(selection)
		if err := modem.Sync(x, plan); err != nil {
			s.take(x, selection)
			return err
		}
		id, err := modem.Ask(x)
		if err != nil {
			s.take(x, selection)
			return err
		}
		s.facts.Identity = id
		if selection, err = s.cfg.Resolve(s.facts); err != nil {
			return err
		}
	}
	s.take(x, s.identify(x, selection))
	if direct {
		if s.wants(advice.Credentials{}) {
			s.askCredentials(x, modem.Home{}, "")
		}
		return nil
	}
	s.plan.Access, s.plan.Credentials = s.accessHook(x), s.credentialsHook(x)
	if err := modem.Prepare(s.plan, &s.dialed)(x); err != nil {
		return err
	}
	if s.awaits("operator") {
		if err := s.registered(x); err != nil {
			return err
		}
	}
	if s.onATPort {
		return nil
	}
	return s.call(x)
}

// take makes a selection the one that this attempt follows, and says so.
func (s *Session) take(x *at.Exchange, selection Selection) {
	s.selection = selection
	s.plan = s.planFor(selection)
	x.Event(selection.Device)
	for _, q := range selection.Quirks {
		x.Event(q)
	}
}

func (s *Session) planFor(selection Selection) modem.Plan {
	plan := dialPlan(selection.Policy, s.cfg.PIN.Reveal(), s.user(selection.Policy), s.password())
	plan.PINSpent = s.pinSpent
	plan.PINs, plan.PINAgain, plan.PINLastTry = s.cfg.PINs, s.cfg.PINAgain, s.cfg.PINLastTry
	plan.Identity = s.facts.Identity
	if s.login != nil {
		way := access(s.login)
		if way.APN != "" {
			plan.APN = way.APN
		}
		if way.Method != "" {
			plan.AuthMethod = way.Method
		}
	}
	if !s.loginGiven(selection) {
		plan.User = "" // what PPP sends only because it must send something is no name that the network knows
	}
	return plan
}

// loginGiven says whether somebody gave a user name or a password: a person, the profile or the carrier's entry.
func (s *Session) loginGiven(selection Selection) bool {
	return selection.UserChosen || !s.password().Empty() || s.advisedLogin() != nil || s.access.used != nil && s.access.used.Login ||
		slices.ContainsFunc(selection.Quirks, func(q event.Quirk) bool { return q.Key == "auth.user" })
}

// user is the name to authenticate with in this attempt.
func (s *Session) user(p Policy) string {
	if l := s.advisedLogin(); l != nil {
		return l.User
	}
	if s.blankUser {
		return ""
	}
	if a := s.access.used; a != nil && a.Login {
		return a.User
	}
	return p.Text("auth.user")
}

func (s *Session) password() auth.Secret {
	if l := s.advisedLogin(); l != nil {
		return l.Password
	}
	if a := s.access.used; a != nil && a.Login {
		return auth.NewSecret(a.Password)
	}
	return s.cfg.Password
}

// pumpDialogue does what the dialogue asks for.
func (s *Session) pumpDialogue(now time.Time) {
	for {
		o, ok := s.dialogue.Next()
		if !ok {
			return
		}
		switch o := o.(type) {
		case at.Write:
			s.out.put(Write{Bytes: o.Bytes, AT: s.onATPort})
		case at.Event:
			s.event(now, o.Event)
		case at.Done:
			s.dialogueDone(now, o.Err)
			return
		default:
			s.out.put(PortOp{Op: o, AT: s.onATPort})
		}
	}
}

func (s *Session) dialogueDone(now time.Time, err error) {
	switch {
	case s.stage == stageEnding && s.onATPort:
		s.dialogue = nil
		s.hangUp(now)
		return
	case s.stage == stageEnding:
		s.dialogue = nil
		s.attemptOver(now)
		return
	case s.stage == stageRecovering:
		s.dialogue = nil
		if err != nil {
			s.event(now, event.Notice{Level: "warning", Text: err.Error()})
		}
		s.again(now)
		return
	}
	rest := s.dialogue.Rest()
	s.dialogue = nil
	if err != nil {
		s.fail(now, dialOutcome(err))
		return
	}
	switch {
	case s.holding:
		s.onATPort, s.holding, rest = false, false, s.held
	case s.onATPort:
		s.onATPort = false
		if s.plan.Number != "" {
			s.talk(now, stageDialing, s.call)
			return
		}
	case len(s.afterwards) > 0:
		s.onATPort, s.holding, s.held = true, true, rest
		s.talk(now, stageDialing, s.after)
		return
	}
	s.startPPP(now, rest)
}

// dialOutcome says what an error of the dialogue means.
func dialOutcome(err error) Outcome {
	kind := Kind(modem.KindOf(err))
	var aborted *abortError
	if errors.As(err, &aborted) {
		kind = KindAborted
	}
	if kind == "" {
		kind = KindInternal
		var refused *SelectionError
		if errors.As(err, &refused) {
			kind = KindUsage
		}
	}
	return Outcome{Kind: kind, Phase: event.PhaseDial, Detail: err.Error()}
}

// startPPP gives the line to the engine. rest is what followed CONNECT.
func (s *Session) startPPP(now time.Time, rest []byte) {
	settings := s.settings()
	s.stage = stagePPP
	s.encoder = hdlc.NewEncoder(hdlc.DefaultConfig())
	s.decoder = hdlc.NewDecoder(decoderConfig(ppp.DefaultFraming()))
	s.engine = ppp.New(settings, s.cfg.Random)
	s.engine.Open(now)
	s.pumpEngine(now)
	for len(rest) > 0 {
		_, rest = s.Receive(now, rest) // no packet can be for the plane yet
	}
}

func decoderConfig(f ppp.Framing) hdlc.DecoderConfig {
	return hdlc.DecoderConfig{ACCM: f.RecvACCM, MRU: max(f.OwnMRU, hdlc.DefaultMRU) + mruSlack}
}

// receiveFrames takes octets in the data state.
func (s *Session) receiveFrames(now time.Time, p []byte) (ip, rest []byte) {
	if len(s.inquiries) > 0 && s.mustHold() {
		s.hold(p)
		return nil, nil
	}
	s.engine.NoteTraffic(now)
	s.quietAt = time.Time{}
	item, rest := s.decoder.Next(p)
	for ; item.Kind != hdlc.None; item, rest = s.decoder.Next(rest) {
		switch item.Kind {
		case hdlc.Text:
			s.textSeen(now, item)
		case hdlc.Frame:
			switch item.Protocol {
			case packet.IP, packet.IPv6:
				if s.ipReceived(now, item.Info) {
					return item.Info, rest
				}
			default:
				s.observe(now, item.Protocol, item.Info)
				s.engine.Receive(now, item.Protocol, item.Info)
				s.pumpEngine(now)
			}
		}
		if len(s.inquiries) > 0 && s.mustHold() {
			s.hold(rest)
			return nil, nil
		}
		switch s.stage {
		case stageDialing, stageEnding: // the engine is done; the rest is for the dialogue
			if len(rest) > 0 {
				s.dialogue.Receive(now, rest)
				s.pumpDialogue(now)
			}
			return nil, nil
		case stageIdle, stageWaiting, stageReopening:
			return nil, nil
		}
	}
	if s.decoder.Pending() {
		s.quietAt = now.Add(quietTime)
	}
	return nil, nil
}

// ipReceived says whether a packet is for the plane.
func (s *Session) ipReceived(now time.Time, ip []byte) bool {
	switch s.stage {
	case stageUp:
		if !s.carries {
			return false
		}
		s.bytesIn += uint64(len(ip))
		s.lastPacket = now
		if s.cfg.MaxBytes > 0 && s.bytesIn+s.bytesOut >= s.cfg.MaxBytes {
			s.checkLimits(now)
		}
		return s.stage == stageUp
	case stageProving:
		s.proof.Receive(now, ip)
		s.pumpProof(now)
	}
	return false
}

// textSeen takes what stood between frames. NO CARRIER means that the modem has left the data state (V.250 section 5.7.1).
func (s *Session) textSeen(now time.Time, item hdlc.Item) {
	if item.Kind != hdlc.Text {
		return
	}
	text := strings.TrimSpace(string(item.Text))
	if text == "" {
		return
	}
	s.event(now, event.Text{Text: s.hide(text)})
	if strings.Contains(text, "NO CARRIER") {
		s.engine.LowerDown(now)
		s.pumpEngine(now)
	}
}

// hide replaces what a modem's words may give away: it may echo a command, or name who calls in the middle of a call.
func (s *Session) hide(text string) string {
	for _, secret := range []string{s.cfg.PIN.Reveal(), s.cfg.Password.Reveal(), s.password().Reveal()} {
		if len(secret) >= 4 { // a shorter one is no PIN, and would be found in any text
			text = strings.ReplaceAll(text, secret, "****")
		}
	}
	return at.Redact(text)
}

// send frames a packet for the line.
func (s *Session) send(protocol uint16, info []byte) {
	start := len(s.frame)
	s.frame = s.encoder.Append(s.frame, protocol, info)
	s.out.put(Write{Bytes: s.frame[start:len(s.frame):len(s.frame)]})
}

// pumpEngine does what the engine asks for.
func (s *Session) pumpEngine(now time.Time) {
	for {
		o, ok := s.engine.Next()
		if !ok {
			if len(s.passes) == 0 {
				return
			}
			id := s.passes[0]
			s.passes = s.passes[1:]
			s.engine.Resolve(now, id, ppp.Verdict{})
			continue
		}
		switch o := o.(type) {
		case ppp.Send:
			s.send(o.Protocol, o.Info)
		case ppp.Framing:
			s.encoder.Set(hdlc.Config{ACCM: o.SendACCM, PFC: o.SendPFC, ACFC: o.SendACFC, ShareFlag: true})
			s.decoder.Set(decoderConfig(o))
		case ppp.Event:
			if p, ok := o.Event.(event.Phase); ok {
				s.phaseOf(now, p)
				continue
			}
			s.event(now, o.Event)
		case ppp.Decision:
			if !s.decide(now, o) {
				s.passes = append(s.passes, o.ID) // not at once: what is still to be taken out must stay as it is
			}
		case ppp.AuthDone:
			s.provisional = o.Provisional
			s.pinned.agreed = o.Method.Strength()
		case ppp.NetworkUp:
			s.networkUp(now, o)
		case ppp.NetworkUp6:
			s.networkUp6(now, o)
		case ppp.NetworkDown:
			s.networkDown(now, o)
		case ppp.Stalled:
			s.stalled(now, o.Failure)
		case ppp.Closing:
			s.closing(now, o.Failure)
		case ppp.Finished:
			s.engineFinished(now, o.Failure)
			return
		}
	}
}

// stalled tells what IPCP is stuck on while the engine goes on trying. Where an empty user name is worth an attempt, that
// is worth more than waiting.
func (s *Session) stalled(now time.Time, f ppp.Failure) {
	s.stuckAt = time.Time{} // this says it better
	f.Detail = s.hide(f.Detail)
	o := Outcome{Kind: Kind(f.Kind), Phase: f.Phase, Detail: f.Detail, Provisional: f.Provisional}
	if !s.blankUser && s.tryBlank(o) || s.accessLeft(o) {
		s.fail(now, o)
		return
	}
	s.event(now, event.Failure{Phase: f.Phase, Cause: f.Kind, Detail: f.Detail, Provisional: f.Provisional})
	s.tellFindings(now)
}

// phaseOf follows the engine's phases; up is announced by the session, when it is true.
func (s *Session) phaseOf(now time.Time, p event.Phase) {
	switch p.Phase {
	case event.PhaseUp, event.PhaseDown, event.PhaseHangup:
		return
	case event.PhaseIPCP:
		s.badAtIPCP = s.decoder.Stats().Damaged()
	}
	s.event(now, p)
}
