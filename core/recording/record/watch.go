package record

import (
	"fmt"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/recording/wire"
)

// showAfter is how long octets are gathered before they are shown.
const showAfter = 20 * time.Millisecond

// Watcher reads the bytes of a line while they pass, and hands their records to a sink in a goroutine of its own. So a stopped
// terminal (Ctrl-S) does not stop the call. Its methods may be called from several goroutines.
type Watcher struct {
	queue queue
	sink  event.Sink
	link  string
	done  chan struct{}
}

// Watch begins to hand records of link, without secrets, to sink.
func Watch(link string, sink event.Sink) *Watcher {
	w := &Watcher{sink: sink, link: link, done: make(chan struct{})}
	w.queue.wake = make(chan struct{}, 1)
	go w.run()
	return w
}

// Bytes takes octets that passed at now. It copies p.
func (w *Watcher) Bytes(now time.Time, dir event.Dir, p []byte) { w.queue.bytes(now, dir, p) }

// Record takes an event to be shown between the octets.
func (w *Watcher) Record(r event.Record) { w.queue.event(r) }

// Close shows the rest. If the sink accepts nothing, Close gives up after a short while.
func (w *Watcher) Close() {
	w.queue.close()
	select {
	case <-w.done:
	case <-time.After(closePatience):
	}
}

func (w *Watcher) run() {
	defer close(w.done)
	line := wire.New(wire.Options{Link: w.link})
	hider := private.NewHider()
	hand := func() {
		for r, ok := line.Next(); ok; r, ok = line.Next() {
			w.sink.Record(hider.Record(r))
		}
	}
	var spare batch
	quiet := time.NewTimer(0)
	for closed := false; !closed; {
		if d := line.Deadline(); d.IsZero() {
			quiet.Stop()
		} else {
			quiet.Reset(time.Until(d))
		}
		select {
		case <-w.queue.wake:
			w.queue.gather(showAfter)
		case <-quiet.C:
			line.Advance(time.Now())
			hand()
			continue
		}
		var b batch
		b, closed = w.queue.take(spare)
		octets, events := b.octets, b.events
		for _, i := range b.items {
			if i.n < 0 {
				w.sink.Record(events[0])
				events = events[1:]
				continue
			}
			line.Receive(time.Unix(0, i.at), i.dir, octets[:i.n])
			octets = octets[i.n:]
			hand()
		}
		if b.lostOctets > 0 {
			w.sink.Record(event.Record{Time: time.Now(), Link: w.link, Event: event.Notice{Level: "warning",
				Text: fmt.Sprintf("%d octets are not shown: the output is slower than the line", b.lostOctets)}})
		}
		b.reset()
		spare = b
	}
	line.Close(time.Now())
	hand()
}
