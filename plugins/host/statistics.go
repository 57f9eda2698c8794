package host

import (
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Statistics counts octets of IP packets since the link came up. It is for plugins only: nobody else reads it off the stream.
type Statistics struct {
	BytesIn  uint64  `json:"bytes_in"`
	BytesOut uint64  `json:"bytes_out"`
	Seconds  float64 `json:"seconds"` // since the link came up
}

// Kind gives "statistics".
func (Statistics) Kind() string { return "statistics" }

// StatisticsEvery is how often a plugin that wants them is told the counters of a link that is up.
const StatisticsEvery = time.Minute

// WantsStatistics says whether any plugin wants them: where none does, no timer needs to run.
func (h *Host) WantsStatistics() bool {
	return slices.ContainsFunc(h.States(), func(s State) bool { return s.Observes && slices.Contains(s.Events, Statistics{}.Kind()) })
}

// Count tells the plugins the counters of a link.
func (h *Host) Count(link string, now time.Time, s Statistics) {
	h.Record(event.Record{Time: now, Link: link, Event: s})
}
