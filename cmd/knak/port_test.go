package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/quirks"
)

// usbModem adds a USB modem with one port to a tree that looks like /sys.
func usbModem(t *testing.T, sys, device, vendor, product, tty string) {
	t.Helper()
	usb := filepath.Join(sys, "devices/usb1", device)
	iface := filepath.Join(usb, device+":1.00")
	for path, text := range map[string]string{
		filepath.Join(usb, "idVendor"): vendor, filepath.Join(usb, "idProduct"): product,
		filepath.Join(iface, "bInterfaceNumber"): "00", filepath.Join(iface, "bInterfaceClass"): "ff",
		filepath.Join(iface, "bInterfaceSubClass"): "ff", filepath.Join(iface, "bInterfaceProtocol"): "ff",
		filepath.Join(iface, tty, "tty", tty, "dev"): "188:0",
	} {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text+"\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	class := filepath.Join(sys, "class/tty")
	target := filepath.Join("../../devices/usb1", device, device+":1.00", tty, "tty", tty)
	if err := errors.Join(os.MkdirAll(class, 0o700), os.Symlink(target, filepath.Join(class, tty))); err != nil {
		t.Fatal(err)
	}
}

// Without --port the only modem is taken; of several the user must choose, which is not the same as that there is none.
func TestChoosePort(t *testing.T) {
	db, _ := quirks.Open(quirks.Sources{Builtin: knak.Files})
	sys := t.TempDir()
	choose := func(named string) (chosenPort, error) { return choosePort(os.DirFS(sys), named, db, nil) }
	var usage *usageError

	if err := os.MkdirAll(filepath.Join(sys, "class/tty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := choose(""); err == nil || errors.As(err, &usage) {
		t.Errorf("no modem: %v, want an error that is not the user's", err)
	}
	usbModem(t, sys, "1-1", "12d1", "1506", "ttyUSB0")
	if got, err := choose(""); err != nil || got.path != "/dev/ttyUSB0" || got.facts.USB != "12d1:1506" {
		t.Errorf("one modem: %+v, %v", got, err)
	}
	usbModem(t, sys, "1-2", "2c7c", "0191", "ttyUSB4")
	if _, err := choose(""); !errors.As(err, &usage) || !strings.Contains(err.Error(), "/dev/ttyUSB0") || !strings.Contains(err.Error(), "/dev/ttyUSB4") {
		t.Errorf("two modems: %v, want a mistake of usage that names both", err)
	}
	if got, err := choose("/dev/ttyUSB4"); err != nil || got.facts.USB != "2c7c:0191" {
		t.Errorf("one of two: %+v, %v", got, err)
	}
}

// A port that the kernel has and /dev has not is no matter of rights.
func TestCheckPortMissing(t *testing.T) {
	list := checkPort(filepath.Join(t.TempDir(), "ttyUSB0"))
	if len(list) != 1 || list[0].State != "bad" || !strings.Contains(list[0].Text, "does not exist") || strings.Contains(list[0].Cure, "usermod") {
		t.Errorf("%+v", list)
	}
}
