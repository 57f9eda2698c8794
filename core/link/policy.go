package link

import (
	"time"

	"github.com/knakppp/knak/core/trace"
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

// Selection is what Config.Resolve makes of a modem's identity.
type Selection struct {
	Policy Policy
	Device trace.Device  // who it is and which profile it got
	Quirks []trace.Quirk // the settings that are not the built-in defaults
	// UserChosen says that a person chose the user name. Otherwise the link may try a blank one.
	UserChosen bool
}
