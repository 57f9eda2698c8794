package linktest

import (
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/compare"
	"github.com/knakppp/knak/core/event"
)

// Calls sorts records into calls.
func Calls(records []event.Record) []*call.Call {
	var c call.Collector
	for _, r := range records {
		c.Record(r)
	}
	return c.Calls()
}

// Differ is what the hosts and the modems of two calls did differently.
func Differ(good, bad *call.Call) compare.Result {
	r, _ := compare.Compare(compare.Recording{Calls: []*call.Call{good}}, compare.Recording{Calls: []*call.Call{bad}})
	return r
}
