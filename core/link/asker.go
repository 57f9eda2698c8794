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

// This file asks an adviser: an Ask goes out, everything else goes on, and an answer comes or does not come. The questions, and
// the use of the answers, are in dialogue.go, decide.go and prove.go.

// Ask asks for an Answer with the same ID by Deadline. The session does not wait much longer than that; an answer that
// comes later changes nothing.
type Ask struct {
	ID       uint64
	Question advice.Question
	Deadline time.Time
}

func (Ask) output() {}

// askSlack is how long the session waits after a question's deadline. An adviser that passes the question to several others can
// so report which of them was late; after the slack the session reports that no answer came.
const askSlack = 50 * time.Millisecond

// maxUnanswered is how many questions in a row may stay without any answer before no more are asked. An advice.Adviser must
// answer each question.
const maxUnanswered = 3

// asker holds the questions that wait for an answer.
type asker struct {
	link   string
	wanted func(advice.Question) bool // Config.Wants
	story  *story
	hide   func(string) string // hides secrets in a text

	last       uint64 // the latest Ask's ID
	open       []*inquiry
	unanswered int             // how many Asks in a row had no answer in time
	failed     map[string]bool // advisers whose failure was reported
}

// inquiry is a question that waits for its answer.
type inquiry struct {
	id    uint64
	kind  advice.Kind
	until time.Time
	holds bool // input from the peer is held until the answer
	// done takes the answer; nil means no opinion. late means that there is none because time is over.
	done func(now time.Time, a advice.Answer, late bool)
}

// wants says whether the adviser wants to be asked a question.
func (k *asker) wants(q advice.Question) bool {
	return k.wanted != nil && k.unanswered < maxUnanswered && k.wanted(q)
}

// silent says that there is no adviser. Code that runs for every packet then makes no question.
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

// kind gives the kind of the question with that ID; "": no such question waits.
func (k *asker) kind(id uint64) advice.Kind {
	for _, i := range k.open {
		if i.id == id {
			return i.kind
		}
	}
	return ""
}

// answer takes the answer to the question with that ID, and reports what went wrong with it.
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

// expire ends one question whose answer did not come in time, and says whether there was one.
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

// tellFailed reports, once for each adviser, that it failed and that the link decides by itself.
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

// verdict reports what an adviser decided, together with what the link intended.
func (k *asker) verdict(tell func(event.Event), kind advice.Kind, intent, verdict, by string) {
	tell(event.Decision{Protocol: "link", Point: string(kind), Intent: k.hide(intent), Verdict: k.hide(verdict), By: by})
}

// engineDecisionTimeout is for the case that no answer ever comes; normally answers come within the budgets in package advice.
const engineDecisionTimeout = 10 * time.Second

// decisionPoints are all decision points of the engine.
var decisionPoints = [...]ppp.Points{
	ppp.PointRequest, ppp.PointPeerRequest, ppp.PointNak, ppp.PointReject, ppp.PointAck, ppp.PointTerminate,
	ppp.PointTimeout, ppp.PointAuthChallenge, ppp.PointAuthResult, ppp.PointAddress, ppp.PointOpened,
}

// subscribe makes the engine hand out the decisions that the adviser wants.
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
	x.Until(i.until.Sub(x.Now())+time.Second, func() bool { return came }) // the question ends by itself before that
	return answer
}

// oneLine makes text from outside fit for one line of a log.
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
