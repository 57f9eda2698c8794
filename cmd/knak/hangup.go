package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/event"
)

// hangupPatience is how long a link may take to end: the modem may need a guard time and a second or two for NO CARRIER.
const hangupPatience = 30 * time.Second

func (a *app) hangupCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "hangup [LINK]",
		Short: "End a link that a running dial holds, and say what it gave back",
		Long: `End a link that a running dial holds: PPP is terminated, the call is ended and verified, and routes, addresses, DNS and
locks are given back. Without LINK the only running link is meant. It is no error when nothing was up. What a dial has left
in resolv.conf that was killed is taken back, too.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: first(completeLinks),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.readGlobal(cmd); err != nil {
				return err
			}
			links, err := chooseLinks(args, all)
			if err != nil {
				a.tellRepaired(cmd.Context(), false) // whatever is meant, this is to be taken back
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), hangupPatience)
			defer cancel()
			var failed error
			for _, name := range links {
				bye, err := control.AskHangup(ctx, control.Dir(), name)
				var none *control.NoLinkError
				if errors.As(err, &none) {
					bye, err = control.Goodbye{Link: name, Reason: "no running dial holds it"}, nil
				}
				if err != nil {
					failed = errors.Join(failed, err)
					continue
				}
				a.printGoodbye(bye)
			}
			a.tellRepaired(cmd.Context(), len(links) == 0)
			return failed
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "end every link of this user")
	return cmd
}

// downCommand is hangup under the name that goes with up.
func (a *app) downCommand() *cobra.Command {
	cmd := a.hangupCommand()
	cmd.Use = "down [LINK]"
	cmd.Short = "End a link, as hangup does"
	return cmd
}

func (a *app) printGoodbye(bye control.Goodbye) {
	if bye.GivenBack == nil {
		bye.GivenBack = []string{}
	}
	if a.global.JSON {
		_ = json.NewEncoder(a.stdout).Encode(bye) // a closed pipe ends the program by itself
		return
	}
	if !bye.WasUp {
		fmt.Fprintf(a.stdout, "%s: was not up: %s\n", bye.Link, bye.Reason)
	} else {
		fmt.Fprintf(a.stdout, "%s: ended: %s\n", bye.Link, bye.Reason)
	}
	for _, line := range bye.GivenBack {
		fmt.Fprintf(a.stdout, "  gave back %s\n", line)
	}
	if bye.Error != "" {
		fmt.Fprintf(a.stdout, "  could not give back: %s\n", bye.Error)
	}
}

// tellRepaired takes back what a killed dial has left, and says so.
func (a *app) tellRepaired(ctx context.Context, nothing bool) {
	repaired := repairHost(ctx, func(n event.Notice) { fmt.Fprintf(a.stderr, "knak: %s: %s\n", n.Level, n.Text) })
	switch {
	case len(repaired) > 0 && a.global.JSON:
		a.printGoodbye(control.Goodbye{Reason: "a dial was killed", GivenBack: repaired})
	case len(repaired) > 0:
		for _, what := range repaired {
			fmt.Fprintf(a.stdout, "gave back %s\n", what)
		}
	case nothing && !a.global.JSON && !a.global.Quiet:
		fmt.Fprintln(a.stdout, "no running dial holds a link")
	}
}

// chooseLinks turns the arguments of hangup into link names: one by name, all, or the only one there is.
func chooseLinks(args []string, all bool) ([]string, error) {
	if len(args) == 1 {
		if all {
			return nil, usagef("give LINK or --all, not both")
		}
		if err := control.CheckName(args[0]); err != nil {
			return nil, &usageError{err}
		}
		return args, nil
	}
	links, err := control.Held(control.Dir())
	if err != nil {
		return nil, err
	}
	if len(links) > 1 && !all {
		return nil, usagef("several links are held (%s): name one, or use --all", joinWords(links))
	}
	return links, nil
}

func completeLinks(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	links, _ := control.Links(control.Dir()) // a completion says nothing of errors
	return links, cobra.ShellCompDirectiveNoFileComp
}
