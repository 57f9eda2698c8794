package plugins

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/host/pin"
)

// runCommand is knak plugins run.
func runCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "run NAME|FILE",
		Short: "Start one plugin by hand and show what it says of itself",
		Long: `Start one plugin, show what it is, what it wants to be asked and which configuration it takes, and end it. No modem is
touched. A NAME must be installed; a FILE is started though it is not pinned. What it writes on standard error is shown.`,
		Example: `  knak plugins run ./knak-plugin-acme
  knak plugins run acme --json`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completePluginsAndFiles(t),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := readWorld(t, cmd)
			if err != nil {
				return err
			}
			return run(cmd.Context(), t, w, args)
		},
	}
}

// run starts a plugin and shows what it says of itself.
func run(ctx context.Context, t *terminal.Terminal, w *world, args []string) error {
	states, err := try(ctx, t, w, args)
	if err != nil {
		return err
	}
	s := &states[0]
	if t.Style.JSON {
		err = json.NewEncoder(t.Out).Encode(s)
	} else {
		printState(t.Out, s)
	}
	if err == nil && s.Word != host.Running {
		err = &exit.StatusError{Code: 1}
	}
	return err
}

// try starts plugins, by name or by file, and ends them again.
func try(ctx context.Context, t *terminal.Terminal, w *world, which []string) ([]host.State, error) {
	plan := w.plan
	plan.Plugins, plan.Try = nil, true
	for _, arg := range which {
		name := arg
		file := strings.Contains(arg, "/")
		if file {
			var ok bool
			if name, ok = pin.NameOf(arg); !ok {
				return nil, exit.Usagef("%s is not called %sNAME", arg, pin.Prefix)
			}
		} else if err := pin.CheckName(name); err != nil {
			return nil, exit.Usage(err)
		}
		p, _ := w.configuredAs(name)
		p.Required = false // that is about dials
		if file {
			abs, err := filepath.Abs(arg)
			if err != nil {
				return nil, fmt.Errorf("plugins: %w", err)
			}
			p.Path, p.Any = abs, true
		}
		plan.Plugins = append(plan.Plugins, p.Plugin)
	}
	h, err := host.Start(ctx, plan, host.Options{Tell: func(told host.Told) {
		if told.By != "" {
			fmt.Fprintf(t.Err, "%s: %s\n", told.By, told.Text)
		}
	}})
	if err != nil {
		return nil, err
	}
	defer h.Close()
	return h.States(), nil
}

func printState(w io.Writer, s *host.State) {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		if text := fmt.Sprintf(format, args...); text != "" {
			fmt.Fprintf(tw, "  %s\t%s\n", name, text)
		}
	}
	fmt.Fprintf(tw, "%s\n", s.Name)
	row("state", "%s", s.Word)
	row("problem", "%s", s.Problem)
	row("try", "%s", s.Cure)
	row("file", "%s", s.Path)
	row("version", "%s", s.Version)
	row("about", "%s", s.About)
	if s.Version != "" {
		row("built with", "%s, protocol %d", terminal.OrUnknown(s.SDK), s.Major)
		row("takes part in", "%s", kindWords(s))
	}
	for _, p := range s.Points {
		row("decides", "%s", pointWords(p))
	}
	if s.Observes {
		row("is told of", "%s", terminal.JoinWords(s.Events))
	}
	if len(s.Wants) > 0 {
		row("wants grants", "%s (granted: %s)", terminal.JoinWords(s.Wants), terminal.OrNone(terminal.JoinWords(s.Grants)))
	}
	for _, line := range schemaLines(s.Schema) {
		row("configuration", "%s", line)
	}
	if s.StartTime > 0 {
		row("started in", "%s", s.StartTime.Round(time.Millisecond))
	}
	_ = tw.Flush() // a closed pipe ends the program by itself
}

// schemaLines says for people which keys a configuration has: one line for each. What is more than a table of plain values is
// shown as it is.
func schemaLines(schema string) (list []string) {
	if schema == "" {
		return nil
	}
	var table struct {
		Properties map[string]struct {
			Type        string
			Description string
			Enum        []string
		}
		Required []string
	}
	if json.Unmarshal([]byte(schema), &table) != nil || len(table.Properties) == 0 {
		return []string{schema}
	}
	for _, key := range slices.Sorted(maps.Keys(table.Properties)) {
		p := table.Properties[key]
		line := key + " (" + terminal.OrUnknown(p.Type)
		if len(p.Enum) > 0 {
			line = key + " (" + strings.Join(p.Enum, ", ")
		}
		if slices.Contains(table.Required, key) {
			line += ", required"
		}
		line += ")"
		if p.Description != "" {
			line += ": " + p.Description
		}
		list = append(list, line)
	}
	return list
}

// pointWords names the decision points of a subscription.
func pointWords(p host.Point) string {
	text := "any protocol"
	if p.Protocol != 0 {
		text = packet.ProtocolName(p.Protocol)
	}
	var names []string
	all := ppp.Points(p.Points)
	for bit := ppp.PointRequest; bit <= ppp.PointOpened; bit <<= 1 {
		if all&bit != 0 {
			names = append(names, bit.String())
		}
	}
	if len(names) == 11 || len(names) == 0 {
		return text + ": every point"
	}
	return text + ": " + terminal.JoinWords(names)
}

func completePluginsAndFiles(t *terminal.Terminal) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		names, _ := completePlugins(t)(cmd, args, typed)
		return names, cobra.ShellCompDirectiveDefault
	}
}

// doctorCommand is knak plugins doctor.
func doctorCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor [NAME]",
		Short: "Say what is wrong with plugins, and what to do: files, start, configuration",
		Long: `Check what a dial would need of plugins, of those that the configuration names or of one: that knak-pluginhost is there,
that the files may run, that each plugin starts, speaks a version that this knak speaks, and accepts its configuration.
Each is started once and ended. Exit status 1 if something is wrong.`,
		Example:           "  knak plugins doctor",
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: complete.First(completePlugins(t)),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := readWorld(t, cmd)
			if err != nil {
				return err
			}
			return runDoctor(cmd.Context(), t, w, args)
		},
	}
}

// runDoctor says what is wrong with plugins.
func runDoctor(ctx context.Context, t *terminal.Terminal, w *world, args []string) error {
	if len(args) == 0 {
		for _, p := range w.configured {
			args = append(args, p.Name)
		}
	}
	return doctor(ctx, t, w, args)
}

func doctor(ctx context.Context, t *terminal.Terminal, w *world, names []string) error {
	program, err := host.FindProgram()
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := pin.CheckName(name); err != nil {
			return exit.Usage(err)
		}
	}
	say := func(format string, args ...any) {
		if !t.Style.JSON {
			fmt.Fprintf(t.Out, format, args...)
		}
	}
	say("host     %s\nlock     %s, %s\n", program, w.lock.Path, terminal.Plural(len(w.lock.Pins), "pin"))
	if len(names) == 0 {
		say("plugins  none are configured\n")
		return nil
	}
	bad := false
	for _, name := range names {
		row := w.row(name)
		s := host.State{Name: name, Word: host.Word(row.State), Path: row.Path, Problem: row.Problem, Cure: row.Cure}
		if row.State == string(pin.OK) || row.State == string(pin.NotConfigured) {
			states, err := try(ctx, t, w, []string{name})
			if err != nil {
				return err
			}
			s = states[0]
		}
		if missing := missingGrants(&s); s.Word == host.Running && len(missing) > 0 {
			s.Cure = fmt.Sprintf("it could use more than it may: grants = [\"%s\"] in [plugins.%s], if you trust it with that", strings.Join(missing, `", "`), name)
		}
		bad = bad || s.Word != host.Running
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(s); err != nil {
				return fmt.Errorf("plugins: %w", err)
			}
			continue
		}
		printState(t.Out, &s)
	}
	if bad {
		return &exit.StatusError{Code: 1}
	}
	return nil
}

// missingGrants are those that the plugin asks for and does not have.
func missingGrants(s *host.State) (list []string) {
	for _, want := range s.Wants {
		has := false
		for _, g := range s.Grants {
			has = has || g == want
		}
		if !has {
			list = append(list, want)
		}
	}
	return list
}

// kindWords says for people what a plugin answers.
func kindWords(s *host.State) string {
	var list []string
	for _, k := range s.Answers {
		list = append(list, map[advice.Kind]string{
			advice.KindIdentify: "identify the modem", advice.KindCredentials: "credentials", advice.KindSteps: "commands around the dial",
			advice.KindChallenge: "CHAP responses", advice.KindDecide: "decisions in the negotiation", advice.KindProve: "proof of the link",
		}[k])
	}
	if s.Observes {
		list = append(list, "is told what happens")
	}
	if s.Commands {
		list = append(list, "gives orders")
	}
	return terminal.OrNone(strings.Join(list, ", "))
}
