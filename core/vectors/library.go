package vectors

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// suffix is the end of a scenario's file name.
const suffix = ".sim.toml"

// Place is a directory of profiles with scenarios beside them: <FS>/<Dir>/<vendor>/<model>.sim.toml.
type Place struct {
	FS   fs.FS
	Dir  string // within FS: "quirks" or "quirks.d"
	Name string // the prefix of file names in errors
}

// Library holds the scenarios of all profiles. It does not change after Open; several goroutines may use it at once.
type Library struct {
	scenarios map[string]sim.Scenario // by <vendor>/<name>, without the suffix
	files     map[string]string       // their files, for people
	names     []string                // sorted
}

// Open reads all scenarios. If several have the same name, the one of the last place counts. Scenarios with mistakes are left out and named in the
// error.
func Open(places ...Place) (*Library, []error) {
	l := &Library{scenarios: map[string]sim.Scenario{}, files: map[string]string{}}
	var errs []error
	for _, p := range places {
		// The pattern is sound, so Glob cannot fail.
		files, _ := fs.Glob(p.FS, p.Dir+"/*/*"+suffix)
		for _, file := range files {
			if strings.HasPrefix(path.Base(file), ".") {
				continue
			}
			name := strings.TrimSuffix(strings.TrimPrefix(file, p.Dir+"/"), suffix)
			shown := path.Join(p.Name, file)
			text, err := readFile(p.FS, file)
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", shown, err))
				continue
			}
			s, err := sim.Parse(shown, text)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			s.Name = name
			l.scenarios[name], l.files[name] = s, shown
		}
	}
	for name := range l.scenarios {
		l.names = append(l.names, name)
	}
	slices.Sort(l.names)
	return l, errs
}

// maxFile is the greatest size of a scenario file, in octets.
const maxFile = 1 << 18

func readFile(fsys fs.FS, file string) ([]byte, error) {
	info, err := fs.Stat(fsys, file)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("not a regular file")
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%d bytes long, but at most %d are read", info.Size(), maxFile)
	}
	return fs.ReadFile(fsys, file)
}

// Own gives the scenarios that belong to a profile by their names: <id>.sim.toml and <id>-<anything>.sim.toml, or for a
// fragment <id><anything>.sim.toml; but a scenario belongs to the profile with the longest name that fits.
func (l *Library) Own(db *quirks.DB, id string) []sim.Scenario {
	var list []sim.Scenario
	all := db.Profiles()
	for _, name := range l.names {
		if fits(id, name) && !slices.ContainsFunc(all, func(other string) bool { return len(other) > len(id) && fits(other, name) }) {
			list = append(list, l.scenarios[name])
		}
	}
	return list
}

func fits(id, scenario string) bool {
	rest, ok := strings.CutPrefix(scenario, id)
	return ok && (rest == "" || rest[0] == '-' || strings.HasPrefix(id, "common/"))
}

// Tests says whether Test would dial at least one scenario for a profile.
func (l *Library) Tests(db *quirks.DB, id string) bool { return len(gather(db, l, id)) > 0 }

// Orphans gives the files of scenarios that belong to no profile.
func (l *Library) Orphans(db *quirks.DB) (files []string) {
	all := db.Profiles()
	for _, name := range l.names {
		if !slices.ContainsFunc(all, func(id string) bool { return fits(id, name) }) {
			files = append(files, l.files[name])
		}
	}
	return files
}
