package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/show/progress"
)

// diagnoseOptions are the flags of diagnose.
type diagnoseOptions struct {
	format string
	all    bool
}

func (a *app) diagnoseCommand() *cobra.Command {
	var o diagnoseOptions
	cmd := &cobra.Command{
		Use:   "diagnose FILE|LINK...",
		Short: "Say what went wrong in a log, a recording or a running dial",
		Long: `Read logs or recordings of calls, of any kind that "knak decode" reads, and say what went wrong: the most likely
cause first, what it means, what to try, and the lines or packets that show it. A log may be of another dialer, may hold
several attempts, and may be packed. A - is standard input; the name of a link asks the dial that holds it.

Behind a finding's title stand its id, how sure it is and its category. docs/findings/ID.md says more of it.

The exit status is 0 if nothing is wrong, and 35 if something is.`,
		Example: `  knak diagnose /var/log/ppp.log
  journalctl -b -t pppd -t chat | knak diagnose -
  knak diagnose --all call.pcapng
  knak diagnose default`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeRecordingsAndLinks,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := a.readGlobal(cmd); err != nil {
				return err
			}
			found := false
			var failed error
			for i, arg := range args {
				if i > 0 && !a.global.JSON {
					fmt.Fprintln(a.stdout)
				}
				wrong, err := a.diagnoseOne(cmd.Context(), arg, o)
				found = found || wrong
				failed = errors.Join(failed, err)
			}
			if failed == nil && found {
				return &statusError{code: link.ExitFindings}
			}
			return failed
		},
	}
	addFormatFlag(cmd, &o.format)
	cmd.Flags().BoolVar(&o.all, "all", false, "show the less likely causes in full, too")
	return cmd
}

// completeRecordingsAndLinks offers the links beside the files that the shell knows.
func completeRecordingsAndLinks(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	links, _ := completeLinks(cmd, args, word)
	return links, cobra.ShellCompDirectiveDefault
}

// diagnoseOne judges one file, or one link if there is no such file. It says whether anything is wrong.
func (a *app) diagnoseOne(ctx context.Context, name string, o diagnoseOptions) (bool, error) {
	if _, err := os.Stat(name); name != "-" && errors.Is(err, os.ErrNotExist) && control.CheckName(name) == nil {
		return a.diagnoseLink(ctx, name, o)
	}
	r, err := a.openRecording(name, read.Options{Format: o.format})
	if err != nil {
		return false, err
	}
	defer r.Close()
	c := diagnose.NewCase()
	if err := r.each(c); err != nil {
		return false, fmt.Errorf("%s: %w", r.name, err)
	}
	v := c.Verdict()
	if err := r.tells(v.Told > 0); err != nil {
		return false, err
	}
	if a.global.JSON {
		return len(v.Findings) > 0, a.findingsJSON(r.name, r.Summary().Last, v.Findings)
	}
	fmt.Fprintf(a.stdout, "%s: %s\n", event.Printable(r.name), r.source())
	switch {
	case v.Attempts > 1 && v.Attempt == v.Attempts:
		fmt.Fprintf(a.stdout, "Judged is the last of %d attempts.\n", v.Attempts)
	case v.Attempts > 1:
		fmt.Fprintf(a.stdout, "Judged is attempt %d of %d, which tells most.\n", v.Attempt, v.Attempts)
	}
	if len(v.Findings) == 0 {
		fmt.Fprintln(a.stdout, "Nothing is wrong: the link came up, and nothing after that contradicts it.")
	}
	a.tellFindings(v.Findings, o.all)
	for _, f := range v.Notes {
		fmt.Fprintf(a.stdout, "Worth knowing: %s (%s). %s\n", f.Title, f.ID, strings.Join(f.Evidence, "; "))
	}
	return len(v.Findings) > 0, nil
}

// diagnoseLink tells the findings that a running dial has made of its present attempt.
func (a *app) diagnoseLink(ctx context.Context, name string, o diagnoseOptions) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, statusPatience)
	defer cancel()
	st, err := control.AskStatus(ctx, control.Dir(), name)
	var none *control.NoLinkError
	if errors.As(err, &none) {
		return false, usagef("%s: there is no such file, and no running dial holds a link of that name", name)
	}
	if err != nil {
		return false, err
	}
	if a.global.JSON {
		return len(st.Findings) > 0, a.findingsJSON(name, time.Now(), st.Findings)
	}
	fmt.Fprintf(a.stdout, "%s: a running dial, in phase %s, attempt %d\n", name, st.Phase, st.Attempt)
	if len(st.Findings) == 0 {
		if st.Up != nil {
			fmt.Fprintln(a.stdout, "Nothing is wrong: the link is up.")
		} else {
			fmt.Fprintln(a.stdout, "Nothing is known to be wrong so far.")
		}
	}
	a.tellFindings(st.Findings, o.all)
	return len(st.Findings) > 0, nil
}

// findingsJSON writes each finding as the event that a live dial writes.
func (a *app) findingsJSON(name string, at time.Time, all []event.Finding) error {
	w := event.NewJSONWriter(a.stdout)
	for _, f := range all {
		w.Record(event.Record{Time: at, Link: name, Event: f})
	}
	return w.Err()
}

// tellFindings shows the first in full, as a dial does, and names the others.
func (a *app) tellFindings(findings []event.Finding, all bool) {
	if len(findings) == 0 {
		return
	}
	full := findings[:1]
	if all {
		full = findings
	}
	p := progress.New(a.stdout, progress.Options{Level: progress.Quiet, Color: a.color(a.stdout)})
	for _, f := range full {
		p.Record(event.Record{Event: f})
	}
	p.Flush()
	if rest := findings[len(full):]; len(rest) > 0 {
		fmt.Fprintln(a.stdout, "Less likely (--all shows them in full):")
		for _, f := range rest {
			where := ""
			if len(f.Places) > 0 {
				where = ", " + f.Places[len(f.Places)-1].String()
			}
			fmt.Fprintf(a.stdout, "  - %s (%s, %s%s)\n", f.Title, f.ID, f.Confidence, where)
		}
	}
}
