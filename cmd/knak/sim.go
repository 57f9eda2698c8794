package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/sim"
)

func (a *app) simCommand() *cobra.Command {
	var list bool
	var linkPath string
	cmd := &cobra.Command{
		Use:   "sim SCENARIO",
		Short: "Serve a misbehaving modem on a pseudo-terminal",
		Long: `Serve a simulated modem on a pseudo-terminal, AT commands and PPP, for trying dialers without hardware. The path of the
terminal is the first line on standard output (with --json its key "port"). SCENARIO is a name (--list) or a TOML file; docs/sim.md explains the format.`,
		Example: `  knak sim huawei/e398 --link /tmp/modem
  knak dial --port /tmp/modem --plane stack`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: first(completeScenarios),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.readGlobal(cmd); err != nil {
				return err
			}
			if list {
				return a.listScenarios()
			}
			if len(args) != 1 {
				return usagef("which scenario? knak sim --list names all")
			}
			s, err := loadScenario(args[0])
			if err != nil {
				return &usageError{err}
			}
			return a.serveSim(cmd.Context(), s, linkPath)
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "list the scenarios")
	cmd.Flags().StringVar(&linkPath, "link", "", "make a symbolic link of this `path` to the terminal, and remove it at the end")
	return cmd
}

type scenarioInfo struct {
	Name    string `json:"name"`
	Summary string `json:"summary"`
}

// servedInfo is the first line of sim --json; events follow.
type servedInfo struct {
	Scenario string `json:"scenario"`
	Port     string `json:"port"`
}

func (a *app) listScenarios() error {
	tw := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)
	for _, name := range sim.Names(knak.Files) {
		s, err := sim.Load(knak.Files, name)
		if err != nil {
			return err
		}
		if a.global.JSON {
			if err := json.NewEncoder(a.stdout).Encode(scenarioInfo{name, s.Summary}); err != nil {
				return fmt.Errorf("sim --list: %w", err)
			}
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\n", name, s.Summary)
	}
	return tw.Flush()
}

func (a *app) serveSim(ctx context.Context, s sim.Scenario, linkPath string) error {
	ctx, stop := signal.NotifyContext(ctx, endSignals...)
	defer stop()
	master, path, err := port.OpenPTY()
	if err != nil {
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	defer master.Close()
	if linkPath != "" {
		if err := os.Symlink(path, linkPath); err != nil {
			return usagef("--link: %w", err)
		}
		defer os.Remove(linkPath)
	}
	if a.global.JSON {
		err = json.NewEncoder(a.stdout).Encode(servedInfo{s.Name, path})
	} else {
		_, err = fmt.Fprintln(a.stdout, path)
	}
	if err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	sink, finish := a.sinks(time.Now())
	m := sim.New(s, uint64(time.Now().UnixNano()))
	err = sim.Serve(ctx, master, m, sink)
	return errors.Join(err, finish())
}
