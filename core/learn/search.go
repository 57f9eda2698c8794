package learn

import (
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Experiment is one dial of a search.
type Experiment struct {
	Settings []Setting
	What     string        // why, for people
	Wait     time.Duration // before it
}

// Trial is an experiment that was made. A list of them is all that a search needs to go on after it was cut off.
type Trial struct {
	Settings []Setting     `json:"settings"`
	What     string        `json:"what"`
	Up       bool          `json:"up"` // the link was proved
	Failure  Failure       `json:"failure"`
	Took     time.Duration `json:"took"`
}

// Budget bounds a search. Zero: no limit, other than Refusals, whose zero means DefaultRefusals.
type Budget struct {
	Dials    int
	Time     time.Duration
	Refusals int // of the login: a network may lock an account or a SIM
}

// DefaultRefusals is how often a login may be refused.
const DefaultRefusals = 3

// Search finds the smallest set of settings with which a modem comes up: it follows failures as Adapter does, then tries
// what belongs to a stage together, then what dialers ask for that are known to work, takes away what is not needed, and
// shows of each that remains that a dial fails without it. The same trials always lead to the same next experiment.
type Search struct {
	Budget Budget
	Chosen func(key string) bool // whether a person chose a key: it is not touched; nil: none was
	Trials []Trial
}

// Verdict is what a search has come to.
type Verdict struct {
	Learned  bool      // a link was proved twice with Settings alone
	Set      []Setting // the smallest set; empty: nothing is needed
	Ups, Of  int       // how often a dial with it came up
	Why      string    // the search ended without: why
	Furthest Failure   // the failure that came furthest
	Failed   Failure   // how a dial without any of it failed
}

// Next says what to dial next; more is false where the search is over, and then v is what it came to.
func (s *Search) Next() (e Experiment, more bool, v Verdict) {
	w := walk{s: s}
	w.run()
	return w.next, w.wants, w.verdict
}

// Report hears how an experiment ended.
func (s *Search) Report(e Experiment, up bool, f Failure, took time.Duration) {
	s.Trials = append(s.Trials, Trial{e.Settings, e.What, up, f, took})
}

// walk is the search from its beginning through the trials that were made, to the first that was not.
type walk struct {
	s        *Search
	used     int
	took     time.Duration
	refusals int
	noisy    bool // the same settings have led to both
	count    map[string]*tally
	next     Experiment
	wants    bool
	verdict  Verdict
}

// tally is what came of one set of settings.
type tally struct{ ups, downs int }

func id(set []Setting) string {
	var list []string
	for _, s := range set {
		list = append(list, s.String())
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// merge lays settings over others.
func merge(under, over []Setting) []Setting {
	list := slices.Clone(under)
	for _, s := range over {
		list = slices.DeleteFunc(list, func(k Setting) bool { return k.Key == s.Key && (k.Value == s.Value || !strings.HasSuffix(k.Key, "+")) })
		list = append(list, s)
	}
	return list
}

// tally gives the account of a set.
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

// dial gives the result of a dial; ok is false where it has still to be made, or the search ends here.
func (w *walk) dial(set []Setting, what string) (t Trial, ok bool) {
	b := w.s.Budget
	if b.Refusals == 0 {
		b.Refusals = DefaultRefusals
	}
	switch {
	case w.verdict.Why != "":
		return t, false
	case w.refusals >= b.Refusals:
		w.verdict.Why = "the login was refused as often as may be"
		return t, false
	}
	if w.used == len(w.s.Trials) || id(w.s.Trials[w.used].Settings) != id(set) {
		w.s.Trials = w.s.Trials[:w.used] // those of another program, or other wishes, lead nowhere
		switch {
		case b.Dials > 0 && w.used >= b.Dials:
			w.verdict.Why = "no dial is left"
		case b.Time > 0 && w.took >= b.Time:
			w.verdict.Why = "no time is left"
		default:
			w.wants, w.next = true, Experiment{Settings: set, What: what}
			for _, s := range set {
				if s.Key == "retry.delay" { // the pause between calls is an experiment's own
					w.next.Wait, _ = time.ParseDuration(s.Value)
				}
			}
		}
		return t, false
	}
	t = w.s.Trials[w.used]
	w.used++
	w.took += t.Took
	account := w.tally(set)
	if t.Up {
		account.ups++
		w.noisy = w.noisy || account.downs > 0
		return t, true
	}
	account.downs++
	w.noisy = w.noisy || account.ups > 0
	if w.used == 1 || t.Failure.stage() > w.verdict.Furthest.stage() {
		w.verdict.Furthest = t.Failure
	}
	if t.Failure.Kind == event.FailedAuthRejected {
		w.refusals++
	} else if refused(t.Failure) {
		w.verdict.Why = "no setting cures " + t.Failure.Kind
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
			w.verdict.Why = "what came up once does not come up again"
		}
		return
	}
	t := w.tally(set)
	w.verdict.Learned, w.verdict.Set, w.verdict.Ups, w.verdict.Of = true, set, t.ups, t.ups+t.downs
}

// climb looks for settings with which the link comes up.
func (w *walk) climb() (set []Setting, ok bool) {
	t, ok := w.dial(nil, "as the modem is treated now")
	if !ok {
		return nil, false
	}
	w.verdict.Failed = t.Failure
	if t.Up {
		return nil, true
	}
	var kept []Setting
	best, seen := t.Failure.stage(), []Failure{t.Failure}
	for round := 0; round < 2; round++ {
		if round > 0 && !w.noisy {
			break
		}
		tried := map[string]bool{id(kept): true}
	again:
		for _, v := range w.wishes(kept, seen) {
			set := merge(kept, v.set)
			if tried[id(set)] {
				continue
			}
			tried[id(set)] = true
			for range 2 {
				if t, ok = w.dial(set, v.what); !ok {
					return nil, false
				}
				if t.Up || t.Failure.stage() >= best || t.Failure.Kind == event.FailedAuthMethod {
					break // otherwise it failed before it came to what the settings are about, perhaps by chance
				}
			}
			if t.Up {
				if up, sure := w.confirm(set); !sure {
					return nil, false
				} else if up {
					return set, true
				}
				continue
			}
			if n := t.Failure.stage(); n > best {
				kept, best, seen = set, n, []Failure{t.Failure}
				goto again
			} else if n == best && !slices.ContainsFunc(seen, func(f Failure) bool { return f.Kind == t.Failure.Kind && f.Command == t.Failure.Command }) {
				seen = append(seen, t.Failure) // another failure at the same stage speaks for other things
				goto again
			}
		}
	}
	w.verdict.Why = "nothing that is known to help has helped"
	return nil, false
}

// wishes are what to try after failures of one stage: single changes, then those of the stage together, then dialers.
func (w *walk) wishes(kept []Setting, seen []Failure) []variation {
	var single []variation
	for _, f := range seen {
		list := candidates(f)
		if f.Kind == event.FailedAuthRejected {
			list = []variation{papOnly, chapOnly, blankName}
		} else if f.Phase == event.PhaseIPCP {
			list = append([]variation{blankName}, list...) // an experiment is one attempt: none has had an empty name by itself
		}
		for _, v := range list {
			if !w.touches(v) && !slices.ContainsFunc(single, func(o variation) bool { return o.id == v.id }) {
				single = append(single, v)
			}
		}
	}
	for _, v := range rare {
		if v.phase == seen[0].Phase && !w.touches(v.variation) {
			single = append(single, v.variation)
		}
	}
	list := slices.Clone(single)
	if seen[0].Kind == event.FailedAuthRejected {
		return list
	}
	for rest := single; len(rest) > 1; { // together, as far as they do not contradict
		var all, left []variation
		var set []Setting
		for _, v := range rest {
			if slices.ContainsFunc(v.set, func(s Setting) bool {
				return slices.ContainsFunc(set, func(o Setting) bool { return o.Key == s.Key && o.Value != s.Value })
			}) {
				left = append(left, v)
				continue
			}
			all, set = append(all, v), merge(set, v.set)
		}
		if len(all) > 1 {
			list = append(list, variation{id: "together " + all[0].id, what: "several of these at once", set: set})
		}
		rest = left
	}
	for _, d := range dialers {
		d.set = slices.DeleteFunc(slices.Clone(d.set), func(s Setting) bool { return w.s.Chosen != nil && w.s.Chosen(s.Key) })
		list = append(list, d)
	}
	return list
}

func (w *walk) touches(v variation) bool {
	return w.s.Chosen != nil && slices.ContainsFunc(v.set, func(s Setting) bool { return w.s.Chosen(strings.TrimSuffix(s.Key, "+")) })
}

// confirm repeats a dial until two came up and none failed, or, where some failed, three of five came up.
func (w *walk) confirm(set []Setting) (up, sure bool) {
	t := w.tally(set)
	for {
		switch {
		case t.ups >= 2 && t.downs == 0, t.ups >= 3:
			return true, true
		case t.downs >= 3:
			return false, true
		}
		if _, ok := w.dial(set, "once more, to be sure"); !ok {
			return false, false
		}
	}
}

// without says whether the link comes up with fewer settings. What failed before anything had come up shows nothing: it
// is dialled again.
func (w *walk) without(set []Setting, since map[string]int, what string) (up, sure bool) {
	t := w.tally(set)
	for {
		fails := t.downs - since[id(set)]
		if t.ups > 0 {
			return w.confirm(set)
		}
		if fails >= 1 && !w.noisy || fails >= 2 {
			return false, true
		}
		if _, ok := w.dial(set, what); !ok {
			return false, false
		}
	}
}

// shrink takes away what is not needed: first halves, then one after another, until each that remains is needed
// (delta debugging, ddmin).
func (w *walk) shrink(set []Setting) ([]Setting, bool) {
	since := map[string]int{}
	for k, t := range w.count {
		since[k] = t.downs
	}
	if len(set) == 0 {
		return set, true
	}
	up, sure := w.without(nil, since, "without anything: is it needed at all?")
	if !sure {
		return nil, false
	}
	if up {
		return nil, true
	}
	for parts := 2; len(set) > 1; {
		parts = min(parts, len(set))
		smaller := false
		for i := range parts {
			var rest []Setting
			from, to := i*len(set)/parts, (i+1)*len(set)/parts
			rest = append(append(rest, set[:from]...), set[to:]...)
			what := "without " + set[from].String() + ": is it needed?"
			if to-from > 1 {
				what = "without some of these: are they needed?"
			}
			if up, sure := w.without(rest, since, what); !sure {
				return nil, false
			} else if up {
				set, smaller = rest, true
				parts = max(parts-1, 2)
				break
			}
		}
		if !smaller {
			if parts == len(set) {
				break
			}
			parts *= 2
		}
	}
	return set, true
}

// rare are variations of a phase that a dial by itself does not spend a call on.
var rare = []struct {
	phase string
	variation
}{
	{event.PhaseLCP, vary("the modem may want an MRU and bear nothing else", "lcp.request=mru", "lcp.vary_after=0")},
	{event.PhaseIPCP, vary("the modem may want NBNS addresses and bear no question for name servers", "ipcp.request=address,nbns1,nbns2", "ipcp.widen=", "ipcp.vary_after=0")},
	{event.PhaseIPCP, vary("the modem may want an empty name and bear no question for name servers", "auth.user=", "ipcp.request=address", "ipcp.widen=", "ipcp.vary_after=0")},
}

// dialers are what programs ask for that many modems were made to work with, as far as it is known; tried when no single change helps.
var dialers = []variation{
	vary("as Windows dials", "auth.user=", "lcp.request=accm,magic,pfc,acfc", "ipcp.request=address,dns1,nbns1,dns2,nbns2", "lcp.restart=3s"),
	vary("as ModemManager and pppd dial", "auth.allow=chap-md5,pap", "lcp.request=accm,magic,pfc,acfc", "ipcp.request=address,dns1,dns2", "registration.attach=request"),
	vary("as Android's RIL dials", "dial.number=*99***1#", "auth.allow=pap,chap-md5", "registration.attach=request", "registration.require=false"),
	vary("as wvdial dials", "dial.command=ATDT", "dial.number=*99#", "registration.require=false", "auth.allow=chap-md5,pap"),
	vary("as the simplest stacks dial", "dial.number=*99#", "auth.allow=pap", "lcp.request=", "lcp.vary_after=0", "ipcp.request=address", "ipcp.widen=", "ipcp.vary_after=0"),
}
