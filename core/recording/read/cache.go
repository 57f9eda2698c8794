package read

import (
	"bytes"
	"hash/maphash"

	"github.com/knakppp/knak/core/event"
)

// cacheLen is how many lines are remembered, and maxCached how long one may be: most of a long log are the same few hundred.
const (
	cacheLen  = 1024
	maxCached = 512
)

// cache remembers the events of lines, so that one that comes again and again is neither read anew nor takes memory. Each
// line has one place; whoever comes later takes it.
type cache struct {
	seed  maphash.Seed
	slots []cached
	none  cached // of lines that are too long
}

type cached struct {
	line  []byte
	event event.Event
	link  string // where the line names one
}

// slot gives the place of a line.
func (c *cache) slot(line []byte) *cached {
	if c.slots == nil {
		c.seed, c.slots = maphash.MakeSeed(), make([]cached, cacheLen)
	}
	if len(line) > maxCached {
		c.none = cached{}
		return &c.none
	}
	return &c.slots[maphash.Bytes(c.seed, line)%cacheLen]
}

// is says whether the place holds that line.
func (s *cached) is(line []byte) bool { return s.event != nil && bytes.Equal(s.line, line) }

func (s *cached) set(line []byte, e event.Event) {
	s.line = append(s.line[:0], line...)
	s.event = e
}
