//go:build !linux && !js

package port

import (
	"context"
)

// Port is an open serial port: raw, 8 data bits, no parity, one stop bit; it stays usable whatever the modem lines say. One
// goroutine may read while another writes. Any goroutine may call Close, which ends both.
type Port struct{ library }

// Open opens the port at path: "COM5", or "/dev/cu.usbmodem1". The error is an *OpenError, which says what to do. The system keeps
// a second program from the port, and does not say which program has it.
func Open(path string, cfg Config) (*Port, error) {
	p := &Port{}
	if err := p.open(path, cfg); err != nil {
		return nil, err
	}
	return p, nil
}

// OpenWithin is Open: these systems have no driver that is known to hang there.
func OpenWithin(_ context.Context, path string, cfg Config) (*Port, error) { return Open(path, cfg) }

// MayOpen gives nil: on these systems only opening the port shows whether it is possible.
func MayOpen(string) error { return nil }

// Holders finds nobody: these systems do not say who has a port open.
func Holders(string) ([]Holder, error) { return nil, nil }

// StaleLocks finds none: these systems have no lock files of ports.
func StaleLocks(string) (names []string, err error) { return nil, nil }

// RemoveStaleLock has nothing to do: StaleLocks gave none.
func RemoveStaleLock(string) error { return nil }
