// Package inhibit keeps ModemManager away from one modem; by itself ModemManager opens all ttys of every modem. The package calls
// ModemManager's D-Bus method InhibitDevice: ModemManager then leaves the modem alone until the D-Bus connection that called it
// ends.
package inhibit

import "errors"

// ErrNotRunning says that this machine has no ModemManager, or no D-Bus: nothing needs to be kept away.
var ErrNotRunning = errors.New("no ModemManager runs here")

// ErrUnknown says that ModemManager does not know the modem: it has not seen the modem yet, or was told to ignore it.
var ErrUnknown = errors.New("ModemManager does not know this modem")

// ErrProbing says that ModemManager is still probing the modem, which takes it half a minute. It cannot leave the modem before it
// has ended that.
var ErrProbing = errors.New("ModemManager is still looking at this modem")
