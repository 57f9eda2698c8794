package link

import (
	"strings"
	"time"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// stuckTime is how long a phase of the negotiation may last before what diagnosis makes of it is told, although the engine
// goes on trying: its own limits are long, because some modems need them.
const stuckTime = 12 * time.Second

// story is what a session says: events without secrets and within bounds, the phase that they tell, and what diagnosis makes of them.
type story struct {
	link    string
	out     *outputs
	chatter chatter

	phase     string            // the last event.Phase
	searching bool              // the last commands ask whether the modem has a network
	stuckAt   time.Time         // when the phase has lasted so long that a person should be told why
	watcher   *diagnose.Watcher // of this attempt; nil: there was none yet
	found     map[string]bool   // findings told since the link was up last

	experiment bool // the attempt varies something: what diagnosis makes of its failure says nothing of the modem as it is

	hider *private.Hider // of all that is said
	learn func()         // tells hider what is secret now
}

// begin begins the story of an attempt.
func (t *story) begin() { t.watcher = diagnose.New() }

// worked says that what was found wrong before is so no more.
func (t *story) worked() {
	clear(t.found)
	t.experiment = false
}

// event puts an event out without secrets, lets diagnosis see it, and follows the phase.
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

// advance tells in which phase a storm has left the link.
func (t *story) advance(now time.Time) {
	if due(t.chatter.due(), now) {
		t.out.put(Event{t.chatter.late()})
	}
}

// searches says whether the modem is still asked for its network once command was sent: by AT+CREG? and its kin (3GPP TS
// 27.007 sections 7.2, 10.1.20, 10.1.22, 10.1.47), between which its signal, its radio and its choice of a network may be asked.
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

// failure tells how an attempt failed and what may cure it; an outcome that somebody wanted is no failure.
func (t *story) failure(now time.Time, o Outcome) {
	if o.Clean() {
		return
	}
	t.event(now, event.Failure{Phase: o.Phase, Cause: string(o.Kind), Detail: o.Detail, Provisional: o.Provisional})
	t.findings(now)
}

// stuck says why a phase lasts so long, as far as that can be seen. It may still end well.
func (t *story) stuck(now time.Time, provisional bool) {
	t.stuckAt = time.Time{}
	t.event(now, event.Failure{Phase: t.phase, Cause: event.FailedTimeout, Provisional: provisional,
		Detail: "no end in sight after " + stuckTime.String() + "; trying on"})
	t.findings(now)
}

// findings puts out what diagnosis makes of the attempt so far, the likeliest cause only, and each finding once until the
// link is up.
func (t *story) findings(now time.Time) {
	if t.experiment {
		return
	}
	if f, ok := t.watcher.Finding(); ok && !t.found[f.ID] {
		t.found[f.ID] = true
		t.event(now, f)
	}
}
