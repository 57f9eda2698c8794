package read

import (
	"bytes"
	"hash/maphash"
)

// cacheLen is how many lines are remembered, and maxCached how long one may be: most of a long log are the same few hundred.
const (
	cacheLen  = 1024
	maxCached = 512
)

// cache remembers what came of lines, so that one that comes again and again is neither read anew nor takes memory. Each
// line has one place; whoever comes later takes it.
type cache[T any] struct {
	seed  maphash.Seed
	slots []cached[T]
	none  cached[T] // of lines that are too long
}

type cached[T any] struct {
	asked uint64 // the hash of the line that the place was asked for last
	hash  uint64 // of line: another line is told by it without a look at the text
	line  []byte
	value T
	set   bool
	link  string // where the line names one
}

// slot gives the place of a line.
func (c *cache[T]) slot(line []byte) *cached[T] {
	if c.slots == nil {
		c.seed, c.slots = maphash.MakeSeed(), make([]cached[T], cacheLen)
	}
	if len(line) > maxCached {
		c.none = cached[T]{}
		return &c.none
	}
	hash := maphash.Bytes(c.seed, line)
	s := &c.slots[hash%cacheLen]
	s.asked = hash
	return s
}

// is says whether the place holds that line.
func (s *cached[T]) is(line []byte) bool {
	return s.set && s.hash == s.asked && bytes.Equal(s.line, line)
}

func (s *cached[T]) put(line []byte, value T) {
	s.line = append(s.line[:0], line...)
	s.hash, s.value, s.set = s.asked, value, true
}
