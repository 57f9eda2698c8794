//go:build linux

package program

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/device/devicetest"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/sim"
)

// machine is a machine with one modem, whose ttys have simulated modems or something else behind them.
type machine struct {
	devicetest.Machine
	t *testing.T

	mu   sync.Mutex
	dial time.Time // when the first dial command came
}

func (m *machine) Record(r event.Record) {
	if e, ok := r.Event.(event.AT); ok && strings.HasPrefix(e.Text, "ATD") {
		m.mu.Lock()
		if m.dial.IsZero() {
			m.dial = time.Now()
		}
		m.mu.Unlock()
	}
}

// behind puts something behind a tty: "ppp", "at" (takes no dial), "nmea" or "silent".
func (m *machine) behind(tty, what string) {
	master, slave, err := port.OpenPTY()
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = master.Close() })
	m.Behind(tty, slave)
	if what == "ppp" || what == "at" {
		s, err := sim.Load(knak.Files, "behaves")
		if err != nil {
			m.t.Fatal(err)
		}
		if what == "at" {
			s.Dial.Result = "error"
		}
		go func() { _ = sim.Serve(context.WithoutCancel(m.t.Context()), master, sim.New(s, 1), m) }()
		return
	}
	go func() {
		buf := make([]byte, 256)
		for {
			if what == "nmea" {
				_, _ = master.Write([]byte("$GPGSV,1,1,00*79\r\n"))
			}
			_ = master.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			if _, err := master.Read(buf); err != nil && !os.IsTimeout(err) && err != port.ErrHungUp { //nolint:errorlint // these are what it gives
				return
			}
		}
	}()
}

// run runs knak with the machine, and says how long it took, and how long it was to the first dial command.
func (m *machine) run(args ...string) (whole, toDial time.Duration) {
	m.t.Helper()
	m.mu.Lock()
	m.dial = time.Time{}
	m.mu.Unlock()
	cmd := exec.Command(Path(), args...)
	state := m.t.TempDir()
	cmd.Env = append(os.Environ(), "KNAK_SYSROOT="+m.Dir, "KNAK_STATE_DIR="+filepath.Join(state, "state"), "KNAK_RUNTIME_DIR="+filepath.Join(state, "run"), "HOME="+state)
	began := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		m.t.Fatalf("%v: %v\n%s", args, err, out)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(began), m.dial.Sub(began)
}

// TestPlugToDial: from the start of knak on a machine with one modem to the dial command that the modem gets, with replies that cost
// nothing: 0.5 s for a known stick, 2.5 s for an unknown one with five ttys that must be asked; and `knak devices`, which opens nothing,
// within 50 ms. The best of some runs; the times are held in make bench only.
func TestPlugToDial(t *testing.T) {
	measured := os.Getenv("KNAK_MEASURE") != ""
	runs := 2
	if measured {
		runs = 10
	}
	hold := func(what string, got, most time.Duration) {
		t.Logf("%s: %v (at most %v)", what, got.Round(100*time.Microsecond), most)
		if got <= 0 || measured && got > most {
			t.Errorf("%s needs %v, want at most %v", what, got, most)
		}
	}
	dial := []string{"dial", "--plane", "none", "--once"}
	known := &machine{Machine: devicetest.New(t, t.TempDir()), t: t}
	known.USB("1-1", "12d1:1506", devicetest.Interface{Number: "00", Class: "ff/02/01", Driver: "option", TTY: "ttyUSB120"},
		devicetest.Interface{Number: "01", Class: "ff/02/03", Driver: "option", TTY: "ttyUSB121"}, devicetest.Interface{Number: "02", Class: "ff/02/02", Driver: "option", TTY: "ttyUSB122"})
	for tty, what := range map[string]string{"ttyUSB120": "ppp", "ttyUSB121": "silent", "ttyUSB122": "at"} {
		known.behind(tty, what)
	}
	unknown := &machine{Machine: devicetest.New(t, t.TempDir()), t: t}
	var five []devicetest.Interface
	for i, what := range []string{"silent", "nmea", "at", "ppp", "silent"} {
		tty := "ttyUSB13" + string(rune('0'+i))
		five = append(five, devicetest.Interface{Number: "0" + string(rune('0'+i)), Class: "ff/00/00", Driver: "option", TTY: tty})
		unknown.behind(tty, what)
	}
	unknown.USB("1-1", "2c7c:ffff", five...)
	best := [3]time.Duration{time.Hour, time.Hour, time.Hour}
	for range runs {
		whole, _ := known.run("devices")
		_, first := known.run(dial...)
		_, asked := unknown.run(dial...)
		best = [3]time.Duration{min(best[0], whole), min(best[1], first), min(best[2], asked)}
	}
	hold("knak devices", best[0], 50*time.Millisecond)
	hold("a known stick, to ATD", best[1], 500*time.Millisecond)
	hold("an unknown one with five ttys, to ATD", best[2], 2500*time.Millisecond)
}
