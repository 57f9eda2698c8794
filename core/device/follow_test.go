package device

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/device/devicetest"
)

// e398 is a modem of three ttys, from this number on.
func e398(m machine, bus string, first int) {
	called(m, bus, "E398")
	name := func(i int) string { return "ttyUSB" + string(rune('0'+first+i)) }
	m.USB(bus, "12d1:1506", iface{Number: "00", Class: "ff/02/01", Driver: "option", TTY: name(0)},
		iface{Number: "01", Class: "ff/02/03", Driver: "option", TTY: name(1)}, iface{Number: "02", Class: "ff/02/02", Driver: "option", TTY: name(2)})
}

// called sets what a device calls itself.
func called(m machine, bus, product string) {
	m.File("sys/devices/pci0000:00/0000:00:14.0/usb1/"+bus+"/manufacturer", "HUAWEI")
	m.File("sys/devices/pci0000:00/0000:00:14.0/usb1/"+bus+"/product", product)
}

// A modem is followed by its place on the bus, or by what it is, not by the names of its ttys: these are another modem's when it comes back.
func TestAModemIsFollowed(t *testing.T) {
	db := shipped(t)
	for _, tt := range []struct {
		name  string
		twin  bool // an equal modem was there from the beginning, at 1-9
		after func(m machine)
		want  string // "": it is away
	}{
		{"it is where it was", false, func(m machine) { e398(m, "1-1", 0) }, "ttyUSB0"},
		{"it is away", false, func(m machine) {}, ""},
		{"other names", false, func(m machine) { e398(m, "1-1", 3) }, "ttyUSB3"},
		{"another modem has its names now", false, func(m machine) {
			m.USB("1-2", "19d2:0016", iface{Number: "00", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB0"}, iface{Number: "02", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB1"})
			e398(m, "1-1", 3)
		}, "ttyUSB3"},
		{"another modem has its names, and it is away", false, func(m machine) {
			m.USB("1-2", "19d2:0016", iface{Number: "00", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB0"})
		}, ""},
		{"another modem is in its place", false, func(m machine) {
			m.USB("1-1", "19d2:0016", iface{Number: "00", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB0"})
		}, ""},
		{"another socket", false, func(m machine) { e398(m, "2-3.1", 3) }, "ttyUSB3"},
		{"an equal one is somebody else's", true, func(m machine) { e398(m, "1-9", 6) }, ""},
		{"an equal one beside it", true, func(m machine) { e398(m, "1-9", 6); e398(m, "1-1", 3) }, "ttyUSB3"},
		{"two equal ones, none in its place", false, func(m machine) { e398(m, "1-3", 3); e398(m, "1-4", 6) }, ""},
		{"its ttys are still coming", false, func(m machine) {
			m.USB("1-1", "12d1:1506", iface{Number: "00", Class: "ff/02/01", Driver: "option", TTY: ""}, iface{Number: "01", Class: "ff/02/03", Driver: "option", TTY: "ttyUSB0"})
		}, ""},
		{"another modem of its maker's is in its place", false, func(m machine) {
			called(m, "1-1", "E173")
			m.USB("1-1", "12d1:1c05", iface{Number: "00", Class: "ff/01/01", Driver: "option", TTY: "ttyUSB0"}, iface{Number: "01", Class: "ff/01/02", Driver: "option", TTY: "ttyUSB1"})
		}, ""},
		{"another id after a restart", false, func(m machine) {
			called(m, "1-1", "E398")
			m.USB("1-1", "12d1:1c05", iface{Number: "00", Class: "ff/01/01", Driver: "option", TTY: "ttyUSB5"}, iface{Number: "01", Class: "ff/01/02", Driver: "option", TTY: "ttyUSB6"})
		}, "ttyUSB5"},
	} {
		for _, port := range []string{"", "ttyUSB0"} {
			m := machine{devicetest.InMemory(t, t.TempDir()), t}
			e398(m, "1-1", 0)
			wish := Wish{}
			if tt.twin {
				e398(m, "1-9", 6)
				port = "ttyUSB0"
			}
			if port != "" {
				wish.Port = filepath.Join(m.Dir, "dev", port)
				if err := errors.Join(os.MkdirAll(filepath.Dir(wish.Port), 0o755), os.WriteFile(wish.Port, nil, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			c, err := Choose(t.Context(), Root{Sys: m.Sys(), Dev: filepath.Join(m.Dir, "dev")}, db, wish, NoMemory{}, neverOpen(t), func(string) {})
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			m.Clear()
			tt.after(m)
			got, err := c.Where()
			switch {
			case tt.want == "" && !errors.Is(err, os.ErrNotExist):
				t.Errorf("%s, port %q: %q, %v", tt.name, port, got, err)
			case tt.want != "" && (err != nil || filepath.Base(got) != tt.want || c.Current().Path != got):
				t.Errorf("%s, port %q: %q, %v, want %s", tt.name, port, got, err, tt.want)
			}
		}
	}
}

// What udev calls by id leads to the right tty again by itself; a UART has no other name.
func TestALinkAndAUARTKeepTheirNames(t *testing.T) {
	m := newMachine(t)
	e398(m, "1-1", 0)
	m.UART("3f215040.serial", "ttyS0")
	m.live("ttyUSB0", silent)
	m.live("ttyS0", silent)
	m.Link("dev/serial/by-id/usb-acme-if00-port0", "dev/ttyUSB0")
	for _, port := range []string{"dev/serial/by-id/usb-acme-if00-port0", "dev/ttyS0"} {
		path := filepath.Join(m.Dir, port)
		c, err := choose(t, m, Wish{Port: path}, NoMemory{}, neverOpen(t))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.Where(); err != nil || got != path {
			t.Errorf("%s: %q, %v", port, got, err)
		}
	}
}

// A modem that comes back as its disc is waited for, and that is told, once.
func TestAModemThatComesBackAsADisc(t *testing.T) {
	m := machine{devicetest.InMemory(t, t.TempDir()), t}
	e398(m, "1-1", 0)
	var told []string
	c, err := Choose(t.Context(), Root{Sys: m.Sys(), Dev: filepath.Join(m.Dir, "dev")}, shipped(t), Wish{}, NoMemory{}, neverOpen(t), func(s string) { told = append(told, s) })
	if err != nil {
		t.Fatal(err)
	}
	m.Clear()
	m.USB("1-1", "12d1:1505", iface{Number: "00", Class: "08/06/50", Driver: "usb-storage"})
	for range 2 {
		if _, err := c.Where(); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%v", err)
		}
	}
	if len(told) != 1 || !strings.Contains(told[0], "storage mode") || !strings.Contains(told[0], "usb-modeswitch") {
		t.Errorf("told %q", told)
	}
}
