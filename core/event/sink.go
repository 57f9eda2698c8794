package event

import "sync"

// Fanout is a Sink that hands each record to several, in their order.
type Fanout []Sink

// Record hands r to every sink.
func (f Fanout) Record(r Record) {
	for _, s := range f {
		s.Record(r)
	}
}

// Buffer is a Sink that keeps the last records, for tests, for diagnosis afterwards, and for late readers. It may be used
// from several goroutines.
type Buffer struct {
	mu      sync.Mutex
	ring    []Record
	next    int // where the next record goes once the ring is full
	limit   int
	dropped int
}

// NewBuffer keeps at most limit records, at least one.
func NewBuffer(limit int) *Buffer { return &Buffer{limit: max(limit, 1)} }

// Record keeps r, in place of the oldest where the buffer is full.
func (b *Buffer) Record(r Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.ring) < b.limit {
		b.ring = append(b.ring, r)
		return
	}
	b.ring[b.next] = r
	b.next = (b.next + 1) % b.limit
	b.dropped++
}

// Records gives a copy of what is kept, oldest first.
func (b *Buffer) Records() []Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]Record, 0, len(b.ring))
	out = append(out, b.ring[b.next:]...)
	return append(out, b.ring[:b.next]...)
}

// Dropped says how many records were pushed out.
func (b *Buffer) Dropped() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.dropped
}
