package link

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/sim"
)

func TestPinnedAuth(t *testing.T) {
	one, other := modem.Identity{Model: "one"}, modem.Identity{Model: "other"}
	var p pinnedAuth
	if p.atLeast(one) != auth.NoProof {
		t.Error("nothing has worked yet")
	}
	p.agreed = auth.Response
	if p.atLeast(one) != auth.NoProof {
		t.Error("what was only agreed counts")
	}
	p.worked(one)
	p.agreed = auth.NoProof
	p.worked(one) // a modem that asks for nothing does not unpin
	if p.atLeast(one) != auth.Response || p.atLeast(other) != auth.NoProof {
		t.Errorf("%v, another modem %v", p.atLeast(one), p.atLeast(other))
	}
	p.agreed = auth.Clear
	p.worked(other)
	if p.atLeast(other) != auth.Clear || p.atLeast(one) != auth.NoProof {
		t.Errorf("%v, the first modem %v", p.atLeast(other), p.atLeast(one))
	}
}

// A redial within one run holds the modem to what worked: the engine of the next attempt is told.
func TestRedialIsPinned(t *testing.T) {
	for scenario, want := range map[string]auth.Strength{"behaves-none": auth.NoProof, "behaves-pap": auth.Clear, "behaves-chap-md5": auth.Response} {
		s := mustScenario(t, scenario)
		session := New(Config{Name: "test", Resolve: call{set: []string{"auth.user=user"}}.resolve(t, s), Password: auth.NewSecret(s.Auth.Password), Prove: ProveNever, Once: true, Random: rand.NewChaCha8([32]byte{})})
		w := simulation{session: session, modem: sim.New(s, 1), now: epoch}
		w.run(epoch, time.Minute)
		if !session.wasUp || session.settings().Auth.AtLeast != want {
			t.Errorf("%s: up %v, at least %v, want %v", scenario, session.wasUp, session.settings().Auth.AtLeast, want)
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
			sim := Simulate(Config{Name: "test", Resolve: dial.resolve(t, s), Password: auth.NewSecret(password), Prove: ProveNever, Once: true, Random: rand.NewChaCha8([32]byte{})},
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

// TestEAPInnerIsWhatIsAllowed: a list that leaves a method out leaves it out inside EAP, too.
func TestEAPInnerIsWhatIsAllowed(t *testing.T) {
	for allow, want := range map[string]string{
		"eap": "[mschap-v2 chap-md5]", "eap,pap": "[mschap-v2 chap-md5]", "eap,mschap-v2": "[mschap-v2]", "chap-md5,eap": "[chap-md5]",
		"chap-md5,pap,mschap-v2,mschap,eap": "[mschap-v2 chap-md5]",
	} {
		got := engineSettings(builtin(t, "auth.allow="+allow), "", auth.Secret{}).Auth.Client.Inner
		text := make([]string, 0, 2)
		for _, m := range got {
			text = append(text, m.String())
		}
		if "["+strings.Join(text, " ")+"]" != want {
			t.Errorf("%s: %v, want %s", allow, text, want)
		}
	}
}
