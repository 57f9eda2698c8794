package host

import (
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Statistics counts octets of IP packets since the link came up. It is an event for plugins only; it is not in the event stream.
type Statistics struct {
	BytesIn  uint64  `json:"bytes_in"`
	BytesOut uint64  `json:"bytes_out"`
	Seconds  float64 `json:"seconds"` // seconds since the link came up
}

// Kind gives "statistics".
func (Statistics) Kind() string { return "statistics" }

// StatisticsEvery is how often a plugin that wants Statistics gets them while the link is up.
const StatisticsEvery = time.Minute

// WantsStatistics says whether any plugin wants them. If none does, no timer needs to run.
func (h *Host) WantsStatistics() bool {
	return slices.ContainsFunc(h.States(), func(s State) bool { return s.Observes && slices.Contains(s.Events, Statistics{}.Kind()) })
}

// Count passes the counters of a link to the plugins.
func (h *Host) Count(link string, now time.Time, s Statistics) {
	h.Record(event.Record{Time: now, Link: link, Event: s})
}
