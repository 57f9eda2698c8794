package format

import (
	"bytes"
	"time"
)

// looked is how much of a file's beginning is looked through for marks, and lines how many lines are matched.
const (
	looked = 16 << 10
	lines  = 120
)

// Score says how well the beginning of a file fits: how many of its lines were looked at, and how many of them are of a form
// that the format has. Both are 0 if no mark of the format stands in it.
// plain takes off a line what a terminal obeys, and outer what something that passed the log on has put before it, if there
// is such a thing.
func (f *Format) Score(prefix []byte, stamp func([]byte) (time.Time, int), plain func([]byte) []byte, outer func([]byte) ([]byte, bool)) (hits, total int) {
	prefix = prefix[:min(len(prefix), looked)]
	if !f.marked(prefix) {
		return 0, 0
	}
	r := f.NewReader(stamp)
	for b := range bytes.Lines(prefix) {
		b = bytes.TrimRight(b, "\r\n")
		if len(bytes.TrimSpace(b)) == 0 {
			continue
		}
		if total++; total > lines {
			break
		}
		l := r.Line(bytes.TrimLeft(plain(b), " \t"))
		if l.Bare { // behind a time that something has put before it
			if rest, ok := outer(l.Message); ok {
				inner := r.Line(rest)
				if !inner.Bare || r.Match(l) == nil {
					l = inner
				}
				if len(bytes.TrimSpace(l.Message)) == 0 {
					total--
					continue
				}
			}
		}
		if rule := r.Match(l); rule != nil && rule.Kind != Nothing {
			hits++
		} else if r.option(l.Message) != nil {
			hits++
		} else if l.Bare && rule == nil && (IsCommand(l.Message) || IsAnswer(l.Message)) { // read as the dialogue in any format
			hits++
		}
	}
	return hits, total
}

func (f *Format) marked(prefix []byte) bool {
	for _, m := range f.marks {
		if bytes.Contains(prefix, m) {
			return true
		}
	}
	return false
}
