package link_test

import (
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/sim"
)

// Somebody who orders another call gets one, at whatever moment: without --persist, but not beyond --max-attempts, and not
// where the session is to end.
func TestRedial(t *testing.T) {
	for _, c := range []struct {
		name     string
		scenario string
		at       string // the state in which it is ordered
		change   func(*Config)
		hangup   bool // before the order
		ups      int
		attempts int
	}{
		{"up", "behaves", "up", nil, false, 2, 1},
		{"while it dials", "behaves", "dialing", nil, false, 1, 1},
		{"while it negotiates", "behaves", "negotiating", nil, false, 1, 1},
		{"while it says good-bye", "behaves", "closing", func(c *Config) { c.Once = true }, false, 1, 0},
		{"while it waits", "dial-second-time", "waiting", func(c *Config) { c.Persist = true }, false, 1, 1},
		{"no attempts left", "behaves", "negotiating", func(c *Config) { c.MaxAttempts = 1 }, false, 0, 0},
		{"it is to end", "behaves", "up", nil, true, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			scenario := mustScenario(t, c.scenario)
			cfg := Config{Name: "test", Resolve: call{}.resolve(t, scenario), Prove: ProveNever}
			if c.change != nil {
				c.change(&cfg)
			}
			w := simulate.NewRig(cfg, sim.New(scenario, 1), epoch, simulate.World{})
			ordered := time.Time{}
			order := func() {
				if ordered.IsZero() && w.Session.State() == c.at {
					if ordered = w.Now; c.hangup {
						w.Session.Hangup(w.Now, KindHangup, "enough")
					}
					w.Session.Redial(w.Now, "it was ordered")
				}
			}
			w.Do = func(Output) bool { order(); return false } // a state may last for one output
			w.Start()
			w.Until(10*time.Minute, func() bool {
				order()
				if !ordered.IsZero() && w.Session.State() == "up" && w.Now.Sub(ordered) > time.Minute {
					w.Session.Hangup(w.Now, KindHangup, "the test is over")
					w.Settle()
				}
				return w.Now.Sub(epoch) > 5*time.Minute
			})
			if ordered.IsZero() || !w.Done {
				t.Fatalf("the order was given: %v; the session ended: %v", !ordered.IsZero(), w.Done)
			}
			ups, attempts := 0, 0
			for _, r := range w.Records {
				switch e := r.Event.(type) {
				case event.Up:
					ups++
				case event.Attempt:
					if attempts++; e.Wait > time.Second && c.name != "while it waits" {
						t.Errorf("it waits %v", e.Wait)
					}
				}
			}
			if ups != c.ups || attempts != c.attempts {
				t.Errorf("up %d times after %d further attempts, want %d and %d: %v", ups, attempts, c.ups, c.attempts, w.Outcome)
			}
		})
	}
}
