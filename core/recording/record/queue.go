package record

import (
	"slices"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Limits of what may wait to be written. At 100 Mbit/s the octets last for a third of a second or more.
const (
	queueOctets = 4 << 20
	queueItems  = 64 << 10
	queueEvents = 4096
)

// item is one thing that happened: some octets of batch.octets, or one event of batch.events.
type item struct {
	at  int64 // Unix nanoseconds
	n   int32 // number of octets; -1: an event
	dir event.Dir
}

// batch holds what happened, in order.
type batch struct {
	items  []item
	octets []byte
	events []event.Record
	hide   []string // secrets to be hidden in the octets
	// What had no room after the last item.
	lostOctets, lostEvents uint64
}

func (b *batch) reset() {
	clear(b.events) // so that their values can be freed
	b.items, b.octets, b.events, b.hide = b.items[:0], b.octets[:0], b.events[:0], nil
	b.lostOctets, b.lostEvents = 0, 0
}

// queue takes octets and events on the path of the call. It copies them, and allocates memory only until it has grown to the size
// that it needs.
type queue struct {
	mu     sync.Mutex
	fill   batch
	closed bool
	wake   chan struct{} // signalled when something came into an empty queue, and when the queue is a quarter full
	urgent bool          // wake was signalled because the queue is a quarter full
}

func (q *queue) bytes(now time.Time, dir event.Dir, p []byte) {
	if len(p) == 0 {
		return
	}
	q.mu.Lock()
	b := &q.fill
	switch {
	case q.closed:
	case len(b.octets)+len(p) > queueOctets || len(b.items) == queueItems || b.lostOctets > 0:
		// Once something is lost, all that follows is lost too until the writer has caught up. So the file has one hole
		// with a notice, not many.
		b.lostOctets += uint64(len(p))
	default:
		b.octets = append(b.octets, p...)
		b.items = append(b.items, item{now.UnixNano(), int32(len(p)), dir})
		q.tell(len(b.items) == 1, len(b.octets) > queueOctets/4)
	}
	q.mu.Unlock()
}

// hide takes secrets to be hidden. They need no position among the items: it does no harm to hide them earlier than necessary.
func (q *queue) hide(secrets []string) {
	q.mu.Lock()
	for _, s := range secrets {
		if !slices.Contains(q.fill.hide, s) {
			q.fill.hide = append(q.fill.hide, s)
		}
	}
	q.mu.Unlock()
}

func (q *queue) event(r event.Record) {
	q.mu.Lock()
	b := &q.fill
	switch {
	case q.closed:
	case len(b.events) == queueEvents || len(b.items) == queueItems || b.lostEvents > 0:
		b.lostEvents++
	default:
		b.events = append(b.events, r)
		b.items = append(b.items, item{n: -1})
		q.tell(len(b.items) == 1, len(b.events) > queueEvents/4)
	}
	q.mu.Unlock()
}

// tell wakes the writer, with q.mu held.
func (q *queue) tell(first, urgent bool) {
	if !first && (!urgent || q.urgent) {
		return
	}
	q.urgent = q.urgent || urgent
	select {
	case q.wake <- struct{}{}:
	default: // a signal is pending already
	}
}

// take gives the batch that was gathered, and puts an empty one in its place.
func (q *queue) take(empty batch) (full batch, closed bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	full, q.fill, q.urgent = q.fill, empty, false
	return full, q.closed
}

func (q *queue) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// gather waits for more items: until the queue is a quarter full or closed, at most for d.
func (q *queue) gather(d time.Duration) {
	q.mu.Lock()
	hurry := q.closed || q.urgent
	q.mu.Unlock()
	if hurry {
		return
	}
	select {
	case <-q.wake:
	case <-time.After(d):
	}
}
