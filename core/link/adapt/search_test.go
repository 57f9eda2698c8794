package adapt

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/event"
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
func search(t *testing.T, db *quirks.DB, s sim.Scenario, set []string, budget learn.Budget) searched {
	t.Helper()
	chosen := func(key string) bool {
		return slices.ContainsFunc(set, func(s string) bool { return strings.HasPrefix(s, key+"=") })
	}
	got := searched{s: learn.Search{Budget: budget, Chosen: chosen}}
	m, now := sim.New(s, 7), epoch
	for {
		e, more, v := got.s.Next()
		if !more {
			got.Verdict, got.calls, got.took = v, len(got.s.Trials), now.Sub(epoch)
			return got
		}
		now = now.Add(max(e.Wait, 5*time.Second))
		r := policy.Resolver{DB: db, Facts: quirks.Facts{USB: quirks.None}, Port: "test", Set: set}
		r.Learned = func(link.Facts) []quirks.Advised {
			list := []quirks.Advised{{Key: "auth.try_blank", Value: "false", Reason: "one attempt", By: "test"}}
			for _, s := range e.Settings {
				list = append(list, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: "test"})
			}
			return list
		}
		cfg := link.Config{Name: "test", Resolve: r.Resolve, Once: true, MaxAttempts: 1, Timeout: 2 * time.Minute, Prove: link.ProveAlways}
		d := simulate.Run(cfg, m, now, 3*time.Minute)
		now = now.Add(d.Elapsed)
		f := learn.Failure{Kind: string(d.Outcome.Kind), Phase: d.Outcome.Phase, Provisional: d.Outcome.Provisional, Command: d.Outcome.Command}
		var heard Dialogue
		up := false
		for _, rec := range d.Records {
			switch e := rec.Event.(type) {
			case event.AT:
				heard.Record(e)
			case event.Quirk:
				if e.Key == "context.apn" {
					f.APN = e.Value
				}
			case event.Up:
				up = true
			}
		}
		if heard.Mute() != "" {
			f.Command = heard.Mute()
		}
		got.s.Report(e, up && d.Outcome.Kind == link.KindDone, f, d.Elapsed)
	}
}

func shipped(t *testing.T) *quirks.DB {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return db
}

// Modems with one fault, and with each two faults that can be written together, are learned within 40 calls; each member
// of what was found is needed. docs/learning.md has the figures.
func TestSearchLearns(t *testing.T) {
	db := shipped(t)
	for _, n := range []int{1, 2} {
		all, learned := 0, 0
		var calls []int
		for i, a := range odd {
			for j, b := range odd {
				if n == 1 && i != j || n == 2 && (j <= i || (i+j)%4 != 0) {
					continue
				}
				name, text := a.name, a.toml
				var set []string
				for _, s := range []string{a.set, b.set} {
					if s != "" && !slices.Contains(set, s) {
						set = append(set, s)
					}
				}
				if n == 2 {
					name, text = name+" + "+b.name, text+b.toml
				}
				s, err := sim.Parse(name, []byte("schema = 1\nsummary = \"odd\"\n"+text))
				if err != nil {
					continue // two tables of one name
				}
				got := search(t, db, s, set, learn.Budget{Dials: 40})
				all++
				if got.calls > 40 {
					t.Errorf("%s: %d calls", name, got.calls)
				}
				if !got.Learned {
					t.Logf("%s: not learned in %d calls: %s, %+v", name, got.calls, got.Why, got.Furthest)
					if n == 1 {
						t.Errorf("%s: not learned", name)
					}
					continue
				}
				learned++
				calls = append(calls, got.calls)
			}
		}
		slices.Sort(calls)
		t.Logf("%d faults: %d of %d learned, median %d calls, 95th percentile %d", n, learned, all, calls[len(calls)/2], calls[len(calls)*95/100])
		if learned*100 < all*80 {
			t.Errorf("%d faults: only %d of %d", n, learned, all)
		}
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
	again := learn.Search{Trials: slices.Clone(got.s.Trials)}
	if _, more, v := again.Next(); more || !v.Learned {
		t.Errorf("resumed: %+v", v)
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
	for seed := range uint64(100) {
		for n := 1; n <= 3; n++ {
			s, text, err := random.Modem(seed, n)
			if err != nil {
				t.Fatal(err)
			}
			all++
			got := search(t, db, s, nil, learn.Budget{Dials: 40})
			if !got.Learned {
				t.Logf("not learned in %d calls: %s: %s, %+v", got.calls, strings.SplitN(text, "\n", 3)[1], got.Why, got.Furthest)
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
