//go:build !linux

package inhibit

import "context"

// Modem gives ErrNotRunning: ModemManager runs on Linux only.
func Modem(context.Context, string) (*Lease, error) { return nil, ErrNotRunning }

// Lease is never given on this system.
type Lease struct{}

// Close does nothing.
func (*Lease) Close() error { return nil }
