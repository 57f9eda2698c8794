package sim

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/port"
)

// Conn is the far side of the host's port: a port.PTY, a socket, one end of net.Pipe. The caller closes it. If Read gives
// port.ErrHungUp, the host has closed its side, which the modem sees as DTR falling; the host may open it again.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// LineSetter may be implemented by a Conn that has modem lines to show to the host. A pseudo-terminal has none.
type LineSetter interface {
	SetLines(Lines) error
}

// Serve runs m on conn in real time until ctx ends (the error is nil), the line ends (nil) or conn fails. Events go to sink, which
// may be nil. Serve starts one goroutine, which ends a pending Read or Write when ctx ends.
func Serve(ctx context.Context, conn Conn, m *Modem, sink event.Sink) error {
	stop := context.AfterFunc(ctx, func() {
		_ = conn.SetReadDeadline(time.Unix(1, 0)) // wakes Read; the loop sees ctx
		_ = conn.SetWriteDeadline(time.Unix(1, 0))
	})
	defer stop()
	buf := make([]byte, 1<<16)
	m.Advance(time.Now())
	for {
		err := flush(conn, m, sink)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := conn.SetReadDeadline(m.Deadline()); err != nil {
			return err
		}
		if ctx.Err() != nil { // after the deadline was set: AfterFunc may have come before that
			return nil
		}
		n, err := conn.Read(buf)
		now := time.Now()
		if n > 0 {
			m.SetDTR(now, true)
			m.Receive(now, buf[:n])
		} else {
			m.Advance(now)
		}
		switch {
		case err == nil || errors.Is(err, os.ErrDeadlineExceeded):
		case errors.Is(err, port.ErrHungUp):
			m.SetDTR(now, false)
		case errors.Is(err, io.EOF):
			return nil
		default:
			return err
		}
	}
}

// flush does everything that the modem wants done now.
func flush(conn Conn, m *Modem, sink event.Sink) error {
	for out, ok := m.Next(); ok; out, ok = m.Next() {
		switch out.Kind {
		case OutputWrite:
			// While nobody listens, what the modem says is lost.
			if _, err := conn.Write(out.Data); err != nil && !errors.Is(err, port.ErrHungUp) {
				return err
			}
		case OutputLines:
			if s, ok := conn.(LineSetter); ok {
				if err := s.SetLines(out.Lines); err != nil {
					return err
				}
			}
		case OutputEvent:
			if sink != nil {
				sink.Record(event.Record{Time: time.Now(), Link: m.scenario.Name, Event: out.Event})
			}
		case OutputPacket: // who wants packets runs the modem by himself
		}
	}
	return nil
}
