// Package page lays out a page of the documentation for a terminal: it takes Markdown as in docs/ and wraps it to the width of the screen.
package page

import (
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// Options describe the terminal.
type Options struct {
	Width int  // columns; 0 and less than 20 stand for 80
	Color bool // mark headings and code by SGR sequences (ECMA-48 section 8.3.117); without it code stays between backquotes

	// Link gives the text that replaces a link: text is the link's text, target its address. If Link is nil, the text alone is shown.
	Link func(text, target string) string
}

const (
	bold  = "\x1b[1m"
	cyan  = "\x1b[36m"
	reset = "\x1b[0m"
)

// Set lays out a page. Markdown that it does not know stays as it is, so that no text is lost.
func Set(markdown string, o Options) string {
	if o.Width < 20 {
		o.Width = 80
	}
	s := setter{Options: o}
	for line := range strings.Lines(strings.TrimRight(markdown, "\n") + "\n") {
		s.line(strings.TrimRight(line, "\r\n"))
	}
	s.end()
	return s.out.String()
}

type setter struct {
	Options
	out strings.Builder

	fenced    bool     // inside ``` … ```
	paragraph []string // the words of a paragraph or of an item of a list
	mark      string   // what stands before its first line: "  - ", "1. "
	indent    int      // columns before its other lines
	rows      [][]string
}

// The marks of Markdown that the pages use. They are compiled when a page is set, not whenever the program starts.
var (
	heading = lazy(`^(#{1,6}) +(.*)$`)
	item    = lazy(`^( *)([-*]|\d+\.) +(.*)$`)
	rule    = lazy(`^\|[-:| ]+\|$`)
	link    = lazy(`\[((?:[^\[\]]|\\.)*)\]\(([^()\s]*)\)`)
	code    = lazy("`[^`]+`")
	strong  = lazy(`\*\*([^*]+)\*\*`)
	escaped = lazy(`\\([\\_*<>\[\]#|` + "`" + `])`)
	sgr     = lazy("\x1b\\[[0-9;]*m")
)

func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

// line takes one line of the page.
func (s *setter) line(l string) {
	switch {
	case strings.HasPrefix(strings.TrimSpace(l), "```"):
		s.end()
		s.fenced = !s.fenced
	case s.fenced:
		s.put("    " + l)
	case strings.HasPrefix(l, "    ") && len(s.paragraph) == 0:
		s.end()
		s.put(l)
	case strings.HasPrefix(l, "|"):
		if len(s.rows) == 0 {
			s.end()
		}
		if !rule().MatchString(l) {
			s.rows = append(s.rows, cells(l))
		}
	case strings.TrimSpace(l) == "":
		s.end()
		s.put("")
	default:
		s.text(l)
	}
}

func (s *setter) text(l string) {
	if m := heading().FindStringSubmatch(l); m != nil {
		s.end()
		for _, l := range wrap(s.words(m[2], false), s.Width) {
			s.put(s.paint(bold, l))
		}
		return
	}
	if m := item().FindStringSubmatch(l); m != nil {
		s.end()
		s.mark = m[1] + m[2] + " "
		s.indent = len(s.mark)
		l = m[3]
	}
	s.paragraph = append(s.paragraph, l)
}

// end writes what was gathered: a paragraph, an item or a table.
func (s *setter) end() {
	if len(s.paragraph) > 0 {
		for i, l := range wrap(s.words(strings.Join(s.paragraph, " "), true), s.Width-s.indent) {
			if i == 0 {
				s.put(s.mark + l)
			} else {
				s.put(strings.Repeat(" ", s.indent) + l)
			}
		}
	}
	s.table()
	s.paragraph, s.mark, s.indent, s.rows = nil, "", 0, nil
}

// table writes the rows: columns where the screen has room for them, else each row as a paragraph, its first cell before it.
func (s *setter) table() {
	if len(s.rows) == 0 {
		return
	}
	widths := make([]int, 0, 8)
	for _, row := range s.rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], width(strings.Join(s.words(c, true), " ")))
		}
	}
	before := 0
	for _, w := range widths[:len(widths)-1] {
		before += w + 2
	}
	last := s.Width - before
	if last < min(widths[len(widths)-1], max(24, s.Width/3)) {
		s.stacked(widths)
		return
	}
	for n, row := range s.rows {
		start := ""
		for i, c := range row[:len(row)-1] {
			c = strings.Join(s.words(c, n > 0), " ")
			start += c + strings.Repeat(" ", widths[i]-width(c)+2)
		}
		lines := wrap(s.words(row[len(row)-1], n > 0), last)
		if len(lines) == 0 {
			lines = []string{""}
		}
		for i, l := range lines {
			if i > 0 {
				start = strings.Repeat(" ", before)
			}
			l = strings.TrimRight(start+l, " ")
			if n == 0 {
				l = s.paint(bold, l)
			}
			s.put(l)
		}
	}
}

// stacked writes each row as a paragraph, with the names of the columns but for one of prose at the end.
func (s *setter) stacked(widths []int) {
	head := s.rows[0]
	for _, row := range s.rows[1:] {
		for i, c := range row {
			indent := ""
			if i > 0 {
				if c == "" {
					continue
				}
				indent = "    "
				if (i < len(row)-1 || widths[i] <= s.Width/3) && i < len(head) && head[i] != "" {
					c = head[i] + ": " + c
				}
			}
			for _, l := range wrap(s.words(c, true), s.Width-len(indent)) {
				s.put(indent + l)
			}
		}
	}
}

func (s *setter) put(l string) { s.out.WriteString(l + "\n") }

func (s *setter) paint(color, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return color + text + reset
}

// words splits a text at its blanks, without the marks of Markdown. A blank inside of code is no break where that code is short.
func (s *setter) words(text string, painted bool) []string {
	text = link().ReplaceAllStringFunc(text, func(l string) string {
		m := link().FindStringSubmatch(l)
		if s.Link == nil {
			return m[1]
		}
		return s.Link(m[1], m[2])
	})
	text = strong().ReplaceAllString(text, "$1")
	var out strings.Builder
	end := 0
	for _, at := range code().FindAllStringIndex(text, -1) {
		out.WriteString(escaped().ReplaceAllString(text[end:at[0]], "$1"))
		c := text[at[0]:at[1]]
		if s.Color && painted {
			c = cyan + c[1:len(c)-1] + reset
		}
		if width(c) <= s.Width/2 {
			c = strings.ReplaceAll(c, " ", hard)
		}
		out.WriteString(c)
		end = at[1]
	}
	out.WriteString(escaped().ReplaceAllString(text[end:], "$1"))
	words := strings.Fields(out.String())
	for i, w := range words {
		words[i] = strings.ReplaceAll(w, hard, " ")
	}
	return words
}

// hard stands for a blank that is no break. It occurs in no text.
const hard = "\x00"

// cells splits a row of a table. A bar behind a backslash is part of a cell.
func cells(row string) []string {
	row = strings.ReplaceAll(strings.Trim(strings.TrimSpace(row), "|"), `\|`, hard)
	var list []string
	for c := range strings.SplitSeq(row, "|") {
		list = append(list, strings.ReplaceAll(strings.TrimSpace(c), hard, "|"))
	}
	return list
}

// width is how many columns a text takes.
func width(text string) int { return utf8.RuneCountInString(sgr().ReplaceAllString(text, "")) }

// Wrap breaks a text into lines of at most n columns. A longer word gets a line of its own.
func Wrap(text string, n int) []string { return wrap(strings.Fields(text), n) }

// wrap sets words into lines of at most n columns; a longer word has a line of its own.
func wrap(words []string, n int) []string {
	var lines []string
	used := 0
	for _, w := range words {
		if used > 0 && used+1+width(w) <= n {
			lines[len(lines)-1] += " " + w
			used += 1 + width(w)
			continue
		}
		lines = append(lines, w)
		used = width(w)
	}
	return lines
}
