// Package hangup is knak hangup, and knak down.
package hangup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/plane/resolv"
)

// hangupPatience is how long a link may take to end: the modem may need a guard time and a second or two for NO CARRIER.
const hangupPatience = 30 * time.Second

// options are what knak hangup can be told.
type options struct {
	all   bool     // every link of this user
	links []string // at most one name
}

// Command is knak hangup.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "hangup [LINK]",
		Short: "End a link that a running dial holds, and say what it gave back",
		Long: `End a link that a running dial holds: PPP is terminated, the call is ended and verified, and routes, addresses, DNS and
locks are given back. Without LINK the only running link is meant. It is no error when nothing was up. What a dial has left
in resolv.conf that was killed is taken back, too.`,
		Example: `  knak hangup
  knak hangup roof
  knak hangup --all`,
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
	cmd.Flags().BoolVar(&o.all, "all", false, "end every link of this user")
	return cmd
}

// run ends links and says what they gave back.
func run(ctx context.Context, t *terminal.Terminal, o options) error {
	links, err := chooseLinks(o.links, o.all)
	if err != nil {
		tellRepaired(ctx, t, false) // whatever is meant, this is to be taken back
		return err
	}
	asking, cancel := context.WithTimeout(ctx, hangupPatience)
	defer cancel()
	var failed error
	for _, name := range links {
		bye, err := control.AskHangup(asking, control.Dir(), name)
		var none *control.NoLinkError
		if errors.As(err, &none) {
			bye, err = control.Goodbye{Link: name, Reason: "no running dial holds it"}, nil
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		printGoodbye(t, bye)
	}
	tellRepaired(ctx, t, len(links) == 0)
	return failed
}

// DownCommand is hangup under the name that goes with up.
func DownCommand(t *terminal.Terminal) *cobra.Command {
	cmd := Command(t)
	cmd.Use = "down [LINK]"
	cmd.Short = "End a link, as hangup does"
	cmd.Example = strings.ReplaceAll(cmd.Example, "hangup", "down")
	return cmd
}

func printGoodbye(t *terminal.Terminal, bye control.Goodbye) {
	if bye.GivenBack == nil {
		bye.GivenBack = []string{}
	}
	if t.Style.JSON {
		_ = json.NewEncoder(t.Out).Encode(bye) // a closed pipe ends the program by itself
		return
	}
	if !bye.WasUp {
		fmt.Fprintf(t.Out, "%s: was not up: %s\n", bye.Link, bye.Reason)
	} else {
		fmt.Fprintf(t.Out, "%s: ended: %s\n", bye.Link, bye.Reason)
	}
	for _, line := range bye.GivenBack {
		fmt.Fprintf(t.Out, "  gave back %s\n", line)
	}
	if bye.Error != "" {
		fmt.Fprintf(t.Out, "  could not give back: %s\n", bye.Error)
	}
}

// tellRepaired takes back what a killed dial has left, and says so.
func tellRepaired(ctx context.Context, t *terminal.Terminal, nothing bool) {
	var repaired []string
	for _, left := range (resolv.Host{}).PutRight(ctx, func(level, text string) { fmt.Fprintf(t.Err, "knak: %s: %s\n", level, text) }) {
		repaired = append(repaired, left.Text())
	}
	switch {
	case len(repaired) > 0 && t.Style.JSON:
		printGoodbye(t, control.Goodbye{Reason: "a dial was killed", GivenBack: repaired})
	case len(repaired) > 0:
		for _, what := range repaired {
			fmt.Fprintf(t.Out, "gave back %s\n", what)
		}
	case nothing && !t.Style.JSON && !t.Style.Quiet:
		fmt.Fprintln(t.Out, "no running dial holds a link")
	}
}

// chooseLinks turns the arguments of hangup into link names: one by name, all, or the only one there is.
func chooseLinks(args []string, all bool) ([]string, error) {
	if len(args) == 1 {
		if all {
			return nil, exit.Usagef("give LINK or --all, not both")
		}
		if err := control.CheckName(args[0]); err != nil {
			return nil, exit.Usage(err)
		}
		return args, nil
	}
	links, err := control.Held(control.Dir())
	if err != nil {
		return nil, err
	}
	if len(links) > 1 && !all {
		return nil, exit.Usagef("several links are held (%s): name one, or use --all", terminal.JoinWords(links))
	}
	return links, nil
}
