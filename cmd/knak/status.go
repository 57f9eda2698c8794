package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/core/control"
)

// statusPatience is how long a running dial may take to answer.
const statusPatience = 3 * time.Second

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status [LINK]",
		Short: "Show the links that running dials hold",
		Long: `Show every link, or one: phase, device and profile, addresses, DNS, how long it is up, octets, signal, and the last
finding. The exit status is 0 also when no link is up.`,
		Args:              cobra.MaximumNArgs(1),
		ValidArgsFunction: first(completeLinks),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.readGlobal(cmd); err != nil {
				return err
			}
			links := args
			if len(links) == 1 {
				if err := control.CheckName(links[0]); err != nil {
					return &usageError{err}
				}
			} else {
				var err error
				if links, err = control.Links(control.Dir()); err != nil {
					return err
				}
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), statusPatience)
			defer cancel()
			shown := 0
			var failed error
			for _, name := range links {
				st, err := control.AskStatus(ctx, control.Dir(), name)
				var none *control.NoLinkError
				switch {
				case errors.As(err, &none):
					continue // nobody holds it; or it ended while we looked, or was killed
				case err != nil:
					failed = errors.Join(failed, err)
					continue
				}
				shown++
				if a.global.JSON {
					if err := json.NewEncoder(a.stdout).Encode(st); err != nil {
						return fmt.Errorf("status: %w", err)
					}
					continue
				}
				printStatus(a.stdout, st, time.Now())
			}
			if shown == 0 && failed == nil && !a.global.JSON {
				if len(args) == 1 {
					fmt.Fprintf(a.stdout, "%s: no running dial holds it\n", args[0])
				} else {
					fmt.Fprintln(a.stdout, "no running dial holds a link")
				}
			}
			return failed
		},
	}
}

func printStatus(w io.Writer, st control.Status, now time.Time) {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		fmt.Fprintf(tw, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	fmt.Fprintf(tw, "%s\n", st.Link)
	row("phase", "%s, for %s (attempt %d)", st.Phase, since(st.PhaseSince, now), st.Attempt)
	if d := st.Device; d != nil {
		name := strings.TrimSpace(d.Vendor + " " + d.Model)
		row("device", "%s at %s", orUnknown(name), d.Port)
		row("profile", "%s", orNone(d.Profile))
	}
	if u := st.Up; u != nil {
		row("addresses", "%s, peer %s, on %s (%s)", u.Local, u.Peer, orNone(u.Interface), u.Plane)
		row("dns", "%s", orNone(strings.Join(u.DNS, " ")))
		row("octets", "%d in, %d out", st.BytesIn, st.BytesOut)
	}
	if st.UpSince != nil {
		row("up", "%s", since(*st.UpSince, now))
	}
	if st.Signal != "" {
		row("signal", "%s", st.Signal)
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
	_ = tw.Flush() // a closed pipe ends the program by itself
}

func since(t, now time.Time) string {
	if t.IsZero() {
		return "0s"
	}
	return now.Sub(t).Round(time.Second).String()
}

func orUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func joinWords(words []string) string { return strings.Join(words, ", ") }
