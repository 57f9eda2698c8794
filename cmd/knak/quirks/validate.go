package quirks

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/vectors"
	"github.com/knakppp/knak/quirks"
)

// todo marks what is still to be written in a file that quirks new made.
const todo = vectors.Todo

// validateCommand is knak quirks validate.
func validateCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check profiles, device entries and scenarios strictly",
		Long: `Check profiles, device entries and scenarios strictly: those of DIR, or all of this machine. DIR is laid out as /etc/knak
(quirks.d/<vendor>/<model>.toml, devices.d/*.toml), or as the source tree (quirks/, devices.toml), where reasons and
sources are demanded too. Each problem is told as file:line:column: what is wrong and what is allowed. A profile without a
scenario is a problem, for nobody can test it; so is a TODO that quirks new has left. Exit status 2: there are problems.`,
		Example: `  knak quirks validate
  knak quirks validate ~/.config/knak`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			return validate(t, args)
		},
	}
}

// validate checks files.
func validate(t *terminal.Terminal, args []string) error {
	c := checkMachine()
	if len(args) == 1 {
		var err error
		if c, err = checkDir(args[0]); err != nil {
			return err
		}
	}
	problems := c.problems()
	for _, p := range problems {
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(p); err != nil {
				return fmt.Errorf("quirks validate: %w", err)
			}
			continue
		}
		fmt.Fprintln(t.Out, p.Error())
	}
	if len(problems) > 0 {
		return &exit.StatusError{Code: link.ExitUsage, Text: terminal.Plural(len(problems), "problem")}
	}
	if !t.Style.JSON {
		fmt.Fprintf(t.Out, "no problems in %s\n", c.what)
	}
	return nil
}

// check is what quirks validate looks at.
type check struct {
	what    string
	sources quirks.Sources
	layers  []quirks.Layer // whose problems count
	root    string         // what to put before the names of built-in files
}

func checkMachine() check {
	return check{what: "the built-in files, /etc/knak and the user's own", sources: files.Quirks(),
		layers: []quirks.Layer{quirks.Builtin, quirks.Update, quirks.System, quirks.Plugin, quirks.User}}
}

func checkDir(dir string) (check, error) {
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	switch st, err := os.Stat(dir); {
	case err != nil:
		return check{}, exit.Usage(err)
	case !st.IsDir():
		return check{}, exit.Usagef("%s is not a directory", dir)
	case has("quirks.d") || has("devices.d"):
		return check{what: dir, sources: quirks.Sources{Builtin: knak.Files, System: dir}, layers: []quirks.Layer{quirks.System}}, nil
	case has("quirks") || has("devices.toml"):
		return check{what: dir, sources: quirks.Sources{Builtin: os.DirFS(dir)}, layers: []quirks.Layer{quirks.Builtin}, root: dir}, nil
	}
	return check{}, exit.Usagef("%s has neither quirks.d nor devices.d, as /etc/knak has, nor quirks or devices.toml, as the source tree", dir)
}

// problems finds everything that is wrong, sorted by place.
func (c *check) problems() []*quirks.Problem {
	db, list := quirks.Open(c.sources)
	list = append(list, db.Validate()...)
	list = slices.DeleteFunc(list, func(p *quirks.Problem) bool { return !slices.Contains(c.layers, p.Layer) })
	for _, p := range list {
		if c.root != "" && p.File != "" {
			p.File = filepath.Join(c.root, p.File)
		}
	}
	sound := len(list) == 0
	places := scenarioPlaces(c.sources)
	for i := range places {
		if places[i].Name == "" {
			places[i].Name = c.root
		}
	}
	library, errs := vectors.Open(places...)
	for _, err := range errs {
		list = append(list, scenarioProblems(err)...)
	}
	for _, id := range db.Profiles() {
		p, _ := db.Profile(id)
		for _, f := range p.Files {
			if !slices.Contains(c.layers, f.Layer) {
				continue
			}
			if !library.Tests(db, id) {
				list = append(list, &quirks.Problem{Layer: f.Layer, File: filepath.Join(c.root, f.Name),
					Text: fmt.Sprintf("there is no scenario for %s, so that nobody can test it: write one beside it, see docs/sim.md", id)})
			}
		}
	}
	if sound { // otherwise its profile may be one of those that are left out
		for _, file := range library.Orphans(db) {
			list = append(list, &quirks.Problem{File: file, Text: "the scenario belongs to no profile: its name must begin with a profile's"})
		}
	}
	for _, place := range places {
		if place.FS != fs.FS(knak.Files) {
			list = append(list, unfinished(place)...)
		}
	}
	slices.SortStableFunc(list, func(a, b *quirks.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return list
}

// scenarioProblems takes the errors of reading scenarios apart.
func scenarioProblems(err error) (list []*quirks.Problem) {
	var many interface{ Unwrap() []error }
	if errors.As(err, &many) {
		for _, e := range many.Unwrap() {
			list = append(list, scenarioProblems(e)...)
		}
		return list
	}
	var pe *sim.ParseError
	if errors.As(err, &pe) {
		return []*quirks.Problem{{File: pe.File, Line: pe.Line, Column: pe.Column, Text: pe.Message}}
	}
	return []*quirks.Problem{{Text: err.Error()}}
}

// unfinished finds what quirks new has left to be written.
func unfinished(p vectors.Place) (list []*quirks.Problem) {
	for _, pattern := range []string{p.Dir + "/*/*.toml", "devices.d/*.toml", "devices.toml"} {
		files, _ := fs.Glob(p.FS, pattern) // the patterns are sound
		for _, file := range files {
			info, err := fs.Stat(p.FS, file)
			if err != nil || !info.Mode().IsRegular() || info.Size() > profileLimit {
				continue // told by those who read it
			}
			text, err := fs.ReadFile(p.FS, file)
			if err != nil {
				continue
			}
			for i, line := range bytes.Split(text, []byte("\n")) {
				if at := bytes.Index(line, []byte(todo)); at >= 0 {
					list = append(list, &quirks.Problem{File: filepath.Join(p.Name, file), Line: i + 1, Column: at + 1,
						Text: "still to be written: " + strings.Trim(string(line[at:]), " \t\r\"\x27,]")})
				}
			}
		}
	}
	return list
}

// profileLimit bounds a file of the database.
const profileLimit = 1 << 20
