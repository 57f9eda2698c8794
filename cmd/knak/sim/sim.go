// Package sim is the command knak sim: a misbehaving modem on a pseudo-terminal or on USB/IP.
package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/sim/random"
	"github.com/knakppp/knak/core/sim/stick"
)

// options are the flags of knak sim.
type options struct {
	list        bool
	link        string // a symbolic link to the terminal
	usbip       string // the address of the USB/IP server
	allOf       string // a directory, or a maker, of which every stick is served
	seed        uint64
	faults      int
	show        bool // print the scenario, and serve nothing
	random      bool // whether --random was given
	onUSB       bool // whether --usbip was given
	faultsGiven bool // whether --faults was given
	scenarios   []string
}

// Command is knak sim.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "sim SCENARIO [SCENARIO …]",
		Short: "Serve a misbehaving modem on a pseudo-terminal",
		Long: `Serve a simulated modem on a pseudo-terminal, AT commands and PPP, for trying dialers without hardware. The path of the
terminal is the first line on standard output (with --json its key "port"). SCENARIO is a name (--list) or a TOML file; "knak help sim" explains the format.

With --usbip the modem is a USB stick in place of a terminal, served by the USB/IP protocol: a Linux that has vhci_hcd attaches
it and binds its own drivers (option, sierra, qcserial, cdc_acm, usb-storage). Several scenarios are several sticks.`,
		Example: `  knak sim huawei/e398 --link /tmp/modem
  knak dial --port /tmp/modem --plane stack
  knak sim huawei/e398 --usbip &
  modprobe vhci-hcd && usbip attach -r 127.0.0.1 -b 1-1`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: complete.First(complete.Scenarios),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.random = cmd.Flags().Changed("random")
			o.onUSB = cmd.Flags().Changed("usbip")
			o.faultsGiven = cmd.Flags().Changed("faults")
			o.scenarios = args
			return run(cmd.Context(), t, o)
		},
	}
	cmd.Flags().BoolVar(&o.list, "list", false, "list the scenarios")
	cmd.Flags().StringVar(&o.link, "link", "", "make a symbolic link of this `path` to the terminal, and remove it at the end")
	cmd.Flags().Uint64Var(&o.seed, "random", 0, "make an odd modem by this `seed`, and tell at the end what was odd: its scenario")
	cmd.Flags().IntVar(&o.faults, "faults", 1, "with --random: how many faults it has, 1 to 5: a `number`")
	cmd.Flags().BoolVar(&o.show, "show", false, "with --random: print the scenario, and serve nothing")
	cmd.Flags().StringVar(&o.allOf, "all-of", "", "with --usbip: serve every scenario of a `directory`, or of a maker (huawei), that says what it is on USB")
	cmd.Flags().StringVar(&o.usbip, "usbip", "", "serve USB sticks by USB/IP on this `address`; without one 127.0.0.1:3240")
	cmd.Flags().Lookup("usbip").NoOptDefVal = "127.0.0.1:3240"
	return cmd
}

// run serves what the options say.
func run(ctx context.Context, t *terminal.Terminal, o options) error {
	if o.list {
		return listScenarios(t)
	}
	if o.random {
		if len(o.scenarios) > 0 || o.list || o.onUSB {
			return exit.Usagef("--random makes the modem: it goes with --faults, --show and --link only")
		}
		return simRandom(ctx, t, o.seed, o.faults, o.show, o.link)
	}
	switch {
	case o.faultsGiven || o.show:
		return exit.Usagef("--faults and --show need --random SEED")
	case o.allOf != "" && !o.onUSB:
		return exit.Usagef("--all-of needs --usbip: it makes a bus of many sticks")
	case len(o.scenarios) == 0 && o.allOf == "":
		return exit.Usagef("which scenario? knak sim --list names all")
	case o.onUSB:
		if o.link != "" {
			return exit.Usagef("--link and --usbip exclude each other: a stick has no pseudo-terminal")
		}
		db, err := settings.OpenQuirks(t)
		if err != nil {
			return err
		}
		sticks, err := stick.Find(db, o.scenarios)
		if err != nil {
			return exit.Usage(err)
		}
		if o.allOf != "" {
			all, left, err := stick.FindAll(db, o.allOf)
			if err != nil {
				return exit.Usagef("--all-of %w", err)
			}
			if left > 0 {
				fmt.Fprintf(t.Err, "knak: left out: %s there of no modem on USB\n", terminal.Plural(left, "scenario"))
			}
			sticks = append(sticks, all...)
		}
		return serveSticks(ctx, t, sticks, o.usbip)
	case len(o.scenarios) > 1:
		return exit.Usagef("one pseudo-terminal is one modem: several scenarios need --usbip")
	}
	s, err := files.Scenario(o.scenarios[0])
	if err != nil {
		return exit.Usage(err)
	}
	return serveSim(ctx, t, s, o.link)
}

// simRandom serves an odd modem and tells the truth at the end.
func simRandom(ctx context.Context, t *terminal.Terminal, seed uint64, number int, show bool, linkPath string) error {
	m, err := random.Make(seed, random.Wanted{Faults: number, Alone: true})
	s, text := m.Scenario, m.Text
	if err != nil {
		return exit.Usagef("--faults: %w", err)
	}
	if show {
		_, err := fmt.Fprint(t.Out, text)
		return err
	}
	err = serveSim(ctx, t, s, linkPath)
	fmt.Fprint(t.Err, text)
	return err
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

func listScenarios(t *terminal.Terminal) error {
	tw := tabwriter.NewWriter(t.Out, 0, 8, 2, ' ', 0)
	for _, name := range files.Scenarios() {
		s, err := files.Scenario(name)
		if err != nil {
			fmt.Fprintf(t.Err, "knak: %s (the file is left out)\n", err)
			continue
		}
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(scenarioInfo{name, s.Summary}); err != nil {
				return fmt.Errorf("sim --list: %w", err)
			}
			continue
		}
		fmt.Fprintf(tw, "%s\t%s\n", name, s.Summary)
	}
	return tw.Flush()
}

// serveSticks serves a bus of simulated sticks.
func serveSticks(ctx context.Context, t *terminal.Terminal, scenarios []sim.Scenario, address string) error {
	ctx, stop := signal.NotifyContext(ctx, terminal.EndSignals...)
	defer stop()
	var names []string
	for i, s := range scenarios {
		names = append(names, s.Name)
		if len(scenarios) > 1 && !t.Style.JSON {
			fmt.Fprintf(t.Err, "1-%d  %s  %s\n", i+1, s.USB.ID, s.Name)
		}
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return exit.Usagef("--usbip: %w", err)
	}
	where := l.Addr().String()
	if t.Style.JSON {
		err = json.NewEncoder(t.Out).Encode(servedInfo{Scenario: strings.Join(names, " "), Port: where})
	} else {
		_, err = fmt.Fprintln(t.Out, where)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("sim: %w", err), l.Close())
	}
	sink, finish := t.Sinks(time.Now(), progress.Detail, 0)
	if err = stick.ServeAll(ctx, l, scenarios, sink); err != nil {
		err = exit.Usage(err) // a scenario of which no stick can be made
	}
	return errors.Join(err, finish())
}

func serveSim(ctx context.Context, t *terminal.Terminal, s sim.Scenario, linkPath string) error {
	ctx, stop := signal.NotifyContext(ctx, terminal.EndSignals...)
	defer stop()
	master, path, err := port.OpenPTY()
	if errors.Is(err, port.ErrNoPTY) {
		return exit.Usagef("%w; here knak dial --sim %s dials it without one, and knak sim %s --usbip serves it to a Linux", err, s.Name, s.Name)
	}
	if err != nil {
		return fmt.Errorf("pseudo-terminal: %w", err)
	}
	defer master.Close()
	if linkPath != "" {
		if err := os.Symlink(path, linkPath); err != nil {
			return exit.Usagef("--link: %w", err)
		}
		defer os.Remove(linkPath)
	}
	if t.Style.JSON {
		err = json.NewEncoder(t.Out).Encode(servedInfo{s.Name, path})
	} else {
		_, err = fmt.Fprintln(t.Out, path)
	}
	if err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	sink, finish := t.Sinks(time.Now(), progress.Detail, 0)
	m := sim.New(s, uint64(time.Now().UnixNano()))
	err = sim.Serve(ctx, master, m, sink)
	return errors.Join(err, finish())
}
