package compare

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/show/wrap"
)

// TextOptions says how WriteText lays out the comparison.
type TextOptions struct {
	Width int  // columns; 0: 80
	Color bool // with ANSI colours
	All   bool // with what the modem did, and with all differences
}

// shownDifferences is how many differences of each role are shown without All.
const shownDifferences = 6

// WriteText writes the comparison for people, with the two sides next to each other.
func (r *Result) WriteText(w io.Writer, o TextOptions) error {
	if o.Width <= 0 {
		o.Width = 80
	}
	t := layout{w: bufio.NewWriter(w), TextOptions: o, column: max((o.Width-5)/2, 16)}
	t.pair("", t.bold(t.short(r.Good.Name)), t.bold(t.short(r.Bad.Name)))
	t.pair("", nth(r.Good), nth(r.Bad))
	t.pair("", t.paint(r.Good.Worked, r.Good.Outcome), t.paint(r.Bad.Worked, r.Bad.Outcome))
	for _, part := range []struct {
		title string
		list  []Difference
	}{{"What the dialers did differently, the most telling first", r.Host}, {"What the modem did differently", r.Modem}} {
		if len(part.list) == 0 {
			continue
		}
		t.line("")
		t.line(t.bold(part.title))
		n := len(part.list)
		if !o.All {
			n = min(n, shownDifferences)
		}
		for i, d := range part.list[:n] {
			t.line("")
			t.wrapped(fmt.Sprintf("%2d. ", i+1), t.bold(d.What), d.Why)
			t.pair("    ", d.Good.cell(), d.Bad.cell())
			for _, s := range d.Settings {
				t.line("    --set " + quote(s))
			}
		}
		if n < len(part.list) {
			t.line("")
			t.line(fmt.Sprintf("    and %d that tell less; --all shows them", len(part.list)-n))
		}
	}
	for _, text := range r.Remarks {
		t.line("")
		t.wrapped("Note: ", "", text)
	}
	t.line("")
	t.wrapped("", "", r.Sentence)
	if advice := r.Advice(); advice != "" {
		t.wrapped("", "", advice)
	}
	if len(r.Settings) > 0 {
		t.line("  " + r.Command())
	}
	return t.w.Flush()
}

// short removes the directories from a name that is too long for its column.
func (t *layout) short(name string) string {
	if utf8.RuneCountInString(name) <= t.column {
		return name
	}
	return name[strings.LastIndexByte(name, '/')+1:]
}

func nth(s Side) string {
	if s.Calls < 2 {
		return ""
	}
	return fmt.Sprintf("call %d of %d", s.Call, s.Calls)
}

func (s Seen) cell() string {
	if s.At == "" {
		return s.Text
	}
	return s.Text + " (" + s.At + ")"
}

type layout struct {
	TextOptions
	w      *bufio.Writer
	column int
}

func (t *layout) line(s string) { fmt.Fprintln(t.w, strings.TrimRight(s, " ")) }

func (t *layout) bold(s string) string { return t.ansi("1", s) }

func (t *layout) paint(worked bool, s string) string {
	if worked {
		return t.ansi("32", s)
	}
	return t.ansi("31", s)
}

func (t *layout) ansi(code, s string) string {
	s = event.Printable(s)
	if !t.Color || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// wrapped writes a head and a text behind it, wrapped below itself.
func (t *layout) wrapped(mark, head, text string) {
	indent := strings.Repeat(" ", len(mark))
	if head != "" {
		t.line(mark + head)
		mark = indent
	}
	for _, l := range wrap.Text(text, t.Width-len(indent)) {
		t.line(mark + l)
		mark = indent
	}
}

// pair writes two texts next to each other; nothing if both are empty.
func (t *layout) pair(indent, a, b string) {
	if a == "" && b == "" {
		return
	}
	width := t.column - len(indent)
	left, right := t.cells(a, width), t.cells(b, t.column)
	for i := range max(len(left), len(right)) {
		l, r := "", ""
		if i < len(left) {
			l = left[i]
		}
		if i < len(right) {
			r = right[i]
		}
		t.line(indent + l + strings.Repeat(" ", max(width-visible(l), 0)) + "  |  " + r)
	}
}

// cells wraps a text that may be painted as a whole.
func (t *layout) cells(s string, width int) []string {
	open, end := "", ""
	if strings.HasPrefix(s, "\x1b[") {
		i := strings.IndexByte(s, 'm')
		open, end = s[:i+1], "\x1b[0m"
		s = strings.TrimSuffix(s[i+1:], end)
	}
	list := wrap.Text(s, width)
	for i := range list {
		list[i] = open + list[i] + end
	}
	return list
}

func visible(s string) int {
	if i := strings.IndexByte(s, 'm'); strings.HasPrefix(s, "\x1b[") && i > 0 {
		s = strings.TrimSuffix(s[i+1:], "\x1b[0m")
	}
	return utf8.RuneCountInString(s)
}
