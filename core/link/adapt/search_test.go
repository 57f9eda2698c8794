package adapt

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/sim/random"
	"github.com/knakppp/knak/quirks"
)

// searched is how a search in virtual time went.
type searched struct {
	learn.Verdict
	calls int
	took  time.Duration
	s     learn.Search
}

// search learns a modem that stays the same one from call to call.
func search(t testing.TB, db *quirks.DB, s sim.Scenario, set []string, budget learn.Budget) searched {
	t.Helper()
	chosen := func(key string) bool {
		return slices.ContainsFunc(set, func(s string) bool { return strings.HasPrefix(s, key+"=") })
	}
	got := searched{s: learn.Search{Budget: budget, Chosen: chosen, Priors: Priors(db)}}
	m, now := sim.New(s, 7), epoch
	for {
		e, more, v := got.s.Next()
		if !more {
			got.Verdict, got.calls, got.took = v, len(got.s.Trials), now.Sub(epoch)
			return got
		}
		now = now.Add(max(e.Wait, time.Second))
		r := try(db, m, now, set, e)
		now = now.Add(r.Took)
		got.s.Report(e, r)
	}
}

// carriers are those that every machine knows.
var carriers = &policy.Carriers{Path: "/nonexistent"}

// try makes one experiment in virtual time.
func try(db *quirks.DB, m *sim.Modem, now time.Time, set []string, e learn.Experiment) learn.Result {
	r := policy.Resolver{DB: db, Facts: quirks.Facts{USB: quirks.None}, Port: "test", Set: set, Carriers: carriers}
	learned, unset := Treatment(e)
	r.Learned, r.Unset = func(link.Facts) []quirks.Advised { return learned }, func() []quirks.Advised { return unset }
	cfg := link.Config{Name: "test", Resolve: r.Resolve, MaxTime: Hold, MaxAttempts: 1, Timeout: 2 * time.Minute, Prove: link.ProveAlways}
	d := simulate.Run(cfg, m, now, 3*time.Minute)
	var seen learn.Observer
	for _, rec := range d.Records {
		seen.Record(rec)
	}
	return Result(d.Outcome, &seen, now.Add(d.Elapsed), d.Elapsed)
}

func shipped(t testing.TB) *quirks.DB {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return db
}

// Modems with each one fault are learned within 40 calls. docs/learning.md has the figures.
func TestSearchLearns(t *testing.T) {
	db := shipped(t)
	all, learned := 0, 0
	var calls []int
	for _, f := range random.Faults() {
		var set []string
		if f.Set != "" {
			set = append(set, f.Set)
		}
		s, err := with(f)
		if err != nil {
			t.Fatal(err)
		}
		got := search(t, db, s, set, learn.Budget{Dials: 40, Spacing: 10 * time.Second})
		all++
		if !got.Learned {
			t.Logf("%s: %s: not learned in %d calls, %v: %s, %+v", f.Kind, f.What, got.calls, got.took, got.Why, got.Furthest)
			continue
		}
		t.Logf("%-20s %-55s %d calls, %v: %v", f.Kind, f.What, got.calls, got.took, got.Set)
		learned++
		calls = append(calls, got.calls)
	}
	slices.Sort(calls)
	t.Logf("%d of %d learned, median %d calls, 95th percentile %d", learned, all, calls[len(calls)/2], calls[len(calls)*95/100])
	if learned*100 < all*95 {
		t.Errorf("only %d of %d", learned, all)
	}
}

// The E398, unknown: an empty name is found within 8 calls; a search that is cut off after each call comes to the same.
func TestSearchFindsTheEmptyName(t *testing.T) {
	s, err := sim.Load(knak.Files, "huawei/e398")
	if err != nil {
		t.Fatal(err)
	}
	db := shipped(t)
	unknown := s
	unknown.Identity.Model, unknown.Identity.USB = "none such", ""
	got := search(t, db, unknown, nil, learn.Budget{Dials: 8})
	if !got.Learned || len(got.Set) != 1 || got.Set[0].String() != "auth.user=" {
		t.Errorf("%+v after %d calls", got.Verdict, got.calls)
	}
	for n := range len(got.s.Trials) + 1 { // cut off after so many calls
		again := learn.Search{Trials: slices.Clone(got.s.Trials[:n]), Budget: got.s.Budget, Priors: Priors(db)}
		e, more, v := again.Next()
		if last := n == len(got.s.Trials); more == last || last && !v.Learned || !last && fmt.Sprint(e.Settings) != fmt.Sprint(got.s.Trials[n].Settings) {
			t.Errorf("resumed after %d calls: %v, %+v", n, e, v)
		}
	}
	if few := search(t, db, unknown, nil, learn.Budget{Dials: 1}); few.calls != 1 || few.Learned {
		t.Errorf("a budget of 1: %d calls, %+v", few.calls, few.Verdict)
	}
	chosen := search(t, db, unknown, []string{"auth.user=me"}, learn.Budget{Dials: 30})
	if chosen.Learned {
		t.Error("what a person chose was varied")
	}
}

// Random modems with 1 to 3 faults. docs/learning.md has the figures.
func TestSearchLearnsRandomModems(t *testing.T) {
	db := shipped(t)
	all, learned := 0, 0
	var calls []int
	for seed := range uint64(10) {
		for n := 1; n <= 3; n++ {
			m, err := random.Make(seed, random.Wanted{Faults: n})
			if err != nil {
				t.Fatal(err)
			}
			all++
			got := search(t, db, m.Scenario, m.Set, learn.Budget{Dials: 40, Spacing: 10 * time.Second})
			if !got.Learned {
				t.Logf("not learned in %d calls: %s: %s, %+v", got.calls, m.Summary, got.Why, got.Furthest)
				continue
			}
			learned++
			calls = append(calls, got.calls)
		}
	}
	slices.Sort(calls)
	t.Logf("%d of %d learned, median %d calls, 95th percentile %d", learned, all, calls[len(calls)/2], calls[len(calls)*95/100])
	if learned*100 < all*85 {
		t.Errorf("only %d of %d", learned, all)
	}
}
