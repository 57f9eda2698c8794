package link_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// epoch is when every simulation begins.
var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// call is a dial of a scenario in virtual time.
type call struct {
	scenario string
	profile  string   // "-": none, whatever the modem is
	set      []string // as --set
	pin      string
	password string
	config   func(*Config)
	seed     uint64
	limit    time.Duration // of virtual time; 0: three minutes
	advised  simulate.World
	modem    func(*sim.Scenario) // changes the scenario
}

// resolve resolves like cmd does.
func (c call) resolve(t testing.TB, scenario sim.Scenario) func(Facts) (Selection, error) {
	r := policy.Resolver{DB: linktest.Database(t), Facts: quirks.Facts{USB: scenario.Identity.USB}, Profile: c.profile, Set: c.set}
	if c.profile == "-" {
		r.Profile, r.Unknown = "", true
	}
	return r.Resolve
}

func (c call) run(t testing.TB) told {
	t.Helper()
	scenario := mustScenario(t, c.scenario)
	if c.modem != nil {
		c.modem(&scenario)
	}
	cfg := Config{
		Name: "test", Resolve: c.resolve(t, scenario), PIN: auth.NewSecret(c.pin), Password: auth.NewSecret(c.password),
		Once: true, Timeout: 2 * time.Minute, Random: rand.NewChaCha8([32]byte{byte(c.seed)}),
	}
	if c.config != nil {
		c.config(&cfg)
	}
	limit := c.limit
	if limit == 0 {
		limit = 3 * time.Minute
	}
	return told{c.advised.Run(cfg, sim.New(scenario, c.seed), epoch, limit)}
}

// told is what a session told in virtual time.
type told struct{ simulate.Result }

// up gives the first Up, and when it came.
func (s told) up() (event.Up, time.Duration, bool) {
	for _, r := range s.Records {
		if u, ok := r.Event.(event.Up); ok {
			return u, r.Time.Sub(epoch), true
		}
	}
	return event.Up{}, 0, false
}

// finding gives the first finding with that id, and when it came.
func (s told) finding(id string) (event.Finding, time.Duration, bool) {
	for _, r := range s.Records {
		if f, ok := r.Event.(event.Finding); ok && (id == "" || f.ID == id) {
			return f, r.Time.Sub(epoch), true
		}
	}
	return event.Finding{}, 0, false
}

func (s told) dump(t testing.TB) {
	t.Helper()
	p := progress.New(testWriter{t}, progress.Options{Level: progress.Verbose, Start: epoch})
	for _, r := range s.Records {
		p.Record(r)
	}
	p.Flush()
	t.Logf("outcome: %v, exit code %d, after %v", s.Outcome, s.Outcome.ExitCode(), s.Elapsed)
}

type testWriter struct{ t testing.TB }

func (w testWriter) Write(p []byte) (int, error) { w.t.Log(string(p)); return len(p), nil }

var errGone = errors.New("gone")

func mustScenario(t testing.TB, name string) sim.Scenario {
	t.Helper()
	return linktest.Scenario(t, name)
}

// TestOneDown: a link that was up and ends is told once, with how long it was up, and not dialled again unless somebody
// asked for that.
func TestOneDown(t *testing.T) {
	for _, scenario := range []string{"terminate-after-60s", "hangup-after-60s"} {
		s := call{scenario: scenario, config: func(c *Config) { c.Once = false }}.run(t)
		var downs []event.Down
		for _, r := range s.Records {
			if d, ok := r.Event.(event.Down); ok {
				downs = append(downs, d)
			}
		}
		if len(downs) != 1 || downs[0].Seconds < 59 || downs[0].ExitCode != int(s.Outcome.ExitCode()) {
			t.Errorf("%s: %+v, exit code %d", scenario, downs, s.Outcome.ExitCode())
			s.dump(t)
		}
	}
}

// A link that was up and is lost ends the dial; only with Persist it is dialled again.
func TestLostLink(t *testing.T) {
	for _, tt := range []struct {
		name     string
		scenario string
		config   func(*Config)
		code     ExitCode
		ups      int
	}{
		{"hung up", "hangup-after-60s", nil, ExitModemHangup, 1},
		{"hung up, several attempts allowed", "hangup-after-60s", func(c *Config) { c.MaxAttempts = 3 }, ExitModemHangup, 1},
		{"terminated", "terminate-after-60s", nil, ExitOK, 1},
		{"silent", "silent-after-60s", nil, ExitPeerDead, 1},
		{"persistent", "hangup-after-60s", func(c *Config) { c.Persist = true }, ExitSignal, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := call{scenario: tt.scenario, limit: 5 * time.Minute, config: func(c *Config) {
				c.Once = false
				if tt.config != nil {
					tt.config(c)
				}
			}}.run(t)
			ups, downs := 0, 0
			for _, r := range got.Records {
				switch r.Event.(type) {
				case event.Up:
					ups++
				case event.Down:
					downs++
				}
			}
			if got.Outcome.ExitCode() != tt.code || ups != tt.ups || downs != ups {
				got.dump(t)
				t.Errorf("exit %d after %d ups and %d downs, want %d after %d of each", got.Outcome.ExitCode(), ups, downs, tt.code, tt.ups)
			}
		})
	}
}

// A hang-up while the next attempt is waited for ends with the status of a signal, not with that of the last attempt.
func TestHangupWhileWaiting(t *testing.T) {
	got := call{scenario: "dial-busy", limit: 100 * time.Second, set: []string{"retry.delay=1h", "retry.max_delay=1h"}, config: func(c *Config) {
		c.Once, c.Persist, c.Timeout = false, true, 0
	}}.run(t)
	if got.Outcome.ExitCode() != ExitSignal || got.Elapsed > 101*time.Second {
		got.dump(t)
		t.Errorf("exit %d after %s, want %d at once", got.Outcome.ExitCode(), got.Elapsed, ExitSignal)
	}
}

// A peer that ends the link instead of answering our authentication has refused it, as one that says so.
func TestTerminatedInAuthentication(t *testing.T) {
	for phase, want := range map[string]ExitCode{event.PhaseLCP: ExitNegotiation, event.PhaseAuth: ExitAuth, event.PhaseIPCP: ExitNegotiation} {
		if got := (Outcome{Kind: event.FailedTerminated, Phase: phase}).ExitCode(); got != want {
			t.Errorf("terminated in phase %s: exit %d, want %d", phase, got, want)
		}
	}
}
