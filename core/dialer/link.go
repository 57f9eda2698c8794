package dialer

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/user"
	"sync"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/apn"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/hooks"
	"github.com/knakppp/knak/core/learn/memory"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/adapt"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/link/policy"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/refusal"
	"github.com/knakppp/knak/quirks"
)

// Link is a link to a network: Dial gives one that is up, Prepare one that Run is to bring up. Its methods are safe for
// concurrent use, except those that must be called before Run.
type Link struct {
	o       Options
	state   string // Options.StateDir or its default; "": nothing is remembered
	at      *place
	adapted *adapt.Dial // nil: nothing is varied
	scripts *hooks.Runner
	held    *held
	server  *control.Server
	adviser advice.Adviser
	hides   *private.Sink // before whoever watches from outside

	inhibitor inhibitor
	watcher   watcher

	worked   chan struct{} // closed at the first Up
	done     chan struct{} // closed when the link is over
	closing  context.Context
	cancel   context.CancelFunc
	tidied   sync.Once
	first    sync.Once // closes worked
	released sync.Once

	telling sync.Mutex // held while Options.Events hears

	mu      sync.Mutex
	sinks   event.Fanout  // receivers of events
	begun   bool          // Run was called, or is about to be
	runner  *drive.Runner // nil: before Run
	up      *event.Up     // nil: it is down
	plane   plane.Plane
	finding *event.Finding
	outcome link.Outcome // once done is closed
}

// Prepare finds the modem and takes the link's name without dialling, so that receivers, advisers and plugins can be added; then
// Run dials. ctx limits the search. An error is an *Error, which was sent to Options.Events too, or says which of the options are
// impossible. Close releases everything.
func Prepare(ctx context.Context, o Options) (*Link, error) {
	if err := o.Complete(); err != nil {
		return nil, err
	}
	l := &Link{o: o, state: o.StateDir, worked: make(chan struct{}), done: make(chan struct{})}
	l.closing, l.cancel = context.WithCancel(context.Background())
	l.inhibitor.link = l
	l.held = &held{link: l, board: control.NewBoard(o.Name), ended: make(chan struct{})}
	switch {
	case o.Simulated != nil && l.state != "": // simulated modems and SIMs may say that they are whichever
		l.state = files.SimulatedState(l.state)
	case o.Simulated == nil && l.state == "":
		l.state = files.State()
	}
	l.hides = private.NewSink(event.Fanout{event.SinkFunc(l.tell), l.held}, []string{o.User, o.APN}, l.secrets())
	l.sinks = event.Fanout{l.hides}
	if failed := l.prepare(ctx); failed != nil {
		l.held.finish(failed.Outcome)
		_ = l.Close() // the first error counts
		return nil, failed
	}
	return l, nil
}

func (l *Link) prepare(ctx context.Context) (failed *Error) {
	o := &l.o
	if err := plane.Obstacle(o.Plane, o.PlaneConfig.Proxy); err != nil {
		return l.failed(obstacleOutcome(o.Plane, err), err)
	}
	if o.Reachable { // before the search for the modem, which may wait long
		var err error
		l.server, err = control.Listen(control.Dir(), o.Name, l.held)
		var busy *control.BusyError
		switch {
		case errors.As(err, &busy):
			return l.failed(link.Outcome{Kind: link.KindHeld, Phase: event.PhaseDial, Detail: err.Error()}, err)
		case err != nil:
			l.notice("warning", "status and hangup will not reach this dial: "+err.Error())
		}
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(l.closing, stop)() // knak hangup, while nothing is dialled yet
	if l.at, failed = l.find(ctx); failed != nil {
		return failed
	}
	if o.Hooks.Dir != "" {
		l.scripts = hooks.New(l.hooksConfig())
		l.Watch(l.scripts)
	}
	if !o.NoAdapt {
		l.adapted = l.adapting()
	}
	return nil
}

// secrets gives the texts that no event may show.
func (l *Link) secrets() []string { return []string{l.o.Password.Reveal(), l.o.PIN.Reveal()} }

func obstacleOutcome(kind string, err error) link.Outcome {
	o := link.Outcome{Kind: link.KindPlane, Phase: event.PhaseDial, Detail: err.Error()}
	switch {
	case errors.Is(err, plane.ErrUnsupported):
		o.Kind = link.KindNoKernel
	case errors.Is(err, plane.ErrNotPermitted):
		o.Kind = link.KindPrivilege
	}
	if kind == plane.KindTUN {
		o.Detail = "--plane tun: " + o.Detail
	}
	return o
}

// hooksConfig adds the properties of this link and this process to the chosen configuration of the host's scripts.
func (l *Link) hooksConfig() hooks.Config {
	cfg := l.o.Hooks
	cfg.Link, cfg.TTY, cfg.UID, cfg.PID = l.o.Name, l.at.name(), os.Getuid(), os.Getpid()
	cfg.Tell = func(n event.Notice) { l.notice(n.Level, n.Text) }
	if u, err := user.Current(); err == nil {
		cfg.User = u.Username
	}
	return cfg
}

// adapting gives the part that lets the dial learn; nil: nothing is varied.
func (l *Link) adapting() *adapt.Dial {
	tell := func(text string) { l.notice("info", text) }
	chosen := func(key string) bool {
		if key == "auth.user" && !l.o.Password.Empty() {
			return true
		}
		_, facts := l.at.now()
		r, err := l.o.Database.Resolve(facts, l.o.Profile, l.o.Settings)
		return err != nil || r.Setting(key).Layer >= quirks.User
	}
	scenario := ""
	if l.o.Simulated != nil {
		scenario = l.o.Simulated.Name
	}
	return adapt.New(adapt.Config{File: memory.Open(l.state, tell), Sim: scenario, Chosen: chosen, Prior: adapt.Priors(l.o.Database), Persist: l.o.Persist, Now: time.Now, Tell: tell})
}

// pins gives the memory of refused PINs. It has a second place, for a machine with a read-only disk.
func (l *Link) pins() *refusal.Store {
	second := control.Dir()
	switch {
	case l.state == "":
		return refusal.Open()
	case l.o.Simulated != nil:
		second = files.SimulatedState(second)
	}
	return refusal.Open(l.state, second)
}

// Name is the link's name.
func (l *Link) Name() string { return l.o.Name }

// Watch adds a sink that gets every event, before secrets are hidden. It must be called before Run.
func (l *Link) Watch(s event.Sink) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sinks = append(l.sinks[:len(l.sinks):len(l.sinks)], s)
}

// Ask sets the link's adviser. It must be called before Run.
func (l *Link) Ask(a advice.Adviser) { l.adviser = overheard{a, l.hides} }

// overheard is an adviser whose passwords are hidden from then on in all that comes past the session: what the same plugin
// writes to its log, or another one says of it.
type overheard struct {
	advice.Adviser
	hides *private.Sink
}

// Ask asks.
func (o overheard) Ask(ctx context.Context, q advice.Question) (advice.Answer, error) {
	a, err := o.Adviser.Ask(ctx, q)
	if login, ok := a.(advice.Login); ok {
		o.hides.Learn(login.Password.Reveal())
	}
	return a, err
}

// ShowPlugins lets a status show plugins; list is called for each status. It must be called before Run.
func (l *Link) ShowPlugins(list func() []control.Plugin) {
	l.held.mu.Lock()
	defer l.held.mu.Unlock()
	l.held.plugins = list
}

// Record adds an event of another part, such as a plugin, to the events of the link.
func (l *Link) Record(r event.Record) { l.record(r) }

// Run dials and holds the link until it ends, and says how. When ctx ends, the link is hung up properly. Run is called once;
// Close then releases the rest.
func (l *Link) Run(ctx context.Context) link.Outcome {
	l.begin()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(l.closing, stop)()
	o := &l.o
	cfg := link.Config{
		Name: o.Name, Resolve: l.resolve(), PIN: o.PIN, PINs: l.pins(), PINAgain: o.PINAgain, PINLastTry: o.PINLastTry, Password: o.Password,
		ATPort: o.ATPort != "", OtherPort: l.at.otherPort(), Prove: o.Prove, Persist: o.Persist, Timeout: o.Timeout,
		Once: o.Limits.Once, MaxAttempts: o.Limits.Attempts, Idle: o.Limits.Idle, MaxTime: o.Limits.Time, MaxBytes: o.Limits.Bytes,
	}
	var sink event.Sink = event.SinkFunc(l.record)
	if l.adapted != nil {
		cfg.Vary = l.adapted.Vary
		sink = l.adapted.Watch(sink)
	}
	open := l.at.open
	if o.Tap != nil {
		open = drive.Tapped(open, o.Tap)
	}
	runner := drive.New(cfg, drive.Environment{OpenPort: open, PortName: l.at.name, OpenATPort: o.atPortOpener(), OpenPlane: l.openPlane, Sink: sink, Adviser: l.adviser})
	l.mu.Lock()
	l.runner = runner
	l.mu.Unlock()
	outcome := runner.Run(ctx)
	if runner.Idle() {
		l.failed(outcome, nil) // the port could not be opened, so no session has reported it
	}
	l.end(outcome)
	l.release() // another dial can take the name at once
	return outcome
}

// release frees the link's name.
func (l *Link) release() {
	l.released.Do(func() {
		if l.server != nil {
			_ = l.server.Close() // its socket goes with the process, too
		}
	})
}

// begin makes Close wait for the end of the link.
func (l *Link) begin() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.begun = true
}

// end marks the link as over.
func (l *Link) end(outcome link.Outcome) {
	l.watcher.end()
	l.mu.Lock()
	l.outcome, l.up, l.plane = outcome, nil, nil
	l.mu.Unlock()
	l.held.finish(outcome)
	close(l.done)
}

// resolve makes the function that gives the link the settings for its modem.
func (l *Link) resolve() func(link.Facts) (link.Selection, error) {
	carriers := &policy.Carriers{Path: apn.Installed()}
	return func(known link.Facts) (link.Selection, error) {
		port, facts := l.at.now()
		r := policy.Resolver{DB: l.o.Database, Facts: facts, Port: port, Profile: l.o.Profile, Set: l.o.Settings, Carriers: carriers}
		if l.adapted != nil {
			r.Learned, r.Unset = l.adapted.Learned, l.adapted.Unset
		}
		if e := l.o.Experiment; e != nil {
			e.apply(&r)
		}
		return r.Resolve(known)
	}
}

// openPlane opens the plane with the chosen options and the link's values.
func (l *Link) openPlane(ctx context.Context, has plane.Config) (plane.Plane, error) {
	kind := l.o.Plane
	if kind == "" {
		kind = plane.KindStack
	}
	cfg := l.o.PlaneConfig
	cfg.Local, cfg.Peer, cfg.DNS, cfg.NBNS, cfg.MTU, cfg.InterfaceID6 = has.Local, has.Peer, has.DNS, has.NBNS, has.MTU, has.InterfaceID6
	cfg.Notice = func(n event.Notice) { l.record(event.Record{Time: time.Now(), Link: l.o.Name, Event: n}) }
	p, err := plane.Open(ctx, kind, cfg)
	if err == nil {
		l.mu.Lock()
		l.plane = p
		l.mu.Unlock()
	}
	return p, err
}

// tell calls Options.Events, one event after the other.
func (l *Link) tell(r event.Record) {
	if l.o.Events == nil {
		return
	}
	l.telling.Lock()
	defer l.telling.Unlock()
	l.o.Events(r)
}

// record takes every event of the link.
func (l *Link) record(r event.Record) {
	l.mu.Lock()
	switch e := r.Event.(type) {
	case event.Up:
		l.up, l.finding = &e, nil
	case event.Down:
		l.up, l.plane = nil, nil
	case event.Finding:
		l.finding = &e
	}
	sinks := l.sinks
	l.mu.Unlock()
	sinks.Record(r)
	if l.at != nil {
		l.at.remember(r)
	}
	if _, up := r.Event.(event.Up); up {
		l.first.Do(func() { close(l.worked) })
	}
}

func (l *Link) notice(level, text string) {
	l.record(event.Record{Time: time.Now(), Link: l.o.Name, Event: event.Notice{Level: level, Text: text}})
}

// failed reports a failure from before there was a session, with diagnosis' finding.
func (l *Link) failed(o link.Outcome, cause error) *Error {
	w := diagnose.New()
	put := func(e event.Event) {
		r := event.Record{Time: time.Now(), Link: l.o.Name, Event: e}
		w.Record(r)
		l.record(r)
	}
	failed := &Error{Outcome: o, cause: cause}
	put(event.Failure{Phase: o.Phase, Cause: string(o.Kind), Detail: o.Detail})
	if f, ok := w.Finding(); ok && o.Kind != link.KindHangup { // it was ended on purpose: there is nothing to diagnose
		put(f)
		failed.Finding = &f
	}
	put(event.Down{Reason: o.String(), ExitCode: int(o.ExitCode())})
	return failed
}

// Fail reports that there will be no link; it is called instead of Run.
func (l *Link) Fail(o link.Outcome) error {
	failed := l.failed(o, nil)
	l.end(o)
	return failed
}

// dialer gives the stack of a link that is up.
func (l *Link) dialer() (plane.Dialer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d, ok := l.plane.(plane.Dialer)
	if !ok || l.up == nil {
		return nil, ErrDown
	}
	return d, nil
}

// DialContext is that of a net.Dialer, through a link with the plane stack: networks tcp, tcp4, tcp6, udp, udp4 and udp6, an
// address HOST:PORT. Names are resolved by the name servers that the network gave. While the link is down it gives ErrDown.
func (l *Link) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	d, err := l.dialer()
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	return d.Dial(ctx, network, address)
}

// Transport gives an http.Transport through the link, for &http.Client{Transport: l.Transport()}. It ignores proxies in the
// environment.
func (l *Link) Transport() *http.Transport {
	return &http.Transport{
		DialContext: l.DialContext, ForceAttemptHTTP2: true, MaxIdleConns: 100, IdleConnTimeout: 90 * time.Second,
		TLSHandshakeTimeout: 30 * time.Second, // a radio network may need seconds for the first packet
	}
}

// Listen accepts TCP connections over a link with the plane stack: networks tcp and tcp4, an address [HOST]:PORT. Most networks
// let no incoming connections through; private access points may. The listener ends when the link ends, even if the link is
// dialled again.
func (l *Link) Listen(network, address string) (net.Listener, error) {
	d, err := l.dialer()
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Err: err}
	}
	return d.Listen(network, address)
}

// Ping sends one ICMP echo request through the link, and gives how long the reply took.
func (l *Link) Ping(ctx context.Context, to netip.Addr) (time.Duration, error) {
	d, err := l.dialer()
	if err != nil {
		return 0, err
	}
	return d.Ping(ctx, to)
}

// Up gives the link's addresses and name servers; it is false while the link is down.
func (l *Link) Up() (event.Up, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.up == nil {
		return event.Up{}, false
	}
	return *l.up, true
}

// running gives the runner, nil before Run.
func (l *Link) running() *drive.Runner {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.runner
}

// Counters gives the octets of IP packets since the link came up.
func (l *Link) Counters() (in, out uint64) {
	if r := l.running(); r != nil {
		return r.Counters()
	}
	return 0, 0
}

// Hangup ends the link; events give the reason. It returns at once.
func (l *Link) Hangup(reason string) {
	if r := l.running(); r != nil {
		r.Hangup(link.KindHangup, reason)
		return
	}
	l.cancel()
}

// Redial ends the link and dials again. It returns at once, and does nothing before Run.
func (l *Link) Redial(reason string) {
	if r := l.running(); r != nil {
		r.Redial(reason)
	}
}

// Done is closed when the link has ended.
func (l *Link) Done() <-chan struct{} { return l.done }

// Err says how the link ended. It is nil while the link has not ended, and if it was ended on purpose.
func (l *Link) Err() error {
	select {
	case <-l.done:
	default:
		return nil
	}
	if e := l.ended(); !e.Outcome.Clean() || e.Outcome.Kind == link.KindPeerEnded {
		return e
	}
	return nil
}

// ended says how the link ended, once it has.
func (l *Link) ended() *Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return &Error{Outcome: l.outcome, Finding: l.finding}
}

// Close hangs up, waits until the modem has hung up and the port is closed, and releases the rest. It may be called more than
// once.
func (l *Link) Close() error {
	l.cancel()
	l.mu.Lock()
	begun := l.begun
	l.mu.Unlock()
	if begun {
		<-l.done
	}
	l.tidied.Do(func() {
		l.release()
		if l.scripts != nil {
			l.scripts.Close()
		}
		l.inhibitor.close()
	})
	return l.Err()
}
