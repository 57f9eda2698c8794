//go:build unix

package foreign

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// The flags of open(2) that keep a file from holding this process up or leading it elsewhere.
const (
	openNonblock = unix.O_NONBLOCK
	openNoTTY    = unix.O_NOCTTY
	openNoFollow = unix.O_NOFOLLOW
)

func flock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// Settle writes a directory's names to the disk.
func Settle(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
