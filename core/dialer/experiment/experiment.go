// Package experiment finds out by dialling how an odd modem wants to be treated. It makes the calls that core/learn asks for, one
// after the other, goes on where it was cut off, and writes what was found. knak learn is made of it.
//
// A Series is one search on one modem. A program calls Next for what to dial, Try to dial it, until nothing is left, and then
// asks for the Verdict; Write puts the profile where dials find it. The calls are real ones: they may be billed, and a network
// may count logins that it refuses, so a program must ask a person before it begins a series.
package experiment

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/knakppp/knak/core/apn"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hooks"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/adapt"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// Options say on which modem experiments are made, and how many.
type Options struct {
	// Dial is the modem, and what a person has chosen of how it is dialled, which is not varied. Where packets go, when the link
	// ends and how often it is dialled are the series' own. A simulated modem is dialled in virtual time.
	Dial dialer.Options
	// Budget bounds the series. A Spacing of 0 is ten seconds, for the sake of the network.
	Budget learn.Budget
	// Unknown treats the modem as one that nobody knows, whatever profile it has.
	Unknown bool
	// Dir is where the files go, laid out as /etc/knak. What was seen is kept in it after each call, so that a series of the same
	// wishes goes on there; "": nothing is kept, and nothing can be written.
	Dir string
	// Call makes one call on a real modem; nil: dialer.Prepare and Link.Run do.
	Call func(context.Context, dialer.Options) link.Outcome
}

// MostRefusals is how many refused logins a series may be allowed at the most: accounts are locked after ten.
const MostRefusals = 9

// spacing is how long after the begin of a call the next one begins at the soonest, where nobody has said otherwise.
const spacing = 10 * time.Second

// Series is a search on one modem. It is used by one goroutine.
type Series struct {
	o       Options
	search  learn.Search
	verdict learn.Verdict
	device  event.Device
	passed  bytes.Buffer // what passed in the calls, as JSON Lines
	resumed int

	modem *sim.Modem // a simulated one, which stays the same from call to call; nil: a real one
	clock time.Time  // of the simulated modem
}

// New begins a series, or goes on with the one that Dir holds. An error says what of o cannot be followed, or what of Dir cannot be
// read.
func New(o Options) (*Series, error) {
	switch {
	case o.Budget.Dials < 0 || o.Budget.Time < 0 || o.Budget.Spacing < 0:
		return nil, errors.New("a budget must be 0 or more")
	case o.Budget.Refusals < 0 || o.Budget.Refusals > MostRefusals:
		return nil, fmt.Errorf("at most %d logins may be refused: accounts are locked after ten", MostRefusals)
	case o.Dial.Port == "-":
		return nil, errors.New("standard input and output are one call, and a series makes many")
	}
	if o.Budget.Spacing == 0 {
		o.Budget.Spacing = spacing
	}
	d := &o.Dial
	if err := d.Complete(); err != nil {
		return nil, err
	}
	d.Plane, d.Hooks, d.Persist, d.NoAdapt = plane.KindNone, hooks.Config{}, false, true
	d.Limits = dialer.Limits{Attempts: 1, Time: adapt.Hold}
	if d.Prove != link.ProveNever {
		d.Prove = link.ProveAlways
	}
	if o.Call == nil {
		o.Call = call
	}
	s := &Series{o: o, search: learn.Search{Budget: o.Budget}}
	s.search.Chosen = s.chosen
	if !o.Unknown {
		s.search.Priors = adapt.Priors(d.Database)
	}
	if d.Simulated != nil {
		s.clock = time.Now()
		s.modem = sim.New(*d.Simulated, uint64(s.clock.UnixNano()))
	}
	return s, s.resume()
}

// chosen says whether a person chose a key.
func (s *Series) chosen(key string) bool {
	d := &s.o.Dial
	if key == "auth.user" && !d.Password.Empty() {
		return true
	}
	var f quirks.Facts
	if !s.o.Unknown {
		f = quirks.Facts{USB: s.device.USB, Manufacturer: s.device.Vendor, Model: s.device.Model, Revision: s.device.Firmware}
	}
	r, err := d.Database.Resolve(f, d.Profile, d.Settings)
	return err != nil || r.Setting(key).Layer >= quirks.User
}

// Simulated says whether the modem is no real one: then nothing is billed, and no time passes.
func (s *Series) Simulated() bool { return s.modem != nil }

// Resumed is how many calls an earlier series has made with which this one goes on.
func (s *Series) Resumed() int { return s.resumed }

// Trials are the calls so far.
func (s *Series) Trials() []learn.Trial { return s.search.Trials }

// Begin takes the call that failed in a recording for the first experiment, as name shows it; it does nothing where there was one
// already. ok is false where no call has failed in a way that could be gone on from.
func (s *Series) Begin(name string, seen *adapt.Seen) (ok bool) {
	if len(s.search.Trials) > 0 {
		return true
	}
	t, device, ok := seen.Trial("as " + name + " shows it")
	if !ok {
		return false
	}
	if device.Model != "" {
		s.device = device
	}
	s.search.Trials = []learn.Trial{t}
	return true
}

// Next is what to dial next; more is false where the series is over, and then Verdict is what it came to.
func (s *Series) Next() (e learn.Experiment, more bool) {
	e, more, s.verdict = s.search.Next()
	return e, more
}

// Verdict is what the series has come to, once Next has said that it is over.
func (s *Series) Verdict() learn.Verdict { return s.verdict }

// Try waits as e says, makes its call, keeps what came of it, and says how the call ended; what that shows is the last of Trials. An
// error of type *dialer.Error says that this was no experiment: ctx has ended, or this host could not dial. Others are of keeping it.
func (s *Series) Try(ctx context.Context, e learn.Experiment) (link.Outcome, error) {
	d := s.o.Dial
	d.Experiment = &dialer.Experiment{Unknown: s.o.Unknown}
	d.Experiment.Learned, d.Experiment.Unset = adapt.Treatment(e)
	seen := learn.Observer{APN: d.APN}
	kept := s.passed.Len()
	sinks := event.Fanout{&seen, event.NewJSONWriter(&s.passed)} // a buffer takes everything
	if d.Events != nil {
		sinks = append(sinks, event.SinkFunc(d.Events))
	}
	d.Events = sinks.Record
	o, end, took, waited := s.dial(ctx, e.Wait, d)
	if !waited || !experimental(o) {
		s.passed.Truncate(kept)
		return o, &dialer.Error{Outcome: o}
	}
	if seen.Device.Model != "" {
		s.device = seen.Device
	}
	s.search.Report(e, adapt.Result(o, &seen, end, took))
	return o, s.keep()
}

// experimental says whether an outcome is one of an experiment, and not of this host or of a person.
func experimental(o link.Outcome) bool {
	switch o.Kind {
	case link.KindHangup, link.KindUsage, link.KindPlugin, link.KindAborted, link.KindInternal, link.KindHeld, event.FailedNoModem, event.FailedPortLocked, event.FailedPortOpen:
		return false
	}
	return true
}

// dial waits and makes a call. waited is false where ctx ended before.
func (s *Series) dial(ctx context.Context, wait time.Duration, d dialer.Options) (o link.Outcome, end time.Time, took time.Duration, waited bool) {
	ended := link.Outcome{Kind: link.KindHangup, Phase: event.PhaseDial, Detail: "told to end"}
	if s.Simulated() {
		if ctx.Err() != nil {
			return ended, s.clock, 0, false
		}
		s.clock = s.clock.Add(wait)
		o, took = s.simulate(d)
		s.clock = s.clock.Add(took)
		return o, s.clock, took, true
	}
	select {
	case <-ctx.Done():
		return ended, time.Now(), 0, false
	case <-time.After(wait):
	}
	begin := time.Now()
	o = s.o.Call(ctx, d)
	end = time.Now()
	return o, end, end.Sub(begin), true
}

// call makes a call on a real modem.
func call(ctx context.Context, o dialer.Options) link.Outcome {
	l, err := dialer.Prepare(ctx, o)
	var failed *dialer.Error
	switch {
	case errors.As(err, &failed):
		return failed.Outcome
	case err != nil:
		return link.Outcome{Kind: link.KindUsage, Err: err}
	}
	defer l.Close()
	return l.Run(ctx)
}

// callLimit is how long a call to a simulated modem may take, in virtual time.
const callLimit = 10 * time.Minute

// simulate dials the simulated modem in virtual time, with no plane, hook or plugin, and says how long it took. Events are heard
// once it is over.
func (s *Series) simulate(o dialer.Options) (link.Outcome, time.Duration) {
	e := o.Experiment
	r := policy.Resolver{
		DB: o.Database, Facts: quirks.Facts{USB: cmp.Or(o.Simulated.Identity.USB, quirks.None)}, Port: "sim:" + o.Simulated.Name, Profile: o.Profile, Set: o.Settings, Carriers: &policy.Carriers{Path: apn.Installed()},
		Unknown: e.Unknown, Learned: func(link.Facts) []quirks.Advised { return e.Learned }, Unset: func() []quirks.Advised { return e.Unset },
	}
	d := simulate.Run(link.Config{
		Name: o.Name, Resolve: r.Resolve, PIN: o.PIN, PINAgain: o.PINAgain, PINLastTry: o.PINLastTry, Password: o.Password, Prove: o.Prove,
		Timeout: o.Timeout, MaxAttempts: o.Limits.Attempts, MaxTime: o.Limits.Time,
	}, s.modem, s.clock, callLimit)
	sink := private.NewSink(event.SinkFunc(o.Events), []string{o.User, o.APN}, []string{o.Password.Reveal(), o.PIN.Reveal()})
	for _, rec := range d.Records {
		sink.Record(rec)
	}
	return d.Outcome, d.Elapsed
}
