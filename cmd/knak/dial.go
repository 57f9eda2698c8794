package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/apn"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/trace"
	"github.com/knakppp/knak/quirks"
)

// defaultLink is the name of a link whose connection has none.
const defaultLink = "default"

func addDialFlags(f *pflag.FlagSet) {
	f.String("port", "", "data port: a `tty` such as /dev/ttyUSB0 (default: found); - is standard input and output")
	f.String("at-port", "", "ask for identity, SIM and registration on this `tty`, and only dial on the data port")
	f.Int("baud", 115200, "speed of a serial line in bit/s; USB modems ignore it")
	f.String("apn", "", "access point `name` (default: the modem's own, else the one that the SIM's carrier is known by)")
	f.String("user", "", "user `name`; an empty name is a name")
	f.String("password-file", "", "read the password from this `file`; - is standard input")
	f.String("number", "", "`number` to dial, for example *99***1#; empty: the port carries PPP at once")
	f.String("pin-file", "", "read the SIM's PIN from this `file`; - is standard input")
	f.String("quirks", "", "use this `profile` instead of the one that matches the modem")
	f.StringArray("set", nil, "set one quirk, `KEY=VALUE`, above everything else; may be repeated")
	f.String("plane", plane.KindAuto, "where packets go: `kind` is tun (an interface; needs root), stack (a proxy), none, or auto: tun if possible, else stack")
	f.String("proxy", "127.0.0.1:1080", "with --plane stack: the `address` where the SOCKS5 and HTTP proxy listens; off: nowhere")
	f.StringArray("forward", nil, "with --plane stack: `LISTEN=HOST:PORT` leads a local TCP port over the link; may be repeated")
	f.String("interface", "", "with --plane tun: the interface's `name`, with %d for a number (default knak%d)")
	f.Bool("default-route", true, "with --plane tun: send everything over the link that has no better route")
	f.Bool("no-default-route", false, "with --plane tun: make no default route")
	f.Int("metric", 0, "with --plane tun: metric of the routes")
	f.String("dns", "system", "with --plane tun: how the host learns the name servers: `mode` is system, resolved, resolvconf, file or none")
	f.Bool("persist", false, "dial again whenever the link ends")
	f.Int("max-attempts", 0, "dial at most `n` times (default: once, or without limit with --persist)")
	f.Duration("timeout", 2*time.Minute, "how long it may take to a working link; 0: no limit")
	f.Duration("idle", 0, "end the link after so long without a packet")
	f.Duration("max-time", 0, "end the link after so long")
	f.Uint64("max-bytes", 0, "end the link after so many octets in both directions")
	f.Bool("prove", false, "announce the link only when a packet has come back over it")
	f.Bool("no-prove", false, "never wait for such a proof")
	f.String("sim", "", "dial a simulated modem: a `scenario` (see knak sim --list) or a file; auto means stack then")
	f.Bool("once", false, "hang up as soon as the link is up")
}

func (a *app) dialCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dial [CONNECTION]",
		Short: "Bring a link up and hold it",
		Long: `Bring a link up and hold it until a signal, "knak hangup", a limit, or the modem ends it. CONNECTION names a section
[connection.NAME] of the configuration file; with none, and one modem present, no configuration is needed.

Progress goes to standard error. Where the link does not come up, the last lines say what the modem did, what that
means and what to try; the exit status says it to scripts (pppd's numbers where pppd has one; see docs/cli.md).`,
		Example: `  knak dial --apn internet
  knak dial --port /dev/ttyUSB0 --apn internet --user me --password-file /etc/knak/secret
  knak dial --sim huawei/e398 --plane stack --once
  knak dial --set lcp.echo_mode=off --set ipcp.request=address,dns1,dns2,nbns1,nbns2`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return a.dial(cmd, args) },
	}
	addDialFlags(cmd.Flags())
	complete(cmd, "set", completeSet)
	complete(cmd, "quirks", completeProfiles)
	complete(cmd, "sim", completeScenarios)
	for _, flag := range []string{"plane", "dns"} {
		complete(cmd, flag, completeWords(flag))
	}
	return cmd
}

// job is a dial with everything read and checked, before anything is touched.
type job struct {
	name     string
	options  dialOptions
	db       *quirks.DB
	set      []string
	scenario *sim.Scenario
	forwards []plane.Forward
	password auth.Secret
	pin      auth.Secret
}

func (a *app) dial(cmd *cobra.Command, args []string) error {
	j, err := a.readJob(cmd, args)
	if err != nil {
		return err
	}
	sink, finish := a.sinks(time.Now())
	told := &toldSink{}
	outcome := a.runJob(cmd.Context(), j, trace.Fanout{sink, told})
	if err := finish(); err != nil && !errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("writing what happened: %w", err)
	}
	code := outcome.ExitCode()
	if code == link.ExitOK {
		return nil
	}
	var text string
	if !a.global.JSON && a.global.Quiet && !outcome.Clean() && !told.finding {
		text = outcome.String() // nothing else has said it
	}
	return &statusError{code: code, text: text}
}

// toldSink remembers whether a finding has told why a dial failed.
type toldSink struct{ finding bool }

// Record looks for a finding.
func (t *toldSink) Record(r trace.Record) {
	if _, ok := r.Event.(trace.Finding); ok {
		t.finding = true
	}
}

// readJob reads and checks everything that the user said.
func (a *app) readJob(cmd *cobra.Command, args []string) (*job, error) {
	j := &job{name: defaultLink}
	connection := ""
	if len(args) == 1 {
		connection, j.name = args[0], args[0]
	}
	if err := control.CheckName(j.name); err != nil {
		return nil, &usageError{err}
	}
	s, err := readSettings(cmd, connection)
	if err != nil {
		return nil, err
	}
	if err := a.takeGlobal(s); err != nil {
		return nil, err
	}
	if err := s.fill(&j.options); err != nil {
		return nil, err
	}
	o := &j.options
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Sim != "" && o.Plane == plane.KindAuto {
		o.Plane = plane.KindStack // this host's routes and name servers must not lead into a modem that does not exist
	}
	if o.Port == "-" && a.global.JSON {
		return nil, usagef("--port - takes standard output: with --log-format json the events go to standard error")
	}
	if j.db, err = a.openQuirks(); err != nil {
		return nil, err
	}
	if j.set, err = resolveSettings(j.db, o.Quirks, o.overrides(s)); err != nil {
		return nil, err
	}
	if j.forwards, err = parseForwards(o.Forward); err != nil {
		return nil, err
	}
	if o.Sim != "" {
		s, err := loadScenario(o.Sim)
		if err != nil {
			return nil, &usageError{err}
		}
		j.scenario = &s
	}
	if o.PasswordFile == "-" && o.PINFile == "-" {
		return nil, usagef("--password-file and --pin-file cannot both read standard input")
	}
	if j.password, err = a.readSecret("password-file", o.PasswordFile); err != nil {
		return nil, err
	}
	if j.pin, err = a.readSecret("pin-file", o.PINFile); err != nil {
		return nil, err
	}
	return j, nil
}

// check says what in the options cannot be.
func (o *dialOptions) check() error {
	switch {
	case o.Prove && o.NoProve:
		return usagef("--prove and --no-prove exclude each other")
	case o.Sim != "" && (o.Port != "" || o.ATPort != ""):
		return usagef("--sim and --port exclude each other: the simulated modem is in this process")
	case o.Port == "-" && (o.PasswordFile == "-" || o.PINFile == "-"):
		return usagef("--port - takes standard input: read the password and the PIN from files")
	case len(o.Forward) > 0 && o.Plane != plane.KindStack:
		return usagef("--forward needs --plane stack")
	}
	return nil
}

func parseForwards(texts []string) ([]plane.Forward, error) {
	var list []plane.Forward
	for _, t := range texts {
		listen, target, ok := strings.Cut(t, "=")
		if !ok || listen == "" || !strings.Contains(target, ":") {
			return nil, usagef("--forward %q: must be LISTEN=HOST:PORT, for example 8080=192.0.2.1:80", t)
		}
		list = append(list, plane.Forward{Listen: listen, Target: target})
	}
	return list, nil
}

// loadScenario finds a scenario by its name, or reads a file.
func loadScenario(name string) (sim.Scenario, error) {
	s, err := sim.Load(knak.Files, name)
	if err == nil {
		return s, nil
	}
	switch st, statErr := os.Stat(name); {
	case errors.Is(statErr, fs.ErrNotExist):
		return sim.Scenario{}, err
	case statErr != nil:
		return sim.Scenario{}, fmt.Errorf("scenario: %w", statErr)
	case !st.Mode().IsRegular() || st.Size() > configLimit:
		return sim.Scenario{}, fmt.Errorf("scenario: %s must be a file of at most %d octets", name, configLimit)
	}
	return sim.LoadFile(name)
}

// secretLimit bounds a password or PIN file.
const secretLimit = 4096

// readSecret reads the first line of a file.
func (a *app) readSecret(flag, path string) (auth.Secret, error) {
	if path == "" {
		return auth.Secret{}, nil
	}
	var r io.Reader = a.stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return auth.Secret{}, usagef("--%s: %w", flag, err)
		}
		defer f.Close()
		if st, err := f.Stat(); err == nil && st.Mode().Perm()&0o077 != 0 {
			fmt.Fprintf(a.stderr, "knak: warning: %s may be read by others: chmod 600 %s\n", path, path)
		}
		r = f
	}
	text, err := bufio.NewReader(io.LimitReader(r, secretLimit+1)).ReadBytes('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return auth.Secret{}, usagef("--%s: %w", flag, err)
	}
	if len(text) > secretLimit {
		return auth.Secret{}, usagef("--%s: the first line is longer than %d octets", flag, secretLimit)
	}
	return auth.NewSecret(string(bytes.TrimRight(text, "\r\n"))), nil
}

// endSignals end a dial in order. SIGPIPE is among them: whoever read what we say has gone, and with its default action
// nothing would be hung up and given back.
var endSignals = []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE}

// runJob dials.
func (a *app) runJob(ctx context.Context, j *job, sink trace.Sink) link.Outcome {
	o := &j.options
	board := control.NewBoard(j.name)
	held := &heldLink{board: board, ended: make(chan struct{})}
	sink = trace.Fanout{sink, board, held}

	if outcome, bad := o.obstacle(); bad {
		tellFailure(sink, j.name, outcome)
		return outcome
	}
	facts, openPort, portName, outcome, ok := a.findPort(j, sink)
	if !ok {
		return outcome
	}
	session := link.New(link.Config{
		Name:        j.name,
		Resolve:     resolver(j.db, facts, portName, o.Quirks, j.set, &apnTable{path: apn.Path}),
		PIN:         j.pin,
		Password:    j.password,
		ATPort:      o.ATPort != "",
		Prove:       proveMode(o),
		Once:        o.Once,
		Persist:     o.Persist,
		MaxAttempts: o.MaxAttempts,
		Timeout:     o.Timeout,
		Idle:        o.Idle,
		MaxTime:     o.MaxTime,
		MaxBytes:    o.MaxBytes,
	})
	runner := link.NewRunner(session, link.Environment{
		OpenPort:   openPort,
		OpenATPort: j.atPortOpener(),
		OpenPlane:  func(ctx context.Context, cfg plane.Config) (plane.Plane, error) { return j.openPlane(ctx, cfg, sink) },
		Sink:       sink,
	})
	held.runner = runner
	server, err := control.Listen(control.Dir(), j.name, held)
	var busy *control.BusyError
	switch {
	case errors.As(err, &busy):
		o := link.Outcome{Kind: "link-held", Phase: trace.PhaseDial, Detail: err.Error()}
		tellFailure(sink, j.name, o)
		return o
	case err != nil:
		sink.Record(trace.Record{Time: time.Now(), Link: j.name, Event: trace.Notice{Level: "warning",
			Text: "status and hangup will not reach this dial: " + err.Error()}})
	default:
		defer server.Close()
	}
	ctx, stop := signal.NotifyContext(ctx, endSignals...)
	defer stop()
	outcome = runner.Run(ctx)
	if session.Idle() {
		tellFailure(sink, j.name, outcome) // the port could not be opened: there was no session to say so
	}
	held.finish(outcome)
	return outcome
}

// obstacle says why this host could not use the link, where that can be seen before anything is dialled.
func (o *dialOptions) obstacle() (link.Outcome, bool) {
	switch o.Plane {
	case plane.KindTUN:
		if kind, text, cure := tunObstacle(); kind != "" {
			return link.Outcome{Kind: kind, Phase: trace.PhaseDial, Detail: "--plane tun: " + text + "; try: " + cure}, true
		}
	case plane.KindStack:
		if o.Proxy == "" || o.Proxy == plane.ProxyOff {
			break
		}
		l, err := net.Listen("tcp", o.Proxy)
		if err != nil {
			return link.Outcome{Kind: link.KindPlane, Phase: trace.PhaseDial, Detail: "the proxy: " + err.Error() + "; try: --proxy 127.0.0.1:0 for any free port, or --proxy off"}, true
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

// openPlane adds what the user chose to what the link has.
func (j *job) openPlane(ctx context.Context, cfg plane.Config, sink trace.Sink) (plane.Plane, error) {
	o := &j.options
	cfg.Interface = o.Interface
	cfg.DefaultRoute = o.DefaultRoute && !o.NoDefaultRoute
	cfg.Metric = o.Metric
	cfg.DNSMode = o.DNS
	cfg.Proxy = o.Proxy
	cfg.Forwards = j.forwards
	cfg.Notice = func(n trace.Notice) { sink.Record(trace.Record{Time: time.Now(), Link: j.name, Event: n}) }
	return plane.Open(ctx, o.Plane, cfg)
}

// findPort says how to open the port, and what is known of the modem before it is asked.
func (a *app) findPort(j *job, sink trace.Sink) (facts quirks.Facts, open func(context.Context) (link.Port, error), name string, outcome link.Outcome, ok bool) {
	if j.scenario != nil {
		facts = quirks.Facts{USB: j.scenario.Identity.USB}
		if facts.USB == "" {
			facts.USB = quirks.None
		}
		m := sim.New(*j.scenario, uint64(time.Now().UnixNano()))
		return facts, func(context.Context) (link.Port, error) { return link.NewMemoryPort(m), nil }, "sim:" + j.scenario.Name, link.Outcome{}, true
	}
	if j.options.Port == "-" {
		return quirks.Facts{USB: quirks.None}, link.OpenStdio(os.Stdin, os.Stdout), "standard input and output", link.Outcome{}, true
	}
	found, err := choosePort(os.DirFS("/sys"), j.options.Port, j.db, j.set)
	if err != nil {
		o := link.Outcome{Kind: "no-modem", Phase: trace.PhaseDial, Detail: err.Error()}
		var usage *usageError
		if errors.As(err, &usage) {
			o.Kind = link.KindUsage
		}
		tellFailure(sink, j.name, o)
		return facts, nil, "", o, false
	}
	r, err := j.db.Resolve(found.facts, j.options.Quirks, j.set)
	if err != nil {
		o := link.Outcome{Kind: link.KindUsage, Err: err}
		tellFailure(sink, j.name, o)
		return facts, nil, "", o, false
	}
	open = link.SerialOpener(found.path, r)
	return found.facts, open, found.path, link.Outcome{}, true
}

// atPortOpener gives the function that opens the AT port, or nil where there is none.
func (j *job) atPortOpener() func(context.Context) (link.Port, error) {
	if j.options.ATPort == "" {
		return nil
	}
	r, err := j.db.Resolve(quirks.Facts{}, j.options.Quirks, j.set)
	if err != nil {
		return func(context.Context) (link.Port, error) { return nil, err }
	}
	return link.SerialOpener(j.options.ATPort, r)
}

// tellFailure puts out a failure that happened before there was a session, with what diagnosis says of it.
func tellFailure(sink trace.Sink, name string, o link.Outcome) {
	w := diagnose.New()
	put := func(e trace.Event) {
		r := trace.Record{Time: time.Now(), Link: name, Event: e}
		w.Record(r)
		sink.Record(r)
	}
	put(trace.Failure{Phase: o.Phase, Cause: string(o.Kind), Detail: o.Detail})
	if f, ok := w.Finding(); ok {
		put(f)
	}
	put(trace.Down{Reason: o.String(), ExitCode: int(o.ExitCode())})
}

// heldLink is what the control socket shows and does of the dial in this process.
type heldLink struct {
	board  *control.Board
	runner *link.Runner

	mu        sync.Mutex
	wasUp     bool
	givenBack []string
	problems  []string
	outcome   link.Outcome
	ended     chan struct{}
}

// Record remembers what a hang-up gives back.
func (h *heldLink) Record(r trace.Record) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e := r.Event.(type) {
	case trace.Up:
		h.wasUp = true
		h.givenBack = givenBack(e)
	case trace.Notice:
		if text, ok := strings.CutPrefix(e.Text, "not everything could be given back: "); ok {
			h.problems = append(h.problems, text)
		}
	}
}

// givenBack lists what a link that is up holds, for people.
func givenBack(u trace.Up) []string {
	var list []string
	if u.Interface != "" {
		list = append(list, "the interface "+u.Interface+" with its addresses and routes")
		if len(u.DNS) > 0 {
			list = append(list, "the name servers "+strings.Join(u.DNS, " "))
		}
	}
	if u.Plane == plane.KindStack {
		list = append(list, "the proxy and its connections")
	}
	return append(list, "the port and its lock")
}

func (h *heldLink) finish(o link.Outcome) {
	h.mu.Lock()
	h.outcome = o
	h.mu.Unlock()
	close(h.ended)
}

// Status gives the board with the counters of this moment.
func (h *heldLink) Status() control.Status {
	st := h.board.Status()
	if st.Up != nil {
		st.BytesIn, st.BytesOut = h.runner.Counters()
	}
	return st
}

// Hangup ends the link and waits until it has ended.
func (h *heldLink) Hangup(ctx context.Context) control.Goodbye {
	h.runner.Hangup(link.KindHangup, "hangup was asked for")
	select {
	case <-h.ended:
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	bye := control.Goodbye{Link: h.board.Status().Link, WasUp: h.wasUp, Reason: h.outcome.Detail, Error: strings.Join(h.problems, "; ")}
	if h.wasUp {
		bye.GivenBack = h.givenBack
	}
	return bye
}

// chosenPort is a port that was found or named, and what is known of its modem before it is asked.
type chosenPort struct {
	path  string
	facts quirks.Facts
}

// choosePort takes the named port, or the data port of the only modem.
func choosePort(sysfs fs.FS, named string, db *quirks.DB, set []string) (chosenPort, error) {
	candidates, err := modem.Find(sysfs)
	if err != nil {
		return chosenPort{}, fmt.Errorf("looking for modems: %w", err)
	}
	if named != "" {
		for _, c := range candidates {
			for _, p := range c.Ports {
				if "/dev/"+p.Name == named {
					return chosenPort{named, factsOf(c, p)}, nil
				}
			}
		}
		return chosenPort{named, quirks.Facts{}}, nil
	}
	var usb []modem.Candidate
	for _, c := range candidates {
		if c.USB != "" {
			usb = append(usb, c)
		}
	}
	switch len(usb) {
	case 0:
		return chosenPort{}, errors.New("no USB modem was found; name the port of a serial module with --port, and see knak doctor")
	case 1:
	default:
		var names []string
		for _, c := range usb {
			if p, ok := c.DataPort(-1); ok {
				names = append(names, "/dev/"+p.Name)
			}
		}
		return chosenPort{}, usagef("several modems were found (%s): name one with --port", strings.Join(names, ", "))
	}
	c := usb[0]
	number := -1
	if len(c.Ports) > 0 {
		if r, err := db.Resolve(factsOf(c, c.Ports[0]), "", set); err == nil {
			number = r.Int("port.data_interface")
		}
	}
	p, ok := c.DataPort(number)
	if !ok {
		return chosenPort{}, fmt.Errorf("the USB device %s has no serial port: it may still be in storage mode (usb_modeswitch), or its driver is missing", c.USB)
	}
	return chosenPort{"/dev/" + p.Name, factsOf(c, p)}, nil
}

func factsOf(c modem.Candidate, p modem.Port) quirks.Facts {
	f := quirks.Facts{USB: c.USB, Driver: p.Driver}
	if c.USB == "" {
		f.USB = quirks.None
		return f
	}
	if p.Interface >= 0 {
		f.Interface = fmt.Sprintf("%02x", p.Interface)
		f.Class = fmt.Sprintf("%02x/%02x/%02x", p.Class, p.Subclass, p.Protocol)
	}
	return f
}
