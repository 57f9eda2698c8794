package drive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/knakppp/knak/core/at"
)

// stdioPort is standard input and output as a port: a pseudo-terminal's master that another program gave us, a socket, or
// two pipes.
type stdioPort struct {
	in, out *os.File
	restore []func() error
}

// OpenStdio gives the function by which Run opens standard input and output as the port. A terminal among them is made
// raw, and both are given back as they were.
func OpenStdio(in, out *os.File) func(context.Context) (Port, error) {
	opened := false
	return func(context.Context) (Port, error) {
		if opened {
			return nil, errors.New("standard input and output are at their end and cannot be opened again")
		}
		opened = true
		p := &stdioPort{}
		var err error
		if p.in, err = p.take(in); err != nil {
			return nil, err
		}
		if p.out, err = p.take(out); err != nil {
			return nil, errors.Join(err, p.Close())
		}
		return p, nil
	}
}

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

func (p *stdioPort) Read(b []byte) (int, error)             { return p.in.Read(b) }
func (p *stdioPort) Write(b []byte) (int, error)            { return p.out.Write(b) }
func (p *stdioPort) Apply(at.Output) error                  { return nil }
func (p *stdioPort) WatchLines(func(changed at.ModemLines)) {}

// Close gives the descriptors back as they were.
func (p *stdioPort) Close() error {
	var err error
	for _, f := range []*os.File{p.in, p.out} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	for _, f := range slices.Backward(p.restore) { // in and out may be one and the same
		err = errors.Join(err, f())
	}
	return err
}
