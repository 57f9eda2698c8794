package format

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// choice is one pattern of a rule, of an option or of what stands before a message.
type choice struct {
	pattern *pattern
	rule    *Rule
	option  *option
}

// choices are the patterns that a line may match, in the order of the file, by the line's first octet: most patterns cannot
// begin with it, and are not tried.
type choices struct {
	f    *Format
	all  []choice
	made [256]bool
	by   [256][]choice
}

// of gives the patterns that a text may match.
func (c *choices) of(text []byte) []choice {
	if len(text) == 0 {
		return c.all
	}
	first := text[0]
	if !c.made[first] {
		c.made[first] = true
		for _, x := range c.all {
			if x.pattern.mayBegin(first, c.f.words) {
				c.by[first] = append(c.by[first], x)
			}
		}
		if len(c.by[first]) == len(c.all) {
			c.by[first] = c.all
		}
	}
	return c.by[first]
}

// mayBegin says whether a text that begins with an octet may be a match. It may say yes where none is, never no where one is.
func (p *pattern) mayBegin(c byte, words map[int]map[string]string) bool {
	if len(p.pieces) == 0 {
		return true
	}
	first := &p.pieces[0]
	switch {
	case first.words != "":
		return first.words[0] == c
	case first.blank:
		return isBlank(c)
	}
	switch first.kind {
	case kindDir, kindProtocol, kindCode:
		if begins()[first.kind-kindDir][c] || isBlank(c) {
			return true
		}
		for w := range words[first.field] {
			if w != "" && w[0] == c {
				return true
			}
		}
		return false
	case kindWord:
		return !isBlank(c)
	case kindInt:
		return isDigit(c) || c == '-' || c == '+'
	case kindHex:
		return isHex(c)
	case kindNumber, kindMS, kindUS, kindUptime:
		return isDigit(c)
	case kindIP, kindSec:
		return isDigit(c) || c == '.'
	case kindCommand:
		return c|0x20 == 'a'
	case kindAnswer, kindCoded:
		return c <= 'Z' || c == '^'
	case kindOctets:
		return isHex(c) || isBlank(c)
	}
	return true
}

// begins is with which octets a word for a direction, the name of a protocol and the name of a code may begin.
var begins = sync.OnceValue(func() *[3][256]bool {
	var t [3][256]bool
	for c := range 256 {
		b := byte(c)
		letter := b|0x20 >= 'a' && b|0x20 <= 'z'
		t[0][c] = strings.IndexByte("stxwourdig", b|0x20) >= 0 || strings.IndexByte("-<>=:.()[]", b) >= 0 // see direction
		t[1][c] = !letter || isHex(b) || strings.IndexByte("lpucmei", b|0x20) >= 0                        // see protocolOf
		t[2][c] = !letter && !isDigit(b)
	}
	for name := range codes() {
		t[2][name[0]], t[2][name[0]&^0x20] = true, true
	}
	return &t
})

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// blankIn gives where the first blank stands, -1 if there is none.
func blankIn(b []byte) int {
	for i, c := range b {
		if isBlank(c) {
			return i
		}
	}
	return -1
}

// choicesOf gives the patterns of rules. Tags with the same rules share them.
func (r *Reader) choicesOf(rules []*Rule) *choices {
	for i := range r.sets {
		if s := &r.sets[i]; slices.Equal(s.rules, rules) {
			return s.choices
		}
	}
	c := &choices{f: r.f}
	for _, rule := range rules {
		for i := range rule.is {
			c.all = append(c.all, choice{rule: rule, pattern: &rule.is[i]})
		}
	}
	r.sets = append(r.sets, ruleSet{rules, c})
	return c
}

// ruleSet is the rules that lines with some tags may be of.
type ruleSet struct {
	rules   []*Rule
	choices *choices
}

// meant is what a word of a field says, for the words of a log are few.
type meant struct {
	number int // of a direction or a protocol
	code   string
	ok     bool
}

// meaning gives what a field of the last match says by itself or by the words of the format.
func (r *Reader) meaning(name string, read func(string) meant) meant {
	v := r.m.value(r.msg, name)
	if v == nil {
		return read(r.rule.constant[name])
	}
	v = bytes.TrimSpace(v)
	words := r.meant[name]
	if m, ok := words[string(v)]; ok {
		return m
	}
	m := read(r.Field(name))
	if words == nil || len(words) >= maxSeen {
		words = map[string]meant{}
		r.meant[name] = words
	}
	words[string(v)] = m
	return m
}
