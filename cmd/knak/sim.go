package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/show/progress"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/sim/random"
	"github.com/knakppp/knak/core/sim/stick"
	"github.com/knakppp/knak/core/usbip"
)

func (a *app) simCommand() *cobra.Command {
	var list bool
	var linkPath, usbip string
	var seed uint64
	var number int
	var show bool
	cmd := &cobra.Command{
		Use:   "sim SCENARIO [SCENARIO …]",
		Short: "Serve a misbehaving modem on a pseudo-terminal",
		Long: `Serve a simulated modem on a pseudo-terminal, AT commands and PPP, for trying dialers without hardware. The path of the
terminal is the first line on standard output (with --json its key "port"). SCENARIO is a name (--list) or a TOML file; docs/sim.md explains the format.

With --usbip the modem is a USB stick in place of a terminal, served by the USB/IP protocol: a Linux that has vhci_hcd attaches
it and binds its own drivers (option, sierra, qcserial, cdc_acm, usb-storage). Several scenarios are several sticks.`,
		Example: `  knak sim huawei/e398 --link /tmp/modem
  knak dial --port /tmp/modem --plane stack
  knak sim huawei/e398 --usbip &
  modprobe vhci-hcd && usbip attach -r 127.0.0.1 -b 1-1`,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: first(completeScenarios),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.readGlobal(cmd); err != nil {
				return err
			}
			if list {
				return a.listScenarios()
			}
			if cmd.Flags().Changed("random") {
				if len(args) > 0 || list || cmd.Flags().Changed("usbip") {
					return usagef("--random makes the modem: it goes with --faults, --show and --link only")
				}
				return a.simRandom(cmd.Context(), seed, number, show, linkPath)
			}
			switch {
			case cmd.Flags().Changed("faults") || show:
				return usagef("--faults and --show need --random SEED")
			case len(args) == 0:
				return usagef("which scenario? knak sim --list names all")
			case cmd.Flags().Changed("usbip"):
				if linkPath != "" {
					return usagef("--link and --usbip exclude each other: a stick has no pseudo-terminal")
				}
				return a.serveSticks(cmd.Context(), args, usbip)
			case len(args) > 1:
				return usagef("one pseudo-terminal is one modem: several scenarios need --usbip")
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
	cmd.Flags().Uint64Var(&seed, "random", 0, "make an odd modem by this `seed`, and tell at the end what was odd: its scenario")
	cmd.Flags().IntVar(&number, "faults", 1, "with --random: how many faults it has, 1 to 5: a `number`")
	cmd.Flags().BoolVar(&show, "show", false, "with --random: print the scenario, and serve nothing")
	cmd.Flags().StringVar(&usbip, "usbip", "", "serve USB sticks by USB/IP on this `address`; without one 127.0.0.1:3240")
	cmd.Flags().Lookup("usbip").NoOptDefVal = "127.0.0.1:3240"
	return cmd
}

// simRandom serves an odd modem and tells the truth at the end.
func (a *app) simRandom(ctx context.Context, seed uint64, number int, show bool, linkPath string) error {
	s, text, err := random.Modem(seed, number)
	if err != nil {
		return usagef("--faults: %w", err)
	}
	if show {
		_, err := fmt.Fprint(a.stdout, text)
		return err
	}
	err = a.serveSim(ctx, s, linkPath)
	fmt.Fprint(a.stderr, text)
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

func (a *app) listScenarios() error {
	tw := tabwriter.NewWriter(a.stdout, 0, 8, 2, ' ', 0)
	for _, name := range scenarioNames() {
		s, err := loadScenario(name)
		if err != nil {
			fmt.Fprintf(a.stderr, "knak: %s (the file is left out)\n", err)
			continue
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

// serveSticks serves a bus of simulated sticks.
func (a *app) serveSticks(ctx context.Context, names []string, address string) error {
	ctx, stop := signal.NotifyContext(ctx, endSignals...)
	defer stop()
	var scenarios []sim.Scenario
	for _, name := range names {
		s, err := loadScenario(name)
		if err != nil {
			return &usageError{err}
		}
		scenarios = append(scenarios, s)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return usagef("--usbip: %w", err)
	}
	sink, finish := a.sinks(time.Now(), progress.Detail, 0)
	bus := &usbip.Bus{}
	failed := make(chan error, len(scenarios))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var sticks sync.WaitGroup
	for i, s := range scenarios {
		sticks.Go(func() {
			if err := stick.Serve(ctx, bus, i+1, s, sink); err != nil {
				failed <- &usageError{err}
				cancel()
			}
		})
	}
	where := l.Addr().String()
	if a.global.JSON {
		err = json.NewEncoder(a.stdout).Encode(servedInfo{Scenario: strings.Join(names, " "), Port: where})
	} else {
		_, err = fmt.Fprintln(a.stdout, where)
	}
	if err != nil {
		return fmt.Errorf("sim: %w", err)
	}
	err = usbip.Serve(ctx, l, bus)
	cancel()
	sticks.Wait()
	select {
	case err = <-failed:
	default:
	}
	return errors.Join(err, finish())
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
	sink, finish := a.sinks(time.Now(), progress.Detail, 0)
	m := sim.New(s, uint64(time.Now().UnixNano()))
	err = sim.Serve(ctx, master, m, sink)
	return errors.Join(err, finish())
}
