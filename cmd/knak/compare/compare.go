// Package compare is the command knak compare: it shows the differences between a dialer that works and one that does not.
package compare

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/recordings"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/compare"
)

// options are the flags of knak compare.
type options struct {
	format string
	all    bool      // the differences that tell little too
	names  [2]string // the good one first
}

// Command is knak compare.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "compare GOOD BAD",
		Short: "Say what a dialer that works does differently from one that does not",
		Long: `Lay two recordings or logs of a call beside each other, one that worked and one that did not, and say what was different:
which commands, which name, which options, values and order, who gave up when. Packets are matched by role, protocol and step
and not by time, so that the two may come from different programs and formats. Identifiers, magic numbers, the addresses that
were given and small differences in time do not count.

The most telling difference stands first; the last lines say what it comes to, and with which settings knak would do as the
one that worked. Of a recording with several calls the last that worked is taken of GOOD, and the last that did not of BAD.`,
		Example: `  knak compare windows.pcapng pppd.log
  knak dial --record bad.pcapng; knak compare good.pcapng bad.pcapng --json`,
		Args:              cobra.ExactArgs(2),
		ValidArgsFunction: completeTwoFiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.names = [2]string(args)
			return run(t, o)
		},
	}
	cmd.Flags().BoolVar(&o.all, "all", false, "show the differences that tell little too")
	recordings.AddFormatFlag(cmd, &o.format)
	return cmd
}

// run lays two recordings beside each other.
func run(t *terminal.Terminal, o options) error {
	if o.names[0] == "-" && o.names[1] == "-" {
		return exit.Usagef("only one of the two can be standard input")
	}
	good, err := recordings.Calls(t, o.names[0], o.format)
	if err != nil {
		return err
	}
	bad, err := recordings.Calls(t, o.names[1], o.format)
	if err != nil {
		return err
	}
	r, _ := compare.Compare(compare.Recording{Name: recordings.Name(o.names[0]), Calls: good}, compare.Recording{Name: recordings.Name(o.names[1]), Calls: bad})
	if t.Style.JSON {
		if err := json.NewEncoder(t.Out).Encode(r); err != nil {
			return fmt.Errorf("compare: %w", err)
		}
		return nil
	}
	return r.WriteText(t.Out, layout(t, o.all))
}

// layout is as wide as the terminal, within what two columns need and what an eye can follow; 80 columns elsewhere.
func layout(t *terminal.Terminal, all bool) compare.TextOptions {
	o := compare.TextOptions{All: all, Color: t.Color(t.Out)}
	if n := terminal.Width(t.Out); n > 0 {
		o.Width = min(max(n, 60), 120)
	}
	return o
}

func completeTwoFiles(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) < 2 {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}
