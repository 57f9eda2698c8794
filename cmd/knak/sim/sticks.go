package sim

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/core/sim/stick"
	"github.com/knakppp/knak/quirks"
)

// findSticks reads the scenarios of a bus: those that are named, and all of a directory or a maker. Of the latter those that say nothing of
// USB are left out.
func findSticks(t *terminal.Terminal, db *quirks.DB, names []string, allOf string) ([]sim.Scenario, error) {
	var list []sim.Scenario
	silent := 0
	add := func(name string, must bool) error {
		s, err := files.Scenario(name)
		if err != nil {
			return exit.Usage(err)
		}
		if s.USB == nil && s.Identity.USB == "" {
			s.Identity.USB = usbOf(db, name)
		}
		if s.USB == nil {
			r, err := db.Resolve(quirks.Facts{USB: s.Identity.USB}, "", nil)
			if err != nil {
				return exit.Usage(err)
			}
			s.USB = stick.Describe(s.Identity, max(r.Int("port.data_interface"), r.Int("port.data_tty")), max(r.Int("port.at_interface"), r.Int("port.at_tty")))
		}
		switch {
		case s.USB != nil:
			list = append(list, s)
		case must:
			return exit.Usagef("%s: a stick needs [usb] or identity.usb in its scenario", name)
		default:
			silent++
		}
		return nil
	}
	for _, name := range names {
		if err := add(name, true); err != nil {
			return nil, err
		}
	}
	if allOf == "" {
		return list, nil
	}
	many, err := scenariosOf(allOf)
	if err != nil {
		return nil, err
	}
	for _, name := range many {
		if err := add(name, false); err != nil {
			return nil, err
		}
	}
	if silent > 0 {
		fmt.Fprintf(t.Err, "knak: %d scenarios there are of no modem on USB, and are left out\n", silent)
	}
	if len(list) == 0 {
		return nil, exit.Usagef("--all-of %s: no scenario there says what it is on USB", allOf)
	}
	return list, nil
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
			return nil, exit.Usagef("--all-of: %w", err)
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
		return nil, exit.Usagef("--all-of %s: neither a directory nor a maker that knak has scenarios of (knak sim --list)", where)
	}
	return names, nil
}
