package foreign

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// Windows has no such flags and needs none: except for names such as NUL and COM1, a named pipe or a device cannot have a file's
// name, and Open checks every file after it has opened it.
const openNonblock, openNoTTY, openNoFollow = 0, 0, 0

// flock locks the whole file (LockFileEx); as with flock(2) the system lets it go with the last handle.
func flock(f *os.File) error {
	const how = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	err := windows.LockFileEx(windows.Handle(f.Fd()), how, 0, 1, 0, &windows.Overlapped{})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return syscall.EWOULDBLOCK
	}
	return err
}

// Settle has nothing to do: NTFS has its names in a log, and no handle of a directory can be flushed.
func Settle(string) error { return nil }
