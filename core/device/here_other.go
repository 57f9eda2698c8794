//go:build !linux

package device

import (
	"io/fs"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/private"
)

func here() Root { return Root{Sys: noSysfs{}, Dev: port.Dir, list: list} }

// noSysfs is a file system with nothing in it.
type noSysfs struct{}

// Open fails.
func (noSysfs) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func list() ([]modem.Candidate, error) {
	ports, err := port.List()
	all := make([]modem.Candidate, len(ports))
	for i, p := range ports {
		all[i] = modem.Candidate{Path: p.Name, USB: p.USB, Product: private.Identities(p.Product), Ports: []modem.Port{{Name: p.Name, Interface: -1}}}
	}
	return all, err
}

func shortName(path string) string { return port.ShortName(path) }
