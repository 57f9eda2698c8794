package sim

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/foreign"
)

//go:embed scenarios/*.toml
var generic embed.FS

// suffix is how the name of a device's scenario file ends, beside its profile in quirks/<vendor>/.
const suffix = ".sim.toml"

// UnknownError says that no scenario has that name.
type UnknownError struct {
	Name  string
	Known []string
}

// Error names the scenarios that exist.
func (e *UnknownError) Error() string {
	return fmt.Sprintf("no scenario is called %q; there are: %s", e.Name, strings.Join(e.Known, ", "))
}

// Load reads the scenario of that name: an embedded generic one such as "loss-20", or, if fsys is not nil,
// quirks/<vendor>/<model>.sim.toml in it for a name such as "huawei/e398". The error is an *UnknownError for a name that Names
// does not list, or an error of Parse.
func Load(fsys fs.FS, name string) (Scenario, error) {
	file := "scenarios/" + name + ".toml"
	source := fs.FS(generic)
	if strings.Contains(name, "/") {
		file, source = "quirks/"+name+suffix, fsys
	}
	if source == nil || !fs.ValidPath(file) {
		return Scenario{}, &UnknownError{Name: name, Known: Names(fsys)}
	}
	text, err := fs.ReadFile(source, file)
	if err != nil {
		return Scenario{}, &UnknownError{Name: name, Known: Names(fsys)}
	}
	s, err := Parse(file, text)
	s.Name = name
	return s, err
}

// Names lists the names that Load knows, sorted: the generic ones, and those of devices in fsys, which may be nil.
func Names(fsys fs.FS) []string {
	var names []string
	// The pattern is a constant, so Glob cannot fail.
	files, _ := fs.Glob(generic, "scenarios/*.toml")
	for _, f := range files {
		names = append(names, strings.TrimSuffix(path.Base(f), ".toml"))
	}
	if fsys != nil {
		files, _ = fs.Glob(fsys, "quirks/*/*"+suffix)
		for _, f := range files {
			names = append(names, strings.TrimSuffix(strings.TrimPrefix(f, "quirks/"), suffix))
		}
	}
	slices.Sort(names)
	return names
}

// LoadFile reads a scenario file. Its Name is the path.
func LoadFile(file string) (Scenario, error) {
	text, err := foreign.Read(file, foreign.Rules{Links: true})
	if err != nil {
		return Scenario{}, fmt.Errorf("scenario: %w", err)
	}
	s, err := Parse(file, text)
	s.Name = file
	return s, err
}
