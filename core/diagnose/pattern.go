package diagnose

import (
	"strings"
	"sync"
)

// pattern is a text in which a * stands for any text, taken apart at the stars.
type pattern struct {
	first, last string
	middle      []string
	exact       bool // there is no star
}

func compile(text string) pattern {
	parts := strings.Split(text, "*")
	if len(parts) == 1 {
		return pattern{first: text, exact: true}
	}
	p := pattern{first: parts[0], last: parts[len(parts)-1]}
	for _, m := range parts[1 : len(parts)-1] {
		if m != "" {
			p.middle = append(p.middle, m)
		}
	}
	return p
}

// matches says whether all of s is the pattern.
func (p *pattern) matches(s string) bool {
	if p.exact {
		return s == p.first
	}
	if len(s) < len(p.first)+len(p.last) || !strings.HasPrefix(s, p.first) || !strings.HasSuffix(s, p.last) {
		return false
	}
	s = s[len(p.first) : len(s)-len(p.last)]
	for _, m := range p.middle {
		i := strings.Index(s, m)
		if i < 0 {
			return false
		}
		s = s[i+len(m):]
	}
	return true
}

// matches is pattern.matches for one that is needed once.
func matches(text, s string) bool {
	p := compile(text)
	return p.matches(s)
}

// watch is one pattern of the facts or of the data rules.
type watch struct {
	pattern, except pattern
	hasExcept       bool
	fact            *logFact // or, if nil:
	rule, line      int      // the number of a data rule and of its line
}

func (w *watch) matches(s string) bool {
	return w.pattern.matches(s) && !(w.hasExcept && w.except.matches(s))
}

// watches are all patterns: those that begin with a text by its first octet, and those that begin with a star.
type watches struct {
	by      [256][]watch
	starred []watch
}

var allWatches = sync.OnceValue(func() *watches {
	all := new(watches)
	add := func(text, except string, w watch) {
		w.pattern, w.except, w.hasExcept = compile(text), compile(except), except != ""
		if text[0] == '*' {
			all.starred = append(all.starred, w)
		} else {
			all.by[text[0]] = append(all.by[text[0]], w)
		}
	}
	facts := logFacts()
	for i := range facts {
		add(facts[i].text, facts[i].except, watch{fact: &facts[i]})
	}
	for i, r := range lineRules() {
		for j, l := range r.Lines {
			add(l.Text, l.Except, watch{rule: i, line: j})
		}
	}
	return all
})

// seen calls f for each pattern that s, as words gives it, matches.
func (a *watches) seen(s string, f func(*watch)) {
	if s == "" {
		return
	}
	for _, list := range [...][]watch{a.by[s[0]], a.starred} {
		for i := range list {
			if list[i].matches(s) {
				f(&list[i])
			}
		}
	}
}
