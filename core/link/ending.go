package link

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"net/netip"
	"strings"
	"time"
	"unicode"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
)

// This file is how an attempt ends, and what comes after.

// enoughGarbage is how many damaged frames after IPCP began make silence look like garbage.
const enoughGarbage = 3

// refusedLate says that the success of the authentication proved nothing and IPCP has not opened.
func (s *Session) refusedLate() bool { return s.provisional && !s.network.Local.IsValid() }

// end makes the session end with an outcome that somebody wants or a limit demands.
func (s *Session) end(now time.Time, o Outcome) {
	s.stop = &o
	s.fail(now, o)
}

// fail ends the attempt: what went wrong is told, then the link is ended as far as it got.
func (s *Session) fail(now time.Time, o Outcome) {
	if s.outcome.Kind == "" {
		s.outcome = o
		s.tellOutcome(now)
	}
	s.inquiries, s.judging = nil, nil // what they would answer does not matter any more
	//exhaustive:enforce
	switch s.stage {
	case stageDialing:
		running := s.dialogue != nil
		if running {
			s.dialogue.Stop()
			s.dialogue = nil
		}
		if running || s.connected {
			s.endCall(now, s.connected, s.dialed.Number != "") // any character ends an attempt to dial (V.250 section 5.6.1)
			return
		}
		s.attemptOver(now)
	case stagePPP, stageProving, stageOpening, stageUp:
		s.enter(now, event.PhaseHangup)
		s.stage, s.proof = stageClosing, nil
		s.closePlane()
		s.engine.Close(now, s.goodbye())
		s.pumpEngine(now)
	case stageWaiting, stageReopening, stageRecovering:
		if s.dialogue != nil {
			s.dialogue.Stop()
			s.dialogue = nil
		}
		if o.Kind == KindHangup {
			s.outcome = o // a person ended the waiting, whatever the last attempt ended with
		}
		s.finish(now, s.outcome)
	case stageClosing, stageEnding, stageIdle:
		// It ends already.
	}
}

// goodbye is the text of our Terminate-Request.
func (s *Session) goodbye() string {
	if s.outcome.Clean() {
		return "User request"
	}
	return "knak: " + string(s.outcome.Kind)
}

// tellOutcome puts out the failure and the findings; an outcome that somebody wanted is no failure.
func (s *Session) tellOutcome(now time.Time) {
	o := s.outcome
	if o.Clean() {
		return
	}
	s.event(now, event.Failure{Phase: o.Phase, Cause: string(o.Kind), Detail: o.Detail, Provisional: o.Provisional})
	s.tellFindings(now)
}

// stuckTime is how long a phase of the negotiation may last before what diagnosis makes of it is told, although the engine
// goes on trying: its own limits are long, because some modems need them.
const stuckTime = 12 * time.Second

// tellStuck says why a phase lasts so long, as far as that can be seen. It may still end well.
func (s *Session) tellStuck(now time.Time) {
	s.event(now, event.Failure{Phase: s.phase, Cause: event.FailedTimeout, Provisional: s.refusedLate(),
		Detail: "no end in sight after " + stuckTime.String() + "; trying on"})
	s.tellFindings(now)
}

// tellFindings puts out what diagnosis makes of the attempt so far, the likeliest cause only, and each finding once until
// the link is up.
func (s *Session) tellFindings(now time.Time) {
	if f, ok := s.watcher.Finding(); ok && !s.found[f.ID] {
		s.found[f.ID] = true
		s.event(now, f)
	}
}

// closing hears that the engine gives up. The plane goes first: nothing may be sent from an address that is being lost.
func (s *Session) closing(now time.Time, f ppp.Failure) {
	if s.stage == stageClosing {
		return
	}
	s.setFailure(now, f)
	s.enter(now, event.PhaseHangup)
	s.stage, s.proof = stageClosing, nil
	s.closePlane()
}

// setFailure makes the engine's failure the outcome of the attempt, unless it has one.
func (s *Session) setFailure(now time.Time, f ppp.Failure) {
	if s.outcome.Kind != "" {
		return
	}
	o := Outcome{Kind: Kind(f.Kind), Phase: f.Phase, Detail: s.hide(f.Detail), Provisional: f.Provisional}
	switch {
	case s.stage == stageUp && f.Kind == ppp.KindTerminated:
		o.Kind, o.Phase = KindPeerEnded, event.PhaseUp
	case f.Kind == ppp.KindClosed: // and not by us
		o.Kind = KindAborted
	case f.Kind == ppp.KindTimeout && f.Phase == event.PhaseIPCP && s.decoder.Stats().Damaged()-s.badAtIPCP >= enoughGarbage:
		o.Kind = event.FailedGarbage
	}
	s.outcome = o
	s.tellOutcome(now)
}

// engineFinished ends the call, now that PPP is over.
func (s *Session) engineFinished(now time.Time, f ppp.Failure) {
	s.setFailure(now, f)
	if s.stage != stageClosing {
		s.enter(now, event.PhaseHangup)
		s.stage, s.proof = stageClosing, nil
		s.closePlane()
	}
	s.quietAt = time.Time{}
	s.endCall(now, f.Kind != ppp.KindCarrierLost, true)
}

// endCall brings the modem back to the command state. inData says whether it is believed to be in the data state, called
// whether there may be a call at all.
func (s *Session) endCall(now time.Time, inData, called bool) {
	s.inquiries, s.judging = nil, nil
	if !called || s.lost || s.selection.Policy == nil || s.selection.Policy.Text("dial.number") == "" || s.outcome.Kind == event.FailedModemSilent {
		s.attemptOver(now)
		return
	}
	s.enter(now, event.PhaseHangup)
	s.inData = inData
	if s.cfg.ATPort && len(s.plan.Send.BeforeHangup) > 0 {
		s.onATPort = true
		s.talk(now, stageEnding, modem.BeforeHangup(s.plan))
		return
	}
	s.hangUp(now)
}

// hangUp ends the call on the port that it was made on.
func (s *Session) hangUp(now time.Time) {
	s.onATPort = false
	hangup := modem.Hangup(s.plan, s.inData, nil)
	s.talk(now, stageEnding, func(x *at.Exchange) error {
		err := hangup(x)
		if err != nil {
			x.Event(event.Notice{Level: "warning", Text: "the call may still be up: " + err.Error()})
		}
		return err
	})
}

// attemptOver decides what comes after an attempt: another one, or the end.
func (s *Session) attemptOver(now time.Time) {
	if s.dialogue != nil {
		s.dialogue.Stop()
		s.dialogue = nil
	}
	s.closePlane()
	s.quietAt = time.Time{}
	s.inquiries, s.judging = nil, nil
	o := s.outcome
	if s.stop != nil {
		if s.stop.Kind != KindTimeout || o.Kind == "" {
			o = *s.stop // otherwise the attempt had failed before, and that says more
		}
		s.finish(now, o)
		return
	}
	if o.Kind == "" {
		o = Outcome{Kind: KindInternal, Phase: s.phase}
	}
	wasUp := !s.upSince.IsZero()
	if wasUp {
		s.attempt = 0 // a link that was up and is lost: count anew
	}
	reason, ok := s.tryAgain(o, wasUp)
	if !ok {
		s.finish(now, o)
		return
	}
	if wasUp {
		s.down(now, o)
	}
	// However short the profile wants it: an attempt that fails at once is no reason to spin.
	wait := s.began.Add(attemptSpacing).Sub(now)
	if o.Kind != KindRedial && s.selection.Policy != nil {
		wait = max(wait, s.nextDelay())
	}
	s.stage = stageWaiting
	s.retryAt = now.Add(wait)
	s.event(now, event.Attempt{Number: s.attempt + 1, Wait: wait, WaitMS: wait.Milliseconds(), Reason: reason})
	if wait <= 0 {
		s.again(now)
	}
}

// attemptSpacing is how long after the beginning of an attempt the next one begins at the soonest.
const attemptSpacing = time.Second

// final are failures that another attempt cannot cure, or must not try to: three wrong PINs block a SIM.
var final = map[Kind]bool{
	event.FailedPINNeeded: true, event.FailedPINWrong: true, event.FailedPUKNeeded: true, event.FailedNoSIM: true, KindUsage: true, KindPrivilege: true, KindNoKernel: true, KindPlane: true,
	event.FailedRegistrationDenied: true, KindInternal: true, KindPlugin: true,
}

// tryAgain says whether there is another attempt, and why. wasUp: it is about a link that worked and is lost, which only
// --persist dials again.
func (s *Session) tryAgain(o Outcome, wasUp bool) (reason string, ok bool) {
	if ordered := s.ordered; ordered != "" && !final[o.Kind] {
		s.ordered, s.blankUser, s.otherWay, s.delay = "", false, true, 0 // a new call: no step of retry.ladder before it
		return ordered, s.cfg.MaxAttempts == 0 || s.attempt < s.cfg.MaxAttempts
	}
	if o.Clean() && o.Kind != KindPeerEnded || final[o.Kind] || s.selection.Policy == nil || wasUp && !s.cfg.Persist {
		return "", false
	}
	s.blankUser = !s.blankUser && s.tryBlank(o)
	if s.plainText = !s.plainText && s.tryPlain(o); s.plainText && (s.cfg.MaxAttempts == 0 || s.attempt < s.cfg.MaxAttempts) {
		s.otherWay = true
		return "the password is not ASCII, and its server may read it octet by octet; trying that", true
	}
	limit := s.cfg.MaxAttempts
	if limit == 0 && !s.cfg.Persist {
		limit = s.selection.Policy.Int("retry.attempts")
	}
	s.otherWay = false
	if s.blankUser {
		s.otherWay = true
		return "the network may not know the user name; trying an empty one", true
	}
	if s.nextAccess(o) {
		s.delay, s.otherWay = 0, true
		return "the network may not know the APN; trying another one", true
	}
	if limit > 0 && s.attempt >= limit {
		return "", false
	}
	return o.String(), true
}

// tryBlank says whether an empty user name is worth an attempt: the success was provisional, the network then refused,
// the name was not empty, no person chose it (AUTH-02, AUTH-03), and it is not the one that the SIM's carrier asks for.
func (s *Session) tryBlank(o Outcome) bool {
	return o.Provisional && o.ExitCode() == ExitAuth && !s.selection.UserChosen && !s.access.login() && s.advisedLogin() == nil &&
		s.selection.Policy.Text("auth.user") != "" && s.selection.Policy.Bool("auth.try_blank")
}

// tryPlain says whether the password is worth an attempt as octets: MS-CHAP read it as UTF-16 and was refused, and servers
// that pppd or lwIP set up read it otherwise.
func (s *Session) tryPlain(o Outcome) bool {
	ascii := func(text string) bool {
		return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
	}
	switch s.facts.Auth {
	case auth.MSCHAP.String(), auth.MSCHAPv2.String(), auth.EAP.String():
		return o.Kind == event.FailedAuthRejected && !ascii(s.password().Reveal()) && s.selection.Policy.Text("auth.password_encoding") == "auto"
	}
	return false
}

// nextDelay doubles the wait from retry.delay to retry.max_delay.
func (s *Session) nextDelay() time.Duration {
	first, most := s.selection.Policy.Duration("retry.delay"), s.selection.Policy.Duration("retry.max_delay")
	if s.delay == 0 {
		s.delay = min(first, most)
	} else {
		s.delay = min(2*s.delay, most)
	}
	return s.delay
}

// again begins the next attempt.
func (s *Session) again(now time.Time) {
	s.retryAt = time.Time{}
	if s.lost {
		s.stage = stageReopening
		s.out.put(Reopen{})
		return
	}
	if step := s.nextStep(); step != "redial" && !s.recovered {
		s.recovered = true
		s.onATPort = s.cfg.ATPort
		s.talk(now, stageRecovering, modem.Recovery(step, s.plan))
		return
	}
	s.begin(now)
}

// nextStep is the step of retry.ladder before the next attempt.
func (s *Session) nextStep() string {
	if s.otherWay || s.selection.Policy == nil { // another name or APN is a cure of its own
		return "redial"
	}
	ladder := s.selection.Policy.List("retry.ladder")
	if len(ladder) == 0 {
		return "redial"
	}
	return ladder[min(max(s.attempt, 1), len(ladder))-1]
}

// down tells that a link that was up is no more.
func (s *Session) down(now time.Time, o Outcome) {
	seconds := 0.0
	if !s.upSince.IsZero() {
		seconds = now.Sub(s.upSince).Seconds()
	}
	s.enter(now, event.PhaseDown)
	s.event(now, event.Down{Reason: o.String(), ExitCode: int(o.ExitCode()), Seconds: seconds, BytesIn: s.bytesIn, BytesOut: s.bytesOut})
	s.upSince = time.Time{}
}

// finish ends the session.
func (s *Session) finish(now time.Time, o Outcome) {
	s.down(now, o)
	s.stage = stageIdle
	s.out.put(Done{o})
}

func (s *Session) random64() uint64 {
	r := s.cfg.Random
	if r == nil {
		r = rand.Reader
	}
	var b [8]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0 // no more than a guessable port in a probe
	}
	return binary.BigEndian.Uint64(b[:])
}

func texts(list []netip.Addr) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}

// linkLocal is the address of an interface identifier (RFC 5072 section 5).
func linkLocal(id [8]byte) netip.Addr {
	a := [16]byte{0: 0xfe, 1: 0x80}
	copy(a[8:], id[:])
	return netip.AddrFrom16(a)
}

// SelectionError says that what the user asked for cannot be followed: an unknown profile, a value out of range.
type SelectionError struct{ Err error }

func (e *SelectionError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *SelectionError) Unwrap() error { return e.Err }
