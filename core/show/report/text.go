package report

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/knakppp/knak/core/show/wrap"
)

// TextOptions say how the ladder is drawn on a terminal.
type TextOptions struct {
	Width int  // columns; 0 stands for 80, and less than 40 for 40
	Color bool // whether to use SGR colours
	ASCII bool // no characters beyond ASCII
}

// glyphs draw the arrows and the lifelines.
type glyphs struct{ bar, left, right, line, cut string }

var (
	unicodeGlyphs = glyphs{"│", "◀", "▶", "─", "…"}
	asciiGlyphs   = glyphs{"|", "<", ">", "-", "."}
)

// timeWidth is the column of times: "  12.345".
const timeWidth = 9

// Text writes the ladder for a terminal: host on the left, modem on the right, one line an arrow, longer labels below.
func (l Ladder) Text(w io.Writer, o TextOptions) error {
	g := unicodeGlyphs
	if o.ASCII {
		g = asciiGlyphs
	}
	width := o.Width
	if width == 0 {
		width = 80
	}
	d := drawing{w: w, g: g, color: o.Color, begin: l.Begin, inner: max(width, 40) - timeWidth - 4}
	d.head()
	for i := range l.Rows {
		if l.Left > 0 && i == len(l.Rows)/2 {
			d.across("", fmt.Sprintf("%d rows are left out here", l.Left), "phase")
		}
		d.row(&l.Rows[i], l)
	}
	for n, f := range l.Findings {
		mark := fmt.Sprintf("[%d] ", n+1)
		lines := wrap.Text(fmt.Sprintf("%s (%s%s)", f.Title, f.Confidence, l.said(n)), d.inner+11-len(mark))
		d.printf("\n%s%s\n", mark, strings.Join(lines, "\n"+strings.Repeat(" ", len(mark))))
	}
	return d.err
}

type drawing struct {
	w     io.Writer
	g     glyphs
	color bool
	begin time.Time
	inner int // columns between the lifelines
	err   error
}

func (d *drawing) printf(format string, args ...any) {
	if d.err == nil {
		_, d.err = fmt.Fprintf(d.w, format, args...)
	}
}

func (d *drawing) head() {
	d.printf("%*shost%*smodem\n", timeWidth, "", d.inner-7, "")
}

func (d *drawing) clock(t time.Time) string {
	if t.IsZero() || d.begin.IsZero() {
		return ""
	}
	return fmt.Sprintf("%.3f", t.Sub(d.begin).Seconds())
}

// sgr are the colours of the groups (ECMA-48 section 8.3.117); a group that is not listed has no colour.
var sgr = map[string]string{
	"at": "36", "lcp": "34", "pap": "35", "chap": "35", "eap": "35", "ipcp": "32", "ipv6cp": "32", "data": "2",
	"phase": "1", "finding": "1;33", "note": "2", "unread": "31", "wrong": "31",
}

func (d *drawing) paint(group, text string) string {
	code := sgr[group]
	if !d.color || code == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// row draws one row: the label on the arrow where it fits, else above it in as many lines as it takes.
func (d *drawing) row(row *Row, l Ladder) {
	if !row.Arrow {
		d.across(d.clock(row.Time), row.Label, row.Group)
		return
	}
	label := row.Label
	if row.Group != "at" && row.Group != "data" {
		label = strings.ToUpper(row.Group) + " " + label
	}
	if row.Again > 0 {
		label += fmt.Sprintf(" (again, %d)", row.Again)
	}
	for _, n := range row.Pins {
		label += fmt.Sprintf(" [%d]", n+1)
	}
	room := d.inner - 6
	lines := wrap.Text(label, room)
	clock := d.clock(row.Time)
	for _, line := range lines[:len(lines)-1] {
		d.line(clock, d.paint(row.Group, pad(line, d.inner, 3)))
		clock = ""
	}
	last := lines[len(lines)-1]
	rest := d.inner - 4 - utf8.RuneCountInString(last)
	var arrow string
	if row.Dir == 0 {
		arrow = d.g.line + " " + last + " " + strings.Repeat(d.g.line, rest) + d.g.right
	} else {
		arrow = d.g.left + " " + last + " " + strings.Repeat(d.g.line, rest) + d.g.line
	}
	d.line(clock, d.paint(row.Group, arrow))
	for _, wrong := range row.Wrong {
		for _, line := range wrap.Text("! "+wrong, room) {
			d.line("", d.paint("wrong", pad(line, d.inner, 3)))
		}
	}
}

func (d *drawing) line(clock, inner string) {
	d.printf("%*s  %s%s%s\n", timeWidth-2, clock, d.g.bar, inner, d.g.bar)
}

// across writes what is no arrow between the lifelines.
func (d *drawing) across(clock, text, group string) {
	for i, line := range wrap.Text(text, d.inner-4) {
		if i == 0 && group == "phase" {
			line = "== " + line + " =="
		}
		d.line(clock, d.paint(group, pad(line, d.inner, 2)))
		clock = ""
	}
}

func pad(s string, width, before int) string {
	n := utf8.RuneCountInString(s)
	if n+before > width {
		before = max(width-n, 0)
	}
	return strings.Repeat(" ", before) + s + strings.Repeat(" ", max(width-before-n, 0))
}
