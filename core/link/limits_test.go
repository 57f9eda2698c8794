package link_test

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/sim"
)

func (s told) attempts() (list []event.Attempt) {
	for _, r := range s.Records {
		if a, ok := r.Event.(event.Attempt); ok {
			list = append(list, a)
		}
	}
	return list
}

func hold(change func(*Config)) func(*Config) {
	return func(c *Config) {
		c.Once = false
		change(c)
	}
}

// The limits of dial end a link that is up, each with its own exit code.
func TestLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Config)
		code   ExitCode
		after  time.Duration
	}{
		{"idle", func(c *Config) { c.Idle = 20 * time.Second }, ExitIdle, 20 * time.Second},
		{"max-time", func(c *Config) { c.MaxTime = 30 * time.Second }, ExitMaxTime, 30 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := call{scenario: "behaves", config: hold(c.change)}.run(t)
			if s.Outcome.ExitCode() != c.code || s.Late {
				s.dump(t)
				t.Fatalf("exit code %d, want %d", s.Outcome.ExitCode(), c.code)
			}
			if s.Elapsed < c.after || s.Elapsed > c.after+5*time.Second {
				t.Errorf("ended after %v, want %v and the time of a hang-up", s.Elapsed, c.after)
			}
		})
	}
}

// The traffic limit counts IP packets in both directions.
func TestTrafficLimit(t *testing.T) {
	scenario := mustScenario(t, "behaves")
	cfg := Config{Name: "test", Resolve: call{}.resolve(t, scenario), MaxBytes: 1000}
	w := simulate.NewRig(cfg, sim.New(scenario, 1), epoch, simulate.World{})
	w.Start()
	if !w.Until(10*time.Minute, func() bool { return w.Session.State() == "up" }) {
		t.Fatalf("never up: %v", w.Outcome)
	}
	w.Session.AppendPacket(w.Now, nil, append([]byte{0x45}, make([]byte, 998)...))
	w.Session.Advance(w.Now)
	if w.Settle(); w.Done || w.Session.State() != "up" {
		t.Fatal("ended before the limit")
	}
	w.Session.AppendPacket(w.Now, nil, []byte{0x45})
	w.Session.Advance(w.Now)
	w.Until(10*time.Minute, func() bool { return w.Done })
	if w.Outcome.ExitCode() != ExitTraffic {
		t.Errorf("outcome %v", w.Outcome)
	}
}

// The time to a working link is bounded over all attempts.
func TestTimeout(t *testing.T) {
	s := call{scenario: "not-registered", config: func(c *Config) { c.Timeout = 10 * time.Second }}.run(t)
	if s.Outcome.Kind != KindTimeout || s.Outcome.ExitCode() != ExitRegistration || s.Elapsed > 15*time.Second {
		s.dump(t)
		t.Errorf("outcome %v after %v", s.Outcome, s.Elapsed)
	}
}

// --persist dials again whenever the link ends, waits longer each time while it does not come up, and counts anew when
// it does.
func TestPersist(t *testing.T) {
	t.Run("never up", func(t *testing.T) {
		s := call{scenario: "dial-no-carrier", limit: 10 * time.Minute, config: hold(func(c *Config) {
			c.Persist = true
			c.Timeout = 0
		})}.run(t)
		list := s.attempts()
		if len(list) < 6 || !s.Late {
			s.dump(t)
			t.Fatalf("%d attempts in 10 minutes", len(list))
		}
		for i := 1; i < len(list); i++ {
			if list[i].Wait < list[i-1].Wait || list[i].Wait > time.Minute {
				t.Errorf("attempt %d waits %v after one that waited %v", i, list[i].Wait, list[i-1].Wait)
			}
		}
		findings := 0
		for _, r := range s.Records {
			if _, ok := r.Event.(event.Finding); ok {
				findings++
			}
		}
		if findings != 1 {
			t.Errorf("the same finding was told %d times", findings)
		}
	})
	t.Run("lost after a minute", func(t *testing.T) {
		s := call{scenario: "hangup-after-60s", limit: 5 * time.Minute, config: hold(func(c *Config) {
			c.Persist = true
			c.Idle = 0
		})}.run(t)
		ups, downs := 0, 0
		for _, r := range s.Records {
			switch e := r.Event.(type) {
			case event.Up:
				ups++
			case event.Down:
				downs++
				if e.Seconds < 50 && ups == downs && !s.Late {
					t.Errorf("down after %v s", e.Seconds)
				}
			}
		}
		if ups < 4 || ups != downs {
			s.dump(t)
			t.Errorf("%d times up, %d times down in five minutes", ups, downs)
		}
		for _, a := range s.attempts() {
			if a.Wait > 5*time.Second {
				t.Errorf("waits %v after a link that was up for a minute", a.Wait)
			}
		}
	})
}

// What another attempt cannot cure is not tried again, with --persist least of all: three wrong PINs block a SIM.
func TestFinalFailuresAreFinal(t *testing.T) {
	for _, c := range []call{
		{scenario: "pin-needed"}, {scenario: "pin-needed", pin: "0000"}, {scenario: "puk-needed"}, {scenario: "no-sim"},
		{scenario: "registration-denied"},
	} {
		t.Run(c.scenario+" "+c.pin, func(t *testing.T) {
			c.config = func(cfg *Config) { cfg.Persist = true }
			s := c.run(t)
			if n := len(s.attempts()); n != 0 || s.Late {
				s.dump(t)
				t.Errorf("%d further attempts", n)
			}
			sent := 0
			for _, r := range s.Records {
				if a, ok := r.Event.(event.AT); ok && a.Dir == event.Sent && strings.Contains(a.Text, "CPIN=") {
					sent++
					if strings.Contains(a.Text, "0000") {
						t.Error("the PIN is in an event")
					}
				}
			}
			if sent > 1 {
				t.Errorf("the PIN was sent %d times", sent)
			}
		})
	}
}

// AUTH-03: a name that nobody chose is replaced by an empty one when the network refuses late; a chosen one never is.
func TestBlankName(t *testing.T) {
	s := call{scenario: "huawei/e398", profile: "-"}.run(t)
	if _, at, ok := s.up(); !ok || at > 15*time.Second {
		s.dump(t)
		t.Errorf("without a profile: up %v at %v", ok, at)
	}
	s = call{scenario: "huawei/e398", profile: "-", set: []string{"auth.user=wap", "ipcp.deadline=20s"}}.run(t)
	if _, _, ok := s.up(); ok || len(s.attempts()) != 0 {
		s.dump(t)
		t.Error("a name that a person chose was replaced")
	}
	f, at, ok := s.finding("ipcp-empty-nak")
	if !ok || at > 15*time.Second {
		t.Fatalf("finding ipcp-empty-nak: %v at %v", ok, at)
	}
	text := strings.Join(append(f.Evidence, f.Title, f.Meaning, strings.Join(f.Cure, " ")), " ")
	for _, want := range []string{"wap", "ms-dns1", `--user ""`} {
		if !strings.Contains(text, want) {
			t.Errorf("the finding does not name %s: %+v", want, f)
		}
	}
}

// A placeholder is never announced, nor an address from which nothing is answered.
func TestPlaceholdersAreNeverAnnounced(t *testing.T) {
	for _, name := range []string{"dns-placeholders-then-real", "dns-placeholders-acked", "wants-wins-placeholders", "changes-dns-in-last-round"} {
		s := call{scenario: name}.run(t)
		u, _, ok := s.up()
		if !ok {
			s.dump(t)
			t.Errorf("%s: never up", name)
		}
		for _, d := range u.DNS {
			if strings.HasPrefix(d, "10.11.12.") {
				t.Errorf("%s: announced the placeholder %s", name, d)
			}
		}
	}
}

// PortLost in the middle of a call ends the attempt; with --persist the port is opened again.
func TestPortLost(t *testing.T) {
	cfg := Config{Name: "test", Resolve: call{}.resolve(t, mustScenario(t, "behaves"))}
	s := New(cfg)
	s.Start(epoch)
	s.PortLost(epoch.Add(time.Second), errGone)
	var done *Done
	for o, ok := s.Next(); ok; o, ok = s.Next() {
		if d, is := o.(Done); is {
			done = &d
		}
	}
	if done == nil || done.Outcome.ExitCode() != ExitModemHangup {
		t.Fatalf("done %+v", done)
	}
	if d := s.Deadline(); !d.IsZero() {
		t.Errorf("a deadline %v after the end", d)
	}
}

// A negotiation that leads nowhere is explained long before it is given up.
func TestAStuckPhaseIsTold(t *testing.T) {
	for _, name := range []string{"changing-nak", "refuse-silence", "refuse-garbage", "wrong-port-text", "silent-after-connect", "auth-silence"} {
		s := call{scenario: name}.run(t)
		f, at, ok := s.finding("")
		if !ok || at > 15*time.Second {
			s.dump(t)
			t.Errorf("%s: finding %q at %v", name, f.ID, at)
		}
	}
	s := call{scenario: "empty-naks-4s"}.run(t)
	if f, _, ok := s.finding(""); ok {
		t.Errorf("a call that came up after 4 s was explained: %s", f.ID)
	}
}

// --timeout ends with the status of the phase that it ended.
func TestTimeoutStatus(t *testing.T) {
	for _, c := range []struct {
		phase     string
		searching bool
		want      ExitCode
	}{
		{event.PhaseDial, true, ExitRegistration}, {event.PhaseDial, false, ExitDial}, {event.PhaseLCP, false, ExitNegotiation},
		{event.PhaseAuth, false, ExitAuth}, {event.PhaseIPCP, false, ExitNegotiation}, {event.PhaseProve, false, ExitCarriesNoData},
	} {
		if got := (Outcome{Kind: KindTimeout, Phase: c.phase, Searching: c.searching}).ExitCode(); got != c.want {
			t.Errorf("in phase %s, searching %v: status %d, want %d", c.phase, c.searching, got, c.want)
		}
	}
}
