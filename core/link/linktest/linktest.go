// Package linktest dials simulated modems in virtual time, for tests of packages that read the events of a call.
package linktest

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// Call is a dial of a simulated modem. Nothing is random: the same Call gives the same records.
type Call struct {
	Scenario string   // a built-in scenario such as "huawei/e398", or a scenario file whose name ends in .toml
	Profile  string   // the quirk profile, or "" for none
	Set      []string // further settings, KEY=VALUE

	Begin time.Time // the time of the first record; the zero time is noon of 2026-11-22, UTC
	// Tap, unless nil, gets the octets on the line, as in simulate.World.
	Tap func(now time.Time, dir event.Dir, p []byte)
}

// Scenario gives a built-in scenario, or that of a file whose name ends in .toml.
func Scenario(t testing.TB, name string) sim.Scenario {
	t.Helper()
	load := func(name string) (sim.Scenario, error) { return sim.Load(knak.Files, name) }
	if strings.HasSuffix(name, ".toml") {
		load = sim.LoadFile
	}
	s, err := load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Resolve makes a function for link.Config's Resolve: it gives the profile of a scenario's modem, and settings above it,
// KEY=VALUE.
func Resolve(t testing.TB, s sim.Scenario, set ...string) func(link.Facts) (link.Selection, error) {
	t.Helper()
	return policy.Resolver{DB: Database(t), Facts: quirks.Facts{USB: s.Identity.USB}, Set: set}.Resolve
}

var database = sync.OnceValues(func() (*quirks.DB, []*quirks.Problem) {
	return quirks.Open(quirks.Sources{Builtin: knak.Files})
})

// Database gives the built-in database. It is read once.
func Database(t testing.TB) *quirks.DB {
	t.Helper()
	db, problems := database()
	for _, p := range problems {
		t.Fatal(p)
	}
	return db
}

// Records dials once, with a made-up PIN and password, and gives the session's events until the call is over, for at most two
// minutes of virtual time.
func (c Call) Records(t testing.TB) []event.Record {
	t.Helper()
	s := Scenario(t, c.Scenario)
	begin := c.Begin
	if begin.IsZero() {
		begin = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	}
	cfg := link.Config{
		Name: "default", Once: true, PIN: auth.NewSecret("1234"), Password: auth.NewSecret("made-up"), Random: rand.NewChaCha8([32]byte{1}),
		Resolve: policy.Resolver{DB: Database(t), Port: "sim", Profile: c.Profile, Unknown: true, Set: c.Set}.Resolve,
	}
	return simulate.World{Tap: c.Tap}.Run(cfg, sim.New(s, 1), begin, 2*time.Minute).Records
}
