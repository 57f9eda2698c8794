package quirks

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// candidate is one quirk that may decide a key, with the parts of its rank.
type candidate struct {
	quirk   *Quirk
	profile string // the profile that was matched or chosen; the quirk may stand in one that it inherits from
	home    string // the profile whose file the quirk stands in; empty: the entry itself
	layer   Layer  // the outer one of the quirk's and its device entry's: naming a profile in a layer is a setting there
	entry   *Device
	exact   specificity
	depth   int // place in the lineage: the profile itself beats what it inherits from, and the entry beats the profile
	fits    Tri // whether the modem's firmware is in the quirk's range
}

// compare orders candidates, the weaker one first: by layer, by how exactly the device entry matched, by inheritance,
// by firmware range. Between entries that match equally exactly the profile whose id comes first in the alphabet is
// the stronger one, which is arbitrary and said so by Warnings; shipped data has no such case.
func compare(a, b *candidate) int {
	return cmp.Or(
		cmp.Compare(a.layer, b.layer),
		slices.Compare(a.exact[:], b.exact[:]),
		cmp.Compare(b.profile, a.profile),
		cmp.Compare(a.depth, b.depth),
		cmp.Compare(one(a.quirk.Firmware != nil), one(b.quirk.Firmware != nil)),
	)
}

// Resolve gives one value for every key. It uses the profiles of the device entries that match facts or, if chosen is not empty,
// that profile alone. Then it applies set (KEY=VALUE, KEY+=VALUE or KEY-=VALUE, in order). The error is a *Problem: it says what
// is wrong in set and what is allowed, or that there is no such profile.
func (db *DB) Resolve(facts Facts, chosen string, set []string) (*Resolution, error) {
	return db.resolve(facts, chosen, nil, set)
}

// resolve is Resolve with candidates of other layers between the files and set.
func (db *DB) resolve(facts Facts, chosen string, others []*candidate, set []string) (*Resolution, error) {
	r := &Resolution{db: db, facts: facts, settings: make([]Setting, len(Keys)), index: map[string]int{}}
	var all []*candidate
	if chosen != "" {
		if db.files[chosen] == nil {
			return nil, &Problem{Layer: CommandLine, Text: unknownProfile(chosen, db.Profiles())}
		}
		r.profiles, r.chosen = []string{chosen}, true
		all = db.candidates(chosen, nil, specificity{}, facts)
	} else {
		all = r.match()
	}
	all = append(all, others...)
	for _, s := range set {
		q, err := parseSet(s)
		if err != nil {
			return nil, &Problem{Layer: CommandLine, Text: fmt.Sprintf("--set %s: %v", s, err)}
		}
		all = append(all, &candidate{quirk: q, layer: CommandLine, fits: Yes})
	}
	// What --set says later beats what it says earlier, and a later firmware range of one file is no weaker than an
	// earlier one, so the order in which they came must survive.
	slices.SortStableFunc(all, compare)
	byKey := map[string][]*candidate{}
	for _, c := range all {
		byKey[c.quirk.Key] = append(byKey[c.quirk.Key], c)
	}
	for i, k := range Keys {
		r.index[k.Name] = i
		r.settings[i] = r.settle(table()[k.Name], byKey[k.Name])
	}
	return r, nil
}

// unknownProfile says that there is no such profile. There may be hundreds, so only the near one is named.
func unknownProfile(id string, all []string) string {
	if n := Nearest(id, all); n != "" {
		return fmt.Sprintf("there is no profile %q; did you mean %q?", id, n)
	}
	return fmt.Sprintf("there is no profile %q; knak quirks list shows all", id)
}

// parseSet reads KEY=VALUE, KEY+=VALUE or KEY-=VALUE.
func parseSet(s string) (*Quirk, error) {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return nil, fmt.Errorf("not of the form KEY=VALUE")
	}
	q := &Quirk{Layer: CommandLine, Origin: "--set"}
	if n, found := strings.CutSuffix(name, "+"); found {
		name, q.Op = n, Add
	} else if n, found := strings.CutSuffix(name, "-"); found {
		name, q.Op = n, Remove
	}
	k := table()[name]
	if k == nil {
		return nil, fmt.Errorf("%s", unknownKey(name))
	}
	if q.Op != Set && !k.Type.list() {
		return nil, fmt.Errorf("%s is of type %s; += and -= are for lists", name, k.Type)
	}
	v, err := k.parse(value)
	q.Key, q.Value = name, v
	return q, err
}

// match compares all device entries with the facts and gives the candidates of those that match.
func (r *Resolution) match() (all []*candidate) {
	type hit struct {
		entry *Device
		exact specificity
	}
	var hits []hit
	for _, i := range r.db.index.candidates(&r.facts) {
		d := r.db.devices[i].device()
		if d.Disabled != "" || d.ruledOut(&r.facts) {
			continue
		}
		if m, exact := d.matches(r.facts); m.Result == Yes {
			hits = append(hits, hit{d, exact})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.entry.Layer, a.entry.Layer), slices.Compare(b.exact[:], a.exact[:]),
			cmp.Compare(a.entry.Profile, b.entry.Profile))
	})
	for _, h := range hits {
		r.entries = append(r.entries, h.entry)
		all = append(all, h.entry.candidates(h.exact)...)
		// Two entries may name one profile; the stronger one, which comes first, is enough.
		if id := h.entry.Profile; id != "" && !slices.Contains(r.profiles, id) {
			r.profiles = append(r.profiles, id)
			all = append(all, r.db.candidates(id, h.entry, h.exact, r.facts)...)
		}
	}
	return all
}

// candidates gives all quirks of a profile and of what it inherits from.
func (db *DB) candidates(id string, entry *Device, exact specificity, facts Facts) (all []*candidate) {
	for depth, home := range db.lineage(id) {
		for _, f := range db.parts(home) {
			for i := range f.quirks {
				q := &f.quirks[i]
				c := &candidate{quirk: q, profile: id, home: home, layer: q.Layer, entry: entry, exact: exact, depth: depth,
					fits: q.Firmware.contains(facts.Revision)}
				if entry != nil {
					c.layer = max(c.layer, entry.Layer)
				}
				all = append(all, c)
			}
		}
	}
	return all
}

// aboveProfiles is greater than any place in a lineage.
const aboveProfiles = 1 << 20

// candidates gives what the entry itself sets.
func (d *Device) candidates(exact specificity) (all []*candidate) {
	for i := range d.Ports {
		all = append(all, &candidate{quirk: &d.Ports[i], profile: d.Profile, layer: d.Layer, entry: d, exact: exact, depth: aboveProfiles, fits: Yes})
	}
	return all
}

// unfit says why a candidate cannot decide its key at all, or "".
func (c *candidate) unfit(facts Facts) string {
	if c.fits == No {
		return fmt.Sprintf("for firmware %s, and the modem has %q", c.quirk.Firmware, facts.Revision)
	}
	if c.entry == nil {
		return ""
	}
	k := table()[c.quirk.Key]
	if p, name := c.entry.phase(); p > k.Phase && !(p == AtProbe && facts.Remembered) {
		return fmt.Sprintf("too late: %s is used in phase %s, but the entry at %s looks at the %s, known only in phase %s",
			k.Name, k.Phase, c.entry.Origin, name, p)
	}
	return ""
}

// settle folds the candidates for one key, the weakest first, into its setting.
func (r *Resolution) settle(k *key, all []*candidate) Setting {
	s := Setting{Key: k.Name, Value: k.def, Default: k.def}
	var fit []*candidate
	var unfit []Loser
	seen := map[*Quirk]bool{}
	for _, c := range slices.Backward(all) {
		switch why := c.unfit(r.facts); {
		case seen[c.quirk]:
			// Reached by two matching profiles that inherit it; the stronger way counts.
		case why != "":
			unfit = append(unfit, c.loser(why))
			seen[c.quirk] = c.fits == No
		default:
			fit = append(fit, c)
			seen[c.quirk] = true
		}
	}
	slices.Reverse(fit)
	for _, c := range fit {
		s.Value = merge(s.Value, c.quirk)
	}
	if len(fit) > 0 {
		w := fit[len(fit)-1]
		s.Op, s.Layer, s.Source, s.Profile = w.quirk.Op, w.quirk.Layer, w.quirk.Origin, w.home
		s.Reason, s.Sources, s.Confidence = w.quirk.Reason, w.quirk.Sources, w.quirk.Confidence
		s.When = w.quirk.When
		s.Assumed = w.fits == Unknown
		r.warn(fit)
	}
	// Whatever lies below the strongest value that was set as a whole lost to it; what lies above is part of the result.
	var over *candidate
	for i, c := range slices.Backward(fit) {
		if i < len(fit)-1 {
			s.Losers = append(s.Losers, c.loser(why(c, over)))
		}
		if over == nil && c.quirk.Op == Set {
			over = c
		}
	}
	s.Losers = append(s.Losers, unfit...)
	if len(fit) > 0 {
		s.Losers = append(s.Losers, Loser{Value: k.def, Layer: Default, Why: why(nil, over)})
	}
	return s
}

// merge does to v what q says.
func merge(v Value, q *Quirk) Value {
	switch q.Op {
	case Add:
		v.list = slices.Clone(v.list)
		for _, s := range q.Value.list {
			if !slices.Contains(v.list, s) {
				v.list = append(v.list, s)
			}
		}
	case Remove:
		v.list = slices.DeleteFunc(slices.Clone(v.list), func(s string) bool { return slices.Contains(q.Value.list, s) })
	default:
		return q.Value
	}
	return v
}

// String names what the candidate comes from.
func (c *candidate) String() string { return cmp.Or(c.home, "a device entry") }

// loser describes a candidate that did not win.
func (c *candidate) loser(why string) Loser {
	q := c.quirk
	return Loser{Op: q.Op, Value: q.Value, Layer: q.Layer, Source: q.Origin, Profile: c.home, Reason: q.Reason,
		Confidence: q.Confidence, Why: why}
}

// why says what made c, or the default where c is nil, lose to over. A nil over: it did not lose, it is part of the list.
func why(c, over *candidate) string {
	switch {
	case over == nil:
		return "part of the value"
	case c == nil:
		return "any layer beats the default"
	case c.layer == CommandLine:
		return "a later --set beats an earlier one"
	case c.layer == Plugin && over.layer == Plugin:
		return fmt.Sprintf("%s was asked later", over.quirk.Origin)
	case c.layer != over.layer && over.quirk.Layer < over.layer:
		return fmt.Sprintf("the entry at %s in layer %s gives this modem the profile %s", over.entry.Origin, over.layer, over.profile)
	case c.layer != over.layer:
		return fmt.Sprintf("layer %s beats layer %s", over.layer, c.layer)
	case c.exact != over.exact:
		return fmt.Sprintf("the entry at %s matches more exactly than the one at %s", over.entry.Origin, c.entry.Origin)
	case c.entry != over.entry:
		return fmt.Sprintf("a tie: %s comes before %s", over, c)
	case over.home == "":
		return fmt.Sprintf("the entry at %s says otherwise", over.entry.Origin)
	case c.depth != over.depth:
		return fmt.Sprintf("%s inherits from %s and says otherwise", over.profile, c.home)
	case c.quirk.Firmware == nil:
		return fmt.Sprintf("the other is for this modem's firmware, %s", over.quirk.Firmware)
	}
	return "set again"
}

// warn notes a tie that the alphabet decided: different profiles, equally exactly matched, of one layer, that want
// different values.
func (r *Resolution) warn(fit []*candidate) {
	w := fit[len(fit)-1]
	for _, c := range slices.Backward(fit[:len(fit)-1]) {
		if c.layer != w.layer || c.exact != w.exact || c.layer == CommandLine {
			return
		}
		if c.entry != w.entry && (c.quirk.Op != Set || w.quirk.Op != Set || !c.quirk.Value.Equal(w.quirk.Value)) {
			r.warnings = append(r.warnings, fmt.Sprintf("%s: %s (%s) and %s (%s) match this modem equally exactly; %s is used",
				w.quirk.Key, w, w.quirk.Origin, c, c.quirk.Origin, w.quirk.Origin))
			return
		}
	}
}
