//go:build !linux

package inhibit

import "context"

// Modem gives ErrNotRunning: ModemManager is Linux's.
func Modem(context.Context, string) (*Lease, error) { return nil, ErrNotRunning }

// Lease is none.
type Lease struct{}

// Close does nothing.
func (*Lease) Close() error { return nil }
