// Package inhibit keeps ModemManager, which opens all ttys of every modem that it sees, away from one modem: by its own method
// InhibitDevice on D-Bus, so that it lets go of the modem and leaves it alone as long as the asking connection lives.
package inhibit

import "errors"

// ErrNotRunning says that there is no ModemManager, or no D-Bus, on this machine: nobody needs to be kept away.
var ErrNotRunning = errors.New("no ModemManager runs here")

// ErrUnknown says that ModemManager does not know the modem: it has not seen it yet, or was told to ignore it.
var ErrUnknown = errors.New("ModemManager does not know this modem")

// ErrProbing says that ModemManager is still finding out what the modem is, which takes it half a minute, and cannot be told to leave it
// before it knows.
var ErrProbing = errors.New("ModemManager is still looking at this modem")
