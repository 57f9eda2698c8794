package stick

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/quirks"
)

// Find reads scenarios of sticks, each given by a name or a file. If one does not describe the modem on USB, the description comes
// from the database and the modem's identity.
func Find(db *quirks.DB, names []string) (list []sim.Scenario, err error) {
	for _, name := range names {
		s, err := read(db, name)
		if err != nil {
			return nil, err
		}
		if s.USB == nil {
			return nil, fmt.Errorf("%s: a stick needs [usb] or identity.usb in its scenario", name)
		}
		list = append(list, s)
	}
	return list, nil
}

// FindAll reads all scenarios below a directory, or those of a maker, such as huawei. left is how many of them are not of a modem
// on USB.
func FindAll(db *quirks.DB, where string) (list []sim.Scenario, left int, err error) {
	names, err := scenariosOf(where)
	if err != nil {
		return nil, 0, err
	}
	for _, name := range names {
		s, err := read(db, name)
		switch {
		case err != nil:
			return nil, 0, err
		case s.USB == nil:
			left++
		default:
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, left, fmt.Errorf("%s: no scenario there says what it is on USB", where)
	}
	return list, left, nil
}

// read reads a scenario, and finds out what the modem is on USB; where nothing says so USB stays nil.
func read(db *quirks.DB, name string) (sim.Scenario, error) {
	s, err := files.Scenario(name)
	if err != nil || s.USB != nil {
		return s, err
	}
	if s.Identity.USB == "" {
		s.Identity.USB = usbOf(db, name)
	}
	r, err := db.Resolve(quirks.Facts{USB: s.Identity.USB}, "", nil)
	if err != nil {
		return s, err
	}
	s.USB = Describe(s.Identity, max(r.Int("port.data_interface"), r.Int("port.data_tty")), max(r.Int("port.at_interface"), r.Int("port.at_tty")))
	return s, nil
}

// usbOf is the id of a modem that has the profile which a scenario stands beside: quirks/huawei/e173.sim.toml is huawei/e173's.
func usbOf(db *quirks.DB, scenario string) string {
	name := strings.TrimSuffix(filepath.ToSlash(scenario), ".sim.toml")
	if parts := strings.Split(name, "/"); len(parts) > 2 {
		name = strings.Join(parts[len(parts)-2:], "/")
	}
	for _, e := range db.Devices() {
		if e.Profile == "" || name != e.Profile && !strings.HasPrefix(name, e.Profile+"-") {
			continue
		}
		for _, id := range e.USB {
			if !strings.ContainsAny(id, "*?") {
				return id
			}
		}
	}
	return ""
}

// scenariosOf names the scenarios below a directory, or those of a maker.
func scenariosOf(where string) (names []string, err error) {
	if info, err := os.Stat(where); err == nil && info.IsDir() {
		err := filepath.WalkDir(where, func(name string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && strings.HasSuffix(name, ".sim.toml") {
				names = append(names, name)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		return names, nil
	}
	maker := strings.Trim(strings.TrimPrefix(where, "quirks/"), "/")
	for _, name := range files.Scenarios() {
		if strings.HasPrefix(name, maker+"/") {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: neither a directory nor a maker that knak has scenarios of (knak sim --list)", where)
	}
	return names, nil
}
