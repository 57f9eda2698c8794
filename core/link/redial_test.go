package link_test

import (
	"slices"
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

// TestOrdersObeyTheLimits: somebody orders another call 4,000 times a second, whatever the session does. He gets few, and
// the limits of the dial end it as they would without him; its status says that it did not end as it should.
func TestOrdersObeyTheLimits(t *testing.T) {
	for _, c := range []struct {
		name     string
		scenario string
		change   func(*Config)
		within   time.Duration // from the start
		dials    int           // at most
		code     ExitCode
	}{
		{"--timeout", "silent-after-connect", func(c *Config) { c.Timeout = 30 * time.Second }, 40 * time.Second, 6, ExitNegotiation},
		{"--max-time", "behaves", func(c *Config) { c.MaxTime = 20 * time.Second }, 25 * time.Second, 6, ExitMaxTime},
		{"--max-time with --persist", "behaves", func(c *Config) { c.MaxTime, c.Persist = 20*time.Second, true }, 25 * time.Second, 6, ExitMaxTime},
		{"--max-bytes", "behaves", func(c *Config) { c.MaxBytes = 2500 }, 20 * time.Second, 6, ExitTraffic},
		{"--max-attempts", "behaves", func(c *Config) { c.MaxAttempts = 3 }, 90 * time.Second, 3, ExitSignal},
		{"none", "behaves", nil, 0, 12, ExitSignal},
	} {
		t.Run(c.name, func(t *testing.T) {
			scenario := mustScenario(t, c.scenario)
			cfg := Config{Name: "test", Resolve: call{}.resolve(t, scenario), Prove: ProveNever}
			if c.change != nil {
				c.change(&cfg)
			}
			w := simulate.NewRig(cfg, sim.New(scenario, 1), epoch, simulate.World{})
			w.Start()
			packet := append(slices.Clone(ipv4Packet), make([]byte, 180)...)
			limit := 2 * time.Minute
			for n := 0; n < 4000*120 && !w.Done; n++ {
				if n%40 == 0 || n < 4000 { // the same, and the test is quicker
					w.Session.Redial(w.Now, "it was ordered")
				}
				if n%4000 == 0 && w.Session.State() == "up" { // 200 octets a second: of the calls in the limit's time none has them alone
					w.Session.AppendPacket(w.Now, nil, packet)
					w.Session.Advance(w.Now)
				}
				now := epoch.Add(time.Duration(n) * 250 * time.Microsecond)
				w.Advance(now)
			}
			if !w.Done {
				w.Session.Hangup(w.Now, KindHangup, "the test is over")
				w.Until(limit+time.Minute, func() bool { return w.Done })
			}
			dials, notices := 0, 0
			var last time.Time
			for _, r := range w.Records {
				last = r.Time
				switch e := r.Event.(type) {
				case event.Phase:
					if e.Phase == event.PhaseDial {
						dials++
					}
				case event.Notice:
					notices++
				}
			}
			if dials > c.dials {
				t.Errorf("%d calls, want %d at most", dials, c.dials)
			}
			if c.within > 0 && last.Sub(epoch) > c.within {
				t.Errorf("it ended after %v, want %v at most", last.Sub(epoch), c.within)
			}
			if code := w.Outcome.ExitCode(); code != c.code {
				t.Errorf("exit status %d, want %d: %v", code, c.code, w.Outcome)
			}
			if notices > 1300 {
				t.Errorf("%d notices", notices)
			}
		})
	}
}

// TestOrderStartsTheTimeout: a link that worked is to work again within --timeout where its end was ordered.
func TestOrderStartsTheTimeout(t *testing.T) {
	scenario := mustScenario(t, "behaves")
	for _, persist := range []bool{false, true} {
		cfg := Config{Name: "test", Resolve: call{}.resolve(t, scenario), Prove: ProveNever, Timeout: 30 * time.Second, Persist: persist}
		w := simulate.NewRig(cfg, sim.New(scenario, 1), epoch, simulate.World{})
		w.Do = func(o Output) bool { _, away := o.(Reopen); return away } // the modem stays away
		w.Start()
		up := func() bool { return w.Session.State() == "up" }
		if !w.Until(time.Minute, up) {
			t.Fatal("not up")
		}
		w.Advance(w.Now.Add(time.Minute)) // it was up for longer than the limit
		ordered := w.Now
		w.Session.Redial(w.Now, "it was ordered")
		w.Session.PortLost(w.Now, errGone)
		w.Until(5*time.Minute, func() bool { return w.Done })
		if w.Done == persist || w.Done && (w.Outcome.Kind != KindTimeout && w.Outcome.Kind != KindRedial || w.Now.Sub(ordered) > 31*time.Second) {
			t.Errorf("persist %v: ended: %v, %v after %v", persist, w.Done, w.Outcome, w.Now.Sub(ordered))
		}
		if w.Done && w.Outcome.ExitCode() == ExitOK {
			t.Errorf("persist %v: exit status 0 of %v", persist, w.Outcome)
		}
	}
}
