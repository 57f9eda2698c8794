package main

import (
	"context"
	"errors"
	"net"
	"os"
	"os/signal"
	"os/user"
	"strings"
	"syscall"
	"time"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
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

// endSignals end a dial in order. SIGPIPE is among them: whoever read what we say has gone, and with its default action
// nothing would be hung up and given back.
var endSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE}

// runJob dials.
func (a *app) runJob(ctx context.Context, j *job, sink event.Sink) link.Outcome {
	o := &j.options
	board := control.NewBoard(j.name)
	held := &heldLink{board: board, ended: make(chan struct{})}
	sink = private.NewSink(event.Fanout{sink, board, held}, j.public(), j.secrets())

	if outcome, bad := o.obstacle(); bad {
		tellFailure(sink, j.name, outcome)
		return outcome
	}
	ctx, stop := signal.NotifyContext(ctx, endSignals...)
	defer stop()
	repairHost(ctx, func(n event.Notice) { sink.Record(event.Record{Time: time.Now(), Link: j.name, Event: n}) })
	place, outcome, ok := a.findPort(ctx, j, sink)
	if !ok {
		return outcome
	}
	if o.Hooks != noHooks {
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
		Name:        j.name,
		Resolve:     j.resolve(place.where, adapted),
		Vary:        vary(adapted),
		PIN:         j.pin,
		PINs:        refusal.Open(stateDir(), control.Dir()),
		PINAgain:    o.PINAgain,
		PINLastTry:  o.PINLastTry,
		Password:    j.password,
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
	server, err := control.Listen(control.Dir(), j.name, held)
	var busy *control.BusyError
	switch {
	case errors.As(err, &busy):
		o := link.Outcome{Kind: "link-held", Phase: event.PhaseDial, Detail: err.Error()}
		tellFailure(sink, j.name, o)
		return o
	case err != nil:
		sink.Record(event.Record{Time: time.Now(), Link: j.name, Event: event.Notice{Level: "warning",
			Text: "status and hangup will not reach this dial: " + err.Error()}})
	default:
		defer server.Close()
	}
	j.giveUpRights()
	outcome = runner.Run(ctx)
	stop() // a second signal ends what is still to be tidied up
	if runner.Idle() {
		tellFailure(sink, j.name, outcome) // the port could not be opened: there was no session to say so
	}
	held.finish(outcome)
	return outcome
}

// noHooks as --hooks means that no script is run.
const noHooks = "none"

// hooks gives what runs the host's own scripts.
func (j *job) hooks(port string, sink event.Sink) *hooks.Runner {
	o := &j.options
	cfg := hooks.Config{
		Dir: o.Hooks, Limit: o.HookTimeout, Link: j.name, TTY: port, Speed: o.Baud, Param: o.IPParam,
		UID: os.Getuid(), PID: os.Getpid(), ScriptsDoDNS: o.DNS == "none",
		Tell: func(n event.Notice) { sink.Record(event.Record{Time: time.Now(), Link: j.name, Event: n}) },
	}
	if u, err := user.Current(); err == nil {
		cfg.User = u.Username
	}
	return hooks.New(cfg)
}

// obstacle says why this host could not use the link, where that can be seen before anything is dialled.
func (o *dialOptions) obstacle() (link.Outcome, bool) {
	switch o.Plane {
	case plane.KindTUN:
		if kind, text, cure := tunObstacle(); kind != "" {
			return link.Outcome{Kind: kind, Phase: event.PhaseDial, Detail: "--plane tun: " + text + "; try: " + cure}, true
		}
	case plane.KindStack:
		if o.Proxy == "" || o.Proxy == plane.ProxyOff {
			break
		}
		l, err := net.Listen("tcp", o.Proxy)
		if err != nil {
			return link.Outcome{Kind: link.KindPlane, Phase: event.PhaseDial, Detail: "the proxy: " + err.Error() + "; try: --proxy 127.0.0.1:0 for any free port, or --proxy off"}, true
		}
		_ = l.Close() // nothing was accepted
	}
	return link.Outcome{}, false
}

func proveMode(o *dialOptions) link.ProveMode {
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
func (j *job) openPlane(ctx context.Context, cfg plane.Config, sink event.Sink) (plane.Plane, error) {
	o := &j.options
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
	cfg.Notice = func(n event.Notice) { sink.Record(event.Record{Time: time.Now(), Link: j.name, Event: n}) }
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
func (a *app) findPort(ctx context.Context, j *job, sink event.Sink) (place *portPlace, outcome link.Outcome, ok bool) {
	if j.scenario != nil {
		facts := quirks.Facts{USB: j.scenario.Identity.USB}
		if facts.USB == "" {
			facts.USB = quirks.None
		}
		m := sim.New(*j.scenario, uint64(time.Now().UnixNano()))
		return fixedPlace("sim:"+j.scenario.Name, facts, func(context.Context) (drive.Port, error) { return drive.NewMemoryPort(m), nil }), outcome, true
	}
	if j.options.Port == "-" {
		return fixedPlace("standard input and output", quirks.Facts{USB: quirks.None}, drive.OpenStdio(os.Stdin, os.Stdout)), outcome, true
	}
	found, err := j.awaitPort(ctx, func(text string) {
		sink.Record(event.Record{Time: time.Now(), Link: j.name, Event: event.Notice{Level: "info", Text: text}})
	})
	if ctx.Err() != nil {
		o := link.Outcome{Kind: link.KindHangup, Phase: event.PhaseDial, Detail: "told to end"}
		tellFailure(sink, j.name, o)
		return nil, o, false
	}
	if err != nil {
		o := link.Outcome{Kind: "no-modem", Phase: event.PhaseDial, Detail: err.Error()}
		var usage *usageError
		if errors.As(err, &usage) {
			o.Kind = link.KindUsage
		}
		tellFailure(sink, j.name, o)
		return nil, o, false
	}
	serial, err := found.Serial(ctx, device.OpenSerial)
	if err != nil {
		o := serialOutcome(ctx, err)
		tellFailure(sink, j.name, o)
		return nil, o, false
	}
	if len(serial) > 0 {
		j.set = append(serial, j.set...) // weaker than what anybody said
		sink.Record(event.Record{Time: time.Now(), Link: j.name, Event: event.Notice{Level: "info", Text: "found by asking: " + strings.Join(serial, ", ")}})
	}
	try := found.Current()
	if _, err := j.db.Resolve(try.Facts, j.options.Quirks, j.set); err != nil {
		o := link.Outcome{Kind: link.KindUsage, Err: err}
		tellFailure(sink, j.name, o)
		return nil, o, false
	}
	return &portPlace{
		where: func() (string, quirks.Facts) { t := found.Current(); return t.Path, t.Facts },
		open: drive.ChosenOpener(found, func(t device.Try) (link.Policy, error) {
			return j.db.Resolve(t.Facts, j.options.Quirks, j.set)
		}),
		found: found,
	}, outcome, true
}

// portPause is how often is looked for a modem that --persist waits for.
const portPause = time.Second

// awaitPort chooses the port. With --persist a modem that is not there yet is waited for, as one is that was lost, but no
// longer than --timeout: a machine that starts may see its modem late.
func (j *job) awaitPort(ctx context.Context, tell func(string)) (*device.Choice, error) {
	o := &j.options
	began, told := time.Now(), false
	for {
		var none *device.NoneError
		found, err := choosePort(ctx, hostRoot(), j.db, device.Wish{Port: o.Port, Profile: o.Quirks, Set: j.set}, tell)
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
func (j *job) adapt(place *portPlace, sink event.Sink) *adapt.Dial {
	if j.options.NoAdapt {
		return nil
	}
	tell := func(text string) {
		sink.Record(event.Record{Time: time.Now(), Link: j.name, Event: event.Notice{Level: "info", Text: text}})
	}
	chosen := func(key string) bool {
		if key == "auth.user" && !j.password.Empty() {
			return true
		}
		_, facts := place.where()
		r, err := j.db.Resolve(facts, j.options.Quirks, j.set)
		return err != nil || r.Setting(key).Layer >= quirks.User
	}
	scenario := ""
	if j.scenario != nil {
		scenario = j.scenario.Name
	}
	return adapt.New(memory.Open(stateDir(), tell), scenario, chosen, time.Now, tell)
}

// vary is what link.Config.Vary asks.
func vary(d *adapt.Dial) func(link.Outcome, time.Duration) (string, time.Duration, bool) {
	if d == nil {
		return nil
	}
	return d.Vary
}

// atPortOpener gives the function that opens the AT port, or nil where there is none.
func (j *job) atPortOpener() func(context.Context) (drive.Port, error) {
	if j.options.ATPort == "" {
		return nil
	}
	facts, err := factsOfPort(hostRoot(), j.db, j.options.ATPort)
	var r *quirks.Resolution
	if err == nil {
		r, err = j.db.Resolve(facts, j.options.Quirks, j.set)
	}
	if err != nil {
		return func(context.Context) (drive.Port, error) { return nil, err }
	}
	return drive.SerialOpener(j.options.ATPort, r)
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
