package link

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
)

// This file is how a session asks somebody outside of it: it puts out Ask, goes on with everything else, and takes an
// Answer or does without one. What is asked, and what is made of it, is in advised.go and decide.go.

// Ask asks for an Answer with the same ID by Deadline. The session does not wait much longer than that; an answer that
// comes later changes nothing.
type Ask struct {
	ID       uint64
	Question advice.Question
	Deadline time.Time
}

func (Ask) output() {}

// askSlack is between the end of a question's budget, its deadline, and the end of our patience: who spreads a question
// over several can say which of them was late, and who asks can say that nothing came at all.
const askSlack = 50 * time.Millisecond

// inquiry is a question that is out.
type inquiry struct {
	id    uint64
	kind  advice.Kind
	until time.Time
	holds bool // what the peer sends waits for it
	// done takes the answer, which is nil where there is no opinion. late: there is none because time is over.
	done func(now time.Time, a advice.Answer, late bool)
}

// wants says whether somebody has something to say to a question. Callers on the way of every packet look at cfg.Wants
// first, so that nothing is made for nobody.
func (s *Session) wants(q advice.Question) bool {
	return s.cfg.Wants != nil && s.unanswered < maxUnanswered && s.cfg.Wants(q)
}

// maxUnanswered is how many questions may stay without any answer, which breaks the contract of advice.Adviser, until
// nothing more is asked.
const maxUnanswered = 3

// ask puts a question out.
func (s *Session) ask(now time.Time, q advice.Question, done func(now time.Time, a advice.Answer, late bool)) *inquiry {
	_, hard := advice.Budget(q.Kind())
	s.asked++
	i := &inquiry{id: s.asked, kind: q.Kind(), until: now.Add(hard + 2*askSlack), done: done}
	s.inquiries = append(s.inquiries, i)
	s.out.put(Ask{ID: i.id, Question: q, Deadline: now.Add(hard + askSlack)})
	return i
}

// drop forgets a question: its answer will change nothing.
func (s *Session) drop(i *inquiry) {
	s.inquiries = slices.DeleteFunc(s.inquiries, func(j *inquiry) bool { return j == i })
}

// Answer is the door for what was answered to the Ask with that ID; err is what went wrong, beside which an answer may
// stand. Where somebody without whom there must be no link has failed, a link that is not up yet ends.
func (s *Session) Answer(now time.Time, id uint64, a advice.Answer, err error) {
	if s.stage == stageIdle {
		return
	}
	n := slices.IndexFunc(s.inquiries, func(i *inquiry) bool { return i.id == id })
	kind := advice.Kind("")
	if n >= 0 {
		kind = s.inquiries[n].kind
	}
	if err != nil && s.refused(now, kind, err) || n < 0 {
		return
	}
	i := s.inquiries[n]
	s.drop(i)
	s.unanswered = 0
	switch {
	case a == nil:
	case a.To() != i.kind:
		s.tellFailed(now, i.kind, advice.FailedError{Err: fmt.Errorf("the answer is of another kind: %T", a)})
		a = nil
	case !a.Opinion():
		a = nil
	}
	i.done(now, a, false)
	s.releaseHeld(now)
}

// maxHeld is how much of what the peer says is kept while an answer is waited for. It says it again.
const maxHeld = 4 << 10

// hold keeps octets for later.
func (s *Session) hold(p []byte) {
	s.held = append(s.held, p[:min(len(p), max(0, maxHeld-len(s.held)))]...)
}

// mustHold says whether what the peer sends has to wait, so that everything is taken in the order in which it came and
// framed as what came before says: behind the Ack of LCP that is being judged there may be a challenge without escapes, and
// behind a CHAP Failure a Terminate-Request. Where packets may pass they do.
func (s *Session) mustHold() bool {
	return !s.carries && s.negotiating() && slices.ContainsFunc(s.inquiries, func(i *inquiry) bool { return i.holds })
}

func (s *Session) negotiating() bool {
	return s.stage == stagePPP || s.stage == stageProving || s.stage == stageOpening || s.stage == stageUp
}

// releaseHeld takes what had to wait.
func (s *Session) releaseHeld(now time.Time) {
	if len(s.held) == 0 || s.holding || s.mustHold() {
		return
	}
	rest := s.held
	s.held = nil
	for s.negotiating() && len(rest) > 0 {
		_, rest = s.Receive(now, rest) // a packet for the plane comes too early, and is lost
	}
}

// refused tells what went wrong with a question, and says whether that was the end of the attempt.
func (s *Session) refused(now time.Time, kind advice.Kind, err error) bool {
	var required *advice.RequiredError
	if errors.As(err, &required) && s.upSince.IsZero() {
		switch s.stage {
		case stageDialing, stagePPP, stageProving, stageOpening:
			s.fail(now, Outcome{Kind: KindPlugin, Phase: s.phase, Detail: required.Error()})
			return true
		}
	}
	for _, f := range advice.Failures(err) {
		s.tellFailed(now, kind, f)
	}
	return false
}

// tellFailed says once of each who failed that the link goes its own way.
func (s *Session) tellFailed(now time.Time, kind advice.Kind, f advice.FailedError) {
	by := f.By
	if by == "" {
		by = "whoever was asked"
	}
	if s.failed == nil {
		s.failed = map[string]bool{}
	}
	if s.failed[by] {
		return
	}
	s.failed[by] = true
	what := "a question"
	if kind != "" {
		what = "the question \"" + string(kind) + "\""
	}
	s.event(now, event.Notice{Level: "warning", Text: s.hide(fmt.Sprintf("%s failed at %s: %v; the link goes its own way, and this is not said again", by, what, f.Err))})
}

// advanceInquiries goes on without the answers that did not come in time.
func (s *Session) advanceInquiries(now time.Time) {
	for {
		n := slices.IndexFunc(s.inquiries, func(i *inquiry) bool { return due(i.until, now) })
		if n < 0 {
			return
		}
		i := s.inquiries[n]
		s.drop(i)
		s.unanswered++
		s.tellFailed(now, i.kind, advice.FailedError{Err: advice.ErrTooLate})
		i.done(now, nil, true)
		s.releaseHeld(now)
	}
}

// judged tells a verdict of somebody else beside what the link intended. Intent and verdict hold no secret.
func (s *Session) judged(tell func(event.Event), kind advice.Kind, intent, verdict, by string) {
	tell(event.Decision{Protocol: "link", Point: string(kind), Intent: s.hide(intent), Verdict: s.hide(verdict), By: by})
}

// consult asks from inside a dialogue, which waits for the answer while its timers and the hang-up go on. The zero A: no
// opinion.
func consult[A advice.Answer](s *Session, x *at.Exchange, q advice.Question) (answer A) {
	if !s.wants(q) {
		return answer
	}
	dialogue, came := s.dialogue, false
	i := s.ask(x.Now(), q, func(now time.Time, a advice.Answer, _ bool) {
		answer, _ = a.(A)
		came = true
		if s.dialogue == dialogue {
			dialogue.Wake(now)
			s.pumpDialogue(now)
		}
	})
	x.Until(i.until.Sub(x.Now())+time.Second, func() bool { return came }) // the inquiry ends by itself before that
	return answer
}
