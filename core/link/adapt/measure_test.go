package adapt

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/sim/random"
	"github.com/knakppp/knak/quirks"
)

// learned is what became of one random modem.
type learned struct {
	m       random.Modem
	v       learn.Verdict
	calls   int
	took    time.Duration
	right   bool // learned, or given up with the right stage where no cure exists
	minimal bool // each member of what was found is needed, and all together suffice
}

// wishes of the nth modem: each has 1 to 3 faults, 20 % are noisy, 5 % have no cure.
func wishes(n int) random.Wanted {
	return random.Wanted{Faults: 1 + n%3, Noisy: n%5 == 2, Hopeless: n%20 == 13}
}

// study learns a random modem, and compares what was found with the truth.
func study(t testing.TB, db *quirks.DB, seed uint64, w random.Wanted) learned {
	m, err := random.Make(seed, w)
	if err != nil {
		t.Fatal(err)
	}
	const dials = 40
	got := search(t, db, m.Scenario, m.Set, learn.Budget{Dials: dials, Time: 10 * time.Minute, Spacing: 10 * time.Second})
	l := learned{m: m, v: got.Verdict, calls: got.calls, took: got.took}
	if got.calls > dials {
		t.Errorf("%s: %d calls", m.Summary, got.calls)
	}
	if w.Hopeless {
		stage := m.Faults[0].Stage
		l.right, l.minimal = !got.Learned && got.Furthest.Phase == stage, true
		return l
	}
	l.right = got.Learned
	l.minimal = got.Learned && needed(t, db, m, got.Set)
	return l
}

// needed asks a twin of the modem to which nothing happens by chance whether it comes up with a set, and with nothing less.
func needed(t testing.TB, db *quirks.DB, m random.Modem, set []learn.Setting) bool {
	text := "schema = 1\nsummary = \"twin\"\n"
	for _, f := range m.Faults {
		if f.Kind != "chance" {
			text += f.Text
		}
	}
	s, err := sim.Parse("twin", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	// up says how long a twin takes to be up; false: it does not come up.
	up := func(set []learn.Setting) (time.Duration, bool) {
		twin, now := sim.New(s, 7), epoch
		for range 4 { // the first calls may fail for reasons that pass
			r := try(db, twin, now, m.Set, learn.Experiment{Settings: set})
			if r.Up {
				return r.UpAfter, true
			}
			now = now.Add(r.Took + time.Minute)
		}
		return 0, false
	}
	with, ok := up(set)
	if !ok {
		return false
	}
	for i, member := range set {
		if member.Key == "retry.delay" || member.Key == "at.ready_wait" { // the twin has its pause, and is on already, anyway
			continue
		}
		if took, ok := up(slices.Concat(set[:i:i], set[i+1:])); ok && took < with+2*time.Second {
			return false
		}
	}
	return true
}

// BenchmarkLearn studies random modems with 1 to 3 faults each. docs/learning.md has the figures; KNAK_MISSES says what was not
// learned, and KNAK_SEED begins with another modem.
func BenchmarkLearn(b *testing.B) {
	const modems = 1000
	first := uint64(0)
	fmt.Sscan(os.Getenv("KNAK_SEED"), &first)
	db := shipped(b)
	for range b.N {
		results := make([]learned, modems)
		var wg sync.WaitGroup
		for part := range 2 {
			wg.Go(func() {
				for i := part; i < modems; i += 2 {
					results[i] = study(b, db, first+uint64(i), wishes(i))
				}
			})
		}
		wg.Wait()
		tell(b, results)
	}
}

// tell reports the figures.
func tell(b *testing.B, results []learned) {
	right, minimal, found := 0, 0, 0
	var calls []int
	var took []time.Duration
	for _, l := range results {
		calls, took = append(calls, l.calls), append(took, l.took)
		if l.right {
			right++
		}
		if l.v.Learned {
			found++
			if l.minimal {
				minimal++
			}
		}
		if os.Getenv("KNAK_MISSES") != "" && (!l.right || !l.minimal) {
			fmt.Fprintf(os.Stderr, "right %v, minimal %v, %d calls, %v: %s\n  %s %v, furthest %+v\n", l.right, l.minimal, l.calls, l.took, strings.TrimPrefix(l.m.Summary, "Random modem: "), l.v.Why, l.v.Set, l.v.Furthest)
		}
	}
	slices.Sort(calls)
	slices.Sort(took)
	n := len(results)
	b.ReportMetric(float64(right)*100/float64(n), "%right")
	b.ReportMetric(float64(minimal)*100/float64(max(found, 1)), "%minimal")
	b.ReportMetric(float64(calls[n/2]), "calls-median")
	b.ReportMetric(float64(calls[n*95/100]), "calls-p95")
	b.ReportMetric(took[n/2].Seconds(), "s-median")
	b.ReportMetric(took[n*95/100].Seconds(), "s-p95")
}
