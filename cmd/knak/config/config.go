// Package config is the command knak config: it shows each option of the configuration with its origin, and the mistakes in its
// files.
package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
)

// Command is knak config.
func Command(t *terminal.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration, or show what counts and where it was said",
	}
	show := &cobra.Command{
		Use:   "show [CONNECTION]",
		Short: "Show the options of a dial with the place where each was said",
		Example: `  knak config show
  knak config show roof`,
		Long: `Show the options that "knak dial CONNECTION" would have: the value of each, and the flag, variable or line of a file that said
it. Without --all only those that somebody said are shown.`,
		Args: cobra.MaximumNArgs(1),
	}
	var all bool
	settings.AddDialFlags(show.Flags())
	show.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = true })
	show.Flags().BoolVar(&all, "all", false, "show defaults too")
	show.RunE = func(cmd *cobra.Command, args []string) error { return run(t, cmd, args, all) }
	check := &cobra.Command{
		Use:   "check [FILE …]",
		Short: "Say what is wrong in configuration files: the given ones, or those that a dial reads",
		Example: `  knak config check
  knak config check new.toml && sudo cp new.toml /etc/knak/config.toml`,
		RunE: func(cmd *cobra.Command, args []string) error { return checkFiles(t, cmd, args) },
	}
	cmd.AddCommand(show, check)
	return cmd
}

// shownOption is one option as `knak config show --json` prints it.
type shownOption struct {
	Option string `json:"option"`
	Value  any    `json:"value"`
	From   string `json:"from"`
}

func run(t *terminal.Terminal, cmd *cobra.Command, args []string, all bool) error {
	connection := ""
	if len(args) == 1 {
		connection = args[0]
	}
	s, err := settings.Read(cmd, connection)
	if err != nil {
		return err
	}
	if err := settings.TakeGlobal(t, s); err != nil {
		return err
	}
	var list []shownOption
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		from, said := s.From[f.Name]
		if f.Name == "all" || f.Name == "help" || f.Name == "set" || settings.Key(f.Name) == nil || !said && !all {
			return
		}
		if !said {
			from = "default"
		}
		list = append(list, shownOption{f.Name, s.Value(f.Name), from})
	})
	for _, set := range s.Sets {
		list = append(list, shownOption{"set", set.Text, set.From})
	}
	if t.Style.JSON {
		for _, o := range list {
			if err := json.NewEncoder(t.Out).Encode(o); err != nil {
				return fmt.Errorf("config show: %w", err)
			}
		}
		return nil
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(t.Out, "nothing is configured: all defaults count (--all shows them)")
		return err
	}
	tw := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	for _, o := range list {
		fmt.Fprintf(tw, "%s\t%v\t%s\n", o.Option, o.Value, o.From)
	}
	return tw.Flush()
}

func checkFiles(t *terminal.Terminal, cmd *cobra.Command, args []string) error {
	if err := settings.ReadGlobal(t, cmd); err != nil {
		return err
	}
	paths, named := args, len(args) > 0
	if !named {
		paths, named = settings.Files(settings.Chosen(cmd))
	}
	bad, some := false, false
	for _, path := range paths {
		file, err := settings.ReadFile(path, named)
		switch {
		case err != nil && !named && errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			bad, some = true, true
			fmt.Fprintf(t.Out, "bad   %v\n", err)
			continue
		}
		some = true
		fmt.Fprintf(t.Out, "ok    %s", path)
		if names := slices.Sorted(maps.Keys(file.Sections)); len(names) > 0 {
			fmt.Fprintf(t.Out, ": connections %s", terminal.JoinWords(names))
		}
		fmt.Fprintln(t.Out)
	}
	if !some {
		fmt.Fprintf(t.Out, "no configuration file is there; looked for %s\n", terminal.JoinWords(paths))
	}
	if bad {
		return &exit.StatusError{Code: 2}
	}
	return nil
}
