// Package learn finds by experiment how an unknown modem wants to be treated: which settings a failure speaks for, which of
// them to try next, and what of it has helped. It knows no link: somebody tells it how each attempt ended, and gets
// settings for the next.
package learn

import (
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// Setting is one quirk, as --set takes it.
type Setting struct {
	Key    string `json:"key"` // with "+" behind it for adding to a list
	Value  string `json:"value"`
	Reason string `json:"reason"` // why it was tried, for people
}

// String gives KEY=VALUE.
func (s Setting) String() string { return s.Key + "=" + s.Value }

// Failure is how an attempt ended.
type Failure struct {
	Kind        string        // a word of event.Failure.Cause
	Phase       string        // of event.Phase
	Provisional bool          // the login had been accepted, which may mean nothing, and no address was given
	Command     string        // the AT command that failed, "" where none did
	Up          time.Duration // how long the link was up; 0: it was not
	APN         string        // the APN of the attempt, where one is known
}

// stages order how far attempts come: an attempt that fails later than the one before has made a step.
var stages = map[string]int{
	event.FailedPortOpen: 0, event.FailedModemSilent: 1, event.FailedDataMode: 2, event.FailedATError: 3, event.FailedNotRegistered: 4, event.FailedRegistrationDenied: 4,
	event.FailedDialRefused: 5,
}

var phases = map[string]int{event.PhaseLCP: 7, event.PhaseAuth: 8, event.PhaseIPCP: 9, event.PhaseIPV6CP: 9, event.PhaseProve: 10, event.PhaseUp: 11}

// stage is how far the attempt came.
func (f *Failure) stage() int {
	if n, ok := phases[f.Phase]; ok {
		return n
	}
	if n, ok := stages[f.Kind]; ok {
		return n
	}
	return 6
}

// Adapter is the experiment of one dial: one variation after another, cheapest first, keeping what led further. The zero
// value is ready.
type Adapter struct {
	// Limit is how many variations are tried; 0: DefaultLimit.
	Limit int
	// Chosen says whether a person chose a key: it is not touched. nil: none was.
	Chosen func(key string) bool

	kept     []Setting // of variations that led further
	recalled bool      // kept is what Start was given, and has not failed yet
	trying   *variation
	best     int // the furthest stage that an attempt came to
	began    bool
	tried    map[string]bool
	count    int
}

// DefaultLimit is how many variations one dial tries.
const DefaultLimit = 5

// Settings are those of the attempt that runs, or is next.
func (a *Adapter) Settings() []Setting {
	list := slices.Clone(a.kept)
	if a.trying != nil {
		list = append(list, a.trying.set...)
	}
	return list
}

// Start begins with settings that have worked before for such a modem.
func (a *Adapter) Start(known []Setting) { a.kept, a.recalled = slices.Clone(known), len(known) > 0 }

// Next hears how an attempt ended and says what the next one varies, in words, and how long to wait before it. It is false
// where nothing is left that the failure speaks for, or the limit is reached: then the settings that led furthest stay.
func (a *Adapter) Next(f Failure) (what string, wait time.Duration, ok bool) {
	stage := f.stage()
	if a.trying != nil && stage > a.best {
		a.keep(a.trying.set) // a step: what comes next is another fault
	}
	a.trying = nil
	if !a.began || stage > a.best {
		a.best = stage
	}
	a.began = true
	limit := a.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	if a.count >= limit || refused(f) {
		return "", 0, false
	}
	if a.recalled { // another SIM or network may want it otherwise: the search begins anew
		a.recalled, a.kept, a.began, a.best = false, nil, false, 0
		return "what was learned of this modem may hold no more; going on without it", 0, true
	}
	for _, v := range candidates(f) {
		if a.tried[v.id] || a.touches(v) {
			continue
		}
		if a.tried == nil {
			a.tried = map[string]bool{}
		}
		a.tried[v.id] = true
		a.count++
		a.trying = &v
		return v.what, v.wait, true
	}
	return "", 0, false
}

// touches says whether a variation would override a person's choice.
func (a *Adapter) touches(v variation) bool {
	return a.Chosen != nil && slices.ContainsFunc(v.set, func(s Setting) bool { return a.Chosen(strings.TrimSuffix(s.Key, "+")) })
}

// keep adds settings to those that stay; of one key the later counts.
func (a *Adapter) keep(set []Setting) {
	for _, s := range set {
		a.kept = slices.DeleteFunc(a.kept, func(k Setting) bool { return k.Key == s.Key && !strings.HasSuffix(k.Key, "+") })
		a.kept = append(a.kept, s)
	}
}

// Worked hears that the link came up, and gives the settings with which it did. What was being tried is kept.
func (a *Adapter) Worked() []Setting {
	if a.trying != nil {
		a.keep(a.trying.set)
		a.trying = nil
	}
	a.recalled = false
	return slices.Clone(a.kept)
}

// refused says that the failure is no matter of how the modem is treated: the network, the SIM or a person has said no to
// the login itself. Trying on would count against the account.
func refused(f Failure) bool {
	switch f.Kind {
	case event.FailedAuthRejected, event.FailedPINNeeded, event.FailedPINWrong, event.FailedPUKNeeded, event.FailedNoSIM,
		event.FailedPortLocked, event.FailedPortOpen, event.FailedNoModem:
		return true
	}
	return false
}
