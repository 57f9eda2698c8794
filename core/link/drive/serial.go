package drive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/port"
)

// reopenPause is how often a port that is away is tried again while Run waits for it to come back.
const reopenPause = 500 * time.Millisecond

// settling is how long the rights of a device node that has just come may be wrong: udev sets them after the kernel made it.
const settling = 3 * time.Second

// SerialOpener gives a function for Environment.OpenPort that opens a serial port with the profile's speed and flow control. It
// does not open a port that another program holds.
func SerialOpener(path string, p link.Policy) func(context.Context) (Port, error) {
	return serialOpener(func() (string, error) { return path, nil }, p)
}

// serialOpener is SerialOpener for a port whose path may change.
func serialOpener(path func() (string, error), p link.Policy) func(context.Context) (Port, error) {
	cfg := port.Config{Baud: p.Int("port.baud"), Flow: flowOf(p.Text("port.flow"))}
	return opener(p, func(ctx context.Context) (Port, error) {
		name, err := path()
		if err != nil {
			return nil, err
		}
		opened, err := port.OpenWithin(ctx, name, cfg)
		if err != nil {
			return nil, err
		}
		return &serialPort{opened}, nil
	})
}

// ChosenOpener gives a function for Environment.OpenPort that opens the port of a modem by the present choice: wherever its tty is
// now, and the next one if that was wrong. resolve gives the settings of the modem at that port.
func ChosenOpener(found *device.Choice, resolve func(device.Try) (link.Policy, error)) func(context.Context) (Port, error) {
	openers := map[int]func(context.Context) (Port, error){}
	return func(ctx context.Context) (Port, error) {
		found.Follow(ctx)
		number := found.Number()
		if openers[number] == nil {
			p, err := resolve(found.Current())
			if err != nil {
				return nil, err
			}
			openers[number] = serialOpener(found.Where, p)
		}
		return openers[number](ctx)
	}
}

// opener is SerialOpener without the port. The first time a mistake is told at once, but for port.open_wait; later the
// device may be restarting, and is waited for as long as the context allows.
func opener(p link.Policy, open func(context.Context) (Port, error)) func(context.Context) (Port, error) {
	patience, reopen := p.Duration("port.open_wait"), p.Duration("port.reopen_pause")
	first := true
	return func(ctx context.Context) (Port, error) {
		if !first {
			sleep(ctx, reopen)
		}
		until := time.Now().Add(patience)
		var settled time.Time
		for {
			opened, err := open(ctx)
			if err == nil {
				first = false
				return opened, nil
			}
			var locked *port.LockedError
			away := !first && errors.Is(err, os.ErrNotExist)
			if away {
				settled = time.Now().Add(settling)
			}
			away = away || errors.Is(err, os.ErrPermission) && time.Now().Before(settled)
			mayPass := time.Now().Before(until) && !errors.As(err, &locked)
			if !away && !mayPass || !sleep(ctx, reopenPause) {
				return nil, err
			}
		}
	}
}

// sleep waits; it gives false when the context ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// OpenOutcome gives the outcome that belongs to a port that cannot be opened.
func OpenOutcome(err error) link.Outcome {
	var locked *port.LockedError
	o := link.Outcome{Kind: event.FailedPortOpen, Phase: event.PhaseDial, Detail: err.Error()}
	if errors.As(err, &locked) {
		o.Kind = event.FailedPortLocked
	}
	return o
}

func flowOf(word string) port.Flow {
	for _, f := range []port.Flow{port.FlowRTSCTS, port.FlowXONXOFF} {
		if f.String() == word {
			return f
		}
	}
	return port.FlowNone
}

// serialPort makes a Port of a port.Port.
type serialPort struct{ *port.Port }

// Apply carries out the outputs of the dialogues at the port.
func (s *serialPort) Apply(o at.Output) error {
	var err error
	switch o := o.(type) {
	case at.SetDTR:
		err = s.SetDTR(o.On)
	case at.Break:
		err = s.Break(o.Duration)
	case at.SetBaud:
		err = s.SetBaud(o.Rate)
	case at.SetFlow:
		err = s.SetFlow(flowOf(o.Mode))
	case at.Discard:
		err = s.Discard()
	case at.Hide: // for taps
	default:
		err = fmt.Errorf("the port cannot do %T", o)
	}
	if errors.Is(err, port.ErrNoModemLines) {
		return nil
	}
	return err
}

// WatchLines reports the state of the modem lines and its changes.
func (s *serialPort) WatchLines(changed func(at.ModemLines)) {
	for st, err := s.Status(); err == nil; st, err = s.WaitLines() {
		changed(at.ModemLines{DCD: st.DCD, DSR: st.DSR, CTS: st.CTS, RI: st.RI})
	}
}
