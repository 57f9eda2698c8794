// Package status is knak status: the links that running dials hold.
package status

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/show/page"
)

// options are the flags of `knak status`.
type options struct {
	exitCode bool
	watch    bool
	links    []string // at most one name; none: all
}

// exitDown is the status of `knak status --exit-code` where a link is not up.
const exitDown = 1

// Command is knak status.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "status [LINK]",
		Short: "Show the links that running dials hold",
		Long: `Show every link, or one: phase, device and profile, addresses, DNS, how long it is up, octets, signal, and the last
finding. The exit status is 0 also when no link is up, unless --exit-code is given: then it is 0 when LINK, or without LINK any
link, is up, and 1 when not.`,
		Example: `  knak status roof --exit-code -q || knak up roof
  knak status --watch`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: complete.First(complete.Links),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.links = args
			return run(cmd.Context(), t, o)
		},
	}
	cmd.Flags().BoolVar(&o.exitCode, "exit-code", false, "end with 0 if the link is up and with 1 if not")
	cmd.Flags().BoolVar(&o.watch, "watch", false, "show it again every second, with the throughput, until a signal")
	return cmd
}

// run shows links.
func run(ctx context.Context, t *terminal.Terminal, o options) error {
	if len(o.links) == 1 {
		if err := control.CheckName(o.links[0]); err != nil {
			return exit.Usage(err)
		}
	}
	if o.watch {
		return watchStatus(ctx, t, o.links)
	}
	list, err := readStatus(ctx, o.links)
	if err != nil {
		return err
	}
	if err := showStatus(t, o.links, list, nil); err != nil {
		return err
	}
	up := slices.ContainsFunc(list, func(st control.Status) bool { return st.Up != nil && st.Phase == event.PhaseUp })
	if o.exitCode && !up {
		return &exit.StatusError{Code: exitDown}
	}
	return nil
}

// readStatus asks the dials that hold links, or one of them. A link that nobody holds is not among them.
func readStatus(ctx context.Context, args []string) (list []control.Status, err error) {
	links := args
	if len(links) == 0 {
		if links, err = control.Links(control.Dir()); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, control.Patience)
	defer cancel()
	for _, name := range links {
		st, problem := control.AskStatus(ctx, control.Dir(), name)
		var none *control.NoLinkError
		switch {
		case errors.As(problem, &none): // nobody holds it; or it ended while we looked, or was killed
		case problem != nil:
			err = errors.Join(err, problem)
		default:
			list = append(list, st)
		}
	}
	return list, err
}

// showStatus prints links; before is what they were a second ago, nil where that is not known.
func showStatus(t *terminal.Terminal, args []string, list, before []control.Status) error {
	if t.Style.JSON {
		for _, st := range list {
			if err := json.NewEncoder(t.Out).Encode(st); err != nil {
				return fmt.Errorf("status: %w", err)
			}
		}
		return nil
	}
	if t.Style.Quiet {
		return nil
	}
	for _, st := range list {
		var old *control.Status
		if i := slices.IndexFunc(before, func(b control.Status) bool { return b.Link == st.Link }); i >= 0 {
			old = &before[i]
		}
		printStatus(t, st, old, time.Now())
	}
	switch {
	case len(list) > 0:
	case len(args) == 1:
		fmt.Fprintf(t.Out, "%s: no running dial holds it\n", args[0])
	default:
		fmt.Fprintln(t.Out, "no running dial holds a link")
	}
	return nil
}

// watchStatus shows the links once a second. On a terminal each picture takes the place of the last.
func watchStatus(ctx context.Context, t *terminal.Terminal, args []string) error {
	ctx, stop := signal.NotifyContext(ctx, terminal.EndSignals...)
	defer stop()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	var before []control.Status
	for {
		list, err := readStatus(ctx, args)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if terminal.IsTerminal(t.Out) {
			fmt.Fprint(t.Out, "\x1b[H\x1b[J") // home, and erase below (ECMA-48)
		}
		if err := showStatus(t, args, list, before); err != nil {
			return err
		}
		before = list
		select {
		case <-second.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// SGR sequences (ECMA-48 section 8.3.117).
const (
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// column is where the values of a status begin.
const column = len("  addresses  ")

// colors are those of the rows that a person looks for first.
var colors = map[string]string{"up": green, "phase": yellow, "finding": red}

func printStatus(t *terminal.Terminal, st control.Status, before *control.Status, now time.Time) {
	colored, columns := t.Color(t.Out), terminal.Width(t.Out)
	if columns == 0 {
		columns = 1000 // what scripts look for is not wrapped
	}
	put := func(before, color, text string) {
		if colored && color != "" {
			text = color + text + reset
		}
		fmt.Fprintln(t.Out, before+text)
	}
	row := func(name, format string, args ...any) {
		start := fmt.Sprintf("  %-*s", column-2, name)
		for _, l := range page.Wrap(fmt.Sprintf(format, args...), max(columns, 40)-column) {
			put(start, colors[name], l)
			start = strings.Repeat(" ", column)
		}
	}
	put("", bold, st.Link)
	if st.Phase == event.PhaseUp && st.UpSince != nil {
		row("up", "for %s (attempt %d)", since(*st.UpSince, now), st.Attempt)
	} else {
		row("phase", "%s, for %s (attempt %d)", st.Phase, since(st.PhaseSince, now), st.Attempt)
	}
	if d := st.Device; d != nil {
		name := strings.TrimSpace(d.Vendor + " " + d.Model)
		row("device", "%s at %s", terminal.OrUnknown(name), d.Port)
		row("profile", "%s", terminal.OrNone(d.Profile))
	}
	if u := st.Up; u != nil {
		where := u.Interface
		if where == "" {
			where = "no interface, plane " + u.Plane
		}
		local, peer := u.Local, u.Peer
		if local == "" { // a link of IPv6 alone
			local, peer = u.IPv6, u.IPv6Peer
		}
		row("addresses", "%s, peer %s, on %s", local, peer, where)
		row("dns", "%s", terminal.OrNone(strings.Join(u.DNS, " ")))
		row("octets", "%d in, %d out", st.BytesIn, st.BytesOut)
		if before != nil && st.BytesIn >= before.BytesIn && st.BytesOut >= before.BytesOut {
			row("now", "%d bit/s in, %d bit/s out", 8*(st.BytesIn-before.BytesIn), 8*(st.BytesOut-before.BytesOut))
		}
	}
	if st.Signal != "" {
		row("signal", "%s", st.Signal)
	}
	if st.Operator != "" {
		row("operator", "%s", st.Operator)
	}
	if f := st.Finding; f != nil {
		row("finding", "%s: %s", f.ID, f.Title)
	}
	for _, p := range st.Plugins {
		text := p.State
		if p.Calls > 0 {
			text += fmt.Sprintf(", asked %d times, slowest %.1f ms", p.Calls, p.SlowestMS)
		}
		if p.Problem != "" {
			text += ": " + p.Problem
		}
		if p.Cure != "" {
			text += "; try: " + p.Cure
		}
		row("plugin", "%s %s", p.Name, text)
	}
}

func since(t, now time.Time) string {
	if t.IsZero() {
		return "0s"
	}
	return now.Sub(t).Round(time.Second).String()
}
