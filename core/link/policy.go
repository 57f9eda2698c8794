package link

import (
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
)

// Policy is what the link asks a quirk profile, or a test: one value for each key. A key that does not exist or has
// another type is a mistake in this program, and the methods panic.
type Policy interface {
	Bool(key string) bool
	Int(key string) int
	Duration(key string) time.Duration
	Text(key string) string
	List(key string) []string
}

// Selection is what Config.Resolve gives: the settings that apply to a modem of which so much is known.
type Selection struct {
	Policy Policy
	Device event.Device  // who it is and which profile it got
	Quirks []event.Quirk // the settings that are not the built-in defaults
	// Chosen says whether a person chose the value of a key, in their own configuration or on the command line. nil: of none.
	// A user name that nobody chose may be replaced by a blank one.
	Chosen func(key string) bool
	// Refused is what of Facts.Advised could not be taken, and why; Err holds no secret.
	Refused []advice.FailedError
	// Awaits says whether a fact that is not known yet, "operator", "auth" or "peer", can still change the selection. nil:
	// none can.
	Awaits func(fact string) bool
	// Access says how a subscription of a network gets in, the likeliest way first; unsure says that the SIM should be asked
	// for the length of the network's code, and Access be called again. It is called where context.apn is empty and
	// context.apn_lookup allows it. It must compute only, but may read a table the first time. nil: nobody knows.
	Access func(modem.Home) (list []Access, unsure bool)
}

// chosen says whether a person chose the value of a key.
func (s Selection) chosen(key string) bool { return s.Chosen != nil && s.Chosen(key) }

// Access is one way into a network.
type Access struct {
	modem.Access
	Network string // its code, for example "262-01"
	Source  string // who says so, and whose it is, for people
}

// SelectionError says that what the user asked for cannot be followed: an unknown profile, a value out of range.
type SelectionError struct{ Err error }

func (e *SelectionError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *SelectionError) Unwrap() error { return e.Err }
