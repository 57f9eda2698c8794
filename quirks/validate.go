package quirks

import (
	"strings"
)

// Validate looks for what makes each file right by itself but wrong among the others: entries that match some modem
// equally exactly and want different values, and quirks that come too late for every entry that brings them. At run
// time both are decided and reported by Resolve; in shipped data they are errors.
func (db *DB) Validate() (problems []*Problem) {
	at := func(d *Device, format string, args ...any) {
		problems = append(problems, newProblem(d.Layer, d.file, d.pos, format, args...))
	}
	for i := range db.devices {
		d := &db.devices[i]
		for _, c := range db.candidates(d.Profile, d, specificity{}, Facts{}) {
			if why := c.unfit(Facts{}); why != "" {
				at(d, "%s: %s", c.quirk.Origin, why)
			}
		}
		for j := range i {
			if e := &db.devices[j]; e.Layer == d.Layer && tie(d, e) {
				if key := db.disagree(d.Profile, e.Profile); key != "" {
					at(d, "%s (%s) and %s (%s) can match the same modem equally exactly, and disagree about %s", d.Profile, d.Origin, e.Profile, e.Origin, key)
				}
			}
		}
	}
	return problems
}

// tie says whether some modem matches both entries equally exactly: whether there is a pattern of every condition of
// either such that the patterns meet and the specificities are the same.
func tie(d, e *Device) bool {
	var walk func(i int, a, b map[string]string) bool
	walk = func(i int, a, b map[string]string) bool {
		if i == len(conditions) {
			return specificityOf(a) == specificityOf(b)
		}
		c := conditions[i]
		for _, p := range orNone(*c.field(d)) {
			for _, q := range orNone(*c.field(e)) {
				if p != "" && q != "" && !meet(strings.ToLower(p), strings.ToLower(q)) {
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

func orNone(patterns []string) []string {
	if len(patterns) == 0 {
		return []string{""}
	}
	return patterns
}

// disagree gives a key about which two profiles say different things, or "".
func (db *DB) disagree(a, b string) string {
	p, err1 := db.Resolve(Facts{}, a, nil)
	q, err2 := db.Resolve(Facts{}, b, nil)
	if err1 != nil || err2 != nil {
		return ""
	}
	for i, s := range p.settings {
		if t := q.settings[i]; s.Layer != Default && t.Layer != Default && !s.Value.Equal(t.Value) {
			return s.Key
		}
	}
	return ""
}
