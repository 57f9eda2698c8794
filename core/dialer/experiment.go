package dialer

import (
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/quirks"
)

// Experiment is what one dial of a search tries. Package experiment makes them.
type Experiment struct {
	Learned, Unset []quirks.Advised // policy.Resolver's
	Unknown        bool             // the modem is treated as unknown
}

func (e *Experiment) apply(r *policy.Resolver) {
	r.Unknown = e.Unknown
	r.Learned, r.Unset = func(link.Facts) []quirks.Advised { return e.Learned }, func() []quirks.Advised { return e.Unset }
}
