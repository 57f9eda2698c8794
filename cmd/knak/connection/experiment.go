package connection

import (
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/quirks"
)

// Experiment is what one dial of knak learn tries.
type Experiment struct {
	Set     []learn.Setting
	Unknown bool // the modem is treated as one that nobody knows
}

// settings are policy.Resolver's Learned.
func (e *Experiment) settings(link.Facts) (list []quirks.Advised) {
	// One attempt is one experiment: a second one with an empty name would hide what the first needs.
	list = append(list, quirks.Advised{Key: "auth.try_blank", Value: "false", Reason: "An experiment is one attempt.", By: "knak learn"})
	for _, s := range e.Set {
		list = append(list, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: "knak learn"})
	}
	return list
}
