// Package diagnose is knak diagnose: what went wrong in a log, a recording or a running dial.
package diagnose

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/recordings"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/show/progress"
)

// options are the flags of diagnose.
type options struct {
	format  string
	all     bool
	summary bool
	names   []string // of files, directories, archives and links
}

// Command is knak diagnose.
func Command(t *terminal.Terminal) *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "diagnose FILE|DIRECTORY|ARCHIVE|LINK...",
		Short: "Say what went wrong in a log, a recording or a running dial",
		Long: `Read logs or recordings of calls, of any kind that "knak decode" reads, and say what went wrong: the most likely
cause first, what it means, what to try, and the lines or packets that show it. A log may be of another dialer, may hold
several attempts, and may be packed. A - is standard input; the name of a link asks the dial that holds it.

A directory, an archive (zip, tar, tgz), a mail or a mail box stands for all recordings in it; they are judged side by side.
With --summary each is one line, and the causes are counted at the end; with --json, too, each is one object.

Behind a finding's title stand its id, how sure it is and its category. "knak help ID" says more of it.

All are judged, and the exit status is the worst: 35 if something is wrong in any of them, else 2 if something that was named
could not be judged, else 0.`,
		Example: `  knak diagnose /var/log/ppp.log
  journalctl -b -t pppd -t chat | knak diagnose -
  knak diagnose --all call.pcapng
  knak diagnose --summary logs/ support.zip
  knak diagnose default`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeRecordingsAndLinks,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.names = expand(args)
			return run(cmd.Context(), t, o)
		},
	}
	recordings.AddFormatFlag(cmd, &o.format)
	cmd.Flags().BoolVar(&o.all, "all", false, "show the less likely causes in full, too")
	cmd.Flags().BoolVar(&o.summary, "summary", false, "one line for each recording, and then how many have the same cause")
	return cmd
}

// expand puts the files in the place of *.log, which the shells of Windows leave to programs.
func expand(args []string) (names []string) {
	for _, a := range args {
		files, err := filepath.Glob(a)
		if runtime.GOOS != "windows" || err != nil || len(files) == 0 {
			files = []string{a}
		}
		names = append(names, files...)
	}
	return names
}

// completeRecordingsAndLinks offers the links beside the files that the shell knows.
func completeRecordingsAndLinks(cmd *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
	links, _ := complete.Links(cmd, args, word)
	return links, cobra.ShellCompDirectiveDefault
}

// runningDial tells the findings that a running dial has made of its present attempt.
func runningDial(ctx context.Context, t *terminal.Terminal, name string, o options) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, control.Patience)
	defer cancel()
	st, err := control.AskStatus(ctx, control.Dir(), name)
	var none *control.NoLinkError
	if errors.As(err, &none) {
		return false, exit.Usagef("%s: there is no such file, and no running dial holds a link of that name", name)
	}
	if err != nil {
		return false, err
	}
	if t.Style.JSON {
		return len(st.Findings) > 0, findingsJSON(t, name, time.Now(), st.Findings)
	}
	fmt.Fprintf(t.Out, "%s: a running dial, in phase %s, attempt %d\n", name, st.Phase, st.Attempt)
	if len(st.Findings) == 0 {
		if st.Up != nil {
			fmt.Fprintln(t.Out, "Nothing is wrong: the link is up.")
		} else {
			fmt.Fprintln(t.Out, "Nothing is known to be wrong so far.")
		}
	}
	tellFindings(t, st.Findings, o.all)
	return len(st.Findings) > 0, nil
}

// findingsJSON writes each finding as the event that a live dial writes.
func findingsJSON(t *terminal.Terminal, name string, at time.Time, all []event.Finding) error {
	w := event.NewJSONWriter(t.Out)
	for _, f := range all {
		w.Record(event.Record{Time: at, Link: name, Event: f})
	}
	return w.Err()
}

// tellFindings shows the first in full, as a dial does, and names the others.
func tellFindings(t *terminal.Terminal, findings []event.Finding, all bool) {
	if len(findings) == 0 {
		return
	}
	full := findings[:1]
	if all {
		full = findings
	}
	p := progress.New(t.Out, progress.Options{Level: progress.Quiet, Color: t.Color(t.Out)})
	for _, f := range full {
		p.Record(event.Record{Event: f})
	}
	p.Flush()
	if rest := findings[len(full):]; len(rest) > 0 {
		fmt.Fprintln(t.Out, "Less likely (--all shows them in full):")
		for _, f := range rest {
			where := ""
			if len(f.Places) > 0 {
				where = ", " + f.Places[len(f.Places)-1].String()
			}
			fmt.Fprintf(t.Out, "  - %s (%s, %s%s)\n", f.Title, f.ID, f.Confidence, where)
		}
	}
}
