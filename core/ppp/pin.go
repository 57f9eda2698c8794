package ppp

import (
	"fmt"
	"slices"

	"github.com/knakppp/knak/core/ppp/auth"
)

// pin keeps the authentication of a link at least as strong as the first one agreed: an attacker who takes the peer's place later
// must not get the password more easily than the peer did (docs/decisions/0003-authentication.md). It lasts from Open to
// Finished.
type pin struct {
	floor  auth.Strength // the weakest that is accepted; NoProof: anything
	by     auth.Method   // what made it so
	wants  auth.Method   // what the peer demanded last that is less
	weaker int           // how often the peer demanded less since it last demanded enough
}

// raise makes a method that was accepted the least that is accepted from now on.
func (p *pin) raise(m auth.Method, s auth.Strength) {
	if s > p.floor {
		p.floor, p.by = s, m
	}
}

// floor is the least strength that a method must have by which the peer may let us authenticate.
func (e *Engine) floor() auth.Strength {
	if e.set.Auth.AllowDowngrade {
		return auth.NoProof
	}
	return max(e.pin.floor, e.set.Auth.AtLeast)
}

// allowedMethods are the methods that may be used now, in the order of the settings.
func (e *Engine) allowedMethods() []auth.Method {
	floor := e.floor()
	list := e.methods[:0]
	for _, m := range e.set.Auth.Allow {
		if e.worth(m) >= floor {
			list = append(list, m)
		}
	}
	e.methods = list
	return list
}

// worth is the strength of a method as we would use it: EAP's is that of the best that is allowed inside.
func (e *Engine) worth(m auth.Method) auth.Strength {
	if m != auth.EAP || e.set.Auth.Client.Inner == nil {
		return m.Strength()
	}
	best := auth.NoProof
	for _, inner := range e.set.Auth.Client.Inner {
		best = max(best, inner.Strength())
	}
	return best
}

// agreedOn pins what we acknowledge. It says what is wrong with it where the peer is not to have it.
func (e *Engine) agreedOn(m auth.Method) {
	if m != auth.EAP {
		e.pin.raise(m, m.Strength())
		return
	}
	// The method inside decides, and shows when it succeeds; the client takes none that is too weak. Whichever it is, it is
	// worth more than what none of them does: to send the password.
	inner := e.innerFor(e.set.Auth.Client.Inner)
	if len(inner) == 0 {
		return
	}
	least := auth.Mutual
	for _, i := range inner {
		least = min(least, i.Strength())
	}
	e.pin.raise(m, least)
}

// tooWeak says whether a demand is one that we would have met, were it not for what was agreed before. A peer that
// insists ends the link.
func (e *Engine) tooWeak(m auth.Method) bool {
	return slices.Contains(e.set.Auth.Allow, m) && e.worth(m) < e.floor()
}

// downgraded describes a peer that wants less than it had.
func (e *Engine) downgraded(m auth.Method) Failure {
	what := "asks for " + m.String()
	switch m {
	case auth.PAP:
		what = "asks for the password in clear (pap)"
	case auth.None:
		what = "asks for no authentication any more"
	}
	since := "where a stronger method has worked before"
	if e.pin.by != auth.None && e.worth(m) < e.pin.floor {
		since = fmt.Sprintf("after %v was agreed in this call", e.pin.by)
	}
	return Failure{Kind: KindAuthDowngrade, Detail: "the peer " + what + " " + since}
}

// innerFor gives the methods inside EAP that are strong enough.
func (e *Engine) innerFor(inner []auth.Method) []auth.Method {
	if inner == nil {
		inner = []auth.Method{auth.MSCHAPv2, auth.CHAPMD5}
	}
	return auth.AtLeast(inner, e.floor())
}
