package drive

import (
	"context"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
)

// Tap gets the octets that pass at a port. Its methods must not block.
type Tap interface {
	// Bytes gets p, which it must not keep.
	Bytes(now time.Time, dir event.Dir, p []byte)
	// Hide gets the secrets that may be among the octets, before these pass.
	Hide(secrets []string)
}

// Tapped puts a tap at each port that open gives. The tap gets octets before the port, so that it never sees an answer before the
// question. When the port fails, the last octets that the tap got may not have been sent.
func Tapped(open func(context.Context) (Port, error), tap Tap) func(context.Context) (Port, error) {
	return func(ctx context.Context) (Port, error) {
		p, err := open(ctx)
		if err != nil {
			return nil, err
		}
		t := &tappedPort{p, tap}
		if g, ok := p.(Gatherer); ok {
			return &tappedGatherer{t, g}, nil
		}
		return t, nil
	}
}

type tappedPort struct {
	Port
	tap Tap
}

func (t *tappedPort) Read(p []byte) (int, error) {
	n, err := t.Port.Read(p)
	if n > 0 {
		t.tap.Bytes(time.Now(), event.Rcvd, p[:n])
	}
	return n, err
}

func (t *tappedPort) Write(p []byte) (int, error) {
	t.tap.Bytes(time.Now(), event.Sent, p)
	return t.Port.Write(p)
}

// Apply passes an output to the port, and tells the tap the secrets.
func (t *tappedPort) Apply(o at.Output) error {
	if h, ok := o.(at.Hide); ok {
		t.tap.Hide(h.Secrets)
		return nil
	}
	return t.Port.Apply(o)
}

// tappedGatherer is a tappedPort whose port is a Gatherer.
type tappedGatherer struct {
	*tappedPort
	Gatherer
}
