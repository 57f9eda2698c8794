package dialer

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/inhibit"
	"github.com/knakppp/knak/core/link/drive"
	"github.com/knakppp/knak/core/port"
)

type lease struct{ closed int }

func (l *lease) Close() error { l.closed++; return nil }

// holds says whether ModemManager is kept away.
func (i *inhibitor) holds() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.lease != nil
}

// inhibiting is a link that keeps ModemManager away; the answers come one after the other, the last again and again.
func inhibiting(answers ...error) (l *Link, held *lease, asked *atomic.Int32) {
	l = &Link{o: Options{Inhibit: true}}
	l.closing, l.cancel = context.WithCancel(context.Background())
	held, asked = &lease{}, &atomic.Int32{}
	l.inhibitor.link = l
	l.inhibitor.modem = func(context.Context, string) (io.Closer, error) {
		err := answers[min(int(asked.Add(1)), len(answers))-1]
		if err != nil {
			return nil, err
		}
		return held, nil
	}
	return l, held, asked
}

// ModemManager sees a modem later than the kernel: it is asked until it knows it, for a minute, and has it again at the end.
func TestModemManagerIsAskedAgain(t *testing.T) {
	for _, tt := range []struct {
		name    string
		answers []error
		asked   int
		held    bool
	}{
		{"at once", []error{nil}, 1, true},
		{"it does not know the modem yet", []error{inhibit.ErrUnknown, inhibit.ErrUnknown, nil}, 3, true},
		{"it looks at the modem still", []error{inhibit.ErrProbing, inhibit.ErrProbing, nil}, 3, true},
		{"it does not run yet", []error{inhibit.ErrNotRunning, nil}, 2, true},
		{"it never does", []error{inhibit.ErrNotRunning}, 61, false},
		{"it does not want to", []error{errors.New("not allowed")}, 1, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			l, held, asked := inhibiting(tt.answers...)
			tell := func(string) {}
			if l.inhibitor.ask(t.Context(), "/sys/devices/x", tell) != nil {
				l.inhibitor.again("/sys/devices/x", tell)
			}
			time.Sleep(2 * time.Minute)
			if n := int(asked.Load()); n != tt.asked || l.inhibitor.holds() != tt.held {
				t.Errorf("%s: asked %d times, held %v", tt.name, n, l.inhibitor.holds())
			}
			l.inhibitor.close()
			if (held.closed == 1) != tt.held {
				t.Errorf("%s: given back %d times", tt.name, held.closed)
			}
		})
	}
}

// A link that ends meanwhile asks no more, and keeps nothing.
func TestNobodyIsKeptAwayAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, held, asked := inhibiting(inhibit.ErrUnknown, inhibit.ErrUnknown, nil)
		l.inhibitor.again("/sys/devices/x", func(string) {})
		time.Sleep(1500 * time.Millisecond)
		l.cancel()
		l.inhibitor.close()
		time.Sleep(time.Minute)
		if n := asked.Load(); n > 2 || l.inhibitor.holds() || held.closed > 0 {
			t.Errorf("asked %d times, held %v", n, l.inhibitor.holds())
		}
	})
}

// A port that ModemManager has is waited for while it is told to leave; one of somebody else's is not.
func TestAPortOfModemManagerIsWaitedFor(t *testing.T) {
	for program, waits := range map[string]bool{"ModemManager": true, "pppd": false} {
		synctest.Test(t, func(t *testing.T) {
			l, _, _ := inhibiting(nil)
			l.inhibitor.lease = &lease{} // it was told already
			began, tries := time.Now(), 0
			open := l.inhibitor.patient(func(context.Context) (drive.Port, error) {
				if tries++; time.Since(began) < 3*time.Second {
					return nil, &port.LockedError{Path: "/dev/ttyUSB0", PID: 7, Program: program}
				}
				return nil, nil
			}, func(string) {})
			if _, err := open(t.Context()); (err == nil) != waits || (tries > 1) != waits {
				t.Errorf("%s: %v after %d tries", program, err, tries)
			}
		})
	}
}
