package quirks

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/vectors"
	"github.com/knakppp/knak/quirks"
)

// testCommand is knak quirks test.
func testCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "test [DIR] [PROFILE…]",
		Short: "Show that profiles are needed, work, and hold nothing that makes no difference",
		Long: `Dial each scenario of the profiles (all, if none is named) in virtual time: without the profile it must go wrong as the
scenario says, with it the link must come up. Then take away one quirk of the profile after the other: where no scenario
gets worse, the quirk is reported as dead weight. Exit status 1: something is not as it should be. docs/sim.md explains
scenarios and what they expect. With -v each scenario and quirk is shown, and the end of a dial that went wrong.

DIR, which is laid out as /etc/knak or as the source tree, is tested in place of this machine's files: of one laid out as
/etc/knak its own profiles, on top of the built-in ones; of a source tree all. No Go is needed for either.`,
		Example: `  knak quirks test huawei/e398 -v
  knak quirks test ~/src/knak acme/m1
  knak quirks test --json`,
		ValidArgsFunction: completeManyProfiles,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			return test(cmd.Context(), t, args)
		},
	}
}

// test dials the scenarios of profiles.
func test(ctx context.Context, t *terminal.Terminal, args []string) error {
	c := vectors.Everything(files.Quirks())
	all := (*quirks.DB).Profiles
	if len(args) > 0 && isDirectory(args[0]) {
		var err error
		if c, err = vectors.Dir(args[0]); err != nil {
			return exit.Usage(err)
		}
		args, all = args[1:], c.Own
	}
	db, library, errs, err := openChecked(t, c)
	if err != nil {
		return err
	}
	for _, id := range args {
		if !slices.Contains(db.Profiles(), id) {
			return noSuchProfile(db, id)
		}
	}
	everything := len(args) == 0
	if everything {
		if args = all(db); len(args) == 0 {
			return exit.Usagef("%s has no profiles", c.Name)
		}
	}
	failed := 0
	for _, r := range vectors.TestAll(ctx, db, library, args) {
		if !r.OK {
			failed++
		}
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(r); err != nil {
				return fmt.Errorf("quirks test: %w", err)
			}
			continue
		}
		printReport(t, r)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if failed > 0 {
		return &exit.StatusError{Code: link.ExitFatal, Text: fmt.Sprintf("%d of %s failed", failed, terminal.Plural(len(args), "profile"))}
	}
	if everything && len(errs) > 0 {
		return &exit.StatusError{Code: link.ExitFatal, Text: "some scenarios cannot be read"}
	}
	return nil
}

// isDirectory says whether an argument names a directory rather than a profile.
func isDirectory(name string) bool {
	st, err := os.Stat(name)
	return err == nil && st.IsDir()
}

// openChecked opens the database and the scenarios of what is to be tested, and says what is wrong with files; those are left out.
func openChecked(t *terminal.Terminal, c vectors.Collection) (*quirks.DB, *vectors.Library, []error, error) {
	db, library, problems, errs, err := c.Open()
	if err != nil {
		return nil, nil, nil, err
	}
	for _, p := range problems {
		fmt.Fprintf(t.Err, "knak: %s layer: %s (the file is left out)\n", p.Layer, p)
	}
	for _, err := range errs {
		fmt.Fprintf(t.Err, "knak: %s (the file is left out)\n", err)
	}
	return db, library, errs, nil
}

// noSuchProfile is the error for an unknown id, with the nearest known one.
func noSuchProfile(db quirkDB, id string) error {
	_, err := db.Resolve(quirks.Facts{}, id, nil)
	return exit.Usage(err)
}

// printReport tells what came of a test: what is wrong always, what is right with -v.
func printReport(t *terminal.Terminal, r vectors.Report) {
	p := func(format string, args ...any) { fmt.Fprintf(t.Out, format, args...) }
	word := "ok"
	if !r.OK {
		word = "FAILED"
	}
	p("%-6s  %s: %s\n", word, r.Profile, countVerdicts(r))
	for _, text := range r.Problems {
		p("        %s\n", text)
	}
	for _, s := range r.Scenarios {
		if s.OK && !t.Style.Verbose {
			continue
		}
		p("        scenario %s\n", s.Name)
		p("          without: %s\n", runText(s.Without))
		p("          with:    %s\n", runText(s.With))
		for i, text := range s.Problems {
			p("          wrong:   %s\n", text)
			if t.Style.Verbose && i == 0 {
				log := s.Without.Log
				if strings.HasPrefix(text, "with ") {
					log = s.With.Log
				}
				for _, line := range log {
					p("            | %s\n", line)
				}
			}
		}
	}
	for _, q := range r.Quirks {
		if q.Verdict == vectors.Needed && !t.Style.Verbose {
			continue
		}
		why := q.Why
		if q.Scenario != "" {
			why = "without it, in " + q.Scenario + ": " + why
		}
		p("        %-11s %s = %s (%s): %s\n", q.Verdict, q.Key, quoteEmpty(q.Value), q.Source, why)
	}
}

// countVerdicts says in one line what a profile was tested with.
func countVerdicts(r vectors.Report) string {
	count := map[string]int{}
	for _, q := range r.Quirks {
		count[q.Verdict]++
	}
	text := terminal.Plural(len(r.Scenarios), "scenario") + ", " + terminal.Plural(count[vectors.Needed], "quirk") + " needed"
	if n := count[vectors.Untestable]; n > 0 {
		text += fmt.Sprintf(", %d that no simulator can show", n)
	}
	if n := count[vectors.Idle]; n > 0 {
		text += fmt.Sprintf(", %d that no scenario shows", n)
	}
	if n := count[vectors.DeadWeight]; n > 0 {
		text += fmt.Sprintf(", %d dead weight", n)
	}
	return text
}

// runText tells a run in one line.
func runText(r vectors.Run) string {
	if r.Outcome == "" {
		return "not dialled"
	}
	var text string
	switch {
	case !r.Up:
		text = fmt.Sprintf("status %d, %s", r.Exit, r.Outcome)
		if len(r.Findings) > 0 {
			text += " [" + strings.Join(r.Findings, ", ") + "]"
		}
		return text
	case r.Proved:
		text = fmt.Sprintf("up and proved after %.1f s", r.Seconds)
	default:
		text = fmt.Sprintf("up after %.1f s", r.Seconds)
	}
	text += fmt.Sprintf(", name servers %s, MTU %d, %d packets", terminal.OrNone(strings.Join(r.DNS, " ")), r.MTU, r.Packets)
	if !r.Held {
		text += "; then " + r.Outcome
	}
	if !r.HungUp {
		text += "; the call is not seen to end"
	}
	return text
}

func completeManyProfiles(cmd *cobra.Command, args []string, start string) ([]string, cobra.ShellCompDirective) {
	ids, directive := complete.Profiles(cmd, nil, start)
	return slices.DeleteFunc(ids, func(id string) bool { return slices.Contains(args, id) }), directive
}
