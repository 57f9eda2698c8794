package link

import (
	"strings"
	"time"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// stuckTime is how long a phase of the negotiation may last before diagnosis reports a likely cause, while the engine goes on
// trying. The engine's own limits are longer, because some modems need them.
const stuckTime = 12 * time.Second

// story sends the events of a session, without secrets and within limits; it follows the phase, and runs diagnosis on the events.
type story struct {
	link    string
	out     *outputs
	chatter chatter

	phase     string            // the last event.Phase
	searching bool              // the last commands were about registration
	stuckAt   time.Time         // when the phase has lasted for stuckTime
	watcher   *diagnose.Watcher // for this attempt; nil: there was no attempt yet
	found     map[string]bool   // findings reported since the link was last up

	experiment bool // the attempt varies a setting, so findings about its failure are not reported

	hider *private.Hider // hides secrets in every event
	learn func()         // gives the present secrets to hider
}

// begin begins the story of an attempt.
func (t *story) begin() { t.watcher = diagnose.New() }

// worked forgets the findings from before the link worked.
func (t *story) worked() {
	clear(t.found)
	t.experiment = false
}

// event sends an event without secrets, gives it to diagnosis, and follows the phase.
func (t *story) event(now time.Time, e event.Event) {
	t.learn()
	e = t.hider.Record(event.Record{Link: t.link, Event: e}).Event
	if p, ok := e.(event.Phase); ok {
		if p.Phase == t.phase {
			return
		}
		t.phase = p.Phase
		t.stuckAt = time.Time{}
		switch p.Phase {
		case event.PhaseLCP, event.PhaseAuth, event.PhaseIPCP:
			t.stuckAt = now.Add(stuckTime)
		}
	}
	if c, ok := e.(event.AT); ok && c.Dir == event.Sent {
		t.searching = searches(c.Text, t.searching)
	}
	if t.watcher != nil {
		t.watcher.Record(event.Record{Time: now, Link: t.link, Event: e})
	}
	before, pass := t.chatter.admit(now, e)
	for _, b := range before {
		t.out.put(Event{b})
	}
	if pass {
		t.out.put(Event{e})
	}
}

// deadline is when advance or stuck has something to do; the zero time: never.
func (t *story) deadline() time.Time { return soonest(t.stuckAt, t.chatter.due()) }

// advance sends the phase event that was left out during a storm of events.
func (t *story) advance(now time.Time) {
	if due(t.chatter.due(), now) {
		t.out.put(Event{t.chatter.late()})
	}
}

// searches says whether, after command, the dialogue still waits for registration. Commands of that time are AT+CREG? and similar
// (3GPP TS 27.007 sections 7.2, 10.1.20, 10.1.22, 10.1.47), and between them questions for the signal, the radio and the choice
// of a network.
func searches(command string, before bool) bool {
	name := strings.TrimPrefix(strings.ToUpper(command), "AT")
	switch {
	case strings.HasSuffix(name, "REG?"):
		return true
	case strings.HasPrefix(name, "+CSQ"), strings.HasPrefix(name, "+CFUN"), strings.HasPrefix(name, "+COPS"):
		return before
	}
	return false
}

func (t *story) enter(now time.Time, phase string) { t.event(now, event.Phase{Phase: phase}) }

// failure reports how an attempt failed and what may cure it. An outcome that was ordered is not a failure.
func (t *story) failure(now time.Time, o Outcome) {
	if o.Clean() {
		return
	}
	t.event(now, event.Failure{Phase: o.Phase, Cause: string(o.Kind), Detail: o.Detail, Provisional: o.Provisional})
	t.findings(now)
}

// stuck reports why a phase lasts so long, if that can be seen. It may still end well.
func (t *story) stuck(now time.Time, provisional bool) {
	t.stuckAt = time.Time{}
	t.event(now, event.Failure{Phase: t.phase, Cause: event.FailedTimeout, Provisional: provisional,
		Detail: "no end in sight after " + stuckTime.String() + "; trying on"})
	t.findings(now)
}

// findings sends the likeliest finding about the attempt so far; each finding is sent once until the link is up.
func (t *story) findings(now time.Time) {
	if t.experiment {
		return
	}
	if f, ok := t.watcher.Finding(); ok && !t.found[f.ID] {
		t.found[f.ID] = true
		t.event(now, f)
	}
}
