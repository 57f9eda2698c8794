package sim

import (
	"time"

	"github.com/knakppp/knak/core/event"
)

// maxQueued is the greatest number of octets that wait for the host. More are dropped, as in a UART with an overrun.
const maxQueued = 4 << 20

// item is an output with the time from which it may be taken.
type item struct {
	kind  OutputKind
	at    time.Time
	data  []byte
	lines Lines
	event event.Event
}

// queue holds outputs in the order in which they leave. It reuses its slots, so it does not allocate once it has reached its
// greatest length.
type queue struct {
	items  []item
	head   int
	octets int
}

// push makes a slot at the end. An output never overtakes an earlier one: the line is one stream.
func (q *queue) push(kind OutputKind, at time.Time) *item {
	q.compact()
	if n := len(q.items); n > q.head && q.items[n-1].at.After(at) {
		at = q.items[n-1].at
	}
	if len(q.items) < cap(q.items) {
		q.items = q.items[:len(q.items)+1]
	} else {
		q.items = append(q.items, item{})
	}
	it := &q.items[len(q.items)-1]
	*it = item{kind: kind, at: at, data: it.data[:0]}
	return it
}

// compact gives the slots of what has been taken back, once they are at least half of all.
func (q *queue) compact() {
	if q.head == 0 || 2*q.head < len(q.items) {
		return
	}
	left := len(q.items) - q.head
	for i := range left { // swapped, so that each slot keeps a buffer
		q.items[i], q.items[q.head+i] = q.items[q.head+i], q.items[i]
	}
	q.items, q.head = q.items[:left], 0
}

// write queues octets, in pieces of at most chunk with a gap between them where the scenario wants that. It says
// whether there was room.
func (q *queue) write(kind OutputKind, at time.Time, b []byte, chunk int, gap time.Duration) bool {
	if q.octets+len(b) > maxQueued {
		return false
	}
	q.octets += len(b)
	for len(b) > 0 {
		n := len(b)
		if chunk > 0 {
			n = min(n, chunk)
		}
		it := q.push(kind, at)
		it.data = append(it.data, b[:n]...)
		b = b[n:]
		at = it.at.Add(gap)
	}
	return true
}

// next takes the first output that may leave now.
func (q *queue) next(now time.Time) (*item, bool) {
	if q.head == len(q.items) || q.items[q.head].at.After(now) {
		return nil, false
	}
	it := &q.items[q.head]
	q.head++
	q.octets -= len(it.data)
	return it, true
}

// deadline is when the first output may leave; the zero time: nothing waits.
func (q *queue) deadline() time.Time {
	if q.head == len(q.items) {
		return time.Time{}
	}
	return q.items[q.head].at
}

// task is an action for a later time.
type task struct {
	at   time.Time
	call int // only while this call lasts; 0: always
	run  func(now time.Time)
}

// maxTasks is the greatest number of planned tasks. A host that floods a modem with slow answers loses answers.
const maxTasks = 4096

// agenda holds tasks in the order of their times; those of equal time are in the order in which they were planned.
type agenda []task

func (a *agenda) add(t task) {
	s := *a
	if len(s) >= maxTasks {
		return
	}
	i := len(s)
	for i > 0 && s[i-1].at.After(t.at) {
		i--
	}
	s = append(s, task{})
	copy(s[i+1:], s[i:])
	s[i] = t
	*a = s
}

func (a *agenda) pop() task {
	t := (*a)[0]
	n := copy(*a, (*a)[1:])
	(*a)[n] = task{}
	*a = (*a)[:n]
	return t
}

// earliest gives the earlier of two times of which the zero time is never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
