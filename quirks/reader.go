package quirks

import (
	"fmt"
	"slices"
	"time"
	"unicode"
)

// reader reads a tree strictly and collects the mistakes.
type reader struct {
	layer    Layer
	file     string
	problems []*Problem
	rules    []PortRule
	disable  []reference // profiles whose entries in weaker layers are not to match
}

// maxProblems is the greatest number of mistakes of one file that are reported.
const maxProblems = 20

func (r *reader) problem(p pos, format string, args ...any) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, newProblem(r.layer, r.file, p, format, args...))
	}
}

// origin gives file:line for what was read at p.
func (r *reader) origin(p pos) string { return fmt.Sprintf("%s:%d", r.file, p.line) }

// unknown reports a name that is not among the allowed ones.
func (r *reader) unknown(p pos, what, name string, allowed []string) {
	r.problem(p, "%s", unknownText(what, name, allowed))
}

// only reports the names in a table that are not allowed there.
func (r *reader) only(t *node, what string, allowed ...string) {
	for _, name := range t.names {
		if !slices.Contains(allowed, name) {
			r.unknown(t.table[name].key, what, name, allowed)
		}
	}
}

// want says whether n is of a kind, and reports it if it is not.
func (r *reader) want(n *node, name string, k kind) bool {
	if n.kind != k {
		r.problem(n.pos, "%s must be %s, not %s", name, k, n.kind)
	}
	return n.kind == k
}

// text reads an optional one-line text.
func (r *reader) text(t *node, name string) string {
	n := t.child(name)
	if n == nil || !r.want(n, name, isString) {
		return ""
	}
	if err := prose(n.text); err != nil {
		r.problem(n.pos, "%s: %v", name, err)
		return ""
	}
	return n.text
}

// maxProse is the length in bytes of a summary, a reason or a source.
const maxProse = 1000

// prose holds what people read to one line in any script, with nothing in it that a terminal would obey.
func prose(s string) error {
	if len(s) > maxProse {
		return fmt.Errorf("text of %d bytes, but at most %d are allowed", len(s), maxProse)
	}
	for _, c := range s {
		if !unicode.IsPrint(c) {
			return fmt.Errorf("%q has a character that cannot be printed", s)
		}
	}
	return nil
}

// texts reads an optional list of texts that people read and gives each with its place.
func (r *reader) texts(t *node, name string) (list []string, at []pos) {
	n := t.child(name)
	if n == nil || !r.want(n, name, isArray) {
		return nil, nil
	}
	if len(n.items) > maxList {
		r.problem(n.pos, "%s has %d elements, but at most %d are allowed", name, len(n.items), maxList)
		return nil, nil
	}
	for _, c := range n.items {
		if !r.want(c, "an element of "+name, isString) {
			continue
		}
		if err := prose(c.text); err != nil {
			r.problem(c.pos, "%s: %v", name, err)
			continue
		}
		list, at = append(list, c.text), append(at, c.pos)
	}
	return list, at
}

// schema checks the version that every file begins with.
func (r *reader) schema(t *node) {
	n := t.child("schema")
	if n == nil {
		r.problem(pos{}, "schema is missing; write schema = 1 first")
		return
	}
	if r.want(n, "schema", isInt) && n.num != Schema {
		r.problem(n.pos, "schema %d is not known; this program reads schema %d", n.num, Schema)
	}
}

// date reads an optional date.
func (r *reader) date(t *node, name string) string {
	n := t.child(name)
	if n == nil || !r.want(n, name, isDate) {
		return ""
	}
	if _, err := time.Parse(time.DateOnly, n.text); err != nil {
		r.problem(n.pos, "%s: %q is not a date", name, n.text)
	}
	return n.text
}

// confidence reads an optional one of Confidences.
func (r *reader) confidence(t *node) string {
	word := r.text(t, "confidence")
	if word != "" && !slices.Contains(Confidences, word) {
		r.problem(t.child("confidence").pos, "%s", unknownText("confidence", word, Confidences))
	}
	return word
}
