// Package private is the one place in which secrets and identities are hidden, in everything that knak shows or writes.
//
// A Hider takes every record of a stream and gives it as it may be shown to the person whose modem it is: without
// passwords, PINs, responses, subscriber and equipment identities, telephone numbers, messages and positions. A Mask gives
// a record of a Hider as it may be shown to anybody: without addresses and names too, the same by the same. Both walk the
// table of classes, which says of every field of every event what may stand in it.
//
// What cannot be known by its place is known by its text: Known holds the secrets that were seen or configured, and finds
// them wherever a modem or a peer repeats them, in whatever form.
//
// What is hidden says so: Hidden in a text, asterisks of the same length in octets. Hiding twice changes nothing more.
package private

import (
	"regexp"
	"sync"
)

// Hidden stands for a secret or an identity in everything that is shown.
const Hidden = "<hidden>"

// pattern makes a regular expression that is compiled when it is first used: what starts must not wait for it.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
