package connection

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"time"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/hooks"
	"github.com/knakppp/knak/core/learn/memory"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/adapt"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/refusal"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// Run dials.
func Run(ctx context.Context, t *terminal.Terminal, j *Job, sink event.Sink) link.Outcome {
	o := &j.Options
	board := control.NewBoard(j.Name)
	held := &heldLink{board: board, ended: make(chan struct{})}
	sink = private.NewSink(event.Fanout{sink, board, held}, j.public(), j.secrets())

	if outcome, bad := o.obstacle(); bad {
		tellFailure(sink, j.Name, outcome)
		return outcome
	}
	ctx, stop := signal.NotifyContext(ctx, terminal.EndSignals...)
	defer stop()
	RepairHost(ctx, func(n event.Notice) { sink.Record(event.Record{Time: time.Now(), Link: j.Name, Event: n}) })
	place, outcome, ok := findPort(ctx, t, j, sink)
	if !ok {
		return outcome
	}
	if o.Hooks != NoHooks {
		scripts := j.hooks(place.name(), sink)
		defer scripts.Close()
		sink = event.Fanout{sink, scripts}
	}
	plugins, outcome, ok := j.startPlugins(ctx, held, sink)
	if !ok {
		return outcome
	}
	defer plugins.Close()
	sink = place.watch(plugins.sink(sink))
	adapted := j.adapt(place, sink)
	if adapted != nil {
		sink = adapted.Watch(sink)
	}
	runner := drive.New(link.Config{
		Name:        j.Name,
		Resolve:     j.resolve(place.where, adapted),
		Vary:        vary(adapted),
		PIN:         j.pin,
		PINs:        refusal.Open(files.State(), control.Dir()),
		PINAgain:    o.PINAgain,
		PINLastTry:  o.PINLastTry,
		Password:    j.Password,
		ATPort:      o.ATPort != "",
		OtherPort:   place.otherPort(),
		Prove:       proveMode(o),
		Once:        o.Once,
		Persist:     o.Persist,
		MaxAttempts: o.MaxAttempts,
		Timeout:     o.Timeout,
		Idle:        o.Idle,
		MaxTime:     o.MaxTime,
		MaxBytes:    o.MaxBytes,
	}, drive.Environment{
		OpenPort:   j.tapped(place.open),
		OpenATPort: j.atPortOpener(),
		OpenPlane:  func(ctx context.Context, cfg plane.Config) (plane.Plane, error) { return j.openPlane(ctx, cfg, sink) },
		Sink:       sink,
		Adviser:    plugins.adviser(),
	})
	held.mu.Lock() // a plugin may have orders already
	held.runner = runner
	held.mu.Unlock()
	server, err := control.Listen(control.Dir(), j.Name, held)
	var busy *control.BusyError
	switch {
	case errors.As(err, &busy):
		o := link.Outcome{Kind: "link-held", Phase: event.PhaseDial, Detail: err.Error()}
		tellFailure(sink, j.Name, o)
		return o
	case err != nil:
		sink.Record(event.Record{Time: time.Now(), Link: j.Name, Event: event.Notice{Level: "warning",
			Text: "status and hangup will not reach this dial: " + err.Error()}})
	default:
		defer server.Close()
	}
	j.giveUpRights()
	outcome = runner.Run(ctx)
	stop() // a second signal ends what is still to be tidied up
	if runner.Idle() {
		tellFailure(sink, j.Name, outcome) // the port could not be opened: there was no session to say so
	}
	held.finish(outcome)
	return outcome
}

// NoHooks as --hooks means that no script is run.
const NoHooks = "none"

// hooks gives what runs the host's own scripts.
func (j *Job) hooks(port string, sink event.Sink) *hooks.Runner {
	o := &j.Options
	cfg := hooks.Config{
		Dir: o.Hooks, Limit: o.HookTimeout, Link: j.Name, TTY: port, Speed: o.Baud, Param: o.IPParam,
		UID: os.Getuid(), PID: os.Getpid(), ScriptsDoDNS: o.DNS == "none",
		Tell: func(n event.Notice) { sink.Record(event.Record{Time: time.Now(), Link: j.Name, Event: n}) },
	}
	if u, err := user.Current(); err == nil {
		cfg.User = u.Username
	}
	return hooks.New(cfg)
}

func proveMode(o *Options) link.ProveMode {
	switch {
	case o.Prove:
		return link.ProveAlways
	case o.NoProve:
		return link.ProveNever
	}
	return link.ProveByProfile
}

// lastMetric is the metric of --backup: behind whatever sets metrics by itself. NetworkManager adds 20000 to that of a
// network on which it reaches nobody.
const lastMetric = 1_000_000

// openPlane adds what the user chose to what the link has.
func (j *Job) openPlane(ctx context.Context, cfg plane.Config, sink event.Sink) (plane.Plane, error) {
	o := &j.Options
	cfg.Interface = o.Interface
	cfg.DefaultRoute = o.DefaultRoute && !o.NoDefaultRoute
	cfg.Metric = o.Metric
	if o.Backup {
		cfg.Metric = lastMetric
	}
	cfg.Allow = j.allowed
	cfg.DNSMode = o.DNS
	cfg.Proxy = o.Proxy
	cfg.Forwards = j.forwards
	cfg.Notice = func(n event.Notice) { sink.Record(event.Record{Time: time.Now(), Link: j.Name, Event: n}) }
	return plane.Open(ctx, o.Plane, cfg)
}

// portPlace is where a dial finds its modem.
type portPlace struct {
	where func() (port string, facts quirks.Facts) // on which port now, and what is known of the modem there before it is asked
	open  func(context.Context) (drive.Port, error)
	found *device.Choice // nil: it is no tty of this machine
}

func (p *portPlace) name() string {
	name, _ := p.where()
	return name
}

// otherPort is what link.Config.OtherPort asks.
func (p *portPlace) otherPort() func(link.Outcome) bool {
	if p.found == nil {
		return nil
	}
	return func(link.Outcome) bool { return p.found.Other() }
}

// watch remembers the port of a link that came up.
func (p *portPlace) watch(next event.Sink) event.Sink {
	if p.found == nil {
		return next
	}
	return event.SinkFunc(func(r event.Record) {
		next.Record(r)
		switch e := r.Event.(type) {
		case event.Up:
			p.found.Worked()
		case event.Device:
			p.found.Identified(device.Identity{Vendor: e.Vendor, Model: e.Model, Firmware: e.Firmware})
		}
	})
}

// fixedPlace is a place that does not change.
func fixedPlace(name string, facts quirks.Facts, open func(context.Context) (drive.Port, error)) *portPlace {
	return &portPlace{where: func() (string, quirks.Facts) { return name, facts }, open: open}
}

// findPort finds the modem.
func findPort(ctx context.Context, t *terminal.Terminal, j *Job, sink event.Sink) (place *portPlace, outcome link.Outcome, ok bool) {
	if j.Scenario != nil {
		facts := quirks.Facts{USB: j.Scenario.Identity.USB}
		if facts.USB == "" {
			facts.USB = quirks.None
		}
		m := sim.New(*j.Scenario, uint64(time.Now().UnixNano()))
		return fixedPlace("sim:"+j.Scenario.Name, facts, func(context.Context) (drive.Port, error) { return drive.NewMemoryPort(m), nil }), outcome, true
	}
	if j.Options.Port == "-" {
		return fixedPlace("standard input and output", quirks.Facts{USB: quirks.None}, drive.OpenStdio(os.Stdin, os.Stdout)), outcome, true
	}
	found, err := j.awaitPort(ctx, func(text string) {
		sink.Record(event.Record{Time: time.Now(), Link: j.Name, Event: event.Notice{Level: "info", Text: text}})
	})
	if ctx.Err() != nil {
		o := link.Outcome{Kind: link.KindHangup, Phase: event.PhaseDial, Detail: "told to end"}
		tellFailure(sink, j.Name, o)
		return nil, o, false
	}
	if err != nil {
		o := link.Outcome{Kind: "no-modem", Phase: event.PhaseDial, Detail: err.Error()}
		var usage *exit.UsageError
		if errors.As(err, &usage) {
			o.Kind = link.KindUsage
		}
		tellFailure(sink, j.Name, o)
		return nil, o, false
	}
	serial, err := found.Serial(ctx, device.OpenSerial)
	if err != nil {
		o := serialOutcome(ctx, err)
		tellFailure(sink, j.Name, o)
		return nil, o, false
	}
	if len(serial) > 0 {
		j.Set = append(serial, j.Set...) // weaker than what anybody said
		sink.Record(event.Record{Time: time.Now(), Link: j.Name, Event: event.Notice{Level: "info", Text: "found by asking: " + strings.Join(serial, ", ")}})
	}
	try := found.Current()
	if _, err := j.Db.Resolve(try.Facts, j.Options.Quirks, j.Set); err != nil {
		o := link.Outcome{Kind: link.KindUsage, Err: err}
		tellFailure(sink, j.Name, o)
		return nil, o, false
	}
	return &portPlace{
		where: func() (string, quirks.Facts) { t := found.Current(); return t.Path, t.Facts },
		open: drive.ChosenOpener(found, func(t device.Try) (link.Policy, error) {
			return j.Db.Resolve(t.Facts, j.Options.Quirks, j.Set)
		}),
		found: found,
	}, outcome, true
}

// portPause is how often is looked for a modem that --persist waits for.
const portPause = time.Second

// awaitPort chooses the port. With --persist a modem that is not there yet is waited for, as one is that was lost, but no
// longer than --timeout: a machine that starts may see its modem late.
func (j *Job) awaitPort(ctx context.Context, tell func(string)) (*device.Choice, error) {
	o := &j.Options
	began, told := time.Now(), false
	for {
		var none *device.NoneError
		found, err := choosePort(ctx, files.Machine(), j.Db, device.Wish{Port: o.Port, Profile: o.Quirks, Set: j.Set}, tell)
		away := errors.As(err, &none)
		if err == nil && o.Port != "" {
			_, gone := os.Stat(o.Port)
			away = errors.Is(gone, os.ErrNotExist)
		}
		if !away || !o.Persist || o.Timeout > 0 && time.Since(began)+portPause > o.Timeout {
			return found, err
		}
		if !told {
			told = true
			what := o.Port
			if what == "" {
				what = "a modem"
			}
			tell("waiting for " + what + " to appear; Ctrl-C ends")
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(portPause):
		}
	}
}

// serialOutcome says what it means that nobody answers on a UART.
func serialOutcome(ctx context.Context, err error) link.Outcome {
	var silent *device.NoAnswerError
	switch {
	case ctx.Err() != nil:
		return link.Outcome{Kind: link.KindHangup, Phase: event.PhaseDial, Detail: "told to end"}
	case errors.As(err, &silent):
		return link.Outcome{Kind: event.FailedModemSilent, Phase: event.PhaseDial, Detail: err.Error()}
	}
	return drive.OpenOutcome(err)
}

// adapt lets the dial learn; nil: it was told not to.
func (j *Job) adapt(place *portPlace, sink event.Sink) *adapt.Dial {
	if j.Options.NoAdapt {
		return nil
	}
	tell := func(text string) {
		sink.Record(event.Record{Time: time.Now(), Link: j.Name, Event: event.Notice{Level: "info", Text: text}})
	}
	chosen := func(key string) bool {
		if key == "auth.user" && !j.Password.Empty() {
			return true
		}
		_, facts := place.where()
		r, err := j.Db.Resolve(facts, j.Options.Quirks, j.Set)
		return err != nil || r.Setting(key).Layer >= quirks.User
	}
	scenario := ""
	if j.Scenario != nil {
		scenario = j.Scenario.Name
	}
	return adapt.New(memory.Open(files.State(), tell), scenario, chosen, time.Now, tell)
}

// vary is what link.Config.Vary asks.
func vary(d *adapt.Dial) func(link.Outcome, time.Duration) (string, time.Duration, bool) {
	if d == nil {
		return nil
	}
	return d.Vary
}

// atPortOpener gives the function that opens the AT port, or nil where there is none.
func (j *Job) atPortOpener() func(context.Context) (drive.Port, error) {
	if j.Options.ATPort == "" {
		return nil
	}
	facts, err := files.FactsOfPort(files.Machine(), j.Db, j.Options.ATPort)
	var r *quirks.Resolution
	if err == nil {
		r, err = j.Db.Resolve(facts, j.Options.Quirks, j.Set)
	}
	if err != nil {
		return func(context.Context) (drive.Port, error) { return nil, err }
	}
	return drive.SerialOpener(j.Options.ATPort, r)
}

// tellFailure puts out a failure that happened before there was a session, with what diagnosis says of it.
func tellFailure(sink event.Sink, name string, o link.Outcome) {
	w := diagnose.New()
	put := func(e event.Event) {
		r := event.Record{Time: time.Now(), Link: name, Event: e}
		w.Record(r)
		sink.Record(r)
	}
	put(event.Failure{Phase: o.Phase, Cause: string(o.Kind), Detail: o.Detail})
	if f, ok := w.Finding(); ok {
		put(f)
	}
	put(event.Down{Reason: o.String(), ExitCode: int(o.ExitCode())})
}
