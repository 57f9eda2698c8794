package adapt

import (
	"strings"
	"sync"

	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/quirks"
)

// priorWeight is how much a setting gains at the most that all profiles of a maker have: enough to go before its equals, not enough
// to go against the evidence (learn's weights are up to 100).
const priorWeight = 10

// Priors counts what the profiles of a database set, by maker and altogether; fragments that several inherit, which mostly stand for
// a chipset, count for each of them. It gives what is known of the modems of a maker, "" for one that nobody knows.
func Priors(db *quirks.DB) func(vendor string) learn.Prior {
	count := sync.OnceValue(func() map[string]*tally { return countSettings(db) })
	return func(vendor string) learn.Prior {
		return func(key, value string) float64 {
			all := count()
			best := all[""].share(key, value)
			if t := all[maker(vendor)]; t != nil && vendor != "" && t.profiles > 1 {
				best = max(best, t.share(key, value))
			}
			return priorWeight * best
		}
	}
}

// tally is what the profiles of one maker set.
type tally struct {
	profiles int
	keys     map[string]int // a key, or key=value
}

// share is how many of the profiles have the setting, 0 to 1; those that give the key another value count half.
func (t *tally) share(key, value string) float64 {
	if t == nil || t.profiles == 0 {
		return 0
	}
	same := t.keys[key+"="+value]
	return (float64(same) + float64(t.keys[key]-same)/2) / float64(t.profiles)
}

// maker is the first word of what a modem calls its maker, as profiles are filed.
func maker(vendor string) string {
	first, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(vendor)), " ")
	return first
}

func countSettings(db *quirks.DB) map[string]*tally {
	all := map[string]*tally{"": {keys: map[string]int{}}}
	for _, id := range db.Profiles() {
		vendor, _, _ := strings.Cut(id, "/")
		if p, ok := db.Profile(id); !ok || p.Fragment() {
			continue // it counts where it is inherited
		}
		if all[vendor] == nil {
			all[vendor] = &tally{keys: map[string]int{}}
		}
		set := map[string]string{}
		for _, part := range db.Lineage(id) { // what is nearer to the modem comes last
			if p, ok := db.Profile(part); ok {
				for _, q := range p.Quirks {
					set[q.Key] = q.Value.String()
				}
			}
		}
		for _, t := range []*tally{all[""], all[vendor]} {
			t.profiles++
			for key, value := range set {
				t.keys[key]++
				t.keys[key+"="+value]++
			}
		}
	}
	return all
}
