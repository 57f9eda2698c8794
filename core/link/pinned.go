package link

import (
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp/auth"
)

// pinnedAuth is the authentication by which a link of this run has worked. Where it is dialled again with the same modem,
// nothing weaker is met: within one call the engine sees to that. A modem that asks for nothing is accepted all the same,
// because a modem that was reset may well do so, and nothing is given away.
type pinnedAuth struct {
	agreed auth.Strength // in this attempt
	floor  auth.Strength // of the links that have worked
	by     modem.Identity
}

// worked says that the link is up with what was agreed.
func (p *pinnedAuth) worked(id modem.Identity) {
	if id != p.by {
		p.floor, p.by = auth.NoProof, id
	}
	p.floor = max(p.floor, p.agreed)
}

// atLeast is what the next authentication must be worth with this modem.
func (p *pinnedAuth) atLeast(id modem.Identity) auth.Strength {
	if id != p.by {
		return auth.NoProof
	}
	return p.floor
}
