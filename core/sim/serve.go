package sim

import (
	"context"
	"io"
	"time"

	"github.com/knakppp/knak/core/trace"
)

// Conn is the far side of the host's port: the master of a pseudo-terminal, a socket, one end of net.Pipe.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
}

// Serve runs m on conn in real time until ctx ends (nil) or conn fails. Events go to sink, which may be nil.
func Serve(ctx context.Context, conn Conn, m *Modem, sink trace.Sink) error { panic("to come") }
