package link

import (
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sim"
)

// Somebody who orders another call gets one, at whatever moment: without --persist, but not beyond --max-attempts, and not
// where the session is to end.
func TestRedial(t *testing.T) {
	stages := func(list ...stage) map[stage]bool {
		m := map[stage]bool{}
		for _, s := range list {
			m[s] = true
		}
		return m
	}
	for _, c := range []struct {
		name     string
		scenario string
		at       map[stage]bool // when it is ordered
		change   func(*Config)
		hangup   bool // before the order
		ups      int
		attempts int
	}{
		{"up", "behaves", stages(stageUp), nil, false, 2, 1},
		{"while it dials", "behaves", stages(stageDialing), nil, false, 1, 1},
		{"while it negotiates", "behaves", stages(stagePPP), nil, false, 1, 1},
		{"while it says good-bye", "behaves", stages(stageClosing), func(c *Config) { c.Once = true }, false, 1, 0},
		{"while it waits", "dial-second-time", stages(stageWaiting), func(c *Config) { c.Persist = true }, false, 1, 1},
		{"no attempts left", "behaves", stages(stagePPP), func(c *Config) { c.MaxAttempts = 1 }, false, 0, 0},
		{"it is to end", "behaves", stages(stageUp), nil, true, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			scenario := mustScenario(t, c.scenario)
			cfg := Config{Name: "test", Resolve: call{}.resolve(t, scenario), Prove: ProveNever}
			if c.change != nil {
				c.change(&cfg)
			}
			w := simulation{session: New(cfg), modem: sim.New(scenario, 1), now: epoch}
			w.modem.Advance(epoch)
			w.session.Start(epoch)
			ordered := time.Time{}
			order := func() {
				if ordered.IsZero() && c.at[w.session.stage] {
					if ordered = w.now; c.hangup {
						w.session.Hangup(w.now, KindHangup, "enough")
					}
					w.session.Redial(w.now, "it was ordered")
				}
			}
			for end := epoch.Add(5 * time.Minute); !w.done && w.now.Before(end); w.now = w.now.Add(20 * time.Millisecond) {
				w.modem.Advance(w.now)
				w.session.Advance(w.now)
				order()
				for o, ok := w.session.Next(); ok && !w.done; o, ok = w.session.Next() { // a stage may last for one output
					w.do(o)
					order()
				}
				if o, ok := w.modem.Next(); ok && o.Kind == sim.OutputWrite {
					for rest := append([]byte(nil), o.Data...); len(rest) > 0; {
						_, rest = w.session.Receive(w.now, rest)
						order()
					}
				}
				if !ordered.IsZero() && w.session.stage == stageUp && w.now.Sub(ordered) > time.Minute {
					w.session.Hangup(w.now, KindHangup, "the test is over")
				}
			}
			if ordered.IsZero() || !w.done {
				t.Fatalf("the order was given: %v; the session ended: %v", !ordered.IsZero(), w.done)
			}
			ups, attempts := 0, 0
			for _, r := range w.records {
				switch e := r.Event.(type) {
				case event.Up:
					ups++
				case event.Attempt:
					if attempts++; e.Wait > attemptSpacing && c.name != "while it waits" {
						t.Errorf("it waits %v", e.Wait)
					}
				}
			}
			if ups != c.ups || attempts != c.attempts {
				t.Errorf("up %d times after %d further attempts, want %d and %d: %v", ups, attempts, c.ups, c.attempts, w.outcome)
			}
		})
	}
}
