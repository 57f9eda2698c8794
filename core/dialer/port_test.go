//go:build linux

package dialer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/sim"
)

// modemOnTTY serves a simulated modem on a pseudo-terminal, which a dial takes for a real one.
func modemOnTTY(t *testing.T, scenario string) (path string) {
	t.Helper()
	s, err := sim.Load(knak.Files, scenario)
	if err != nil {
		t.Fatal(err)
	}
	master, path, err := port.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = sim.Serve(ctx, master, sim.New(s, 1), nil) // it ends with the test
	}()
	t.Cleanup(func() {
		cancel()
		master.Close()
		<-ended
	})
	return path
}

// A program that dials a real modem remembers without being told to which PIN its SIM refused, so that starting it anew spends no
// further try.
func TestRefusedPINOfARealModem(t *testing.T) {
	state := t.TempDir()
	t.Setenv("KNAK_STATE_DIR", state)
	t.Setenv("KNAK_RUNTIME_DIR", t.TempDir())
	for n := range 2 {
		sent := false
		_, err := dialer.Dial(t.Context(), dialer.Options{Port: modemOnTTY(t, "pin-needed"), PIN: dialer.NewSecret("9999"), NoAdapt: true, Events: func(r event.Record) {
			if at, ok := r.Event.(event.AT); ok && at.Dir == event.Sent && strings.HasPrefix(at.Text, "AT+CPIN=") {
				sent = true
			}
		}})
		var failed *dialer.Error
		if !errors.As(err, &failed) || failed.Outcome.Kind != event.FailedPINWrong || sent != (n == 0) {
			t.Errorf("dial %d: %v, sent %v", n+1, err, sent)
		}
	}
	if _, err := os.Stat(filepath.Join(state, "pins")); err != nil {
		t.Error(err)
	}
}

// A link over a tty, with connections through it, and the port given back.
func TestDialOnATTY(t *testing.T) {
	t.Setenv("KNAK_STATE_DIR", t.TempDir())
	path := modemOnTTY(t, "behaves")
	for range 2 {
		l, err := dialer.Dial(t.Context(), dialer.Options{Port: path})
		if err != nil {
			t.Fatal(err)
		}
		var locked *dialer.Error
		if _, err := dialer.Dial(t.Context(), dialer.Options{Port: path, Name: "other"}); !errors.As(err, &locked) || locked.Outcome.Kind != event.FailedPortLocked {
			t.Errorf("a second dial on the port: %v", err)
		}
		c, err := l.DialContext(t.Context(), "udp", "example.com:9") // the name goes through the link
		if err != nil {
			t.Error(err)
		} else {
			c.Close()
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	}
}
