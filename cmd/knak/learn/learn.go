// Package learn is knak learn: how an odd modem wants to be dialled, found by experiment.
package learn

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/connection"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/output"
	"github.com/knakppp/knak/cmd/knak/recordings"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/dialer/experiment"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/adapt"
	"github.com/knakppp/knak/core/link/adapt/harvest"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/core/show/wrap"
)

// options are what knak learn can be told besides what a dial can.
type options struct {
	budget               time.Duration
	dials, refusals      int
	output               string
	from, format, export string
	dryRun, yes, unknown bool
}

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
			tellUnheeded(t, cmd)
			return run(cmd.Context(), t, c, o)
		},
	}
	f := cmd.Flags()
	settings.AddDialFlags(f)
	settings.ShowOnly(f, heeded...)
	f.DurationVar(&o.budget, "budget", 10*time.Minute, "how long all calls may take together; 0: no limit")
	f.IntVar(&o.dials, "max-dials", 40, "dial at most `n` times; 0: no limit")
	f.IntVar(&o.refusals, "max-refusals", learn.DefaultRefusals, "end after `n` logins that the network refused: it may lock an account or a SIM")
	f.StringVar(&o.from, "from", "", "use the failed call in this `recording`, such as a log of pppd, as the first experiment")
	f.StringVar(&o.export, "export", "", "pack the files, a matrix of the experiments and their events, without secrets, into this `file` for others, for example odd.zip")
	recordings.AddFormatFlag(cmd, &o.format)
	f.StringVar(&o.output, "output", "", "write below this `directory`, laid out as /etc/knak (default: the user's own, ~/.config/knak)")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be dialled first, and dial nothing")
	f.BoolVar(&o.yes, "yes", false, "do not ask before the first call")
	f.BoolVar(&o.unknown, "unknown", false, "treat the modem as unknown, even if it has a profile")
	complete.Flag(cmd, "set", complete.Set)
	complete.Flag(cmd, "quirks", complete.Profiles)
	complete.Flag(cmd, "sim", complete.Scenarios)
	return cmd
}

// heeded are the flags of a dial that have an effect here. The others are accepted, because they may be in a configuration.
var heeded = []string{
	"link", "port", "at-port", "baud", "apn", "user", "password-file", "auth", "local-address", "peer-address", "number", "pin-file", "pin-again", "pin-last-try", "quirks", "set",
	"timeout", "no-prove", "plugin-dir", "sim", "inhibit",
}

// tellUnheeded names the flags that were given and have no effect here.
func tellUnheeded(t *terminal.Terminal, cmd *cobra.Command) {
	dial := settings.Keys()
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if dial.Lookup(f.Name) != nil && cmd.InheritedFlags().Lookup(f.Name) == nil && !slices.Contains(heeded, f.Name) {
			fmt.Fprintf(t.Err, "--%s is for knak dial, and has no effect here: each call is one experiment of a few seconds, and no packet of this host goes over it\n", f.Name)
		}
	})
}

// run makes one experiment after the other, and reports and writes the result.
func run(ctx context.Context, t *terminal.Terminal, c *connection.Connection, o options) error {
	switch {
	case o.budget < 0 || o.dials < 0:
		return exit.Usagef("--budget and --max-dials must be 0 or more")
	case o.refusals < 1 || o.refusals > experiment.MostRefusals:
		return exit.Usagef("--max-refusals must be 1 to %d: accounts are locked after ten", experiment.MostRefusals)
	case c.Options.Port == "-":
		return exit.Usagef("--port - is for knak dial: standard input and output are one call, and learning makes many")
	}
	if o.output == "" {
		if o.output = files.Quirks().User; o.output == "" {
			return exit.Usagef("--output DIR is missing, and there is no home directory")
		}
	}
	l := &learner{t: t, options: o}
	c.Dial.Events = func(r event.Record) { l.shown.Record(r) }
	var err error
	l.series, err = experiment.New(experiment.Options{
		Dial: c.Dial, Budget: learn.Budget{Dials: o.dials, Time: o.budget, Refusals: o.refusals}, Unknown: o.unknown, Dir: o.output,
		Call: func(ctx context.Context, d dialer.Options) link.Outcome {
			one := *c
			one.Dial = d
			return one.Run(ctx, event.SinkFunc(d.Events))
		},
	})
	if err != nil {
		return exit.Usage(err)
	}
	if n := l.series.Resumed(); n > 0 {
		l.say(plain, "going on after %s of an earlier run (%s)", terminal.Plural(n, "call"), l.series.State())
	}
	if err := l.begin(); err != nil {
		return err
	}
	if err := l.ask(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(ctx, terminal.EndSignals...)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends what is still to be tidied up
	for {
		e, more := l.series.Next()
		if !more {
			return l.end()
		}
		l.say(bold, "call %d: %s", len(l.series.Trials())+1, strings.Join(append([]string{e.What}, texts(e.Settings)...), " "))
		if o.dryRun {
			return nil
		}
		if err := l.try(ctx, e, c.Options.Timeout); err != nil {
			return err
		}
	}
}

// learner is a run of knak learn.
type learner struct {
	t       *terminal.Terminal
	options options
	series  *experiment.Series
	shown   event.Sink // of the call that is made
}

// say tells a person something: at a terminal as wide as that is, what does not fit under itself, and in a colour.
func (l *learner) say(color, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	lines, indent := []string{text}, ""
	if columns := terminal.Width(l.t.Err); columns > 0 {
		indent = text[:len(text)-len(strings.TrimLeft(text, " "))]
		lines = wrap.Text(text, max(columns, 40)-len(indent)-2)
		lines[0] = indent + lines[0]
	}
	for i, line := range lines {
		if i > 0 {
			line = indent + "  " + line
		}
		if color != "" && l.t.Color(l.t.Err) {
			line = color + line + reset
		}
		fmt.Fprintln(l.t.Err, line)
	}
}

// SGR sequences (ECMA-48 section 8.3.117).
const (
	plain = ""
	bold  = "\x1b[1m"
	red   = "\x1b[1;31m"
	green = "\x1b[32m"
	reset = "\x1b[0m"
)

// texts are settings as --set takes them.
func texts(set []learn.Setting) (list []string) {
	for _, s := range set {
		list = append(list, s.String())
	}
	return list
}

// begin uses the failed call in a recording as the first experiment.
func (l *learner) begin() error {
	if l.options.from == "" || len(l.series.Trials()) > 0 {
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
	if !l.series.Begin(filepath.Base(l.options.from), &seen) {
		return exit.Usagef("--from %s: it has no failed call that could be the first experiment", l.options.from)
	}
	f := l.series.Trials()[0].Failure
	l.say(plain, "beginning with %s: %s in phase %s", l.options.from, f.Kind, f.Phase)
	return nil
}

// ask explains the risk, and asks for consent unless --yes was given.
func (l *learner) ask() error {
	limit := "without a limit"
	if l.options.dials > 0 {
		limit = "at most " + terminal.Plural(l.options.dials, "call")
	}
	l.say(plain, "This dials again and again, %s: calls and data may be billed, and a network may count logins that it refuses.", limit)
	if l.options.yes || l.options.dryRun || l.series.Simulated() {
		return nil
	}
	if !terminal.Attended(l.t.In) {
		return exit.Usagef("there is no terminal to ask whether to go on: add --yes")
	}
	fmt.Fprint(l.t.Err, "Go on? [y/N] ")
	in := bufio.NewScanner(l.t.In)
	if !in.Scan() || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(in.Text())), "y") {
		return &exit.StatusError{Code: link.ExitSignal, Text: "nothing was dialled"}
	}
	return nil
}

// try makes one experiment and reports its result.
func (l *learner) try(ctx context.Context, e learn.Experiment, limit time.Duration) error {
	l.shown = event.Fanout{}
	finish := func() error { return nil }
	if l.t.Style.Verbose && !l.t.Style.JSON {
		l.shown, finish = l.t.Sinks(time.Now(), progress.Normal, limit)
	}
	o, err := l.series.Try(ctx, e)
	_ = finish() // the result does not depend on who watched
	var none *dialer.Error
	switch {
	case errors.As(err, &none):
		text := o.String()
		if n := len(l.series.Trials()); n > 0 {
			text += fmt.Sprintf("\nthe same command goes on after %s (%s)", terminal.Plural(n, "call"), l.series.State())
		}
		return &exit.StatusError{Code: o.ExitCode(), Text: text}
	case err != nil:
		return err
	}
	trials := l.series.Trials()
	t := trials[len(trials)-1]
	result := "up"
	if !t.Up {
		result = o.String()
		if t.Failure.Up > 0 {
			result = "up, and then lost: " + result
		}
	}
	if l.t.Style.JSON {
		_ = json.NewEncoder(l.t.Out).Encode(t) // main tells of a broken standard output
	}
	color := plain
	if t.Up {
		color = green
	}
	l.say(color, "  %s", result)
	return nil
}

// end reports the result of the search, and writes it.
func (l *learner) end() error {
	v, trials := l.series.Verdict(), l.series.Trials()
	if l.options.export != "" {
		if err := output.Whole(l.options.export, func(w io.Writer) error { return l.series.Export(w, time.Now()) }); err != nil {
			return fmt.Errorf("--export: %w", err)
		}
		l.say(plain, "wrote %s: look into it before you share it", l.options.export)
	}
	if len(trials) > 1 {
		fmt.Fprintf(l.t.Err, "the calls, and which settings each had:\n%s", harvest.Matrix(trials))
	}
	if !v.Learned {
		return l.failed(v, trials)
	}
	if v.Noisy {
		defer l.say(plain, "calls of this modem also fail by chance: with the same settings some came up and some did not")
	}
	with := "nothing changed: this modem needs no profile"
	if len(v.Set) > 0 {
		with = strings.Join(texts(v.Set), " ")
	}
	l.say(green, "learned after %s: %d of %d came up with %s", terminal.Plural(len(trials), "call"), v.Ups, v.Of, with)
	names, err := l.series.Write()
	if err != nil {
		return fmt.Errorf("learn: %w", err)
	}
	for _, name := range names {
		if l.t.Style.JSON {
			_ = json.NewEncoder(l.t.Out).Encode(map[string]string{"file": name}) // main tells of a broken standard output
			continue
		}
		fmt.Fprintln(l.t.Out, name)
	}
	if len(names) == 0 || l.t.Style.JSON {
		return nil
	}
	if where := files.Quirks(); l.options.output != where.User && l.options.output != where.System {
		l.say(plain, "to use it, copy what is in %s to %s", l.options.output, cmp.Or(where.User, where.System))
	}
	if id, chosen := l.series.Profile(); chosen {
		l.say(plain, "this modem does not say who it is, so its profile must be chosen: knak dial --quirks %s, or quirks = %q in the configuration", id, id)
	} else if !l.series.Simulated() {
		l.say(plain, "knak dial takes it for this modem then; knak learn --export packs it for others")
	}
	return nil
}

// failed says how far the search came, and what a person should look at.
func (l *learner) failed(v learn.Verdict, trials []learn.Trial) error {
	f := v.Furthest
	l.say(red, "not learned: %s. The call that came furthest: %s in phase %s.", v.Why, cmp.Or(f.Kind, "none"), cmp.Or(f.Phase, event.PhaseDial))
	l.say(bold, "Look at %s.", f.Look())
	l.say(plain, "Ruled out:")
	for _, t := range trials {
		l.say(plain, "  %s: %s in phase %s", t.What, cmp.Or(t.Failure.Kind, "up"), cmp.Or(t.Failure.Phase, "up"))
	}
	if f.Kind == "" {
		return &exit.StatusError{Code: link.ExitFatal}
	}
	return &exit.StatusError{Code: link.Outcome{Kind: link.Kind(f.Kind), Phase: f.Phase, Provisional: f.Provisional}.ExitCode()}
}
