package drive

import (
	"bytes"
	"context"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
)

// readATPort reads the AT port to its end. Losing it is no loss of the link; a dialogue on it runs into its time limit.
func (r *Runner) readATPort(port Port) {
	buf := make([]byte, 4<<10)
	for {
		n, err := port.Read(buf)
		r.step(func(now time.Time) {
			if r.at != nil && r.at.port == port {
				r.session.ReceiveAT(now, buf[:n])
			}
		})
		if err != nil {
			return
		}
	}
}

// atPort is the port for AT commands, with a queue of commands to write: a modem that takes nothing must not hold up the session.
type atPort struct {
	port  Port
	queue chan []byte
	over  chan struct{}
	once  sync.Once
}

// atQueue is how many commands may wait; a dialogue waits for the reply to each.
const atQueue = 64

// openATPort opens the AT port, where the session has one.
func (r *Runner) openATPort(ctx context.Context) (*atPort, error) {
	if r.env.OpenATPort == nil {
		return nil, nil
	}
	port, err := r.env.OpenATPort(ctx)
	if err != nil {
		return nil, err
	}
	return &atPort{port: port, queue: make(chan []byte, atQueue), over: make(chan struct{})}, nil
}

func (a *atPort) write(p []byte) {
	if a == nil {
		return
	}
	select {
	case a.queue <- bytes.Clone(p):
	default: // the dialogue runs into its time limit
	}
}

func (a *atPort) end() { a.once.Do(func() { close(a.over) }) }

func (r *Runner) writeATPort(a *atPort) {
	for {
		select {
		case <-a.over:
			return
		case p := <-a.queue:
			if _, err := a.port.Write(p); err != nil {
				r.tell(event.Notice{Level: "warning", Text: "the AT port: " + err.Error()})
			}
			clear(p)
		}
	}
}
