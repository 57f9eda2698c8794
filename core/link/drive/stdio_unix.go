//go:build unix

package drive

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// take makes a second, waitable descriptor of a file: Close must end a Read, and Read must not hold a thread.
func (p *stdioPort) take(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, fmt.Errorf("%s as a port: %w", f.Name(), err)
	}
	if term.IsTerminal(fd) {
		if state, err := term.MakeRaw(fd); err == nil {
			// A duplicate of its own, because Close runs this after the descriptor is gone.
			p.restore = append(p.restore, func() error { return term.Restore(int(f.Fd()), state) })
		}
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s as a port: %w", f.Name(), err), unix.Close(fd))
	}
	// The flag belongs to what is open, not to the descriptor: others share it.
	p.restore = append(p.restore, func() error {
		_, err := unix.FcntlInt(f.Fd(), unix.F_SETFL, flags)
		return err
	})
	return os.NewFile(uintptr(fd), f.Name()), nil
}
