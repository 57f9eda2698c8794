package quirks

import (
	"slices"
	"strings"
)

// Validate finds mistakes that no single file shows: entries that match some modem equally exactly and want different values, and
// quirks that come too late in every entry that assigns them. At run time Resolve decides such cases and reports them; in built-in
// data they are errors.
func (db *DB) Validate() (problems []*Problem) {
	at := func(d *Device, format string, args ...any) {
		problems = append(problems, newProblem(d.Layer, d.file, d.pos, format, args...))
	}
	for i := range db.devices {
		d := db.devices[i].device()
		for _, c := range db.ofEntry(d) {
			switch why := c.unfit(Facts{}); {
			case why == "":
			case c.unfit(Facts{Remembered: true}) != "":
				at(d, "%s: %s", c.quirk.Origin, why)
			case c.quirk.When == "": // it comes in time where the profile is named, or the modem on the port is remembered
				at(d, "%s: %s; say so with when", c.quirk.Origin, why)
			}
		}
		for j := range i {
			if e := db.devices[j].device(); e.Layer == d.Layer && tie(d, e) {
				if key := db.disagree(d, e); key != "" {
					at(d, "%s and the entry at %s can match the same modem equally exactly, and disagree about %s", d.Origin, e.Origin, key)
				}
			}
		}
	}
	return problems
}

// tie says whether some modem matches both entries equally exactly: whether there is a pattern of every condition of
// either such that the patterns meet and the specificities are the same.
func tie(d, e *Device) bool {
	if apart(d, e) {
		return false
	}
	var walk func(i int, a, b map[string]string) bool
	walk = func(i int, a, b map[string]string) bool {
		if i == len(conditions) {
			return specificityOf(a) == specificityOf(b)
		}
		c := conditions[i]
		for _, p := range orNone(*c.field(d)) {
			for _, q := range orNone(*c.field(e)) {
				if p != "" && q != "" && !c.list && !meet(strings.ToLower(p), strings.ToLower(q)) {
					continue
				}
				a[c.name], b[c.name] = p, q
				if walk(i+1, a, b) {
					return true
				}
			}
		}
		return false
	}
	return walk(0, map[string]string{}, map[string]string{})
}

// apart says whether some condition keeps two entries from matching one modem, which most do.
func apart(d, e *Device) bool {
	for i := range conditions {
		c := &conditions[i]
		p, q := *c.field(d), *c.field(e)
		if len(p) == 0 || len(q) == 0 || c.list {
			continue
		}
		if !slices.ContainsFunc(p, func(a string) bool {
			return slices.ContainsFunc(q, func(b string) bool {
				return a == b || strings.ContainsAny(a+b, "*?") && meet(strings.ToLower(a), strings.ToLower(b)) || strings.EqualFold(a, b)
			})
		}) {
			return true
		}
	}
	return false
}

func orNone(patterns []string) []string {
	if len(patterns) == 0 {
		return []string{""}
	}
	return patterns
}

// ofEntry gives all that an entry brings.
func (db *DB) ofEntry(d *Device) []*candidate {
	all := d.candidates(specificity{})
	if d.Profile != "" {
		all = append(all, db.candidates(d.Profile, d, specificity{}, Facts{})...)
	}
	return all
}

// disagree gives a key about which two entries say different things, or "".
func (db *DB) disagree(d, e *Device) string {
	p, q := db.ofEntry(d), db.ofEntry(e)
	of := func(all []*candidate, k *key) Setting {
		var r Resolution
		var mine []*candidate
		for _, c := range all {
			if c.quirk.Key == k.Name {
				mine = append(mine, c)
			}
		}
		slices.SortStableFunc(mine, compare)
		return r.settle(k, mine)
	}
	for _, c := range p {
		k := table()[c.quirk.Key]
		if s, t := of(p, k), of(q, k); s.Layer != Default && t.Layer != Default && !s.Value.Equal(t.Value) {
			return k.Name
		}
	}
	return ""
}
