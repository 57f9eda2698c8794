package sentence

import (
	"bytes"
)

// pattern is a text in which a * stands for any text, taken apart at the stars.
type pattern struct {
	parts [][]byte // around the stars; one part: there is no star
}

// span is the place of a star's text.
type span struct{ from, to int }

func compile(text string) pattern { return pattern{bytes.Split([]byte(text), []byte("*"))} }

func (p *pattern) matches(s []byte) bool {
	var stars [maxStars]span
	_, ok := p.find(s, stars[:0])
	return ok
}

// maxStars is more than any pattern has.
const maxStars = 12

// find says whether the whole of s matches the pattern, and appends the text of each star. A star takes as little as possible;
// the last one takes the rest.
func (p *pattern) find(s []byte, stars []span) ([]span, bool) {
	first, n := p.parts[0], len(p.parts)
	if n == 1 {
		return stars, bytes.Equal(s, first)
	}
	last := p.parts[n-1]
	if len(s) < len(first)+len(last) || !bytes.HasPrefix(s, first) || !bytes.HasSuffix(s, last) {
		return stars, false
	}
	at, end := len(first), len(s)-len(last)
	for _, part := range p.parts[1 : n-1] {
		i := bytes.Index(s[at:end], part)
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
	only            string // if not "": the only program that may say it
	word, value     string
}

// index finds the sentences that may match a line. Sentences that begin with text are listed by its first octet. For each
// sentence that begins with a star, four octets of its text are looked for in the line, for all such sentences in one pass.
type index struct {
	entries []entry
	first   [256][]beginning
	inside  map[uint32][]int
	maybe   [1 << 10]uint64 // a bit for the hash of each key of inside
	short   []int           // sentences without four octets in a row
}

// beginning is the first four octets of a sentence that begins with a text, or as many as it has.
type beginning struct {
	text, mask uint32
	entry      int
}

func newIndex() *index { return &index{inside: map[uint32][]int{}} }

func (x *index) add(e entry) { x.entries = append(x.entries, e) }

func (x *index) finish() {
	for i := range x.entries {
		p := &x.entries[i].pattern
		if head := p.parts[0]; len(head) > 0 {
			b := beginning{entry: i}
			for j := range min(len(head), 4) {
				b.text |= uint32(head[j]) << (8 * j)
				b.mask |= 0xff << (8 * j)
			}
			x.first[head[0]] = append(x.first[head[0]], b)
			continue
		}
		var longest []byte
		for _, part := range p.parts {
			if len(part) > len(longest) {
				longest = part
			}
		}
		if len(longest) < 4 {
			x.short = append(x.short, i)
			continue
		}
		k := four(longest, (len(longest)-4)/2) // the middle of a text is rarely a blank and a common word
		x.inside[k] = append(x.inside[k], i)
		h := hash(k)
		x.maybe[h>>6] |= 1 << (h & 63)
	}
}

func four(s []byte, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

func hash(k uint32) uint32 { return k * 2654435761 >> 16 }

// candidates appends the sentences that may match a line in lower case, judged by its octets, in the order of the table. Most
// lines of a log match none and cost no more than this.
func (x *index) candidates(list []int, line []byte) []int {
	list = append(list, x.short...)
	head := uint32(0)
	for j := range min(len(line), 4) {
		head |= uint32(line[j]) << (8 * j)
	}
	for _, b := range x.first[line[0]] {
		if head&b.mask == b.text {
			list = append(list, b.entry)
		}
	}
	k := head << 8
	for i := 3; i < len(line); i++ {
		k = k>>8 | uint32(line[i])<<24
		if h := hash(k); x.maybe[h>>6]&(1<<(h&63)) != 0 {
			list = append(list, x.inside[k]...)
		}
	}
	sorted(list)
	return list
}

// match calls f for each candidate that matches a line in lower case.
func (x *index) match(candidates []int, line []byte, f func(*entry, []span)) {
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
