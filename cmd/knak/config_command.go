package main

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
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check the configuration, or show what counts and where it was said",
	}
	show := &cobra.Command{
		Use:   "show [CONNECTION]",
		Short: "Show the options of a dial with the place where each was said",
		Long: `Show the options that "knak dial CONNECTION" would have: the value of each, and the flag, variable or line of a file that said
it. Without --all only those that somebody said are shown.`,
		Args: cobra.MaximumNArgs(1),
	}
	var all bool
	addDialFlags(show.Flags())
	show.Flags().VisitAll(func(f *pflag.Flag) { f.Hidden = true })
	show.Flags().BoolVar(&all, "all", false, "show defaults too")
	show.RunE = func(cmd *cobra.Command, args []string) error { return a.showConfig(cmd, args, all) }
	check := &cobra.Command{
		Use:   "check [FILE …]",
		Short: "Say what is wrong in configuration files: the given ones, or those that a dial reads",
		RunE:  a.checkConfigFiles,
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

func (a *app) showConfig(cmd *cobra.Command, args []string, all bool) error {
	connection := ""
	if len(args) == 1 {
		connection = args[0]
	}
	s, err := readSettings(cmd, connection)
	if err != nil {
		return err
	}
	if err := a.takeGlobal(s); err != nil {
		return err
	}
	var list []shownOption
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		from, said := s.from[f.Name]
		if f.Name == "all" || f.Name == "help" || f.Name == "set" || configFlag(f.Name) == nil || !said && !all {
			return
		}
		if !said {
			from = "default"
		}
		list = append(list, shownOption{f.Name, s.v.Get(f.Name), from})
	})
	for _, set := range s.sets {
		list = append(list, shownOption{"set", set.text, set.from})
	}
	if a.global.JSON {
		for _, o := range list {
			if err := json.NewEncoder(a.stdout).Encode(o); err != nil {
				return fmt.Errorf("config show: %w", err)
			}
		}
		return nil
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(a.stdout, "nothing is configured: all defaults count (--all shows them)")
		return err
	}
	tw := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)
	for _, o := range list {
		fmt.Fprintf(tw, "%s\t%v\t%s\n", o.Option, o.Value, o.From)
	}
	return tw.Flush()
}

func (a *app) checkConfigFiles(cmd *cobra.Command, args []string) error {
	if err := a.readGlobal(cmd); err != nil {
		return err
	}
	paths := args
	if len(paths) == 0 {
		paths, _ = configFiles("")
	}
	bad, some := false, false
	for _, path := range paths {
		file, err := readConfig(path, len(args) > 0)
		switch {
		case err != nil && len(args) == 0 && errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			bad, some = true, true
			fmt.Fprintf(a.stdout, "bad   %v\n", err)
			continue
		}
		some = true
		fmt.Fprintf(a.stdout, "ok    %s", path)
		if names := slices.Sorted(maps.Keys(file.sections)); len(names) > 0 {
			fmt.Fprintf(a.stdout, ": connections %s", joinWords(names))
		}
		fmt.Fprintln(a.stdout)
	}
	if !some {
		fmt.Fprintf(a.stdout, "no configuration file is there; looked for %s\n", joinWords(paths))
	}
	if bad {
		return &statusError{code: 2}
	}
	return nil
}
