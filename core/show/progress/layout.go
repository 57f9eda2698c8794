package progress

import (
	"fmt"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/show/wrap"
)

// indent is the width of the time column and the gap after it.
const indent = "          "

// SGR sequences (ECMA-48 section 8.3.117).
type color string

const (
	none   color = ""
	bold   color = "\x1b[1m"
	dim    color = "\x1b[2m"
	red    color = "\x1b[1;31m"
	green  color = "\x1b[32m"
	yellow color = "\x1b[33m"
	cyan   color = "\x1b[36m"
	reset        = "\x1b[0m"
)

// priorities are those of syslog (RFC 5424 section 6.2.1), by the colour of the line at a terminal.
var priorities = map[color]int{red: 3, yellow: 4, green: 5, bold: 5}

// say writes one line with the time before it.
func (p *Progress) say(at time.Time, c color, text string) {
	if p.o.Journal {
		p.put("", c, text)
		return
	}
	before := fmt.Sprintf("%7.3fs  ", max(at.Sub(p.o.Start), 0).Seconds())
	if !p.fits {
		p.put(before, c, text)
		return
	}
	for _, l := range lines(text, p.o.Width-len(indent)) {
		p.put(before, c, l)
		before = indent
	}
}

// more writes text under the line before, wrapped.
func (p *Progress) more(c color, text string) {
	before := indent
	if p.o.Journal {
		before = "  "
	}
	for _, l := range lines(event.Printable(text), p.o.Width-len(before)) {
		p.put(before, c, l)
	}
}

// put writes a line; before stands in front of the coloured part.
func (p *Progress) put(before string, c color, text string) {
	if p.o.Journal {
		n, ok := priorities[c]
		if !ok {
			n = 6
		}
		fmt.Fprintf(&p.out, "<%d>%s%s\n", n, before, text)
		return
	}
	if p.o.Color && c != none && text != "" {
		text = string(c) + text + reset
	}
	p.out.WriteString(before + text + "\n")
}

// gap writes an empty line, except in a journal.
func (p *Progress) gap() {
	if !p.o.Journal {
		p.out.WriteByte('\n')
	}
}

// finding writes a block: the title, the meaning, what to try, what was seen.
func (p *Progress) finding(f event.Finding) {
	p.gap()
	for i, l := range lines(event.Printable(f.Title), p.o.Width-len("problem: ")) {
		if i == 0 {
			l = "problem: " + l
		} else {
			l = "         " + l
		}
		p.put("", red, l)
	}
	id := f.ID
	if f.Confidence != "" {
		id += ", " + f.Confidence
	}
	if f.Category != "" && f.Category != f.ID {
		id += ", " + f.Category
	}
	p.put("", dim, "         ("+event.Printable(id)+")")
	if f.Meaning != "" {
		p.put("", bold, "What it means")
		for _, l := range lines(clean(f.Meaning), p.o.Width-2) {
			p.put("", none, "  "+l)
		}
	}
	p.list("What to try", f.Cure, func(i int) string { return fmt.Sprintf("%2d. ", i+1) })
	p.list("What was seen", f.Evidence, func(int) string { return "  - " })
	p.gap()
}

func (p *Progress) list(title string, items []string, mark func(int) string) {
	if len(items) == 0 {
		return
	}
	p.put("", bold, title)
	for i, item := range items {
		m := mark(i)
		for j, l := range wrap.Tokens(commands(clean(item)), p.o.Width-len(m)) {
			if j > 0 {
				m = strings.Repeat(" ", len(m))
			}
			p.put("", none, m+l)
		}
	}
}

// clean makes each word of knak's own text printable; such a text may be longer than a modem's.
func clean(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		words[i] = event.Printable(w)
	}
	return strings.Join(words, " ")
}

// commands splits text into words, but keeps a knak command line together, so that it can be copied.
func commands(text string) []string {
	var tokens []string
	words := strings.Fields(text)
	for i := 0; i < len(words); i++ {
		token := words[i]
		for inside := token == "knak"; inside && i+1 < len(words); i++ {
			next := words[i+1]
			if prev := words[i]; prev != "knak" && !strings.HasPrefix(next, "--") && !strings.HasPrefix(prev, "--") || strings.HasPrefix(next, "(") {
				break
			}
			token += " " + next
			inside = !strings.HasSuffix(next, ";") && !strings.HasSuffix(next, ",")
		}
		tokens = append(tokens, token)
	}
	return tokens
}

// lines breaks text at spaces into lines of at most n characters; of no text there are none.
func lines(text string, n int) []string { return wrap.Tokens(strings.Fields(text), n) }
