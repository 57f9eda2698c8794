package quirks

import (
	"cmp"
	"slices"
	"time"
)

// Resolution is one value for every key, with its history.
type Resolution struct {
	db       *DB
	facts    Facts
	entries  []*Device // that match, the strongest first
	chosen   bool      // a profile was chosen: facts decide nothing
	profiles []string
	settings []Setting // as Keys
	index    map[string]int
	warnings []string
}

// Setting is the value of one key and its origin.
type Setting struct {
	Key        string   `json:"key"`
	Value      Value    `json:"value"`
	Default    Value    `json:"default"`
	Op         Op       `json:"op"` // the operation of the winning quirk; after add and remove the value also holds elements of weaker ones
	Layer      Layer    `json:"layer"`
	Source     string   `json:"source"`  // file:line, "--set", or "" for the default
	Profile    string   `json:"profile"` // the profile in whose file the winning quirk stands, or ""
	Reason     string   `json:"reason"`
	Sources    []string `json:"sources"`
	Confidence string   `json:"confidence"`
	When       string   `json:"when,omitempty"` // the condition under which it makes a difference
	Assumed    bool     `json:"assumed"`        // the quirk is for a range of firmware revisions, and the modem's is not known
	Losers     []Loser  `json:"losers"`         // the strongest first, then those that did not apply, then the default
}

// Loser is a value that did not win. If a stronger quirk only added to a list, or removed from it, the loser is part of the value,
// and Why says so.
type Loser struct {
	Op         Op     `json:"op"`
	Value      Value  `json:"value"`
	Layer      Layer  `json:"layer"`
	Source     string `json:"source"`
	Profile    string `json:"profile"`
	Reason     string `json:"reason"`
	Confidence string `json:"confidence"`
	Why        string `json:"why"`
}

// Profiles gives the ids of the profiles that were used, the strongest first; empty when none matched.
func (r *Resolution) Profiles() []string { return slices.Clone(r.profiles) }

// Profile gives the id of the strongest profile, or "".
func (r *Resolution) Profile() string {
	if len(r.profiles) == 0 {
		return ""
	}
	return r.profiles[0]
}

// Devices gives the entries that match the modem, the strongest first; none if a profile was chosen by name.
func (r *Resolution) Devices() []Device {
	list := make([]Device, len(r.entries))
	for i, d := range r.entries {
		list[i] = *d
	}
	return list
}

// get gives the value of a key of one of the types.
func (r *Resolution) get(name string, types ...Type) Value {
	i, ok := r.index[name]
	if !ok {
		panic("quirks: no key " + name)
	}
	v := r.settings[i].Value
	if !slices.Contains(types, v.typ) {
		panic("quirks: " + name + " is of type " + v.typ.String())
	}
	return v
}

// Bool gives the value of a Bool key. Like the other accessors it panics if there is no such key or it has another type, which is
// a mistake in the calling program.
func (r *Resolution) Bool(key string) bool { return r.get(key, Bool).num != 0 }

// Int gives the value of an Int key.
func (r *Resolution) Int(key string) int { return int(r.get(key, Int).num) }

// Duration gives the value of a Duration key.
func (r *Resolution) Duration(key string) time.Duration {
	return time.Duration(r.get(key, Duration).num)
}

// Text gives the value of a Text, Enum, Address or AT key. An Address parses with netip.ParseAddr.
func (r *Resolution) Text(key string) string { return r.get(key, Text, Enum, Address, AT).text }

// List gives the value of a key that is a list. Addresses parse with netip.ParseAddr, Prefixes with netip.ParsePrefix.
func (r *Resolution) List(key string) []string {
	return slices.Clone(r.get(key, Words, Addresses, Prefixes, Names, ATs).list)
}

// Setting gives the value of a key with its history. It panics if there is no such key.
func (r *Resolution) Setting(key string) Setting {
	i, ok := r.index[key]
	if !ok {
		panic("quirks: no key " + key)
	}
	return r.settings[i]
}

// Settings gives all keys in the order of Keys.
func (r *Resolution) Settings() []Setting { return slices.Clone(r.settings) }

// Changed gives the settings that some layer has set, in the order of Keys. Their value may be that of the default.
func (r *Resolution) Changed() (list []Setting) {
	for _, s := range r.settings {
		if s.Layer != Default {
			list = append(list, s)
		}
	}
	return list
}

// Matches says for every device entry whether it matches the facts, and why. First come those that match, the strongest first;
// then those that might match if more facts were known; then the rest. A profile that was chosen by name does not change it.
func (r *Resolution) Matches() []Match {
	type ranked struct {
		Match
		exact specificity
	}
	all := make([]ranked, len(r.db.devices))
	for i := range r.db.devices {
		all[i].Match, all[i].exact = r.db.devices[i].device().matches(r.facts)
	}
	rank := func(t Tri) int { return [...]int{No: 2, Yes: 0, Unknown: 1}[t] }
	slices.SortStableFunc(all, func(a, b ranked) int {
		if c := cmp.Compare(rank(a.Result), rank(b.Result)); c != 0 || a.Result != Yes {
			return c
		}
		return cmp.Or(cmp.Compare(b.Device.Layer, a.Device.Layer), slices.Compare(b.exact[:], a.exact[:]),
			cmp.Compare(a.Device.Profile, b.Device.Profile))
	})
	list := make([]Match, len(all))
	for i, m := range all {
		list[i] = m.Match
	}
	return list
}

// Possible gives the entries of which at least one condition is true, and others are not known.
func (r *Resolution) Possible() (list []Device) {
	if r.chosen {
		return nil
	}
	at := r.db.index.candidates(&r.facts)
	for i, e := range r.db.devices {
		if e.text == nil { // one of somebody's own, which may stand elsewhere in the index
			at = append(at, i)
		}
	}
	slices.Sort(at)
	for _, i := range slices.Compact(at) {
		m, _ := r.db.devices[i].device().matches(r.facts)
		if m.Result == Unknown && slices.ContainsFunc(m.Conditions, func(c Condition) bool { return c.Result == Yes }) {
			list = append(list, m.Device)
		}
	}
	return list
}

// Awaits says whether an unknown fact, by the name of its condition, could still change the modem's settings. If not, the caller
// need not find it out.
func (r *Resolution) Awaits(fact string) bool {
	if r.chosen {
		return false
	}
	for _, c := range conditions {
		if c.name != fact || *c.fact(&r.facts) != "" {
			continue
		}
		for _, i := range r.db.late {
			if d := r.db.devices[i].device(); len(*c.field(d)) > 0 && d.Disabled == "" && !d.ruledOut(&r.facts) {
				return true
			}
		}
	}
	return false
}

// Warnings gives the arbitrary decisions: ties between device entries of outer layers.
func (r *Resolution) Warnings() []string { return slices.Clone(r.warnings) }
