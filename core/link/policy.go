package link

import (
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
)

// Policy gives the value of each quirk key, from a quirk profile or a test. A key that does not exist or has another type is a
// mistake in this program: the methods panic.
type Policy interface {
	Bool(key string) bool
	Int(key string) int
	Duration(key string) time.Duration
	Text(key string) string
	List(key string) []string
}

// Selection is the result of Config.Resolve: the settings for a modem with the known facts.
type Selection struct {
	Policy Policy
	Device event.Device  // the modem and its profile
	Quirks []event.Quirk // the settings that are not the built-in defaults
	// Chosen says whether a person chose the value of a key, in their own configuration or on the command line. nil: no key
	// was chosen. A user name that nobody chose may be replaced by an empty one.
	Chosen func(key string) bool
	// Refused lists the settings of Facts.Advised that were not accepted, and why; Err holds no secret.
	Refused []advice.FailedError
	// Awaits says whether a fact that is not known yet, "operator", "auth" or "peer", can still change the selection. nil:
	// none can.
	Awaits func(fact string) bool
	// Access gives the ways into the network for a SIM, the likeliest first. unsure means that the SIM should be asked for
	// the length of its network's code, and Access be called again. It is called if context.apn is empty and
	// context.apn_lookup allows it. It must compute only, but may read a table the first time. nil: no way is known.
	Access func(modem.Home) (list []Access, unsure bool)
}

// chosen says whether a person chose the value of a key.
func (s Selection) chosen(key string) bool { return s.Chosen != nil && s.Chosen(key) }

// Access is one way into a network.
type Access struct {
	modem.Access
	Network string // its code, for example "262-01"
	Source  string // where it is known from, and whose it is, in words
}

// SelectionError means that what the user asked for is not possible: an unknown profile, a value out of range.
type SelectionError struct{ Err error }

func (e *SelectionError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *SelectionError) Unwrap() error { return e.Err }
