package dialer

import (
	"time"

	"github.com/knakppp/knak/core/apn"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// Experiment is what one dial of knak learn tries.
type Experiment struct {
	Learned, Unset []quirks.Advised // policy.Resolver's
	Unknown        bool             // the modem is treated as one that nobody knows
}

func (e *Experiment) apply(r *policy.Resolver) {
	r.Unknown = e.Unknown
	r.Learned, r.Unset = func(link.Facts) []quirks.Advised { return e.Learned }, func() []quirks.Advised { return e.Unset }
}

// callLimit is how long a call to a simulated modem may take, in virtual time.
const callLimit = 10 * time.Minute

// Simulate dials a simulated modem in virtual time, as Options say, with no plane, hook or plugin, and says how long it took. Options.Events
// hears what happened once it is over.
func Simulate(o Options, s *sim.Scenario, m *sim.Modem, begin time.Time) (link.Outcome, time.Duration) {
	facts := simulatedFacts(s)
	r := policy.Resolver{DB: o.Database, Facts: facts, Port: "sim:" + s.Name, Profile: o.Profile, Set: o.Settings, Carriers: &policy.Carriers{Path: apn.Installed()}}
	if o.Experiment != nil {
		o.Experiment.apply(&r)
	}
	d := simulate.Run(link.Config{
		Name: o.Name, Resolve: r.Resolve, PIN: o.PIN, PINAgain: o.PINAgain, PINLastTry: o.PINLastTry, Password: o.Password, Prove: o.Prove, Persist: o.Persist,
		Timeout: o.Timeout, Once: o.Limits.Once, MaxAttempts: o.Limits.Attempts, Idle: o.Limits.Idle, MaxTime: o.Limits.Time, MaxBytes: o.Limits.Bytes,
	}, m, begin, callLimit)
	if o.Events != nil {
		sink := private.NewSink(event.SinkFunc(o.Events), []string{o.User, o.APN}, []string{o.Password.Reveal(), o.PIN.Reveal()})
		for _, rec := range d.Records {
			sink.Record(rec)
		}
	}
	return d.Outcome, d.Elapsed
}

// simulatedFacts are what is known of a simulated modem before it is asked.
func simulatedFacts(s *sim.Scenario) quirks.Facts {
	if s.Identity.USB == "" {
		return quirks.Facts{USB: quirks.None}
	}
	return quirks.Facts{USB: s.Identity.USB}
}
