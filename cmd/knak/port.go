package main

import (
	"context"
	"errors"
	"os"

	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/quirks"
)

// hostRoot is where this machine shows its devices, or the tree that KNAK_SYSROOT names: DIR/sys and DIR/dev, as
// `knak devices --save` packs them, for tests and to see what another machine has.
func hostRoot() device.Root { return device.Host(os.Getenv("KNAK_SYSROOT")) }

// choosePort finds the port of a dial. tell hears what takes time or does not work.
func choosePort(ctx context.Context, root device.Root, db *quirks.DB, wish device.Wish, tell func(string)) (*device.Choice, error) {
	c, err := device.Choose(ctx, root, db, wish, device.NewFile(stateDir(), tell), device.OpenLine, tell)
	var several *device.SeveralError
	if errors.As(err, &several) {
		return nil, &usageError{err}
	}
	return c, err
}

// factsOfPort is what is known of the modem on a port before it is asked.
func factsOfPort(root device.Root, db *quirks.DB, path string) (quirks.Facts, error) {
	list, err := device.List(root, db, "", nil)
	if err != nil {
		return quirks.Facts{}, err
	}
	if d, place, ok := device.Find(list, root.TTY(path)); ok {
		return device.Facts(root, d.Candidate, d.Candidate.Ports[place]), nil
	}
	return quirks.Facts{}, nil
}
