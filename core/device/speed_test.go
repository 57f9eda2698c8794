package device

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/port"
)

// wire is a UART with something at its other end, in memory.
type wire struct {
	mu       sync.Mutex
	baud     int
	sent     []byte
	coming   []byte
	deadline time.Time
	cts      bool
	answer   func(w *wire, b []byte) string
}

func (w *wire) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, b...)
	w.coming = append(w.coming, w.answer(w, b)...)
	return len(b), nil
}

func (w *wire) Read(b []byte) (int, error) {
	w.mu.Lock()
	n := copy(b, w.coming)
	w.coming = w.coming[n:]
	wait := time.Until(w.deadline)
	w.mu.Unlock()
	if n > 0 {
		return n, nil
	}
	if wait > 0 {
		time.Sleep(wait) // as the kernel would
	}
	return 0, os.ErrDeadlineExceeded
}

func (w *wire) SetReadDeadline(t time.Time) error {
	w.mu.Lock()
	w.deadline = t
	w.mu.Unlock()
	return nil
}

func (w *wire) SetBaud(n int) error          { w.baud = n; return nil }
func (w *wire) Discard() error               { w.mu.Lock(); w.coming = nil; w.mu.Unlock(); return nil }
func (w *wire) Status() (port.Status, error) { return port.Status{CTS: w.cts}, nil }
func (w *wire) Close() error                 { return nil }

// answersAt answers AT at one speed; at others it hears rubbish, and says nothing.
func answersAt(baud int) func(*wire, []byte) string {
	return func(w *wire, b []byte) string {
		if w.baud != baud {
			return ""
		}
		return takesAT(string(b))
	}
}

func findSpeed(t *testing.T, w *wire, first int) (Serial, error) {
	t.Helper()
	return FindSpeed(t.Context(), "/dev/ttyS0", first, func(string, int) (SerialLine, error) { return w, nil }, func(string) {})
}

func TestFindSpeed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, tt := range []struct {
			baud, first int
			cts         bool
			flow        string
		}{{115200, 0, true, "rtscts"}, {9600, 0, false, "none"}, {921600, 921600, false, "none"}, {460800, 0, false, "none"}} {
			w := &wire{answer: answersAt(tt.baud), cts: tt.cts}
			got, err := findSpeed(t, w, tt.first)
			if err != nil || got.Baud != tt.baud || got.Flow != tt.flow {
				t.Errorf("%d: %+v, %v", tt.baud, got, err)
			}
		}
	})
}

// A module in the multiplexer of 3GPP TS 27.010 is led out of it; one that learns its speed from the AT that it hears
// (V.250 section 4.3) is as good as one that has a speed.
func TestFindSpeedBringsTheModuleBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inMux := true
		w := &wire{answer: func(w *wire, b []byte) string {
			switch {
			case w.baud != 115200:
				return ""
			case strings.Contains(string(b), "\xf9\x03\xef\x05\xc3\x01"):
				inMux = false
				return ""
			case inMux:
				return ""
			}
			return takesAT(string(b))
		}}
		if got, err := findSpeed(t, w, 0); err != nil || got.Baud != 115200 {
			t.Errorf("from the multiplexer: %+v, %v", got, err)
		}
		heard := 0
		w = &wire{answer: func(w *wire, b []byte) string {
			if heard++; heard == 1 {
				return "" // it learns
			}
			return takesAT(string(b))
		}}
		if got, err := findSpeed(t, w, 0); err != nil || got.Baud != 115200 {
			t.Errorf("autobaud: %+v, %v", got, err)
		}
		w = &wire{answer: func(*wire, []byte) string { return "~\xff}#\xc0!}!}!} }4" }}
		if got, err := findSpeed(t, w, 0); err != nil || got.Said != modem.SendsPPP {
			t.Errorf("in a call from a former life: %+v, %v", got, err)
		}
	})
}

func TestFindSpeedCanBeEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &wire{answer: func(*wire, []byte) string { cancel(); return "" }}
		_, err := FindSpeed(ctx, "/dev/ttyS0", 0, func(string, int) (SerialLine, error) { return w, nil }, func(string) {})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestWhatDoesNotAnswerIsTold(t *testing.T) {
	for said, words := range map[modem.Said]string{
		modem.SaysNothing: "PWRKEY", modem.OnlyEchoes: "comes back", modem.IsConsole: "console", modem.SpeaksNMEA: "positions", modem.SaysGarbage: "--baud",
	} {
		if text := (&NoAnswerError{"/dev/ttyS0", said}).Error(); !strings.Contains(text, words) || !strings.HasPrefix(text, "/dev/ttyS0: ") {
			t.Errorf("%d: %s", said, text)
		}
	}
}

// Of a named UART what nobody has said is found; what somebody said is not touched, nor a port on USB.
func TestSerialOfANamedPort(t *testing.T) {
	m := newMachine(t)
	m.UART("3f215040.serial", "ttyS0")
	m.USB("1-1", "12d1:1506", iface{Number: "00", Class: "ff/02/01", Driver: "option", TTY: "ttyUSB0"})
	memory := NewFile(filepath.Join(t.TempDir(), "state"), func(string) {})
	w := &wire{answer: answersAt(9600)}
	open := func(string, int) (SerialLine, error) { return w, nil }
	for _, tt := range []struct {
		port string
		set  []string
		want string
	}{
		{"ttyS0", nil, "port.baud=9600 port.flow=none"},
		{"ttyS0", []string{"port.baud=115200"}, ""},
		{"ttyS0", []string{"port.flow=xonxoff"}, "port.baud=9600"},
		{"ttyUSB0", nil, ""},
	} {
		c, err := choose(t, m, Wish{Port: filepath.Join(m.Dir, "dev", tt.port), Set: tt.set}, memory, neverOpen(t))
		if err != nil {
			t.Fatal(err)
		}
		set, err := c.Serial(t.Context(), open)
		if got := strings.Join(set, " "); err != nil || got != tt.want {
			t.Errorf("%s %v: %q, %v", tt.port, tt.set, got, err)
		}
	}
	if got := memory.Speed("uart 3f215040.serial"); got != 9600 {
		t.Errorf("remembered %d", got)
	}
}

func TestConsole(t *testing.T) {
	m := newMachine(t)
	m.UART("3f215040.serial", "ttyS0")
	m.File("sys/class/tty/console/active", "tty0 ttyS0")
	if text, ok := Console(Host(m.Dir), "ttyS0"); !ok || !strings.Contains(text, "console=ttyS0") {
		t.Errorf("%q %v", text, ok)
	}
	if _, ok := Console(Host(m.Dir), "ttyS1"); ok {
		t.Error("another port counts as a console")
	}
}
