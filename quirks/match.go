package quirks

import (
	"strings"
)

// Tri is the answer to "does it match": no, yes, or not known because a fact is missing.
type Tri uint8

// The three answers.
const (
	No Tri = iota
	Yes
	Unknown
)

// String gives "no", "yes" or "unknown".
func (t Tri) String() string { return [...]string{"no", "yes", "unknown"}[t] }

// MarshalText makes JSON carry String.
func (t Tri) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// Match is the result of comparing one device entry with the facts.
type Match struct {
	Device     Device      `json:"device"`
	Result     Tri         `json:"result"`
	Conditions []Condition `json:"conditions"` // only those the entry has, in a fixed order
}

// Condition is the result of comparing one condition of a device entry with its fact.
type Condition struct {
	Name     string   `json:"name"` // "usb", "model" and so on
	Patterns []string `json:"patterns"`
	Fact     string   `json:"fact"` // empty: not known
	Result   Tri      `json:"result"`
}

// specificity orders the entries that match one modem. It is compared from left to right: revision; product id with interface or
// class; product id; model; manufacturer; vendor id; board; operator; peer; authentication; interface, class or driver alone. A
// text pattern counts by its characters that are no wildcards; a pattern without wildcards counts most.
type specificity [11]int

// exact is the score of a pattern without wildcards.
const exact = 1000

// score says how exact a pattern is.
func score(pattern string) int {
	if !strings.ContainsAny(pattern, "*?") {
		return exact
	}
	return len(pattern) - strings.Count(pattern, "*") - strings.Count(pattern, "?")
}

// specificityOf gives the place of an entry of which these patterns matched, by the names of their conditions.
func specificityOf(matched map[string]string) (s specificity) {
	usb := matched["usb"]
	product := usb != "" && !strings.HasSuffix(usb, "*")
	port := matched["interface"] != "" || matched["class"] != ""
	of := func(name string) int {
		if p := matched[name]; p != "" {
			return score(p)
		}
		return 0
	}
	s[0] = of("revision")
	s[1] = one(product && port)
	s[2] = one(product)
	s[3] = of("model")
	s[4] = of("manufacturer")
	s[5] = one(usb != "" && !product)
	s[6] = max(of("devicetree"), of("dmi"))
	s[7] = of("operator")
	s[8] = of("peer")
	s[9] = one(matched["auth"] != "")
	s[10] = 2*one(matched["interface"] != "") + 2*one(matched["class"] != "") + one(matched["driver"] != "")
	return s
}

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}

// phase is when the last fact that the entry looks at becomes known, and the name of that fact.
func (d *Device) phase() (p Phase, name string) {
	for _, c := range conditions {
		if len(*c.field(d)) > 0 && (name == "" || c.phase > p) {
			p, name = c.phase, c.name
		}
	}
	return p, name
}

// matches compares an entry with the facts. One "no" makes it no; without one, one "unknown" makes it unknown.
func (d *Device) matches(f Facts) (Match, specificity) {
	m := Match{Device: *d, Result: Yes}
	matched := map[string]string{}
	for _, c := range conditions {
		patterns := *c.field(d)
		if len(patterns) == 0 {
			continue
		}
		fact := strings.TrimSpace(*c.fact(&f))
		r := Condition{Name: c.name, Patterns: patterns, Fact: fact}
		if fact == "" {
			r.Result = Unknown
		} else if p := c.best(patterns, fact); p != "" && fact != None {
			r.Result = Yes
			matched[c.name] = p
		}
		switch {
		case r.Result == No:
			m.Result = No
		case r.Result == Unknown && m.Result == Yes:
			m.Result = Unknown
		}
		m.Conditions = append(m.Conditions, r)
	}
	if d.Disabled != "" {
		m.Result = No
	}
	return m, specificityOf(matched)
}

// ruledOut says that some condition does not hold, without the story that matches tells: most entries of a large
// database end here.
func (d *Device) ruledOut(f *Facts) bool {
	for i := range conditions {
		c := &conditions[i]
		if patterns := *c.field(d); len(patterns) > 0 {
			if fact := strings.TrimSpace(*c.fact(f)); fact != "" && (fact == None || c.best(patterns, fact) == "") {
				return true
			}
		}
	}
	return false
}

// best gives the most exact of the patterns that match a fact, or, where that is a list, one of its words; or "".
func (c *condition) best(patterns []string, fact string) (best string) {
	if !c.list {
		return bestMatch(patterns, fact)
	}
	for word := range strings.FieldsSeq(fact) {
		if p := bestMatch(patterns, word); p != "" && (best == "" || score(p) > score(best)) {
			best = p
		}
	}
	return best
}

// bestMatch gives the most exact of the patterns that match a fact, or "".
func bestMatch(patterns []string, fact string) (best string) {
	for _, p := range patterns {
		if (best == "" || score(p) > score(best)) && glob(p, fact) {
			best = p
		}
	}
	return best
}

// glob says whether s is what the pattern p says: * is any text, ? any one byte, upper and lower case are alike. It
// takes at most len(p)*len(s) steps.
func glob(p, s string) bool {
	star, back := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '*':
			star, back = i, j
			i++
		case i < len(p) && (p[i] == '?' || lower(p[i]) == lower(s[j])):
			i++
			j++
		case star >= 0:
			back++
			i, j = star+1, back
		default:
			return false
		}
	}
	return strings.Trim(p[i:], "*") == ""
}

// lower is for ASCII, which is all that a pattern can hold.
func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// meet says whether some text matches both patterns.
func meet(p, q string) bool {
	// can[i][j]: the rest of p from i and the rest of q from j have a text in common.
	can := make([][]bool, len(p)+1)
	for i := len(p); i >= 0; i-- {
		can[i] = make([]bool, len(q)+1)
		for j := len(q); j >= 0; j-- {
			switch {
			case i == len(p) && j == len(q):
				can[i][j] = true
			case i < len(p) && p[i] == '*':
				can[i][j] = can[i+1][j] || j < len(q) && can[i][j+1]
			case j < len(q) && q[j] == '*':
				can[i][j] = can[i][j+1] || i < len(p) && can[i+1][j]
			case i < len(p) && j < len(q):
				can[i][j] = (p[i] == q[j] || p[i] == '?' || q[j] == '?') && can[i+1][j+1]
			}
		}
	}
	return can[0][0]
}
