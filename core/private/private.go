// Package private is the only place that hides secrets and identities, in everything that knak shows or writes.
//
// A Hider takes every record of a stream and hides what the person whose modem it is should not show: passwords, PINs, responses,
// subscriber and equipment identities, telephone numbers, messages and positions. A Mask takes the records of a Hider and makes
// them fit for anybody: it replaces addresses and names too, equal ones by equal ones. Both use the table of classes, which says
// for every field of every event what it may hold.
//
// Many secrets are recognised by their place. For the rest there is Known: it holds the secrets that were seen or configured, and
// finds them wherever a modem or a peer repeats them, in any form.
//
// Hidden text is marked: Hidden stands in a text, asterisks of the same length in octets. Hiding twice changes nothing more.
package private

import (
	"regexp"
	"strings"
	"sync"
)

// Hidden replaces a secret or an identity in everything that is shown. If a modem has given more than one identity of a kind, for
// example with two SIMs, the second is "<hidden 2>", so that they stay distinct.
const Hidden = "<hidden>"

// hiddenMark is the beginning of every such mark.
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
