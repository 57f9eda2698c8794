package quirks

import (
	"cmp"
	"slices"
	"strings"
)

// Change is one difference between the settings that a modem gets from two databases, or between two profiles.
type Change struct {
	Device string      `json:"device"` // the name of a device entry that stands for the modem
	Facts  Facts       `json:"facts"`  // the facts by which it was looked up
	From   []string    `json:"from"`   // the profiles that it got before
	To     []string    `json:"to"`     // the profiles that it gets now
	Keys   []KeyChange `json:"keys"`   // in the order of the table Keys; empty: only the names of the profiles differ
}

// KeyChange is a key whose value differs.
type KeyChange struct {
	Key  string `json:"key"`
	From Value  `json:"from"`
	To   Value  `json:"to"`
	// The layer and place of both values; a default has no place.
	FromLayer  Layer  `json:"from_layer"`
	FromSource string `json:"from_source"`
	ToLayer    Layer  `json:"to_layer"`
	ToSource   string `json:"to_source"`
}

// Diff lists the modems that get other settings from b than from a. The modems are those that the device entries of both describe,
// one or several for each entry.
func Diff(a, b *DB) []Change {
	type example struct {
		facts  Facts
		device string
	}
	var all []example
	seen := map[Facts]bool{}
	for _, db := range []*DB{b, a} {
		for i := range db.devices {
			d := db.devices[i].device()
			for _, f := range d.examples() {
				if !seen[f] {
					seen[f] = true
					all = append(all, example{f, cmp.Or(d.Name, d.Origin)})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(x, y example) int { return cmp.Compare(x.device, y.device) })
	var list []Change
	for _, e := range all {
		from, err1 := a.Resolve(e.facts, "", nil)
		to, err2 := b.Resolve(e.facts, "", nil)
		if err1 != nil || err2 != nil {
			continue // there is nothing chosen and nothing set that could be wrong
		}
		c := Change{Device: e.device, Facts: e.facts, From: append([]string{}, from.Profiles()...), To: append([]string{}, to.Profiles()...), Keys: Compare(from, to)}
		if len(c.Keys) > 0 || !slices.Equal(c.From, c.To) {
			list = append(list, c)
		}
	}
	return list
}

// Compare lists the keys whose values differ, in the order of the table Keys.
func Compare(from, to *Resolution) []KeyChange {
	list := []KeyChange{}
	for i, s := range from.settings {
		if t := to.settings[i]; !s.Value.Equal(t.Value) {
			list = append(list, KeyChange{Key: s.Key, From: s.Value, To: t.Value,
				FromLayer: s.Layer, FromSource: s.Source, ToLayer: t.Layer, ToSource: t.Source})
		}
	}
	return list
}

// maxExamples is the greatest number of examples of one entry, which may combine many ids with many models.
const maxExamples = 64

// examples gives modems that the entry matches: one for each of its USB ids with each of its models; of its other
// conditions the first pattern.
func (d *Device) examples() (list []Facts) {
	var base Facts
	for _, c := range conditions {
		if p := *c.field(d); len(p) > 0 {
			*c.fact(&base) = example(c.name, p[0])
		}
	}
	for _, usb := range orNone(d.USB) {
		for _, model := range orNone(d.Model) {
			f := base
			f.USB, f.Model = example("usb", usb), example("model", model)
			if len(list) < maxExamples && !slices.Contains(list, f) {
				list = append(list, f)
			}
		}
	}
	return list
}

// example gives a fact that a pattern matches.
func example(condition, pattern string) string {
	switch condition {
	case "usb":
		return strings.Replace(pattern, "*", "0000", 1)
	case "class":
		return strings.ReplaceAll(pattern, "*", "00")
	}
	return strings.NewReplacer("*", "", "?", "x").Replace(pattern)
}
