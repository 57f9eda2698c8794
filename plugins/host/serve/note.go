package serve

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/plugins/internal/wire"
)

// rawEvent is an event that is known in its JSON form only.
type rawEvent struct {
	kind   string
	fields map[string]json.RawMessage
}

// Kind gives the event's kind.
func (e rawEvent) Kind() string { return e.kind }

// MarshalJSON gives the event's fields.
func (e rawEvent) MarshalJSON() ([]byte, error) { return json.Marshal(e.fields) }

// readRecord reads a line of trace's JSON. Of the kinds that have a message of their own the event is typed.
func readRecord(line []byte) (event.Record, error) {
	var head struct {
		T     time.Time `json:"t"`
		Link  string    `json:"link"`
		Event string    `json:"event"`
	}
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(line, &head); err != nil {
		return event.Record{}, fmt.Errorf("event: %w", err)
	}
	if err := json.Unmarshal(line, &fields); err != nil {
		return event.Record{}, fmt.Errorf("event: %w", err)
	}
	r := event.Record{Time: head.T, Link: head.Link}
	switch head.Event {
	case event.Device{}.Kind():
		r.Event = eventOf[event.Device](line)
	case event.Phase{}.Kind():
		r.Event = eventOf[event.Phase](line)
	case event.Up{}.Kind():
		r.Event = eventOf[event.Up](line)
	case event.Down{}.Kind():
		r.Event = eventOf[event.Down](line)
	case event.Finding{}.Kind():
		r.Event = eventOf[event.Finding](line)
	case wire.Statistics{}.Kind():
		r.Event = eventOf[wire.Statistics](line)
	default:
		for _, name := range []string{"t", "link", "event", "pos"} {
			delete(fields, name)
		}
		r.Event = rawEvent{head.Event, fields}
	}
	return r, nil
}

func eventOf[E event.Event](line []byte) event.Event {
	var e E
	_ = json.Unmarshal(line, &e) // it was read once as an object; what does not fit stays empty
	return e
}
