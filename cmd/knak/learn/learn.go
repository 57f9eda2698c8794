// Package learn is knak learn: how an odd modem wants to be dialled, found by experiment.
package learn

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/hooks"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/adapt"
	"github.com/knakppp/knak/core/mimic"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// options are what knak learn can be told besides what a dial can.
type options struct {
	budget               time.Duration
	dials                int
	output               string
	dryRun, yes, unknown bool
}

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

The calls are real ones: they may be billed, and a network may count refused logins; after three the search ends. No packet of this
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
			return run(cmd.Context(), t, c, o)
		},
	}
	f := cmd.Flags()
	settings.AddDialFlags(f)
	f.DurationVar(&o.budget, "budget", 10*time.Minute, "how long all calls may take together; 0: no limit")
	f.IntVar(&o.dials, "max-dials", 40, "dial at most `n` times; 0: no limit")
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
	l.search.Budget = learn.Budget{Dials: o.dials, Time: o.budget, Spacing: callSpacing}
	if d.Simulated != nil {
		l.scenario, l.clock = d.Simulated, time.Now()
		l.modem = sim.New(*d.Simulated, uint64(l.clock.UnixNano()))
	}
	l.search.Chosen = func(key string) bool {
		if key == "auth.user" && !d.Password.Empty() {
			return true
		}
		r, err := d.Database.Resolve(quirks.Facts{}, d.Profile, d.Settings)
		return err != nil || r.Setting(key).Layer >= quirks.User
	}
	if err := l.resume(); err != nil {
		return err
	}
	if err := l.ask(); err != nil {
		return err
	}
	return l.run(ctx)
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
	state      string // the file by which a search goes on that was cut off
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

// end says what the search came to, and writes it.
func (l *learner) end(v learn.Verdict) error {
	if !v.Learned {
		f := v.Furthest
		fmt.Fprintf(l.t.Err, "not learned: %s. The call that came furthest: %s in phase %s.\nRuled out:\n", v.Why, cmp.Or(f.Kind, "none"), cmp.Or(f.Phase, "dial"))
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
	files := learnedFiles(l.device, l.simulated(), v, len(l.search.Trials))
	for _, f := range files {
		if name := filepath.Join(l.options.output, filepath.FromSlash(f[0])); !missing(name) {
			return fmt.Errorf("learn: %s is there already, and nothing was written: move it away and run this again, which dials no more (%s has what was learned)", name, l.state)
		}
	}
	for _, f := range files {
		name := filepath.Join(l.options.output, filepath.FromSlash(f[0]))
		if err := output.New(name, f[1]); err != nil {
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

// word makes a part of a profile's id of what a modem says of itself.
func word(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return cmp.Or(strings.Trim(b.String(), "-"), "unknown")
}

// learnedFiles are the profile, the entry and the scenario, name and text each.
func learnedFiles(d event.Device, simulated bool, v learn.Verdict, calls int) [][2]string {
	id := word(d.Vendor) + "/" + word(d.Model)
	confidence, where := "hardware", "on the modem"
	if simulated {
		confidence, where = "guessed", "on a simulated modem"
	}
	source := mimic.List([]string{fmt.Sprintf("knak learn, %d calls %s", calls, where)})
	name := strings.TrimSpace(d.Vendor + " " + d.Model)
	var p, e, s strings.Builder
	fmt.Fprintf(&p, "# Written by knak learn: the smallest set with which the modem came up; without any of it a call failed.\nschema = 1\nsummary = %s\n", mimic.Quote(name+": what experiments found"))
	lists := map[string][]string{} // keys that are added to
	for _, set := range v.Set {
		key, add := strings.CutSuffix(set.Key, "+")
		value, ok := mimic.Literal(key, set.Value)
		if !ok {
			continue // the program's own table is tested against the keys
		}
		how := "value"
		if add {
			how = "add"
			if lists[key] = append(lists[key], value); len(lists[key]) > 1 {
				continue
			}
		}
		fmt.Fprintf(&p, "\n[%s]\n%s = %s\nreason = %s\nsource = %s\nconfidence = %s\n", key, how, value,
			mimic.Quote(fmt.Sprintf("%s Without it a call ended in phase %s: %s.", set.Reason, cmp.Or(v.Failed.Phase, "dial"), v.Failed.Kind)), source, mimic.Quote(confidence))
	}
	fmt.Fprintf(&e, "# Written by knak learn.\nschema = 1\n\n[[device]]\nname = %s\nprofile = %s\nmodel = %s\n", mimic.Quote(name), mimic.Quote(id), mimic.List([]string{d.Model}))
	if d.Vendor != "" {
		fmt.Fprintf(&e, "manufacturer = %s\n", mimic.List([]string{d.Vendor}))
	}
	fmt.Fprintf(&e, "source = %s\n", source)
	fmt.Fprintf(&s, "# Written by knak learn. It shows only that the profile does no harm: say what the modem does, and what goes wrong without\n# the profile (docs/sim.md).\nschema = 1\nsummary = %s\n\n[identity]\nmanufacturer = %s\nmodel = %s\nrevision = %s\n",
		mimic.Quote(name+", as far as it is known"), mimic.Quote(d.Vendor), mimic.Quote(d.Model), mimic.Quote(d.Firmware))
	return [][2]string{
		{"quirks.d/" + id + ".toml", p.String()},
		{"devices.d/" + strings.ReplaceAll(id, "/", "-") + ".toml", e.String()},
		{"quirks.d/" + id + ".sim.toml", s.String()},
	}
}
