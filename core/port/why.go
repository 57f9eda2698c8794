//go:build linux

package port

import (
	"errors"
	"os"
	"os/user"
	"strconv"
	"syscall"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// openError sorts what the system or the library said about path.
func openError(path string, err error) error {
	e := &OpenError{Path: path, Err: err}
	var lib *serial.PortError
	if errors.As(err, &lib) {
		switch lib.Code() {
		case serial.PortBusy:
			err = unix.EBUSY
		case serial.PermissionDenied:
			err = unix.EACCES
		}
	}
	switch {
	case errors.Is(err, unix.EBUSY):
		if h, _ := Holders(path); len(h) > 0 {
			return &LockedError{Path: path, PID: h[0].PID, Program: h[0].Program}
		}
		e.Reason, e.Likely = Busy, modemManager()
	case errors.Is(err, os.ErrNotExist), errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		e.Reason = NotFound
	case errors.Is(err, os.ErrPermission):
		e.Reason, e.Group = Permission, groupOf(path)
	case errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EISDIR), errors.Is(err, unix.EINVAL):
		e.Reason = NotTTY
	}
	return e
}

// groupOf names the group that may read and write path: "dialout" nearly everywhere. It is "" where the group may not.
func groupOf(path string) string {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o060 != 0o060 {
		return ""
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok || st.Gid == 0 {
		return ""
	}
	id := strconv.FormatUint(uint64(st.Gid), 10)
	if g, err := user.LookupGroupId(id); err == nil {
		return g.Name
	}
	return id
}
