package learn

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Experiment is one dial of a search.
type Experiment struct {
	Settings []Setting
	What     string        // the reason in words
	Wait     time.Duration // before it
}

// Trial is an experiment that was made, and its result. With the list of its trials a search can go on after an interruption.
type Trial struct {
	Settings []Setting     `json:"settings"`
	What     string        `json:"what"`
	Up       bool          `json:"up"`               // the link was proved
	Number   string        `json:"number,omitempty"` // the number that was answered with CONNECT
	Faster   []Setting     `json:"faster,omitempty"` // settings with which it would have been up sooner
	UpAfter  time.Duration `json:"up_after,omitempty"`
	Failure  Failure       `json:"failure"`
	Vendor   string        `json:"vendor,omitempty"` // the modem's maker, if this call showed it
	Took     time.Duration `json:"took"`
	Wait     time.Duration `json:"wait,omitempty"` // before it
}

// Budget bounds a search. Zero means no limit, except for Refusals, where zero means DefaultRefusals.
type Budget struct {
	Dials    int
	Time     time.Duration
	Refusals int           // how often the login may be refused: a network may lock an account or a SIM
	Spacing  time.Duration // from the beginning of one call to the beginning of the next
}

// DefaultRefusals is how often a login may be refused.
const DefaultRefusals = 5

// Search finds the smallest set of settings with which a modem comes up. It first follows the failures as Adapter does; then it
// tries all variations of a stage together; then the requests of dialers that are known to work. From a set that works it removes
// what is not needed, and shows for each setting that remains that a dial fails without it. The same trials always lead to the
// same next experiment.
type Search struct {
	Budget Budget
	Chosen func(key string) bool     // whether a person set a key, which is then never changed; nil: no key was set
	Priors func(vendor string) Prior // what is known of the modems of the maker that the first call showed; nil: nothing
	Trials []Trial
}

// Verdict is the result of a search.
type Verdict struct {
	Learned  bool      // a link was proved twice with Settings alone
	Set      []Setting // the smallest set; empty: no setting is needed
	Ups, Of  int       // Ups of Of dials with it came up
	Why      string    // why the search ended without a result
	Furthest Failure   // the failure at the furthest stage
	Failed   Failure   // how a dial without any of these settings failed
	Noisy    bool      // the same settings have both worked and failed: Ups and Of say how often they work
}

// Next says what to dial next. If more is false, the search is over and v is its result.
func (s *Search) Next() (e Experiment, more bool, v Verdict) {
	w := walk{s: s}
	if s.Priors != nil {
		vendor := ""
		if len(s.Trials) > 0 {
			vendor = s.Trials[0].Vendor // not of a later trial: the experiments made so far must stay the same
		}
		w.prior = s.Priors(vendor)
	}
	w.run()
	return w.next, w.wants, w.verdict
}

// Report records how an experiment ended.
func (s *Search) Report(e Experiment, r Result) {
	s.Trials = append(s.Trials, Trial{Settings: e.Settings, What: e.What, Up: r.Up, Number: r.Number, Faster: r.Faster, UpAfter: r.UpAfter, Failure: r.Failure, Vendor: r.Vendor, Took: r.Took, Wait: e.Wait})
}

// Result is how an experiment ended.
type Result struct {
	Up      bool // the link was proved, and was not lost while it was watched
	Number  string
	Vendor  string
	Faster  []Setting     // settings with which it would have been up sooner
	UpAfter time.Duration // how long it took to come up
	Failure Failure       // if it did not come up
	Took    time.Duration
}

// walk replays the search from its beginning through the trials that were made, up to the first experiment that was not made yet.
type walk struct {
	s        *Search
	prior    Prior
	used     int
	took     time.Duration
	refusals int
	noisy    bool            // the same settings have both worked and failed
	up       bool            // some dial has come up
	silenced map[string]bool // commands, as at.never names them, after which the modem said nothing more
	rested   bool            // the modem wants a pause between calls
	attached bool            // the modem was told to attach, and stays so
	fellBack bool            // a dial failed at an earlier stage than the one that its settings are for
	count    map[string]*tally
	causes   map[string]bool // how dials failed before the first one came up
	next     Experiment
	wants    bool
	verdict  Verdict
}

// tally counts the results of one set of settings.
type tally struct {
	ups, downs int
	after      int // of downs: failures after some dial had come up
	alike      int // of after: failures of the same kind as before any dial had come up
}

// A sequential test (Wald's) separates settings that work (at least 4 dials of 5 come up) from settings that do not (at most 1
// dial of 10 comes up); it is wrong once in 20 times. Each result adds its weight until the sum is beyond the bound on one side.
const (
	upWeight, downWeight = 2.08, -1.50 // ln(0.8/0.1), ln(0.2/0.9)
	sequentialBound      = 2.94        // ln(0.95/0.05)
)

// busyPause is how long a modem is left alone after it did not answer a command.
const busyPause = time.Minute

// works and fails give the result of the sequential test. If both are false, it is not decided yet.
func (t *tally) works() bool {
	return t.ups > 1 && float64(t.ups)*upWeight+float64(t.downs)*downWeight >= sequentialBound
}

func (t *tally) fails() bool {
	return float64(t.ups)*upWeight+float64(t.downs)*downWeight <= -sequentialBound
}

func id(set []Setting) string {
	var list []string
	for _, s := range set {
		list = append(list, s.String())
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// merge gives the settings of under with those of over added; if both have a key, the value of over counts.
func merge(under, over []Setting) []Setting {
	list := slices.Clone(under)
	for _, s := range over {
		list = slices.DeleteFunc(list, func(k Setting) bool { return k.Key == s.Key && (k.Value == s.Value || !strings.HasSuffix(k.Key, "+")) })
		list = append(list, s)
	}
	return list
}

// tally gives the counts of a set of settings.
func (w *walk) tally(set []Setting) *tally {
	if w.count == nil {
		w.count = map[string]*tally{}
	}
	t := w.count[id(set)]
	if t == nil {
		t = &tally{}
		w.count[id(set)] = t
	}
	return t
}

// shortCall is how long the shortest calls take. If less of the budget is left, no call is begun.
const shortCall = 15 * time.Second

// pause says how long to wait before a dial with set, after the trials so far.
func (w *walk) pause(set []Setting) (wait time.Duration) {
	s := w.s
	if w.rested {
		wait = restPause
	}
	if len(s.Trials) > 0 {
		last := &s.Trials[len(s.Trials)-1]
		wait = max(wait, s.Budget.Spacing-last.Took)
		if !last.Up && last.Failure.Kind == event.FailedModemSilent && last.Failure.Command != "" {
			wait = busyPause // it may still be working on that command, and then the next dial tests nothing
		}
	}
	for _, o := range set {
		if o.Key == "retry.delay" { // the pause belongs to the experiment
			pause, _ := time.ParseDuration(o.Value)
			wait = max(wait, pause)
		}
	}
	return wait
}

// restPause is the pause after each call for a modem that refused a call soon after the last one, and took the same call later.
const restPause = 12 * time.Second

// dial gives the result of a dial. ok is false if the dial has still to be made, or if the search ends here.
func (w *walk) dial(set []Setting, what string) (t Trial, ok bool) {
	b := w.s.Budget
	if b.Refusals == 0 {
		b.Refusals = DefaultRefusals
	}
	switch {
	case w.verdict.Why != "":
		return t, false
	case w.refusals >= b.Refusals:
		w.verdict.Why = "the login was refused as often as the limit allows"
		return t, false
	}
	if w.used == len(w.s.Trials) || id(w.s.Trials[w.used].Settings) != id(set) {
		w.s.Trials = w.s.Trials[:w.used] // these trials were made by another version, or with other settings, and cannot be continued
		switch {
		case b.Dials > 0 && w.used >= b.Dials:
			w.verdict.Why = "the limit of dials is used up"
		case b.Time > 0 && w.used > 0 && w.took+w.pause(set)+shortCall > b.Time:
			w.verdict.Why = "the limit of time is used up"
		default:
			w.wants, w.next = true, Experiment{Settings: set, What: what}
			w.next.Wait = w.pause(set)
		}
		return t, false
	}
	t = w.s.Trials[w.used]
	w.used++
	w.took += t.Took + t.Wait
	account := w.tally(set)
	if t.Up {
		account.ups++
		w.up = true
		w.noisy = w.noisy || account.downs > 0
		return t, true
	}
	account.downs++
	w.noisy = w.noisy || account.ups > 0
	if t.Failure.Kind == event.FailedModemSilent && t.Failure.Command != "" {
		if w.silenced == nil {
			w.silenced = map[string]bool{}
		}
		w.silenced[commandName(t.Failure.Command)] = true
	}
	cause := t.Failure.Phase + " " + t.Failure.Kind
	if !w.up {
		if w.causes == nil {
			w.causes = map[string]bool{}
		}
		w.causes[cause] = true
	} else {
		account.after++
		if w.causes[cause] {
			account.alike++
		}
	}
	if w.used == 1 || t.Failure.stage() > w.verdict.Furthest.stage() {
		w.verdict.Furthest = t.Failure
	}
	if t.Failure.Kind == event.FailedAuthRejected {
		w.refusals++
	} else if refused(t.Failure) {
		w.verdict.Why = "no setting can cure " + t.Failure.Kind
		return t, false
	}
	return t, true
}

func (w *walk) run() {
	set, ok := w.climb()
	if !ok {
		return
	}
	if set, ok = w.shrink(set); !ok {
		return
	}
	if ok, sure := w.confirm(set); !sure || !ok {
		if sure {
			w.verdict.Why = "settings that worked once do not work again"
		}
		return
	}
	if set, ok = w.hasten(set); !ok {
		return
	}
	t := w.tally(set)
	w.verdict.Learned, w.verdict.Set, w.verdict.Ups, w.verdict.Of, w.verdict.Noisy = true, set, t.ups, t.ups+t.downs, w.noisy
}

// fasterBy is how much sooner a link must come up for a setting to be kept that the link does not need.
const fasterBy = 2 * time.Second

// hasten adds settings that ask at once for the options that the peer answers, if the link then comes up sooner.
func (w *walk) hasten(set []Setting) ([]Setting, bool) {
	t := w.s.Trials[w.used-1]
	for i := w.used - 1; i >= 0 && (!t.Up || id(t.Settings) != id(set)); i-- {
		t = w.s.Trials[i]
	}
	faster := slices.DeleteFunc(slices.Clone(t.Faster), func(s Setting) bool {
		return w.s.Chosen != nil && w.s.Chosen(s.Key) || slices.ContainsFunc(set, func(o Setting) bool { return o.Key == s.Key })
	})
	if !t.Up || len(faster) == 0 {
		return set, true
	}
	with := merge(set, faster)
	n, ok := w.dial(with, "with the options that it answered: does it come up sooner?")
	if !ok {
		return nil, false
	}
	if !n.Up || n.UpAfter > t.UpAfter-fasterBy {
		return set, true
	}
	up, sure := w.confirm(with)
	if !sure {
		return nil, false
	}
	if up {
		return with, true
	}
	return set, true
}

// climb looks for settings with which the link comes up.
func (w *walk) climb() (set []Setting, ok bool) {
	t, ok := w.dial(nil, "with the settings as they are now")
	if !ok {
		return nil, false
	}
	w.verdict.Failed = t.Failure
	if t.Up {
		if up, sure := w.confirm(nil); up || !sure {
			return nil, up
		}
	}
	var kept []Setting
	best, seen := t.Failure.stage(), []Failure{t.Failure}
	const rounds = 2
	for round := range rounds {
		if round > 0 && !w.noisy && !w.fellBack {
			break
		}
		var ahead []variation // to be tried before the others
		tried := map[string]bool{}
		if round == 0 {
			tried[id(kept)] = true
		}
	again:
		for _, v := range append(ahead, w.variationsFor(kept, seen)...) {
			set := merge(kept, v.set)
			if tried[id(set)] {
				continue
			}
			tried[id(set)] = true
			t, ok := w.dial(set, v.what)
			if !ok {
				return nil, false
			}
			if !t.Up && t.Failure.stage() < best && t.Failure.Kind != event.FailedAuthMethod { // it failed before the stage that the settings are for: by chance, or because there was no pause
				w.fellBack = true
				first := t.Failure
				before := w.rested
				w.rested = w.rested || first.Kind == event.FailedDialRefused
				if t, ok = w.dial(set, v.what+"; once more, because it failed too early to tell"); !ok {
					return nil, false
				}
				w.rested = before || w.rested && (t.Up || t.Failure.stage() >= best)
				if !t.Up && t.Failure.stage() < best {
					for _, d := range append([]variation{space()["rest"]}, candidates(t.Failure, w.prior)[:min(2, len(candidates(t.Failure, w.prior)))]...) {
						if w.touches(d) || !t.Failure.like(first) && d.id != space()["rest"].id {
							continue
						}
						detour := merge(set, d.set)
						if tried[id(detour)] {
							continue
						}
						tried[id(detour)] = true
						if t, ok = w.dial(detour, v.what+"; "+d.what); !ok {
							return nil, false
						}
						if t.Up || t.Failure.stage() >= best {
							set = detour
							if !t.Up && t.Failure.stage() == best { // this was needed to come this far
								kept = merge(kept, d.set)
							}
							break
						}
					}
				}
			}
			if t.Up {
				if up, sure := w.confirm(set); !sure {
					return nil, false
				} else if up {
					return w.narrowed(set, t.Number)
				}
				continue
			}
			switch n := t.Failure.stage(); {
			case n > best:
				kept, best, seen, ahead = set, n, []Failure{t.Failure}, nil
				goto again
			case n == best && !slices.ContainsFunc(seen, t.Failure.like):
				seen = append(seen, t.Failure)
				// This variation changes the failure, and so may be half of the cure: the variations for the new
				// failure are tried with it and without it.
				ahead = append(ahead, beside(set, t.Failure, w.prior)...)
				goto again
			}
		}
	}
	w.verdict.Why = "none of the known cures has helped"
	return nil, false
}

// beside gives the likeliest variations for a failure, each added to the settings that led to it.
func beside(set []Setting, f Failure, prior Prior) (list []variation) {
	for _, v := range candidates(f, prior) {
		if v.wait == 0 && !contradicts(set, v.set) && len(list) < 3 {
			v.set = merge(set, v.set)
			list = append(list, v)
		}
	}
	return list
}

// narrowed replaces the list of numbers that were tried by the one that connected, if that one works alone.
func (w *walk) narrowed(set []Setting, number string) ([]Setting, bool) {
	less := narrow(set, number)
	if id(less) == id(set) {
		return set, true
	}
	up, sure := w.confirm(less)
	if up {
		return less, sure
	}
	return set, sure
}

// like says whether two failures agree in all that variations are chosen by, except for the phase.
func (f Failure) like(o Failure) bool {
	return f.Kind == o.Kind && f.Command == o.Command && f.Hasty == o.Hasty && f.Method == o.Method && f.Provisional == o.Provisional
}

// variationsFor lists what to try after failures at one stage: single variations; all variations of the stage together; rarely needed
// variations together; whole dialers.
func (w *walk) variationsFor(kept []Setting, seen []Failure) []variation {
	var single []variation
	for i := range seen {
		for _, v := range candidates(seen[len(seen)-1-i], w.prior) { // the latest first
			if !w.touches(v) && !slices.ContainsFunc(single, func(o variation) bool { return o.id == v.id }) {
				single = append(single, v)
			}
		}
	}
	if seen[0].Kind == event.FailedAuthRejected {
		return single
	}
	unlikely := slices.IndexFunc(single, func(v variation) bool { return v.score < 20 })
	if unlikely < 0 {
		unlikely = len(single)
	}
	list := slices.Clone(single[:unlikely])
	list = append(list, w.together(single, "several of these at once")...)
	list = append(list, pairs(single)...)
	list = append(list, single[unlikely:]...)
	phase := seen[0].Phase
	if seen[0].Up > 0 {
		phase = event.PhaseUp
	}
	list = append(list, w.together(rare()[phase], "rarely needed settings, all at once")...)
	for _, d := range dialers() {
		d.set = slices.DeleteFunc(slices.Clone(d.set), func(s Setting) bool { return w.s.Chosen != nil && w.s.Chosen(s.Key) })
		list = append(list, d)
	}
	return list
}

// pairs combines two variations each, because two things may be wrong at one stage and nothing changes until both are cured. The
// two do not contradict each other; if there are both, one is about the login and one about the options asked for. The likeliest
// pairs come first, and every pair also holds the variations that do no harm (mild).
func pairs(single []variation) (list []variation) {
	const most = 5 // of each sort
	var mild []Setting
	var logins, others []variation
	for _, v := range single {
		switch {
		case v.mild:
			mild = merge(mild, v.set)
		case v.wait > 0 || v.score < 10:
		case strings.HasPrefix(v.set[0].Key, "auth.") && len(logins) < most:
			logins = append(logins, v)
		case len(others) < most:
			others = append(others, v)
		}
	}
	if len(logins) == 0 {
		logins = others
	}
	for _, a := range logins {
		for _, b := range append(slices.Clone(others), logins...) {
			if a.id >= b.id && slices.ContainsFunc(logins, func(o variation) bool { return o.id == b.id }) || contradicts(a.set, b.set) {
				continue // each two once
			}
			list = append(list, variation{id: "pair " + a.id + " " + b.id, what: "two changes at once: " + a.what + ", and " + b.what, set: merge(merge(mild, a.set), b.set), score: a.score + b.score})
		}
	}
	slices.SortStableFunc(list, func(a, b variation) int { return cmp.Compare(b.score, a.score) })
	return list
}

// contradicts says whether two sets have different values for the same key.
func contradicts(a, b []Setting) bool {
	return slices.ContainsFunc(a, func(s Setting) bool {
		return slices.ContainsFunc(b, func(o Setting) bool {
			return o.Key == s.Key && o.Value != s.Value && !strings.HasSuffix(s.Key, "+")
		})
	})
}

// together merges variations into as few as possible, without putting two into one that contradict each other.
func (w *walk) together(single []variation, what string) (list []variation) {
	for rest := single; len(rest) > 1; {
		var all, left []variation
		var set []Setting
		for _, v := range rest {
			if w.touches(v) {
				continue
			}
			if contradicts(v.set, set) {
				left = append(left, v)
				continue
			}
			all, set = append(all, v), merge(set, v.set)
		}
		if len(all) > 1 {
			list = append(list, variation{id: "together " + all[0].id, what: what, set: set})
		}
		rest = left
	}
	return list
}

func (w *walk) touches(v variation) bool {
	return w.s.Chosen != nil && slices.ContainsFunc(v.set, func(s Setting) bool { return w.s.Chosen(strings.TrimSuffix(s.Key, "+")) })
}
