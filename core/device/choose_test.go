package device

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func choose(t *testing.T, m machine, wish Wish, memory Memory, open Opener) (*Choice, error) {
	t.Helper()
	return Choose(t.Context(), Host(m.Dir), shipped(t), wish, memory, open, func(string) {})
}

// neverOpen fails the test where a tty is opened.
func neverOpen(t *testing.T) Opener {
	return func(path string) (Line, error) {
		t.Errorf("%s was opened", path)
		return nil, os.ErrPermission
	}
}

func TestAKnownLayoutIsNotAsked(t *testing.T) {
	m := newMachine(t)
	m.USB("1-1", "19d2:0117", iface{Number: "00", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB0"}, iface{Number: "01", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB1"}, iface{Number: "02", Class: "ff/ff/ff", Driver: "option", TTY: "ttyUSB2"})
	c, err := choose(t, m, Wish{}, NoMemory{}, neverOpen(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Current(); filepath.Base(got.Path) != "ttyUSB2" || got.Facts.Interface != "02" || got.Why == "" {
		t.Errorf("%+v", got)
	}
}

func TestWhatWorkedIsRememberedUntilItFails(t *testing.T) {
	m := newMachine(t)
	m.USB("1-1", "2c7c:ffff", iface{Number: "00", Class: "ff/00/00", Driver: "option", TTY: "ttyUSB0"}, iface{Number: "01", Class: "ff/00/00", Driver: "option", TTY: "ttyUSB1"}, iface{Number: "02", Class: "ff/00/00", Driver: "option", TTY: "ttyUSB2"})
	m.live("ttyUSB0", takesAT)
	m.live("ttyUSB1", takesAT)
	m.live("ttyUSB2", silent)
	memory := NewFile(filepath.Join(t.TempDir(), "state"), func(text string) { t.Error(text) })
	c, err := choose(t, m, Wish{}, memory, OpenLine)
	if err != nil {
		t.Fatal(err)
	}
	if got := filepath.Base(c.Current().Path); got != "ttyUSB1" {
		t.Errorf("first %s", got)
	}
	if !c.Next(t.Context()) || filepath.Base(c.Current().Path) != "ttyUSB0" {
		t.Errorf("then %+v", c.Current())
	}
	c.Worked()
	if c.Next(t.Context()) {
		t.Errorf("a silent tty is tried: %+v", c.Current())
	}
	c.Worked()
	again, err := choose(t, m, Wish{}, memory, neverOpen(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := again.Current(); filepath.Base(got.Path) != "ttyUSB0" || got.Why != "it worked last time" {
		t.Errorf("again %+v", got)
	}
	again.open = OpenLine
	if !again.Next(t.Context()) || filepath.Base(again.Current().Path) != "ttyUSB1" {
		t.Errorf("when it fails: %+v", again.Current())
	}
	if memory.Port(again.device.key()) != -1 {
		t.Error("a port that failed is remembered")
	}
}

func TestChooseSaysWhyThereIsNone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		usb    func(m machine)
		words  string
		target any
	}{
		{"nothing", func(machine) {}, "no USB modem was found", new(*NoneError)},
		{"an Arduino", func(m machine) {
			m.USB("1-1", "2341:0043", iface{Number: "00", Class: "02/02/01", Driver: "cdc_acm", TTY: "ttyACM0"})
		}, "name it with --port /dev/ttyACM0", new(*NoneError)},
		{"two modems", func(m machine) {
			m.USB("1-1", "12d1:1506", iface{Number: "00", Class: "ff/02/01", Driver: "option", TTY: "ttyUSB0"})
			m.USB("1-2", "12d1:1506", iface{Number: "00", Class: "ff/02/01", Driver: "option", TTY: "ttyUSB1"})
		}, "several modems were found", new(*SeveralError)},
		{"the E398's own disc", func(m machine) {
			m.USB("1-1", "12d1:1505", iface{Number: "00", Class: "08/06/50", Driver: "usb-storage", TTY: ""})
		}, "storage mode", new(*NoneError)},
		{"a disc of a maker of modems", func(m machine) {
			m.USB("1-1", "12d1:ffff", iface{Number: "00", Class: "08/06/50", Driver: "usb-storage", TTY: ""})
		}, "storage mode", new(*NoneError)},
		{"a memory stick", func(m machine) {
			m.USB("1-1", "0781:5567", iface{Number: "00", Class: "08/06/50", Driver: "usb-storage", TTY: ""})
		}, "no USB modem was found", new(*NoneError)},
	} {
		m := newMachine(t)
		tt.usb(m)
		_, err := choose(t, m, Wish{}, NoMemory{}, neverOpen(t))
		if err == nil || !strings.Contains(err.Error(), tt.words) || !errors.As(err, tt.target) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestAForeignMemoryIsNotBelieved(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"{", `[{"modem":"k","interface":70000}]`, `[{"modem":1}]`} {
		if err := os.WriteFile(filepath.Join(dir, "ports.json"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		f := NewFile(dir, func(string) {})
		if n := f.Port("k"); n != -1 {
			t.Errorf("%s: %d", content, n)
		}
		f.Keep("k", 3)
		if n := f.Port("k"); n != 3 {
			t.Errorf("%s, then kept: %d", content, n)
		}
	}
}

// Who answered on a port last time is known before it is opened, on a UART and on USB.
func TestIdentityIsRemembered(t *testing.T) {
	m := newMachine(t)
	m.UART("3f215040.serial", "ttyS0")
	m.USB("1-1", "12d1:1506", iface{Number: "00", Class: "ff/02/01", Driver: "option", TTY: "ttyUSB0"})
	memory := NewFile(filepath.Join(t.TempDir(), "state"), func(text string) { t.Error(text) })
	for i, port := range []string{filepath.Join(m.Dir, "dev", "ttyS0"), ""} {
		id := Identity{Vendor: "acme", Model: "m" + string('1'+rune(i)), Firmware: "1.0"}
		c, err := choose(t, m, Wish{Port: port}, memory, neverOpen(t))
		if err != nil {
			t.Fatal(err)
		}
		if f := c.Current().Facts; f.Remembered || f.Model != "" {
			t.Errorf("%q at first: %+v", port, f)
		}
		c.Identified(id)
		again, err := choose(t, m, Wish{Port: port}, memory, neverOpen(t))
		if err != nil {
			t.Fatal(err)
		}
		if f := again.Current().Facts; !f.Remembered || f.Manufacturer != id.Vendor || f.Model != id.Model || f.Revision != id.Firmware {
			t.Errorf("%q again: %+v", port, f)
		}
	}
}
