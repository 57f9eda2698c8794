package quirks

import (
	"slices"
	"strconv"
	"strings"
)

// Firmware is a range of firmware revisions. The numbers in two revisions are compared from left to right, as in versions; other
// characters do not count: "11.126.15.00.445" is before "11.200".
type Firmware struct {
	From   string `json:"from,omitempty"`   // the first revision of the range; empty: from the beginning
	Before string `json:"before,omitempty"` // the first revision after the range; empty: open
}

// String gives the range for people.
func (f *Firmware) String() string {
	switch {
	case f == nil:
		return ""
	case f.From == "":
		return "before " + f.Before
	case f.Before == "":
		return "from " + f.From
	}
	return "from " + f.From + " to before " + f.Before
}

// numbers gives the runs of digits in a revision.
func numbers(revision string) (list []uint64) {
	for _, s := range strings.FieldsFunc(revision, func(c rune) bool { return c < '0' || c > '9' }) {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return nil // longer than any version is: not a revision we can order
		}
		list = append(list, n)
	}
	return list
}

// contains says whether a revision is in the range; Unknown when the revision is not known or has no numbers.
func (f *Firmware) contains(revision string) Tri {
	if f == nil {
		return Yes
	}
	n := numbers(revision)
	if len(n) == 0 {
		return Unknown
	}
	if f.From != "" && slices.Compare(n, numbers(f.From)) < 0 || f.Before != "" && slices.Compare(n, numbers(f.Before)) >= 0 {
		return No
	}
	return Yes
}

// overlaps says whether some revision can be in both ranges. No range is all revisions, but next to a range it is the
// rule and the range the exception.
func (f *Firmware) overlaps(g *Firmware) bool {
	if f == nil || g == nil {
		return f == g
	}
	return below(f.From, g.Before) && below(g.From, f.Before)
}

// below says whether a range beginning at from has something before the end of another.
func below(from, before string) bool {
	return from == "" || before == "" || slices.Compare(numbers(from), numbers(before)) < 0
}

// firmware reads the optional range of a quirk.
func (r *reader) firmware(t *node) *Firmware {
	n := t.child("firmware")
	if n == nil || !r.want(n, "firmware", isTable) {
		return nil
	}
	r.only(n, "name", "from", "before")
	f := &Firmware{From: r.text(n, "from"), Before: r.text(n, "before")}
	for _, name := range []string{"from", "before"} {
		if c := n.child(name); c != nil && c.kind == isString && len(numbers(c.text)) == 0 {
			r.problem(c.pos, "%s: %q has no number to compare", name, c.text)
		}
	}
	switch {
	case f.From == "" && f.Before == "":
		r.problem(n.pos, "firmware needs from or before")
	case !below(f.From, f.Before):
		r.problem(n.pos, "firmware range is empty: %s", f)
	}
	return f
}
