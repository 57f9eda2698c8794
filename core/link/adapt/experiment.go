package adapt

import (
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/quirks"
)

// Hold is how long an experiment looks at a link that came up: long enough for two Echo-Requests.
const Hold = 5 * time.Second

// Treatment is how the modem is treated in an experiment, as policy.Resolver has Learned and Unset. One attempt is one experiment: a
// second one with an empty name would hide what the first needs.
func Treatment(e learn.Experiment) (learned, unset []quirks.Advised) {
	const by = "knak learn"
	learned = append([]quirks.Advised{{Key: "auth.try_blank", Value: "false", Reason: "An experiment is one attempt.", By: by}}, Advised(e.Settings, by)...)
	unset = append(Advised(learn.Short(), by), quirks.Advised{Key: "lcp.echo_interval", Value: "2s", Reason: "An experiment is short.", By: by})
	return learned, unset
}

// Result is what came of an experiment: a link is up where it was still there at the end of Hold.
func Result(o link.Outcome, seen *learn.Observer, now time.Time, took time.Duration) learn.Result {
	r := learn.Result{Number: seen.Number(), Took: took, Faster: seen.Faster(), UpAfter: seen.UpAfter()}
	switch {
	case o.Kind == link.KindMaxTime && seen.Silenced():
		r.Failure = seen.Complete(now, learn.Failure{Kind: event.FailedEchoTimeout, Phase: event.PhaseUp, Up: Hold})
		r.Failure.Echo = true
	case o.Kind == link.KindMaxTime && seen.Up():
		r.Up = true
	default:
		r.Failure = seen.Complete(now, learn.Failure{Kind: string(o.Kind), Phase: o.Phase, Provisional: o.Provisional, Command: o.Command})
	}
	return r
}
