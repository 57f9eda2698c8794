package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/build"
	"github.com/knakppp/knak/cmd/knak/compare"
	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/completion"
	"github.com/knakppp/knak/cmd/knak/config"
	"github.com/knakppp/knak/cmd/knak/decode"
	"github.com/knakppp/knak/cmd/knak/devices"
	"github.com/knakppp/knak/cmd/knak/diagnose"
	"github.com/knakppp/knak/cmd/knak/dial"
	"github.com/knakppp/knak/cmd/knak/doctor"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/hangup"
	"github.com/knakppp/knak/cmd/knak/help"
	"github.com/knakppp/knak/cmd/knak/learn"
	"github.com/knakppp/knak/cmd/knak/mimic"
	"github.com/knakppp/knak/cmd/knak/plugins"
	"github.com/knakppp/knak/cmd/knak/quirks"
	"github.com/knakppp/knak/cmd/knak/record"
	"github.com/knakppp/knak/cmd/knak/report"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/setup"
	"github.com/knakppp/knak/cmd/knak/sim"
	"github.com/knakppp/knak/cmd/knak/status"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/cmd/knak/up"
	"github.com/knakppp/knak/cmd/knak/version"
)

// run is main with its environment as arguments. It returns the exit status.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := terminal.Keep(stdout)
	t := &terminal.Terminal{In: stdin, Out: out, Err: stderr}
	root := rootCommand(t, args)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil && out.Err() != nil {
		err = fmt.Errorf("standard output: %w", out.Err())
	}
	if err != nil && err.Error() != "" {
		fmt.Fprintf(stderr, "knak: %s\n", err)
	}
	return int(exit.Code(err))
}

// command is a command that is not made yet.
type command struct {
	name string
	make func(*terminal.Terminal) *cobra.Command
}

// commands are knak's commands, by name.
var commands = []command{
	{"compare", compare.Command},
	{"completion", completion.Command},
	{"config", config.Command},
	{"decode", decode.Command},
	{"devices", devices.Command},
	{"diagnose", diagnose.Command},
	{"dial", dial.Command},
	{"doctor", doctor.Command},
	{"down", hangup.DownCommand},
	{"hangup", hangup.Command},
	{"init", setup.Command},
	{"learn", learn.Command},
	{"mimic", mimic.Command},
	{"plugins", plugins.Command},
	{"quirks", quirks.Command},
	{"record", record.Command},
	{"report", report.Command},
	{"sim", sim.Command},
	{"status", status.Command},
	{"up", up.Command},
	{"version", version.Command},
}

// rootCommand makes knak with only the command that the first argument names, because the flags of all the others would cost
// every start a millisecond. If the first argument is not a command, for example a flag or help, it makes all commands.
func rootCommand(t *terminal.Terminal, args []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "knak",
		Short: "Dial cellular modems that speak PPP, the odd ones too",
		Long: `knak dials cellular modems that speak PPP. It has its own PPP engine, knows the quirks of many modems, and
says in plain words what went wrong and what to try.

  Try it without hardware:    knak dial --sim huawei/e398 --plane stack --once
  The first real dial:        knak doctor, then: knak init
  Why is a setting as it is:  knak quirks explain --quirks huawei/e398
  Step by step:               knak help first-dial; knak help lists all topics`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.Version = build.Version().String()
	root.SetVersionTemplate("{{.Version}}\n")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(settings.FlagError)
	settings.AddGlobalFlags(root.PersistentFlags())
	for _, flag := range []string{"color", "log-format"} {
		complete.Flag(root, flag, complete.Words(flag))
	}
	named := len(args) > 0 && slices.ContainsFunc(commands, func(c command) bool { return c.name == args[0] })
	for _, c := range commands {
		if !named || c.name == args[0] {
			root.AddCommand(c.make(t))
		}
	}
	for _, add := range extraCommands {
		root.AddCommand(add(t))
	}
	root.SetHelpCommand(help.Command(t))
	help.Fit(root)
	markUsageErrors(root)
	return root
}

// extraCommands holds commands that only some builds have (see man.go).
var extraCommands []func(*terminal.Terminal) *cobra.Command

// markUsageErrors makes wrong arguments usage errors, as wrong flags are, and makes an unknown subcommand an error everywhere.
func markUsageErrors(cmd *cobra.Command) {
	check := cmd.Args
	if check == nil && cmd.HasSubCommands() {
		check = cobra.NoArgs
	}
	cmd.Args = func(c *cobra.Command, args []string) error {
		if check == nil {
			return nil
		}
		err := check(c, args)
		if err == nil {
			return nil
		}
		if c.HasSubCommands() && len(args) > 0 {
			return help.NoCommand(c, args[0])
		}
		return exit.Usagef("%s\nsee: %s --help", wrongArguments(c, check, args), c.CommandPath())
	}
	if cmd.RunE == nil && cmd.HasSubCommands() {
		cmd.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	}
	for _, sub := range cmd.Commands() {
		markUsageErrors(sub)
	}
}

// wrongArguments says what is wrong with the number of a command's arguments.
func wrongArguments(c *cobra.Command, check cobra.PositionalArgs, args []string) string {
	name := strings.TrimSuffix(c.UseLine(), " [flags]")
	most := 0
	for n := 1; n <= 2; n++ {
		if check(c, slices.Repeat([]string{"x"}, n)) == nil {
			most = n
		}
	}
	switch {
	case most == 0:
		return fmt.Sprintf("%s takes no argument, not %q", c.CommandPath(), args[0])
	case len(args) < most:
		return "an argument is missing: " + name
	}
	return fmt.Sprintf("one argument too many, %q: %s", args[most], name)
}
