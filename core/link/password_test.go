package link_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sim"
)

// A redial within one run holds the modem to what worked: the engine of the next attempt is told.
func TestRedialIsPinned(t *testing.T) {
	for scenario, want := range map[string]auth.Strength{"behaves-none": auth.NoProof, "behaves-pap": auth.Clear, "behaves-chap-md5": auth.Response} {
		s := mustScenario(t, scenario)
		w := simulate.NewRig(Config{Name: "test", Resolve: call{set: []string{"auth.user=user"}}.resolve(t, s), Password: auth.NewSecret(s.Auth.Password), Prove: ProveNever, Once: true, Random: rand.NewChaCha8([32]byte{})},
			sim.New(s, 1), epoch, simulate.World{})
		w.Start()
		w.Until(time.Minute, func() bool { return w.Done })
		if got := w.Session.PPPSettings().Auth.AtLeast; w.Outcome.Kind != KindDone || got != want {
			t.Errorf("%s: %v, at least %v, want %v", scenario, w.Outcome, got, want)
		}
	}
}

// Passwords beyond ASCII (peers D1): a server that reads them octet by octet is met after its refusal, one that reads them
// right at once, and a setting of a person's is kept to.
func TestPasswordBeyondASCII(t *testing.T) {
	octetwise := func(text string) string {
		var b strings.Builder
		for _, c := range []byte(text) {
			b.WriteRune(rune(c))
		}
		return b.String()
	}
	const password = "pässwört"
	for _, c := range []struct {
		name, demand, server, set string
		attempts                  int // further ones
		up                        bool
	}{
		{"right at once", "mschap-v2", password, "", 0, true},
		{"octets", "mschap-v2", octetwise(password), "", 1, true},
		{"octets, MS-CHAP", "mschap", octetwise(password), "", 1, true},
		{"octets inside EAP", "eap", octetwise(password), "", 1, true},
		{"octets, as set", "mschap-v2", octetwise(password), "auth.password_encoding=octets", 0, true},
		{"UTF-16, as set", "mschap-v2", octetwise(password), "auth.password_encoding=utf-16", 0, false},
		{"another password", "mschap-v2", "other", "", 1, false},
		{"CHAP has no encoding", "chap-md5", "other", "", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := sim.Parse("modem.toml", []byte("schema = 1\nsummary = \"x\"\n[auth]\ndemand = \""+c.demand+"\"\naccept = \"right\"\nuser = \"jürgen\"\npassword = \""+c.server+"\"\n"))
			if err != nil {
				t.Fatal(err)
			}
			dial := call{set: []string{"auth.user=jürgen", "retry.attempts=1", "retry.delay=1s"}}
			if c.set != "" {
				dial.set = append(dial.set, c.set)
			}
			sim := simulate.Run(Config{Name: "test", Resolve: dial.resolve(t, s), Password: auth.NewSecret(password), Prove: ProveNever, Once: true, Random: rand.NewChaCha8([32]byte{})},
				sim.New(s, 1), epoch, 5*time.Minute)
			attempts := 0
			for _, r := range sim.Records {
				if _, ok := r.Event.(event.Attempt); ok {
					attempts++
				}
			}
			if up := sim.Outcome.Kind == KindDone; up != c.up || attempts != c.attempts {
				t.Errorf("up %v after %d further attempts, want %v and %d: %v", up, attempts, c.up, c.attempts, sim.Outcome)
			}
		})
	}
}

// The attack over two calls of one run: the modem authenticates us by CHAP, drops the call, and is somebody else when it is
// dialled again, who wants the password in clear. Nobody gets it, unless a person allows that; a modem that wants nothing is
// no danger.
func TestSomebodyElseAtTheRedial(t *testing.T) {
	for _, c := range []struct {
		second string
		set    []string
		ups    int
		sent   bool // a PAP request
	}{
		{"pap", nil, 1, false},
		{"pap", []string{"auth.downgrade=true"}, 2, true},
		{"none", nil, 2, false},
		{"chap-md5", nil, 2, false},
	} {
		modem := func(demand, more string) *sim.Modem {
			s, err := sim.Parse("modem.toml", []byte("schema = 1\nsummary = \"x\"\n[auth]\ndemand = \""+demand+"\"\n"+more))
			if err != nil {
				t.Fatal(err)
			}
			return sim.New(s, 1)
		}
		first := modem("chap-md5", "[[action]]\nsince = \"ipcp\"\nafter = \"5s\"\ndo = \"hangup\"\n")
		cfg := Config{Name: "test", Resolve: call{set: append([]string{"retry.delay=1s", "auth.try_blank=false"}, c.set...)}.resolve(t, first.Scenario()),
			Password: auth.NewSecret("secret"), Prove: ProveNever, Persist: true, MaxAttempts: 2, Random: rand.NewChaCha8([32]byte{})}
		w := simulate.NewRig(cfg, first, epoch, simulate.World{})
		swapped := false
		w.Do = func(o Output) bool {
			if e, ok := o.(Event); ok && !swapped {
				if _, again := e.Event.(event.Attempt); again {
					swapped = true
					w.Modem = modem(c.second, "")
					w.Modem.Advance(w.Now)
				}
			}
			return false
		}
		w.Start()
		w.Until(3*time.Minute, func() bool { return w.Done })
		ups, sent, named := 0, false, false
		for _, r := range w.Records {
			switch e := r.Event.(type) {
			case event.Up:
				ups++
			case event.Packet:
				sent = sent || e.Dir == event.Sent && e.Protocol == packet.PAP
			case event.Failure:
				named = named || e.Cause == event.FailedAuthDowngrade
			}
		}
		if ups != c.ups || sent != c.sent || named != (c.ups == 1) || !swapped {
			t.Errorf("%s after CHAP, %v: up %d times, a password in clear: %v, named: %v, swapped: %v", c.second, c.set, ups, sent, named, swapped)
		}
	}
}
