//go:build !linux && !js

package port

import (
	"io"
	"time"
)

// PTY is never made on this system.
type PTY struct{ terminal }

type terminal interface {
	io.ReadWriteCloser
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	Settings() (Settings, error)
	Alone() bool
	OnOpen(f func())
	Like(tty, slave string)
}

// OpenPTY gives ErrNoPTY.
func OpenPTY() (master *PTY, slavePath string, err error) { return nil, "", ErrNoPTY }
