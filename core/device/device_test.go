package device

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/quirks"
)

// iface is one interface of a made-up USB device.
type iface struct {
	number, class, driver, tty string
}

// machine is a tree of a machine's devices in a directory, as KNAK_SYSROOT names it.
type machine struct {
	t   *testing.T
	dir string
}

func newMachine(t *testing.T) machine {
	t.Helper()
	m := machine{t, t.TempDir()}
	m.mkdir("sys/class/tty")
	m.mkdir("sys/bus/usb/devices")
	m.mkdir("dev")
	return m
}

func (m machine) mkdir(name string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Join(m.dir, name), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) file(name, text string) {
	m.t.Helper()
	m.mkdir(filepath.Dir(name))
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte(text+"\n"), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

func (m machine) link(name, target string) {
	m.t.Helper()
	rel, err := filepath.Rel(filepath.Dir(name), target)
	if err == nil {
		m.mkdir(filepath.Dir(name))
		err = os.Symlink(rel, filepath.Join(m.dir, name))
	}
	if err != nil {
		m.t.Fatal(err)
	}
}

// usb adds a device on a port of the bus.
func (m machine) usb(path, id string, ifaces ...iface) {
	vendor, product, _ := strings.Cut(id, ":")
	dir := "sys/devices/pci0000:00/0000:00:14.0/usb1/" + path
	m.file(dir+"/idVendor", vendor)
	m.file(dir+"/idProduct", product)
	m.file(dir+"/bDeviceClass", "00")
	m.file(dir+"/bNumInterfaces", fmt.Sprintf("%2d", len(ifaces)))
	m.link("sys/bus/usb/devices/"+path, dir)
	for _, i := range ifaces {
		d := dir + "/" + path + ":1." + strings.TrimLeft(i.number, "0")
		if strings.TrimLeft(i.number, "0") == "" {
			d += "0"
		}
		m.file(d+"/bInterfaceNumber", i.number)
		triple := strings.Split(i.class, "/")
		m.file(d+"/bInterfaceClass", triple[0])
		m.file(d+"/bInterfaceSubClass", triple[1])
		m.file(d+"/bInterfaceProtocol", triple[2])
		if i.driver != "" {
			m.link(d+"/driver", "sys/bus/usb/drivers/"+i.driver)
		}
		if i.tty != "" {
			m.file(d+"/"+i.tty+"/tty/"+i.tty+"/dev", "188:0")
			m.link("sys/class/tty/"+i.tty, d+"/"+i.tty+"/tty/"+i.tty)
		}
	}
}

// live puts a pseudo-terminal behind a tty; answer makes the modem's side of it.
func (m machine) live(tty string, answer func(string) string) {
	m.t.Helper()
	master, slave, err := port.OpenPTY()
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = master.Close() })
	if err := os.Symlink(slave, filepath.Join(m.dir, "dev", tty)); err != nil {
		m.t.Fatal(err)
	}
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

func list(t *testing.T, m machine) []Device {
	t.Helper()
	l, err := List(Host(m.dir), shipped(t), "", nil)
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
		{"a modem by its driver", "1234:5678", []iface{{"00", "ff/ff/ff", "option", "ttyUSB0"}}, true},
		{"a modem by its id", "1546:1102", []iface{{"00", "02/02/01", "cdc_acm", "ttyACM0"}}, true},
		{"an unknown u-blox with several ttys", "1546:13fe", []iface{{"00", "02/02/01", "cdc_acm", "ttyACM0"}, {"02", "02/02/01", "cdc_acm", "ttyACM1"}}, true},
		{"ttys beside a network interface", "1234:5678", []iface{{"00", "02/0e/00", "cdc_mbim", ""}, {"02", "02/02/01", "cdc_acm", "ttyACM0"}}, true},
		{"a GPS mouse of u-blox", "1546:01a8", []iface{{"00", "02/02/01", "cdc_acm", "ttyACM0"}}, false},
		{"an Arduino", "2341:0043", []iface{{"00", "02/02/01", "cdc_acm", "ttyACM0"}}, false},
		{"a 3D printer", "2c99:0002", []iface{{"00", "02/02/01", "cdc_acm", "ttyACM0"}}, false},
		{"a bridge with something behind it", "1a86:7523", []iface{{"00", "ff/01/02", "ch341", "ttyUSB0"}}, false},
		{"a board with two ports for its programs", "0483:374b", []iface{{"00", "02/02/01", "cdc_acm", "ttyACM0"}, {"02", "02/02/01", "cdc_acm", "ttyACM1"}}, false},
	} {
		m := newMachine(t)
		m.usb("1-1", tt.id, tt.ifaces...)
		for _, i := range tt.ifaces {
			if i.tty != "" {
				m.live(i.tty, takesAT)
			}
		}
		d := list(t, m)[0]
		if d.Modem != tt.modem || d.Why == "" {
			t.Errorf("%s: modem %v, because %q", tt.name, d.Modem, d.Why)
		}
		opened := false
		open := func(path string) (Line, error) { opened = true; return OpenLine(path) }
		err := d.Ask(t.Context(), Host(m.dir), open, false)
		if opened != tt.modem || (err == nil) != tt.modem {
			t.Errorf("%s: opened %v, %v", tt.name, opened, err)
		}
	}
}

func TestAskFindsTheDataPort(t *testing.T) {
	m := newMachine(t)
	m.usb("1-2", "2c7c:ffff", // Quectel's habit: of those that take commands, the last carries PPP
		iface{"00", "ff/ff/30", "option", "ttyUSB0"}, iface{"01", "ff/00/00", "option", "ttyUSB1"},
		iface{"02", "ff/00/00", "option", "ttyUSB2"}, iface{"03", "ff/00/00", "option", "ttyUSB3"}, iface{"04", "ff/ff/ff", "qmi_wwan", ""})
	m.live("ttyUSB0", silent)
	m.live("ttyUSB1", func(string) string { return "$GPGSV,1,1,00*79\r\n" })
	m.live("ttyUSB2", takesAT)
	m.live("ttyUSB3", takesAT)
	d := list(t, m)[0]
	if d.Known() {
		t.Fatal("nobody knows this layout")
	}
	began := time.Now()
	if err := d.Ask(t.Context(), Host(m.dir), OpenLine, false); err != nil {
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

func TestAskEndsWithItsContext(t *testing.T) {
	m := newMachine(t)
	m.usb("1-1", "1234:5678", iface{"00", "ff/ff/ff", "option", "ttyUSB0"})
	m.live("ttyUSB0", silent)
	ctx, cancel := context.WithCancel(t.Context())
	open := func(path string) (Line, error) { cancel(); return OpenLine(path) }
	d := list(t, m)[0]
	if err := d.Ask(ctx, Host(m.dir), open, false); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestTTYByAnyName(t *testing.T) {
	m := newMachine(t)
	m.usb("1-1", "1234:5678", iface{"00", "ff/ff/ff", "option", "ttyUSB0"})
	m.live("ttyUSB0", silent)
	m.link("dev/serial/by-id/usb-acme-if00-port0", "dev/ttyUSB0")
	m.link("dev/modem", "dev/serial/by-id/usb-acme-if00-port0")
	r := Host(m.dir)
	for _, name := range []string{"dev/ttyUSB0", "dev/serial/by-id/usb-acme-if00-port0", "dev/modem"} {
		if got := r.TTY(filepath.Join(m.dir, name)); got != "ttyUSB0" {
			t.Errorf("%s: %q", name, got)
		}
	}
}
