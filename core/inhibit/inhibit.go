//go:build linux

package inhibit

import (
	"context"
	"errors"
	"fmt"

	"github.com/godbus/dbus/v5"
)

const (
	name   = "org.freedesktop.ModemManager1"
	object = "/org/freedesktop/ModemManager1"
	method = "org.freedesktop.ModemManager1.InhibitDevice"

	// Errors of ModemManager (MMCoreError in libmm-glib).
	notFound   = "org.freedesktop.ModemManager1.Error.Core.NotFound"
	wrongState = "org.freedesktop.ModemManager1.Error.Core.WrongState" // it is still probing the modem
)

// Lease keeps ModemManager away until Close is called, or this process ends.
type Lease struct {
	conn *dbus.Conn
	uid  string
}

// Modem asks ModemManager to leave a modem alone. uid is ModemManager's name for it: the path of the USB device in sysfs,
// "/sys/devices/…". Only root may ask, unless polkit allows it to others. The error is ErrNotRunning, ErrUnknown, ErrProbing, or
// ModemManager's own error.
func Modem(ctx context.Context, uid string) (*Lease, error) {
	conn, err := dbus.ConnectSystemBus(dbus.WithContext(context.WithoutCancel(ctx)))
	if err != nil {
		return nil, ErrNotRunning
	}
	l := &Lease{conn, uid}
	var has bool
	err = conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, name).Store(&has)
	if err == nil && !has {
		err = ErrNotRunning // it would be started by the call otherwise
	}
	if err == nil {
		err = l.call(ctx, true)
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return l, nil
}

func (l *Lease) call(ctx context.Context, inhibit bool) error {
	err := l.conn.Object(name, object).CallWithContext(ctx, method, dbus.FlagNoAutoStart, l.uid, inhibit).Err
	var said dbus.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &said) && said.Name == notFound:
		return ErrUnknown
	case errors.As(err, &said) && said.Name == wrongState:
		return ErrProbing
	}
	return fmt.Errorf("ModemManager: %w", err)
}

// Close lets ModemManager have the modem again.
func (l *Lease) Close() error {
	if l == nil {
		return nil
	}
	err := l.call(context.Background(), false)
	return errors.Join(err, l.conn.Close())
}
