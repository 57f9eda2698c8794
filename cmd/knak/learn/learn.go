// Package learn is knak learn: how an odd modem wants to be dialled, found by experiment.
package learn

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/connection"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/output"
	"github.com/knakppp/knak/cmd/knak/recordings"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/hooks"
	"github.com/knakppp/knak/core/inspect"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/adapt"
	"github.com/knakppp/knak/core/link/adapt/harvest"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// options are what knak learn can be told besides what a dial can.
type options struct {
	budget               time.Duration
	dials, refusals      int
	output               string
	from, format, export string
	dryRun, yes, unknown bool
}

// traceLimit is how long the file of what passed may be: a call is some ten thousand octets.
const traceLimit = 64 << 20

// callSpacing is how long after the begin of a call the next one begins at the soonest, on a real network.
const callSpacing = 10 * time.Second

// Command is knak learn.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "learn [CONNECTION]",
		Short: "Find by experiment how an odd modem wants to be dialled, and write its profile",
		Long: `Dial again and again, each time with other settings, until the smallest set is found with which the link comes up and proves that
it carries packets. Then a profile, an entry for the modem and a scenario are written below --output, and "knak dial" uses them.

The calls are real ones: they may be billed, and a network may count refused logins; after --max-refusals of them the search ends. No packet of this
host goes over the link. What a person chose is not varied, and a PIN that was refused is not sent again. Without --yes it asks first.
What was cut off goes on where it was. Exit status 0: it was learned; otherwise that of the dial that came furthest.`,
		Example: `  knak learn --apn internet
  knak learn --sim huawei/e398 --unknown --output ./learned --yes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := connection.Read(t, cmd, args)
			if err != nil {
				return err
			}
			overridden(t, cmd)
			return run(cmd.Context(), t, c, o)
		},
	}
	f := cmd.Flags()
	settings.AddDialFlags(f)
	f.DurationVar(&o.budget, "budget", 10*time.Minute, "how long all calls may take together; 0: no limit")
	f.IntVar(&o.dials, "max-dials", 40, "dial at most `n` times; 0: no limit")
	f.IntVar(&o.refusals, "max-refusals", learn.DefaultRefusals, "end after `n` logins that the network refused: it may lock an account or a SIM")
	f.StringVar(&o.from, "from", "", "begin with the call that failed in this `recording`, such as a log of pppd, as if it had been the first one")
	f.StringVar(&o.export, "export", "", "pack the files, the matrix of the experiments and what passed in them, masked, into this `file` for others, for example odd.zip")
	recordings.AddFormatFlag(cmd, &o.format)
	f.StringVar(&o.output, "output", "", "write below this `directory`, laid out as /etc/knak (default: the user's own, ~/.config/knak)")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be dialled first, and dial nothing")
	f.BoolVar(&o.yes, "yes", false, "do not ask before the first call")
	f.BoolVar(&o.unknown, "unknown", false, "treat the modem as one that nobody knows, whatever profile it has")
	complete.Flag(cmd, "set", complete.Set)
	complete.Flag(cmd, "quirks", complete.Profiles)
	complete.Flag(cmd, "sim", complete.Scenarios)
	return cmd
}

// run searches, and writes what was found.
func run(ctx context.Context, t *terminal.Terminal, c *connection.Connection, o options) error {
	switch {
	case o.budget < 0 || o.dials < 0:
		return exit.Usagef("--budget and --max-dials must be 0 or more")
	case o.refusals < 1 || o.refusals > 9:
		return exit.Usagef("--max-refusals must be 1 to 9: accounts are locked after ten")
	case c.Options.Port == "-" || c.Options.Persist || c.Options.Record != "":
		return exit.Usagef("--port -, --persist and --record are for knak dial: learning makes many calls")
	}
	if o.output == "" {
		if o.output = files.Quirks().User; o.output == "" {
			return exit.Usagef("--output DIR is missing, and there is no home directory")
		}
	}
	d := &c.Dial
	d.Plane, d.Limits.Once, d.Limits.Attempts, d.NoAdapt, d.Hooks = plane.KindNone, false, 1, true, hooks.Config{}
	d.Limits.Time = adapt.Hold
	if d.Prove != link.ProveNever {
		d.Prove = link.ProveAlways
	}
	l := &learner{t: t, connection: c, options: o, state: filepath.Join(o.output, "learn-"+d.Name+".json")}
	l.search.Budget = learn.Budget{Dials: o.dials, Time: o.budget, Refusals: o.refusals, Spacing: callSpacing}
	l.trace = strings.TrimSuffix(l.state, ".json") + ".jsonl"
	if d.Simulated != nil {
		l.scenario, l.clock = d.Simulated, time.Now()
		l.modem = sim.New(*d.Simulated, uint64(l.clock.UnixNano()))
	}
	if !o.unknown {
		l.search.Priors = adapt.Priors(d.Database)
	}
	l.search.Chosen = func(key string) bool {
		if key == "auth.user" && !d.Password.Empty() {
			return true
		}
		r, err := d.Database.Resolve(l.facts(), d.Profile, d.Settings)
		return err != nil || r.Setting(key).Layer >= quirks.User
	}
	if err := l.resume(); err != nil {
		return err
	}
	if err := l.begin(); err != nil {
		return err
	}
	if err := l.ask(); err != nil {
		return err
	}
	return l.run(ctx)
}

// overridden says which of a dial's flags mean nothing here.
func overridden(t *terminal.Terminal, cmd *cobra.Command) {
	for _, f := range []struct{ name, why string }{
		{"plane", "no packet of this host goes over the link"}, {"once", "each call is held for a few seconds"}, {"max-attempts", "each call is one attempt"},
		{"max-time", "each call is held for a few seconds"}, {"hooks", "no script is run"}, {"no-adapt", "each call is an experiment"},
	} {
		if cmd.Flags().Changed(f.name) {
			fmt.Fprintf(t.Err, "--%s is not followed: %s\n", f.name, f.why)
		}
	}
}

// facts are what is known of the modem, by which a person's own profile is found.
func (l *learner) facts() quirks.Facts {
	if l.options.unknown {
		return quirks.Facts{}
	}
	return quirks.Facts{USB: l.device.USB, Manufacturer: l.device.Vendor, Model: l.device.Model, Revision: l.device.Firmware}
}

// begin takes the call that failed in a recording for the first experiment.
func (l *learner) begin() error {
	if l.options.from == "" || len(l.search.Trials) > 0 {
		return nil
	}
	r, err := recordings.Open(l.t, l.options.from, read.Options{Format: l.options.format})
	if err != nil {
		return err
	}
	defer r.Close()
	var seen adapt.Seen
	if err := r.Each(&seen); err != nil {
		return err
	}
	t, device, ok := seen.Trial("as " + filepath.Base(l.options.from) + " shows it")
	if !ok {
		return exit.Usagef("--from %s: no call in it has failed in a way that could be gone on from", l.options.from)
	}
	if device.Model != "" {
		l.device = device
	}
	l.search.Trials = []learn.Trial{t}
	fmt.Fprintf(l.t.Err, "beginning with %s: %s in phase %s\n", l.options.from, t.Failure.Kind, t.Failure.Phase)
	return nil
}

// learner is a run of knak learn.
type learner struct {
	t          *terminal.Terminal
	connection *connection.Connection
	options    options
	search     learn.Search
	scenario   *sim.Scenario // of a simulated modem, which stays the same one from call to call, in virtual time
	modem      *sim.Modem
	clock      time.Time
	trace      string       // the file of what passed in the experiments
	passed     bytes.Buffer // its content
	state      string       // the file by which a search goes on that was cut off
	device     event.Device
	last       link.Outcome
}

// simulated says whether the modem is no real one.
func (l *learner) simulated() bool { return l.connection.Options.Sim != "" }

// kept is the state file.
type kept struct {
	Unknown bool          `json:"unknown"`
	Sim     string        `json:"sim"`
	Set     []string      `json:"set"`
	Device  event.Device  `json:"device"`
	Trials  []learn.Trial `json:"trials"`
}

// resume reads what an earlier run has found, of the same wishes.
func (l *learner) resume() error {
	b, err := foreign.Read(l.state, foreign.Rules{Limit: 1 << 20, Trusted: true})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var k kept
	if err == nil {
		err = json.Unmarshal(b, &k)
	}
	if err != nil {
		return exit.Usagef("what an earlier run found cannot be read: %w; remove the file to begin anew", err)
	}
	if k.Unknown == l.options.unknown && k.Sim == l.connection.Options.Sim && slices.Equal(k.Set, l.connection.Dial.Settings) {
		l.search.Trials, l.device = k.Trials, k.Device
		if passed, err := foreign.Read(l.trace, foreign.Rules{Limit: traceLimit, Trusted: true}); err == nil { // otherwise it begins anew
			l.passed.Write(passed)
		}
		fmt.Fprintf(l.t.Err, "going on after %s of an earlier run (%s)\n", terminal.Plural(len(k.Trials), "call"), l.state)
	}
	return nil
}

func (l *learner) save() error {
	b, err := json.MarshalIndent(kept{l.options.unknown, l.connection.Options.Sim, l.connection.Dial.Settings, l.device, l.search.Trials}, "", " ")
	if err == nil {
		err = os.MkdirAll(l.options.output, 0o755)
	}
	if err == nil {
		err = foreign.Replace(l.state, append(b, '\n'), 0o600)
	}
	if err == nil {
		err = foreign.Replace(l.trace, l.passed.Bytes(), 0o600)
	}
	if err != nil {
		return fmt.Errorf("learn: %w", err)
	}
	return nil
}

// ask tells of the risk, and asks where nobody has agreed.
func (l *learner) ask() error {
	limit := "without a limit"
	if l.options.dials > 0 {
		limit = "at most " + terminal.Plural(l.options.dials, "call")
	}
	fmt.Fprintf(l.t.Err, "This dials again and again, %s: calls and data may be billed, and a network may count logins that it refuses.\n", limit)
	if l.options.yes || l.options.dryRun || l.simulated() {
		return nil
	}
	if !terminal.Attended(l.t.In) {
		return exit.Usagef("nobody can be asked whether to go on: add --yes")
	}
	fmt.Fprint(l.t.Err, "Go on? [y/N] ")
	in := bufio.NewScanner(l.t.In)
	if !in.Scan() || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(in.Text())), "y") {
		return &exit.StatusError{Code: link.ExitSignal, Text: "nothing was dialled"}
	}
	return nil
}

// run makes one experiment after the other.
func (l *learner) run(ctx context.Context) error {
	for {
		e, more, v := l.search.Next()
		if !more {
			return l.end(v)
		}
		text := e.What
		for _, s := range e.Settings {
			text += " " + s.String()
		}
		fmt.Fprintf(l.t.Err, "call %d: %s\n", len(l.search.Trials)+1, text)
		if l.options.dryRun {
			return nil
		}
		wait := e.Wait
		if !l.simulated() {
			select {
			case <-ctx.Done():
				return &exit.StatusError{Code: link.ExitSignal, Text: "told to end"}
			case <-time.After(wait):
			}
		}
		if stop := l.dial(ctx, e, wait); stop {
			return &exit.StatusError{Code: l.last.ExitCode(), Text: l.last.String()}
		}
		if err := l.save(); err != nil {
			return err
		}
	}
}

// dial makes one experiment. stop says that it was none: somebody ended it, or this host could not dial.
func (l *learner) dial(ctx context.Context, e learn.Experiment, wait time.Duration) (stop bool) {
	d := &l.connection.Dial
	d.Experiment = &dialer.Experiment{Unknown: l.options.unknown}
	d.Experiment.Learned, d.Experiment.Unset = adapt.Treatment(e)
	seen := learn.Observer{APN: l.connection.Options.APN}
	heard := event.SinkFunc(seen.Record)
	lines := event.NewJSONWriter(&l.passed)
	heard = event.SinkFunc(event.Fanout{heard, lines}.Record)
	var sink event.Sink = heard
	finish := func() error { return nil }
	if l.t.Style.Verbose && !l.t.Style.JSON {
		var shown event.Sink
		shown, finish = l.t.Sinks(time.Now(), progress.Normal, l.connection.Options.Timeout)
		sink = event.Fanout{shown, heard}
	}
	begin, now := time.Now(), time.Now
	var o link.Outcome
	if l.simulated() {
		l.clock = l.clock.Add(wait)
		begin, now = l.clock, func() time.Time { return l.clock }
		options := *d
		options.Events = sink.Record
		var took time.Duration
		o, took = dialer.Simulate(options, l.scenario, l.modem, begin)
		l.clock = l.clock.Add(took)
	} else {
		o = l.connection.Run(ctx, sink)
	}
	_ = finish() // the result does not depend on who watched
	l.last = o
	if seen.Device.Model != "" {
		l.device = seen.Device
	}
	switch o.Kind {
	case link.KindHangup, link.KindUsage, link.KindPlugin, link.KindAborted, link.KindInternal, link.KindHeld, event.FailedNoModem, event.FailedPortLocked, event.FailedPortOpen:
		return true
	}
	r := adapt.Result(o, &seen, now(), now().Sub(begin))
	l.search.Report(e, r)
	result := "up"
	if !r.Up {
		result = o.String()
		if r.Failure.Up > 0 {
			result = "up, and then lost: " + result
		}
	}
	if l.t.Style.JSON {
		_ = json.NewEncoder(l.t.Out).Encode(l.search.Trials[len(l.search.Trials)-1])
	}
	fmt.Fprintf(l.t.Err, "  %s\n", result)
	return false
}

// look says what a person should look at where no setting helps.
func look(f learn.Failure) string {
	switch {
	case f.Kind == event.FailedAuthRejected:
		return "the user name and the password: the network refuses them, or the account"
	case f.Kind == event.FailedModemSilent:
		return "the port, the cable and the speed: the modem answers nothing"
	case f.Kind == event.FailedNotRegistered, f.Kind == event.FailedRegistrationDenied:
		return "the coverage, the antenna and whether the SIM is allowed into this network"
	case f.Kind == event.FailedNoSIM, f.Kind == event.FailedPINNeeded, f.Kind == event.FailedPINWrong, f.Kind == event.FailedPUKNeeded:
		return "the SIM and its PIN"
	case f.Phase == event.PhaseDial, f.Phase == "":
		return "whether the subscription has data and credit, the APN, and the coverage"
	case f.Phase == event.PhaseIPCP, f.Phase == event.PhaseAuth:
		return "the APN, the user name and the password: a network that knows them not often says so only here"
	case f.Phase == event.PhaseProve:
		return "whether the subscription has data and credit: the link is there and carries nothing"
	case f.Phase == event.PhaseLCP:
		return "whether this is the modem's PPP port: knak devices shows the others"
	}
	return "what knak diagnose says of the recording"
}

// found is what there is to be written.
func (l *learner) found(v learn.Verdict) *harvest.Found {
	d := &l.connection.Dial
	return &harvest.Found{Device: l.device, Simulated: l.simulated(), Verdict: v, Trials: l.search.Trials, Given: d.Settings, Database: d.Database}
}

// export packs what others need.
func (l *learner) export(v learn.Verdict) error {
	if l.options.export == "" {
		return nil
	}
	r, err := recordings.Open(l.t, l.trace, read.Options{})
	if err != nil {
		return fmt.Errorf("--export: %w", err)
	}
	defer r.Close()
	trace := func(yield func(event.Record, error) bool) {
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) || !yield(rec, err) || err != nil {
				return
			}
		}
	}
	err = output.Whole(l.options.export, func(w io.Writer) error {
		return l.found(v).Export(w, time.Now(), trace, inspect.Words(l.connection.Dial.Database.Profiles())...)
	})
	if err != nil {
		return fmt.Errorf("--export: %w", err)
	}
	fmt.Fprintf(l.t.Err, "wrote %s: look into it before you share it\n", l.options.export)
	return nil
}

// end says what the search came to, and writes it.
func (l *learner) end(v learn.Verdict) error {
	if err := l.export(v); err != nil {
		return err
	}
	if len(l.search.Trials) > 1 {
		fmt.Fprintf(l.t.Err, "the calls, and which settings each had:\n%s", harvest.Matrix(l.search.Trials))
	}
	if !v.Learned {
		f := v.Furthest
		fmt.Fprintf(l.t.Err, "not learned: %s. The call that came furthest: %s in phase %s.\nLook at %s.\nRuled out:\n", v.Why, cmp.Or(f.Kind, "none"), cmp.Or(f.Phase, "dial"), look(f))
		for _, t := range l.search.Trials {
			fmt.Fprintf(l.t.Err, "  %s: %s in phase %s\n", t.What, cmp.Or(t.Failure.Kind, "up"), cmp.Or(t.Failure.Phase, "up"))
		}
		code := link.Outcome{Kind: link.Kind(f.Kind), Phase: f.Phase, Provisional: f.Provisional}.ExitCode()
		if f.Kind == "" {
			code = link.ExitFatal
		}
		return &exit.StatusError{Code: code}
	}
	fmt.Fprintf(l.t.Err, "learned after %s: %d of %d came up with", terminal.Plural(len(l.search.Trials), "call"), v.Ups, v.Of)
	if v.Noisy {
		defer fmt.Fprintf(l.t.Err, "calls of this modem also fail by chance: with the same settings some came up and some did not\n")
	}
	if len(v.Set) == 0 {
		fmt.Fprintln(l.t.Err, " nothing changed: this modem needs no profile")
		_ = os.Remove(l.state)
		return nil
	}
	for _, s := range v.Set {
		fmt.Fprintf(l.t.Err, " %s", s)
	}
	fmt.Fprintln(l.t.Err)
	if l.device.Model == "" {
		return errors.New("learn: the modem does not say who it is, so no entry can name it: use the settings with --set, or in the configuration file")
	}
	files := l.found(v).Files()
	for _, f := range files {
		if name := filepath.Join(l.options.output, filepath.FromSlash(f.Name)); !missing(name) {
			return fmt.Errorf("learn: %s is there already, and nothing was written: move it away and run this again, which dials no more (%s has what was learned)", name, l.state)
		}
	}
	for _, f := range files {
		name := filepath.Join(l.options.output, filepath.FromSlash(f.Name))
		if err := output.New(name, f.Text); err != nil {
			return fmt.Errorf("learn: %w; what was learned stays in %s", err, l.state)
		}
		if l.t.Style.JSON {
			_ = json.NewEncoder(l.t.Out).Encode(map[string]string{"file": name}) // a.run tells of a broken standard output
			continue
		}
		fmt.Fprintln(l.t.Out, name)
	}
	_ = os.Remove(l.state) // there is nothing to go on with
	return nil
}

// missing says that there is no file of that name.
func missing(name string) bool {
	_, err := os.Lstat(name)
	return errors.Is(err, fs.ErrNotExist)
}
