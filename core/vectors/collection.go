package vectors

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// Collection is a set of profiles, device entries and scenarios that are checked together.
type Collection struct {
	Name    string // a name for messages
	Sources quirks.Sources
	layers  []quirks.Layer // whose problems count
	root    string         // what to put before the names of built-in files
}

// Everything is the collection of all layers.
func Everything(s quirks.Sources) Collection {
	return Collection{Name: "the built-in files, /etc/knak and the user's own", Sources: s,
		layers: []quirks.Layer{quirks.Builtin, quirks.Update, quirks.System, quirks.Plugin, quirks.User}}
}

// Dir is the collection of one directory. A directory with the layout of /etc/knak adds to the built-in files; a directory with the layout of the
// source tree replaces them.
func Dir(dir string) (Collection, error) {
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, name))
		return err == nil
	}
	switch st, err := os.Stat(dir); {
	case err != nil:
		return Collection{}, err
	case !st.IsDir():
		return Collection{}, fmt.Errorf("%s is not a directory", dir)
	case has("quirks.d") || has("devices.d"):
		return Collection{Name: dir, Sources: quirks.Sources{Builtin: knak.Files, System: dir}, layers: []quirks.Layer{quirks.System}}, nil
	case has("quirks") || has("devices.toml"):
		return Collection{Name: dir, Sources: quirks.Sources{Builtin: os.DirFS(dir)}, layers: []quirks.Layer{quirks.Builtin}, root: dir}, nil
	}
	return Collection{}, fmt.Errorf("%s has neither quirks.d nor devices.d, as /etc/knak has, nor quirks or devices.toml, as the source tree", dir)
}

// Open reads the database and the scenarios. Files with mistakes are left out, and the mistakes are given beside the rest. Only a mistake in the
// built-in files is an error.
func (c *Collection) Open() (db *quirks.DB, library *Library, problems []*quirks.Problem, scenarios []error, err error) {
	db, problems = quirks.Open(c.Sources)
	for _, p := range problems {
		if p.Layer == quirks.Builtin && c.root == "" {
			return nil, nil, nil, nil, fmt.Errorf("built-in quirks: %w", p)
		}
	}
	library, scenarios = Open(c.Places()...)
	return db, library, problems, scenarios, nil
}

// Problems gives all mistakes, sorted by place.
func (c *Collection) Problems() []*quirks.Problem {
	db, list := quirks.Open(c.Sources)
	list = append(list, db.Validate()...)
	list = slices.DeleteFunc(list, func(p *quirks.Problem) bool { return !slices.Contains(c.layers, p.Layer) })
	for _, p := range list {
		if c.root != "" && p.File != "" {
			p.File = filepath.Join(c.root, p.File)
		}
	}
	sound := len(list) == 0
	places := c.Places()
	for i := range places {
		if places[i].Name == "" {
			places[i].Name = c.root
		}
	}
	library, errs := Open(places...)
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
func unfinished(p Place) (list []*quirks.Problem) {
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
				if at := bytes.Index(line, []byte(Todo)); at >= 0 {
					list = append(list, &quirks.Problem{File: filepath.Join(p.Name, file), Line: i + 1, Column: at + 1,
						Text: "still to be written: " + strings.Trim(string(line[at:]), " \t\r\"\x27,]")})
				}
			}
		}
	}
	return list
}

// profileLimit is the greatest size of a database file, in octets.
const profileLimit = 1 << 20

// Own gives the profiles whose file is in the directory.
func (c *Collection) Own(db *quirks.DB) (ids []string) {
	for _, id := range db.Profiles() {
		p, _ := db.Profile(id)
		if slices.ContainsFunc(p.Files, func(f quirks.File) bool { return slices.Contains(c.layers, f.Layer) }) {
			ids = append(ids, id)
		}
	}
	return ids
}

// Places gives the directories of the scenarios of all layers.
func (c *Collection) Places() []Place {
	s := c.Sources
	places := []Place{{FS: s.Builtin, Dir: "quirks"}}
	for _, dir := range []string{s.System, s.User} {
		if dir != "" {
			places = append(places, Place{FS: os.DirFS(dir), Dir: "quirks.d", Name: dir})
		}
	}
	return places
}
