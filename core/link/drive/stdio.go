package drive

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/knakppp/knak/core/at"
)

// stdioPort is standard input and output as a port: a pseudo-terminal's master that another program opened, a socket, or two
// pipes.
type stdioPort struct {
	in, out *os.File
	restore []func() error
}

// OpenStdio gives a function for Environment.OpenPort that opens standard input and output as the port. It makes a terminal among
// them raw. Closing the port restores both.
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

func (p *stdioPort) Read(b []byte) (int, error)             { return p.in.Read(b) }
func (p *stdioPort) Write(b []byte) (int, error)            { return p.out.Write(b) }
func (p *stdioPort) Apply(at.Output) error                  { return nil }
func (p *stdioPort) WatchLines(func(changed at.ModemLines)) {}

// Close restores the descriptors.
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
