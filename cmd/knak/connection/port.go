package connection

import (
	"context"
	"errors"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/quirks"
)

// choosePort finds the port of a dial. tell hears what takes time or does not work.
func choosePort(ctx context.Context, root device.Root, db *quirks.DB, wish device.Wish, tell func(string)) (*device.Choice, error) {
	c, err := device.Choose(ctx, root, db, wish, device.NewFile(files.State(), tell), device.OpenLine, tell)
	var several *device.SeveralError
	if errors.As(err, &several) {
		return nil, exit.Usage(err)
	}
	return c, err
}
