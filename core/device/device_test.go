package device

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/device/devicetest"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/quirks"
)

// iface is short for what tables hold many of.
type iface = devicetest.Interface

// machine is a machine with pseudo-terminals behind its ttys.
type machine struct {
	devicetest.Machine
	t *testing.T
}

func newMachine(t *testing.T) machine {
	t.Helper()
	return machine{devicetest.New(t, t.TempDir()), t}
}

// live puts a pseudo-terminal behind a tty; answer makes the modem's side of it.
func (m machine) live(tty string, answer func(string) string) {
	m.t.Helper()
	master, slave, err := port.OpenPTY()
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = master.Close() })
	m.Behind(tty, slave)
	go func() {
		buf := make([]byte, 256)
		for {
			n, err := master.Read(buf)
			if n > 0 {
				_, _ = master.Write([]byte(answer(string(buf[:n]))))
			}
			if err != nil && !errors.Is(err, port.ErrHungUp) {
				return
			}
		}
	}()
}

func takesAT(s string) string {
	return strings.Repeat("\r\nOK\r\n", strings.Count(s, "AT\r"))
}

func silent(string) string { return "" }

func shipped(t *testing.T) *quirks.DB {
	t.Helper()
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		t.Fatal(problems[0])
	}
	return db
}

func listed(t *testing.T, m machine) []Device {
	t.Helper()
	l, err := List(Host(m.Dir), shipped(t), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// What is no modem is not asked, let alone dialled on, unless a person names it.
func TestOnlyModemsAreAsked(t *testing.T) {
	for _, tt := range []struct {
		name, id string
		ifaces   []iface
		modem    bool
	}{
		{"a modem by its driver", "1234:5678", []iface{{Number: "00", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB0"}}, true},
		{"a modem by its id", "1546:1102", []iface{{Number: "00", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM0"}}, true},
		{"an unknown u-blox with several ttys", "1546:13fe", []iface{{Number: "00", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM0"}, {Number: "02", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM1"}}, true},
		{"ttys beside a network interface", "1234:5678", []iface{{Number: "00", Class: "02/0e/00", Driver: "cdc_mbim", TTY: ""}, {Number: "02", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM0"}}, true},
		{"a GPS mouse of u-blox", "1546:01a8", []iface{{Number: "00", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM0"}}, false},
		{"an Arduino", "2341:0043", []iface{{Number: "00", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM0"}}, false},
		{"a 3D printer", "2c99:0002", []iface{{Number: "00", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM0"}}, false},
		{"a bridge with something behind it", "1a86:7523", []iface{{Number: "00", Class: "ff/01/02", Driver: "ch341", TTY: "ttyUSB0"}}, false},
		{"a chip that waits for its firmware", "05c6:9008", []iface{{Number: "00", Class: "ff/ff/ff", Driver: "qcserial", TTY: "ttyUSB0"}}, false},
		{"a Gobi with its layout", "05c6:9999", []iface{{Number: "00", Class: "ff/ff/ff", Driver: "qmi_wwan", TTY: ""}, {Number: "01", Class: "ff/ff/ff", Driver: "qcserial", TTY: "ttyUSB0"}, {Number: "02", Class: "ff/ff/ff", Driver: "qcserial", TTY: "ttyUSB1"}}, true},
		{"a board with two ports for its programs", "0483:374b", []iface{{Number: "00", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM0"}, {Number: "02", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM1"}}, false},
	} {
		m := newMachine(t)
		m.USB("1-1", tt.id, tt.ifaces...)
		for _, i := range tt.ifaces {
			if i.TTY != "" {
				m.live(i.TTY, takesAT)
			}
		}
		d := listed(t, m)[0]
		if d.Modem != tt.modem || d.Why == "" {
			t.Errorf("%s: modem %v, because %q", tt.name, d.Modem, d.Why)
		}
		var asked atomic.Bool
		open := func(path string) (Line, error) { asked.Store(true); return OpenLine(path) }
		err := d.Ask(t.Context(), Host(m.Dir), open, false)
		if opened := asked.Load(); opened != tt.modem || (err == nil) != tt.modem {
			t.Errorf("%s: opened %v, %v", tt.name, opened, err)
		}
	}
}

func TestAskFindsTheDataPort(t *testing.T) {
	m := newMachine(t)
	m.USB("1-2", "2c7c:ffff", // Quectel's habit: of those that take commands, the last carries PPP
		iface{Number: "00", Class: "ff/ff/30", Driver: "option", TTY: "ttyUSB0"}, iface{Number: "01", Class: "ff/00/00", Driver: "option", TTY: "ttyUSB1"},
		iface{Number: "02", Class: "ff/00/00", Driver: "option", TTY: "ttyUSB2"}, iface{Number: "03", Class: "ff/00/00", Driver: "option", TTY: "ttyUSB3"}, iface{Number: "04", Class: "ff/ff/ff", Driver: "qmi_wwan", TTY: ""})
	m.live("ttyUSB0", silent)
	m.live("ttyUSB1", func(string) string { return "$GPGSV,1,1,00*79\r\n" })
	m.live("ttyUSB2", takesAT)
	m.live("ttyUSB3", takesAT)
	d := listed(t, m)[0]
	if d.Known() {
		t.Fatal("nobody knows this layout")
	}
	began := time.Now()
	if err := d.Ask(t.Context(), Host(m.Dir), OpenLine, false); err != nil {
		t.Fatal(err)
	}
	t.Logf("asked for %v", time.Since(began))
	if got := d.DataPorts(); len(got) == 0 || got[0] != "ttyUSB3" || !slices.Contains(got, "ttyUSB2") || slices.Contains(got, "ttyUSB1") {
		t.Errorf("dial on %q", got)
	}
	if got := d.Layout.TTYs[1].Answer; got != quirks.Sentences {
		t.Errorf("ttyUSB1 %v", got)
	}
}

// The driver hso has several ttys on one interface, and says what each is (hsotype).
func TestTheDriverNamesItsPorts(t *testing.T) {
	m := machine{devicetest.InMemory(t, t.TempDir()), t}
	var list []iface
	names := []string{"Control", "Application", "Diagnostic", "Modem"}
	for i := range names {
		list = append(list, iface{Number: "00", Class: "ff/ff/ff", Driver: "hso", TTY: "ttyHS" + string(rune('0'+i))})
	}
	m.USB("1-1", "0af0:7601", list...)
	for i, name := range names {
		m.File(fmt.Sprintf("sys/devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1:1.%d/ttyHS%d/tty/ttyHS%d/hsotype", i, i, i), name)
	}
	l, err := List(Root{Sys: m.Sys()}, shipped(t), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := l[0].DataPorts(); !l[0].Modem || len(got) == 0 || got[0] != "ttyHS3" || slices.Contains(got, "ttyHS2") {
		t.Errorf("dial on %q (modem: %v)", got, l[0].Modem)
	}
	if got := l[0].ATPorts(); len(got) == 0 || got[0] != "ttyHS1" {
		t.Errorf("commands on %q", got)
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	m := newMachine(t)
	m.USB("1-1", "1234:5678", iface{Number: "00", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB0"})
	m.live("ttyUSB0", silent)
	ctx, cancel := context.WithCancel(t.Context())
	open := func(path string) (Line, error) { cancel(); return OpenLine(path) }
	d := listed(t, m)[0]
	if err := d.Ask(ctx, Host(m.Dir), open, false); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTTYByAnyName(t *testing.T) {
	m := newMachine(t)
	m.USB("1-1", "1234:5678", iface{Number: "00", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB0"})
	m.live("ttyUSB0", silent)
	m.Link("dev/serial/by-id/usb-acme-if00-port0", "dev/ttyUSB0")
	m.Link("dev/modem", "dev/serial/by-id/usb-acme-if00-port0")
	r := Host(m.Dir)
	for _, name := range []string{"dev/ttyUSB0", "dev/serial/by-id/usb-acme-if00-port0", "dev/modem"} {
		if got := r.TTY(filepath.Join(m.Dir, name)); got != "ttyUSB0" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
