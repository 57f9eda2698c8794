package quirks

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/learn/memory"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// learned opens what was found by experiment on this machine: of real modems, and of simulated ones.
func learned(t *terminal.Terminal) []*memory.File {
	tell := func(text string) { fmt.Fprintf(t.Err, "knak: warning: %s\n", text) }
	dir := files.State()
	return []*memory.File{memory.Open(dir, tell), memory.Open(files.SimulatedState(dir), tell)}
}

// learnedCommand is knak quirks learned.
func learnedCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "learned",
		Short: "Show what dials have found out of this machine's modems by experiment",
		Long: `Show the settings with which a dial came up after others had failed, for each modem by what it says of itself. They count above
the built-in database and below everything that a person or an administrator says; "knak quirks forget" forgets them.`,
		Example: "  knak quirks learned",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			return showLearned(t)
		},
	}
}

// showLearned shows what was learned.
func showLearned(t *terminal.Terminal) error {
	var all []memory.Entry
	for _, file := range learned(t) {
		all = append(all, file.All()...)
	}
	if len(all) == 0 && !t.Style.JSON {
		_, err := fmt.Fprintln(t.Out, "nothing was learned on this machine")
		return err
	}
	for _, e := range all {
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(e); err != nil {
				return fmt.Errorf("quirks learned: %w", err)
			}
			continue
		}
		fmt.Fprintf(t.Out, "%s %s %s, %s, after %s\n", terminal.OrUnknown(e.Vendor), e.Model, e.Firmware, e.When.Format("2006-01-02 15:04"), e.Failure)
		for _, s := range e.Settings {
			fmt.Fprintf(t.Out, "  %s\n    %s\n", s, s.Reason)
		}
	}
	return nil
}

// forgetOptions are the flags of knak quirks forget.
type forgetOptions struct {
	all   bool     // of all modems
	modem []string // vendor, model and firmware
}

// forgetCommand is knak quirks forget.
func forgetCommand(t *terminal.Terminal) *cobra.Command {
	var o forgetOptions
	cmd := &cobra.Command{
		Use:   "forget [VENDOR MODEL FIRMWARE]",
		Short: "Forget what was found out of a modem by experiment",
		Example: `  knak quirks forget --all
  knak quirks forget huawei E398 11.335`,
		Args: cobra.MaximumNArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.modem = args
			return forget(t, o)
		},
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "forget what was found out of all modems")
	return cmd
}

// forget forgets what was learned of a modem.
func forget(t *terminal.Terminal, o forgetOptions) error {
	memories := learned(t)
	if o.all {
		if len(o.modem) > 0 {
			return exit.Usagef("name a modem or give --all, not both")
		}
		return errors.Join(memories[0].ForgetAll(), memories[1].ForgetAll())
	}
	if len(o.modem) != 3 {
		return exit.Usagef("which modem? give its vendor, model and firmware as knak quirks learned shows them, or --all")
	}
	found := false
	for _, file := range memories {
		for _, e := range file.All() {
			if e.Vendor == o.modem[0] && e.Model == o.modem[1] && e.Firmware == o.modem[2] {
				found = file.Forget(e.Modem) || found
			}
		}
	}
	if !found {
		return fmt.Errorf("nothing was learned of %s %s %s; knak quirks learned shows what was", o.modem[0], o.modem[1], o.modem[2])
	}
	return nil
}

// learnedFor gives what was learned of the modem with these facts, as settings of their own layer.
func learnedFor(t *terminal.Terminal, f quirks.Facts, scenario *sim.Scenario) (list []quirks.Advised) {
	if f.Model == "" {
		return nil
	}
	file, name := learned(t)[0], ""
	if scenario != nil {
		file, name = learned(t)[1], scenario.Name
	}
	for _, e := range file.All() {
		if e.Vendor == f.Manufacturer && e.Model == f.Model && e.Firmware == f.Revision && e.Sim == name {
			for _, s := range e.Settings {
				list = append(list, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: file.Path()})
			}
		}
	}
	return list
}
