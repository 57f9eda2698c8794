package link

import (
	"testing"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/ppp/auth"
)

func TestPinnedAuth(t *testing.T) {
	one, other := modem.Identity{Model: "one"}, modem.Identity{Model: "other"}
	var p pinnedAuth
	if p.atLeast(one) != auth.NoProof {
		t.Error("nothing has worked yet")
	}
	p.agreed = auth.Response
	if p.atLeast(one) != auth.NoProof {
		t.Error("what was only agreed counts")
	}
	p.worked(one)
	p.agreed = auth.NoProof
	p.worked(one) // a modem that asks for nothing does not unpin
	if p.atLeast(one) != auth.Response || p.atLeast(other) != auth.NoProof {
		t.Errorf("%v, another modem %v", p.atLeast(one), p.atLeast(other))
	}
	p.agreed = auth.Clear
	p.worked(other)
	if p.atLeast(other) != auth.Clear || p.atLeast(one) != auth.NoProof {
		t.Errorf("%v, the first modem %v", p.atLeast(other), p.atLeast(one))
	}
}
