package link_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
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
		cfg := Config{Name: "test", ATPort: true, Resolve: call{}.resolve(t, scenario), Once: true, MaxAttempts: 1}
		w := simulate.NewRig(cfg, sim.New(scenario, 1), epoch, simulate.World{Adviser: a, ATModem: sim.New(scenario, 2)})
		order := ""
		w.Do = func(o Output) bool {
			if o, ok := o.(Write); ok {
				switch text := string(o.Bytes); {
				case strings.HasPrefix(text, "ATD"):
					order += "dial "
				case strings.HasPrefix(text, "AT+CSQ\r") && o.AT:
					order += "AT+CSQ "
				case strings.HasPrefix(text, "~"):
					order += "ppp "
				}
			}
			return false
		}
		w.Start()
		w.Until(10*time.Minute, func() bool { return w.Done })
		outcome, records := w.Outcome, told{simulate.Result{Records: w.Records}}
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
	got := s.PPPSettings().Auth
	if s.State() != "negotiating" || got.Client.Name != "user" || got.Client.Secret.Reveal() != "password" || !slices.Equal(got.Allow, []auth.Method{auth.PAP}) {
		t.Errorf("state %s, as %q, by %v", s.State(), got.Client.Name, got.Allow)
	}
}
