package wire

import "github.com/knakppp/knak/core/event"

// dataEvents caches the events of data frames. An event in an interface is an allocation, and a recording has millions of data frames
// that differ only in direction, protocol and length. Events are never changed, so equal frames can share one.
type dataEvents struct {
	kept *[boxCount]event.Event
}

const boxCount = 4096

func (b *dataEvents) data(d event.Data) event.Event {
	if b.kept == nil {
		b.kept = new([boxCount]event.Event)
	}
	p := &b.kept[(d.Length+int(d.Protocol)*61)%(boxCount/2)*2+int(d.Dir&1)]
	if old, ok := (*p).(event.Data); ok && old == d {
		return *p
	}
	*p = d
	return *p
}
