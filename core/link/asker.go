package link

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
)

// This file is how somebody outside is asked: an Ask goes out, everything else goes on, and an answer comes or does not. What
// is asked, and what is made of it, is where the question comes from: dialogue.go, decide.go and network.go.

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

// maxUnanswered is how many questions may stay without any answer, which breaks the contract of advice.Adviser, until
// nothing more is asked.
const maxUnanswered = 3

// asker is the questions that are out.
type asker struct {
	link   string
	wanted func(advice.Question) bool // Config.Wants
	story  *story
	hide   func(string) string // what is secret in a text

	last       uint64 // the latest Ask's ID
	open       []*inquiry
	unanswered int             // the Asks whose time ran out, in a row
	failed     map[string]bool // who has failed and was told of
}

// inquiry is a question that is out.
type inquiry struct {
	id    uint64
	kind  advice.Kind
	until time.Time
	holds bool // what the peer sends waits for it
	// done takes the answer, which is nil where there is no opinion. late: there is none because time is over.
	done func(now time.Time, a advice.Answer, late bool)
}

// wants says whether somebody has something to say to a question.
func (k *asker) wants(q advice.Question) bool {
	return k.wanted != nil && k.unanswered < maxUnanswered && k.wanted(q)
}

// silent says that nobody is ever asked: who stands on the way of every packet makes no question then.
func (k *asker) silent() bool { return k.wanted == nil }

// ask puts a question out.
func (k *asker) ask(now time.Time, q advice.Question, done func(now time.Time, a advice.Answer, late bool)) *inquiry {
	_, hard := advice.Budget(q.Kind())
	k.last++
	i := &inquiry{id: k.last, kind: q.Kind(), until: now.Add(hard + 2*askSlack), done: done}
	k.open = append(k.open, i)
	k.story.out.put(Ask{ID: i.id, Question: q, Deadline: now.Add(hard + askSlack)})
	return i
}

// drop forgets a question: its answer will change nothing.
func (k *asker) drop(i *inquiry) {
	k.open = slices.DeleteFunc(k.open, func(j *inquiry) bool { return j == i })
}

func (k *asker) dropAll() { k.open = nil }

// holding says whether what the peer sends has to wait for an answer.
func (k *asker) holding() bool {
	for _, i := range k.open {
		if i.holds {
			return true
		}
	}
	return false
}

// kind is what the question with that ID is about; "": it is not out.
func (k *asker) kind(id uint64) advice.Kind {
	for _, i := range k.open {
		if i.id == id {
			return i.kind
		}
	}
	return ""
}

// answer takes the answer to the question with that ID, and tells what went wrong with it.
func (k *asker) answer(now time.Time, id uint64, a advice.Answer, err error) {
	kind := k.kind(id)
	if err != nil {
		for _, f := range advice.Failures(err) {
			k.tellFailed(now, kind, f)
		}
	}
	n := slices.IndexFunc(k.open, func(i *inquiry) bool { return i.id == id })
	if n < 0 {
		return
	}
	i := k.open[n]
	k.drop(i)
	k.unanswered = 0
	switch {
	case a == nil:
	case a.To() != i.kind:
		k.tellFailed(now, i.kind, advice.FailedError{Err: fmt.Errorf("the answer is of another kind: %T", a)})
		a = nil
	case !a.Opinion():
		a = nil
	}
	i.done(now, a, false)
}

// deadline is when expire is due; the zero time: nothing is asked.
func (k *asker) deadline() (t time.Time) {
	for _, i := range k.open {
		t = soonest(t, i.until)
	}
	return t
}

// expire goes on without one of the answers that did not come in time, and says whether there was one.
func (k *asker) expire(now time.Time) bool {
	n := slices.IndexFunc(k.open, func(i *inquiry) bool { return due(i.until, now) })
	if n < 0 {
		return false
	}
	i := k.open[n]
	k.drop(i)
	k.unanswered++
	k.tellFailed(now, i.kind, advice.FailedError{Err: advice.ErrTooLate})
	i.done(now, nil, true)
	return true
}

// tellFailed says once of each who failed that the link goes its own way.
func (k *asker) tellFailed(now time.Time, kind advice.Kind, f advice.FailedError) {
	by := f.By
	if by == "" {
		by = "whoever was asked"
	}
	if k.failed == nil {
		k.failed = map[string]bool{}
	}
	if k.failed[by] {
		return
	}
	k.failed[by] = true
	what := "a question"
	if kind != "" {
		what = "the question \"" + string(kind) + "\""
	}
	k.story.event(now, event.Notice{Level: "warning", Text: k.hide(fmt.Sprintf("%s failed at %s: %v; the link goes its own way, and this is not said again", by, what, f.Err))})
}

// verdict tells what somebody else decided beside what the link intended.
func (k *asker) verdict(tell func(event.Event), kind advice.Kind, intent, verdict, by string) {
	tell(event.Decision{Protocol: "link", Point: string(kind), Intent: k.hide(intent), Verdict: k.hide(verdict), By: by})
}

// engineDecisionTimeout is only for the case that nobody ever answers: the answers come within the budgets of advice.
const engineDecisionTimeout = 10 * time.Second

// decisionPoints are all of them.
var decisionPoints = [...]ppp.Points{
	ppp.PointRequest, ppp.PointPeerRequest, ppp.PointNak, ppp.PointReject, ppp.PointAck, ppp.PointTerminate,
	ppp.PointTimeout, ppp.PointAuthChallenge, ppp.PointAuthResult, ppp.PointAddress, ppp.PointOpened,
}

// subscribe makes the engine hand out the decisions that somebody wants.
func (k *asker) subscribe(settings *ppp.Settings) {
	if k.silent() {
		return
	}
	settings.DecisionTimeout = engineDecisionTimeout
	for _, p := range decisionPoints {
		if k.wants(advice.Decide{Decision: ppp.Decision{Point: p}}) {
			settings.Points |= p
		}
	}
	for _, m := range []auth.Method{auth.CHAPMD5, auth.MSCHAP, auth.MSCHAPv2} {
		if k.wants(advice.Challenge{Method: m}) {
			settings.Points |= ppp.PointAuthChallenge
		}
	}
}

// consult asks from inside a dialogue, which waits for the answer while its timers and the hang-up go on. The zero A: no
// opinion.
func consult[A advice.Answer](d *dialogue, x *at.Exchange, q advice.Question) (answer A) {
	if !d.asker.wants(q) {
		return answer
	}
	came := false
	i := d.asker.ask(x.Now(), q, func(now time.Time, a advice.Answer, _ bool) {
		answer, _ = a.(A)
		came = true
		d.wake(now)
	})
	x.Until(i.until.Sub(x.Now())+time.Second, func() bool { return came }) // the inquiry ends by itself before that
	return answer
}

// oneLine makes text of somebody else's fit for a line of a log.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "")
	}
	return strings.TrimSpace(text)
}
