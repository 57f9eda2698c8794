package link

import (
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp/auth"
)

// pinnedAuth is the authentication by which a link of this run has worked. When the same modem is dialled again, a weaker
// authentication is refused; within one call the engine does the same. A modem that asks for no authentication is accepted,
// because a modem that was reset may ask for none, and nothing secret is sent.
type pinnedAuth struct {
	agreed auth.Strength // in this attempt
	floor  auth.Strength // of the links that have worked
	by     modem.Identity
}

// worked notes that the link is up with the agreed authentication.
func (p *pinnedAuth) worked(id modem.Identity) {
	if id != p.by {
		p.floor, p.by = auth.NoProof, id
	}
	p.floor = max(p.floor, p.agreed)
}

// atLeast gives the least strength that the next authentication with this modem must have.
func (p *pinnedAuth) atLeast(id modem.Identity) auth.Strength {
	if id != p.by {
		return auth.NoProof
	}
	return p.floor
}
