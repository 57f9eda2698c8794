package read

import (
	"bytes"
	"hash/maphash"
)

// cacheLen is how many lines are remembered; maxCached is the most octets of such a line. Most lines of a long log are
// repetitions of a few hundred.
const (
	cacheLen  = 1024
	maxCached = 512
)

// cache remembers the results of lines, so that a repeated line is not read again and needs no memory. Each line has one possible
// place; a later line replaces an earlier one there.
type cache[T any] struct {
	seed  maphash.Seed
	slots []cached[T]
	none  cached[T] // for lines that are too long
}

type cached[T any] struct {
	asked uint64 // the hash of the line that the place was asked for last
	hash  uint64 // of line: another line is told by it without a look at the text
	line  []byte
	value T
	set   bool
	link  string // if the line names one
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

// holds says whether the slot holds the result for line.
func (s *cached[T]) holds(line []byte) bool {
	return s.set && s.hash == s.asked && bytes.Equal(s.line, line)
}

func (s *cached[T]) put(line []byte, value T) {
	s.line = append(s.line[:0], line...)
	s.hash, s.value, s.set = s.asked, value, true
}
