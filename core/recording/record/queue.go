package record

import (
	"slices"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
)

// How much may wait to be written. With a modem of 100 Mbit/s the octets are what passes in a third of a second or more.
const (
	queueOctets = 4 << 20
	queueItems  = 64 << 10
	queueEvents = 4096
)

// item is one thing that happened: octets of batch.octets, or an event of batch.events.
type item struct {
	at  int64 // Unix nanoseconds
	n   int32 // octets; -1: an event
	dir event.Dir
}

// batch is what happened, in order.
type batch struct {
	items  []item
	octets []byte
	events []event.Record
	hide   []string // secrets that may be among the octets
	// What found no room after the last item.
	lostOctets, lostEvents uint64
}

func (b *batch) reset() {
	clear(b.events) // let go of what they hold
	b.items, b.octets, b.events, b.hide = b.items[:0], b.octets[:0], b.events[:0], nil
	b.lostOctets, b.lostEvents = 0, 0
}

// queue takes what happens on the call's path: it copies, and allocates only while it grows to the size that it needs.
type queue struct {
	mu     sync.Mutex
	fill   batch
	closed bool
	wake   chan struct{} // told when something came into an empty queue, and when it is a quarter full
	urgent bool          // it was told the latter
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
		// Once there is a hole, all that follows goes into it until the writer has caught up: one place, and told as such.
		b.lostOctets += uint64(len(p))
	default:
		b.octets = append(b.octets, p...)
		b.items = append(b.items, item{now.UnixNano(), int32(len(p)), dir})
		q.tell(len(b.items) == 1, len(b.octets) > queueOctets/4)
	}
	q.mu.Unlock()
}

// hide takes secrets. They need no place among the items: what is hidden too early is hidden, too.
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
	default: // it will look anyway
	}
}

// take gives what there is, and takes an empty batch for what comes.
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

// gather waits for more to come, until it is much, or the queue is closed, or the time is over.
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
