package quirks

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/vectors"
	"github.com/knakppp/knak/quirks"
)

// builtinWord is a word for the built-in files, in place of a directory.
const builtinWord = "built-in"

// diffCommand is knak quirks diff.
func diffCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "diff A B",
		Short: "Show which modems get other settings from B than from A",
		Long: `Show which modems get other settings from B than from A, key by key. A and B are directories laid out as /etc/knak, which
count on top of the built-in files, or as the source tree, or the word "built-in"; or both are profiles. The modems are
those that the device entries of either describe.`,
		Example: `  knak quirks diff built-in ~/.config/knak
  knak quirks diff ../knak-1.2 .
  knak quirks diff huawei/e220 huawei/e398`,
		Args: cobra.ExactArgs(2),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 1 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			ids, _ := complete.Profiles(cmd, nil, typed)
			return append(ids, builtinWord), cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			return diff(t, args)
		},
	}
}

// diff shows which modems get other settings.
func diff(t *terminal.Terminal, args []string) error {
	here, err := settings.OpenQuirks(t)
	if err != nil {
		return err
	}
	_, isA := here.Profile(args[0])
	_, isB := here.Profile(args[1])
	if isA && isB {
		c, err := compareProfiles(here, args[0], args[1])
		if err != nil {
			return err
		}
		return printChange(t, c)
	}
	other := args[0]
	if isA {
		other = args[1]
	}
	var dbs [2]*quirks.DB
	for i, name := range args {
		if st, err := os.Stat(name); name != builtinWord && (err != nil || !st.IsDir()) {
			if isA || isB {
				return noSuchProfile(here, other)
			}
			return exit.Usagef("%s is neither a directory, nor %q, nor a profile", name, builtinWord)
		}
		if dbs[i], err = openSide(t, name); err != nil {
			return err
		}
	}
	list := quirks.Diff(dbs[0], dbs[1])
	for _, c := range list {
		if err := printChange(t, c); err != nil {
			return err
		}
	}
	if len(list) == 0 && !t.Style.JSON {
		fmt.Fprintln(t.Out, "no modem gets other settings")
	}
	return nil
}

// openSide reads the database that one argument of quirks diff names.
func openSide(t *terminal.Terminal, name string) (*quirks.DB, error) {
	s := quirks.Sources{Builtin: knak.Files}
	if name != builtinWord {
		c, err := vectors.Dir(name)
		if err != nil {
			return nil, exit.Usage(err)
		}
		s = c.Sources
	}
	db, problems := quirks.Open(s)
	for _, p := range problems {
		fmt.Fprintf(t.Err, "knak: %s: %s (the file is left out)\n", name, p)
	}
	return db, nil
}

// compareProfiles says what two profiles set differently.
func compareProfiles(db *quirks.DB, from, to string) (quirks.Change, error) {
	c := quirks.Change{From: []string{from}, To: []string{to}}
	a, err := db.Resolve(quirks.Facts{}, from, nil)
	if err != nil {
		return c, exit.Usage(err)
	}
	b, err := db.Resolve(quirks.Facts{}, to, nil)
	if err != nil {
		return c, exit.Usage(err)
	}
	c.Keys = quirks.Compare(a, b)
	return c, nil
}

func printChange(t *terminal.Terminal, c quirks.Change) error {
	if t.Style.JSON {
		if err := json.NewEncoder(t.Out).Encode(c); err != nil {
			return fmt.Errorf("quirks diff: %w", err)
		}
		return nil
	}
	p := func(format string, args ...any) { fmt.Fprintf(t.Out, format, args...) }
	from, to := terminal.OrNone(strings.Join(c.From, ", ")), terminal.OrNone(strings.Join(c.To, ", "))
	if from != to {
		from += " -> " + to
	}
	if c.Device == "" {
		p("%s\n", from)
	} else {
		p("%s (%s): %s\n", c.Device, factsText(c.Facts), from)
	}
	for _, k := range c.Keys {
		p("  %s: %s (%s) -> %s (%s)\n", k.Key, quoteEmpty(k.From.String()), placeText(k.FromLayer, k.FromSource),
			quoteEmpty(k.To.String()), placeText(k.ToLayer, k.ToSource))
	}
	return nil
}

func placeText(l quirks.Layer, source string) string {
	return strings.TrimSpace(l.String() + " " + source)
}

// factsText gives what is known of a modem in a line, as --fact takes it.
func factsText(f quirks.Facts) string {
	return strings.Join(f.List(), ", ")
}
