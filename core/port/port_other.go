//go:build !linux && !js

package port

import (
	"context"
)

// Port is an open serial port: raw, 8 data bits, no parity, one stop bit, the modem lines not minded. One goroutine may
// read while another writes; Close may be called from any and wakes both.
type Port struct{ library }

// Open opens the port at path: "COM5", or "/dev/cu.usbmodem1". It fails with an *OpenError, which says what to do. The system
// keeps a second program from the port, and does not say which one has it.
func Open(path string, cfg Config) (*Port, error) {
	p := &Port{}
	if err := p.open(path, cfg); err != nil {
		return nil, err
	}
	return p, nil
}

// OpenWithin is Open: these systems have no driver that is known to hang there.
func OpenWithin(_ context.Context, path string, cfg Config) (*Port, error) { return Open(path, cfg) }

// MayOpen gives nil: only opening a port shows that here.
func MayOpen(string) error { return nil }

// Holders finds nobody: these systems do not say who has a port open.
func Holders(string) ([]Holder, error) { return nil, nil }

// StaleLocks finds none: these systems have no lock files of ports.
func StaleLocks(string) (names []string, err error) { return nil, nil }

// RemoveStaleLock has nothing to do: StaleLocks gave none.
func RemoveStaleLock(string) error { return nil }
