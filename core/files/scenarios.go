package files

import (
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

// ownScenarios are the directories in which a person's and the system's own scenarios lie, the stronger one first.
func ownScenarios() (dirs []string) {
	s := Quirks()
	for _, dir := range []string{s.User, s.System} {
		if dir != "" {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// ownScenario finds the file of a scenario that stands beside a profile of one's own, "" where there is none.
func ownScenario(name string) string {
	if quirks.CheckID(name) != nil {
		return ""
	}
	for _, dir := range ownScenarios() {
		file := filepath.Join(dir, "quirks.d", filepath.FromSlash(name)+".sim.toml")
		if st, err := os.Stat(file); err == nil && st.Mode().IsRegular() && st.Size() <= scenarioLimit {
			return file
		}
	}
	return ""
}

// Scenarios lists the names that Scenario finds: the built-in ones, and those beside profiles of the user or the system.
func Scenarios() []string {
	names := sim.Names(knak.Files)
	for _, dir := range ownScenarios() {
		files, _ := filepath.Glob(filepath.Join(dir, "quirks.d", "*", "*.sim.toml")) // the pattern is sound
		for _, f := range files {
			name := filepath.Base(filepath.Dir(f)) + "/" + strings.TrimSuffix(filepath.Base(f), ".sim.toml")
			if !slices.Contains(names, name) && ownScenario(name) != "" {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// Scenario finds a scenario by its name, or reads it from a file. A scenario beside a profile of the user or the system wins over
// a built-in one of the same name.
func Scenario(name string) (sim.Scenario, error) {
	if file := ownScenario(name); file != "" {
		s, err := sim.LoadFile(file)
		s.Name = name
		return s, err
	}
	s, err := sim.Load(knak.Files, name)
	if err == nil {
		return s, nil
	}
	switch st, statErr := os.Stat(name); {
	case errors.Is(statErr, fs.ErrNotExist):
		var unknown *sim.UnknownError
		if errors.As(err, &unknown) {
			hint := ""
			if near := quirks.Nearest(name, sim.Names(knak.Files)); near != "" {
				hint = fmt.Sprintf("; did you mean %s?", near)
			}
			return sim.Scenario{}, fmt.Errorf("no scenario and no file is called %q%s (knak sim --list names all scenarios)", name, hint)
		}
		return sim.Scenario{}, err
	case statErr != nil:
		return sim.Scenario{}, fmt.Errorf("scenario: %w", statErr)
	case !st.Mode().IsRegular() || st.Size() > scenarioLimit:
		return sim.Scenario{}, fmt.Errorf("scenario: %s must be a file of at most %d octets", name, scenarioLimit)
	}
	return sim.LoadFile(name)
}

// scenarioLimit is the greatest size of a scenario's file, in octets.
const scenarioLimit = 1 << 20
