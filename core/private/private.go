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
	"strings"
	"sync"
)

// Hidden stands for a secret or an identity in everything that is shown. Where a modem has given more than one identity of a
// kind, as with two SIMs, the second is "<hidden 2>", so that two stay two.
const Hidden = "<hidden>"

// hiddenMark is how all of them begin.
const hiddenMark = "<hidden"

// isHidden says whether a text is nothing but what stands for something hidden.
func isHidden(s string) bool {
	rest, ok := strings.CutPrefix(s, hiddenMark)
	number, end := strings.CutSuffix(rest, ">")
	return ok && end && strings.Trim(number, " 0123456789") == ""
}

// pattern makes a regular expression that is compiled when it is first used: what starts must not wait for it.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
