package mimic_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/compare"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/trace"
	"github.com/knakppp/knak/core/trace/call"
	"github.com/knakppp/knak/quirks"
)

var epoch = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// dial dials a scenario in virtual time without a profile, with what it wants said and further settings.
func dial(t testing.TB, s sim.Scenario, expect *sim.Expect, set ...string) link.Simulation {
	t.Helper()
	if expect == nil {
		expect = &sim.Expect{}
	}
	if expect.User != nil {
		set = append(set, "auth.user="+*expect.User)
	}
	db, _ := quirks.Open(quirks.Sources{})
	r, err := db.Resolve(quirks.Facts{}, "", append(set, expect.Set...))
	if err != nil {
		t.Fatal(err)
	}
	cfg := link.Config{Name: "test", Once: expect.Hold == 0, MaxTime: time.Duration(expect.Hold), Timeout: 2 * time.Minute,
		PIN: auth.NewSecret(expect.PIN), Password: auth.NewSecret(expect.Password), Random: rand.NewChaCha8([32]byte{1}),
		Resolve: func(link.Facts) (link.Selection, error) {
			return link.Selection{Policy: r, UserChosen: expect.User != nil}, nil
		}}
	return link.Simulate(cfg, sim.New(s, 1), epoch, 5*time.Minute+time.Duration(expect.Hold))
}

func finding(d link.Simulation) string {
	id := ""
	for _, r := range d.Records {
		if f, ok := r.Event.(trace.Finding); ok {
			id = f.ID
		}
	}
	return id
}

// mimicked dials a scenario, makes one from what was seen, dials that, and says what is different; "" where nothing is.
func mimicked(t testing.TB, s sim.Scenario) (text, different string) {
	t.Helper()
	a := dial(t, s, s.Expect)
	calls := call.Of(a.Records)
	text, _ = mimic.Modem(calls, "the recording")
	made, err := sim.Parse("made.sim.toml", []byte(text))
	if err != nil {
		return text, "the scenario is refused: " + err.Error()
	}
	b := dial(t, made, s.Expect)
	if a.Outcome.Kind != b.Outcome.Kind {
		return text, fmt.Sprintf("ends with %v instead of %v", b.Outcome.Kind, a.Outcome.Kind)
	}
	if fa, fb := finding(a), finding(b); fa != fb {
		return text, fmt.Sprintf("finding %q instead of %q", fb, fa)
	}
	again := call.Of(b.Records)
	if len(again) != len(calls) {
		return text, fmt.Sprintf("%d calls instead of %d", len(again), len(calls))
	}
	for i := range calls {
		for _, d := range compare.Calls(calls[i], again[i]).Modem {
			return text, fmt.Sprintf("call %d: %s: %s instead of %s", i+1, d.What, d.Bad.Text, d.Good.Text)
		}
	}
	return text, ""
}

func TestModemOfEveryScenario(t *testing.T) {
	held, all := 0, 0
	for _, name := range sim.Names(knak.Files) {
		s, err := sim.Load(knak.Files, name)
		if err != nil {
			t.Fatal(err)
		}
		all++
		text, why := mimicked(t, s)
		if why == "" {
			held++
			continue
		}
		t.Logf("%s: %s", name, why)
		if os.Getenv("SHOW") == name {
			t.Log(text)
		}
	}
	t.Logf("%d of %d", held, all)
	_ = strings.TrimSpace
}
