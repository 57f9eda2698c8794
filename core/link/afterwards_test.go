package link

import (
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/sim"
)

// Steps after the dial go to the AT port. What the peer has said by then on the port that carries PPP is not lost: the link
// is up without a packet having been sent twice.
func TestStepsAfterTheDialGoToTheATPort(t *testing.T) {
	for _, refused := range []bool{false, true} {
		scenario := mustScenario(t, "lcp-before-connect")
		a := answers{advice.KindSteps: func(q advice.Question) (advice.Answer, error) {
			s := q.(advice.Steps)
			if s.When == advice.Before || !s.Commands || !strings.HasPrefix(s.Connect, "CONNECT") {
				return nil, nil
			}
			step := advice.Step{Command: "AT+CSQ", Expect: []string{"+CSQ"}}
			if refused {
				step = advice.Step{Command: "AT+NOSUCH"}
			}
			return advice.Plan{By: "plugin test", Steps: []advice.Step{step, {Timeout: 500_000_000}}}, nil
		}}
		cfg := Config{Name: "test", ATPort: true, Resolve: call{}.resolve(t, scenario), Once: true, MaxAttempts: 1, Wants: a.Wants}
		s, data, control := New(cfg), sim.New(scenario, 1), sim.New(scenario, 2)
		now, done := epoch, false
		var outcome Outcome
		var records Simulation
		order := ""
		s.Start(now)
		for range 10000 {
			for quiet := false; !quiet && !done; {
				quiet = true
				for o, ok := s.Next(); ok; o, ok = s.Next() {
					quiet = false
					switch o := o.(type) {
					case Write:
						p := slices.Clone(o.Bytes)
						switch text := string(p); {
						case strings.HasPrefix(text, "ATD"):
							order += "dial "
						case strings.HasPrefix(text, "AT+CSQ\r") && o.AT:
							order += "AT+CSQ "
						case strings.HasPrefix(text, "~"):
							order += "ppp "
						}
						if o.AT {
							control.Receive(now, p)
						} else {
							data.Receive(now, p)
						}
					case Event:
						records.Records = append(records.Records, event.Record{Time: now, Event: o.Event})
					case Ask:
						answer, err := a[o.Question.Kind()](o.Question)
						s.Answer(now, o.ID, answer, err)
					case OpenPlane:
						s.PlaneUp(now, "none", "")
					case Done:
						done, outcome = true, o.Outcome
					}
				}
				for o, ok := control.Next(); ok; o, ok = control.Next() {
					quiet = false
					s.ReceiveAT(now, o.Data)
				}
				for o, ok := data.Next(); ok; o, ok = data.Next() {
					quiet = false
					for rest := o.Data; len(rest) > 0; {
						_, rest = s.Receive(now, rest)
					}
				}
			}
			if done {
				break
			}
			var d deadline
			d.add(s.Deadline())
			d.add(data.Deadline())
			d.add(control.Deadline())
			now = d.t
			data.Advance(now)
			control.Advance(now)
			s.Advance(now)
		}
		if refused {
			if outcome.Kind != event.FailedATError || strings.Contains(order, "ppp") {
				t.Errorf("a step that fails: %v, %s", outcome, order)
			}
			continue
		}
		_, at, ok := records.up()
		if !ok || at < 500_000_000 || at > 2_000_000_000 || !strings.Contains(order, "dial AT+CSQ ppp") {
			records.dump(t)
			t.Errorf("up %v after %v, %v, order %s", ok, at, outcome, order)
		}
	}
}

// A port that carries PPP at once has no dialogue with a modem, but its credentials may come from somebody else all the same.
func TestCredentialsWithoutADialogue(t *testing.T) {
	c := call{set: []string{"dial.number="}}
	s := New(Config{Name: "test", Resolve: c.resolve(t, mustScenario(t, "behaves")), Wants: func(advice.Question) bool { return true }})
	s.Start(epoch)
	for _, kind := range []advice.Kind{advice.KindIdentify, advice.KindCredentials} {
		var q Ask
		for _, o := range drained(s) {
			switch o := o.(type) {
			case Ask:
				q = o
			case Write:
				t.Errorf("%q is written before anybody has answered", o.Bytes)
			}
		}
		if q.Question == nil || q.Question.Kind() != kind {
			t.Fatalf("asked %+v, want %s", q, kind)
		}
		var a advice.Answer
		if kind == advice.KindCredentials {
			a = advice.Login{By: "plugin test", Replace: true, User: "user", Password: auth.NewSecret("password"), Allow: []auth.Method{auth.PAP}}
		}
		s.Answer(epoch, q.ID, a, nil)
	}
	got := s.settings().Auth
	if s.stage != stagePPP || got.Client.Name != "user" || got.Client.Secret.Reveal() != "password" || !slices.Equal(got.Allow, []auth.Method{auth.PAP}) {
		t.Errorf("stage %d, as %q, by %v", s.stage, got.Client.Name, got.Allow)
	}
}
