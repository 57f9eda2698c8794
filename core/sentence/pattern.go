package sentence

import "strings"

// pattern is a text in which a * stands for any text, taken apart at the stars.
type pattern struct {
	parts []string // around the stars; one part: there is no star
}

// span is where a star's text stands.
type span struct{ from, to int }

func compile(text string) pattern { return pattern{strings.Split(text, "*")} }

func (p *pattern) matches(s string) bool {
	var stars [maxStars]span
	_, ok := p.find(s, stars[:0])
	return ok
}

// maxStars is more than any pattern has.
const maxStars = 12

// find says whether all of s is the pattern, and appends what each star stands for: as little as it can, but for the last.
func (p *pattern) find(s string, stars []span) ([]span, bool) {
	first, n := p.parts[0], len(p.parts)
	if n == 1 {
		return stars, s == first
	}
	last := p.parts[n-1]
	if len(s) < len(first)+len(last) || s[:len(first)] != first || !strings.HasSuffix(s, last) {
		return stars, false
	}
	at, end := len(first), len(s)-len(last)
	for _, part := range p.parts[1 : n-1] {
		i := strings.Index(s[at:end], part)
		if i < 0 {
			return stars, false
		}
		stars = append(stars, span{at, at + i})
		at += i + len(part)
	}
	return append(stars, span{at, end}), true
}

// entry is one sentence.
type entry struct {
	pattern, except pattern
	hasExcept       bool
	by              string // the program whose sentence it is
	only            string // the program that alone may say it
	word, value     string
}

// index finds the sentences that a line may be. Those that begin with a text stand under its first octet; of those that
// begin with a star, some four octets that each of them holds are looked for in the line, all in one pass.
type index struct {
	entries []entry
	first   [256][]int
	inside  map[uint32][]int
	maybe   [1 << 10]uint64 // a bit for the hash of each key of inside
	short   []int           // those that hold no four octets in a row
}

func newIndex() *index { return &index{inside: map[uint32][]int{}} }

func (x *index) add(e entry) { x.entries = append(x.entries, e) }

func (x *index) finish() {
	for i := range x.entries {
		p := &x.entries[i].pattern
		if p.parts[0] != "" {
			c := p.parts[0][0]
			x.first[c] = append(x.first[c], i)
			continue
		}
		longest := ""
		for _, part := range p.parts {
			if len(part) > len(longest) {
				longest = part
			}
		}
		if len(longest) < 4 {
			x.short = append(x.short, i)
			continue
		}
		k := four(longest, (len(longest)-4)/2) // the middle of a text is seldom a blank and a common word
		x.inside[k] = append(x.inside[k], i)
		h := hash(k)
		x.maybe[h>>6] |= 1 << (h & 63)
	}
}

func four(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

func hash(k uint32) uint32 { return k * 2654435761 >> 16 }

// candidates appends the sentences that a line may be by the octets that stand in it, whatever their case, in the order of the
// table. Most lines of a log may be none, and cost no more than this.
func (x *index) candidates(list []int, line string) []int {
	list = append(append(list, x.first[lower(line[0])]...), x.short...)
	k := uint32(0)
	for i := range len(line) {
		k = k>>8 | uint32(lower(line[i]))<<24
		if h := hash(k); i >= 3 && x.maybe[h>>6]&(1<<(h&63)) != 0 {
			list = append(list, x.inside[k]...)
		}
	}
	sorted(list)
	return list
}

// match calls f for each of the candidates that a line in lower case is.
func (x *index) match(candidates []int, line string, f func(*entry, []span)) {
	var room [maxStars]span
	for i, n := range candidates {
		if i > 0 && n == candidates[i-1] {
			continue
		}
		e := &x.entries[n]
		stars, ok := e.pattern.find(line, room[:0])
		if ok && !(e.hasExcept && e.except.matches(line)) {
			f(e, stars)
		}
	}
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

// sorted sorts a short list in place.
func sorted(list []int) {
	for i := 1; i < len(list); i++ {
		for j := i; j > 0 && list[j] < list[j-1]; j-- {
			list[j], list[j-1] = list[j-1], list[j]
		}
	}
}
