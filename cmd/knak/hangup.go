package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/core/control"
)

// hangupPatience is how long a link may take to end: the modem may need a guard time and a second or two for NO CARRIER.
const hangupPatience = 30 * time.Second

func (a *app) hangupCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "hangup [LINK]",
		Short: "End a link that a running dial holds, and say what it gave back",
		Long: `End a link that a running dial holds: PPP is terminated, the call is ended and verified, and routes, addresses, DNS and
locks are given back. Without LINK the only running link is meant. It is no error when nothing was up.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: first(completeLinks),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.readGlobal(cmd); err != nil {
				return err
			}
			links, err := chooseLinks(args, all)
			if err != nil {
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
			if len(links) == 0 && !a.global.JSON && !a.global.Quiet {
				fmt.Fprintln(a.stdout, "no running dial holds a link")
			}
			return failed
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "end every link of this user")
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
	links, err := control.Links(control.Dir())
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
