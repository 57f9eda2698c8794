package modem

import (
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
)

// sysfs makes a tree as Linux shows it: class/tty holds links into devices.
type sysfs fstest.MapFS

func (s sysfs) link(name, target string) {
	rel, err := filepath.Rel(path.Dir(name), target)
	if err != nil {
		panic(err)
	}
	s[name] = &fstest.MapFile{Data: []byte(rel), Mode: fs.ModeSymlink | 0o777}
}

func (s sysfs) file(name, text string) {
	s[name] = &fstest.MapFile{Data: []byte(text + "\n"), Mode: 0o444}
}

func (s sysfs) usb(dir string, attributes ...string) {
	for i, name := range []string{"idVendor", "idProduct", "manufacturer", "product", "bcdDevice", "bNumInterfaces"} {
		s.file(dir+"/"+name, attributes[i])
	}
	s.file(dir+"/serial", "490154203237518")
}

// tty adds an interface with a tty; port is the directory of usb-serial between them, or "".
func (s sysfs) tty(iface, port, name, driver string, triple ...string) {
	s.file(iface+"/bInterfaceNumber", iface[len(iface)-2:])
	for i, attribute := range []string{"bInterfaceClass", "bInterfaceSubClass", "bInterfaceProtocol"} {
		s.file(iface+"/"+attribute, triple[i])
	}
	s.link(iface+"/driver", "bus/usb/drivers/"+driver)
	dir := path.Join(iface, port, "tty", name)
	s.file(dir+"/dev", "188:0")
	s.link("class/tty/"+name, dir)
}

func someTTYs() sysfs {
	s := sysfs{}
	e398 := "devices/pci0000:00/0000:00:14.0/usb1/1-10"
	s.usb(e398, "12d1", "1506", "Huawei Technologies", "HUAWEI Mobile", "0102", " 5")
	s.tty(e398+"/1-10:1.02", "ttyUSB2", "ttyUSB2", "option", "ff", "02", "02")
	s.tty(e398+"/1-10:1.00", "ttyUSB0", "ttyUSB0", "option", "ff", "02", "03")
	s.tty(e398+"/1-10:1.01", "ttyUSB1", "ttyUSB1", "option", "ff", "02", "01")
	acm := "devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.3"
	s.usb(acm, "1546", "1102", "u-blox AG", "u-blox Wireless Module", "0001", " 7")
	s.tty(acm+"/1-2.3:1.0a", "", "ttyACM1", "cdc_acm", "02", "02", "00")
	s.tty(acm+"/1-2.3:1.00", "", "ttyACM0", "cdc_acm", "02", "02", "01")
	ftdi := "devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.1"
	s.usb(ftdi, "0403", "6001", "FTDI", "FT232R USB UART", "0600", " 1")
	s.tty(ftdi+"/1-2.1:1.00", "ttyUSB10", "ttyUSB10", "ftdi_sio", "ff", "ff", "ff")

	uart := "devices/platform/soc/3f201000.serial"
	s.file(uart+"/tty/ttyAMA0/dev", "204:64")
	s.link(uart+"/driver", "bus/amba/drivers/uart-pl011")
	s.link("class/tty/ttyAMA0", uart+"/tty/ttyAMA0")
	for _, name := range []string{"ttyS0", "ttyS1"} {
		s.file("devices/platform/serial8250/tty/"+name+"/type", map[string]string{"ttyS0": "4", "ttyS1": "0"}[name])
		s.link("class/tty/"+name, "devices/platform/serial8250/tty/"+name)
	}
	layered := "devices/pnp0/00:05"
	s.file(layered+"/00:05:0/00:05:0.0/tty/ttyS2/type", "4")
	s.link(layered+"/driver", "bus/pnp/drivers/serial")
	s.link(layered+"/00:05:0/driver", "bus/serial-base/drivers/ctrl")
	s.link(layered+"/00:05:0/00:05:0.0/driver", "bus/serial-base/drivers/port")
	s.link("class/tty/ttyS2", layered+"/00:05:0/00:05:0.0/tty/ttyS2")
	s.file("devices/virtual/tty/tty0/dev", "4:0")
	s.link("class/tty/tty0", "devices/virtual/tty/tty0")
	s.link("class/tty/gone", "devices/pci0000:00/gone/tty/gone") // it went away meanwhile
	return s
}

func TestFind(t *testing.T) {
	got, err := Find(fstest.MapFS(someTTYs()))
	if err != nil {
		t.Fatal(err)
	}
	want := []Candidate{
		{"1-2.1", "0403:6001", "FTDI", "FT232R USB UART", "0600", 1, false, false, []Port{{"ttyUSB10", 0, 255, 255, 255, "ftdi_sio", true, ""}}},
		{"1-2.3", "1546:1102", "u-blox AG", "u-blox Wireless Module", "0001", 7, false, false, []Port{
			{"ttyACM0", 0, 2, 2, 1, "cdc_acm", false, ""}, {"ttyACM1", 10, 2, 2, 0, "cdc_acm", false, ""},
		}},
		{"1-10", "12d1:1506", "Huawei Technologies", "HUAWEI Mobile", "0102", 5, false, false, []Port{
			{"ttyUSB0", 0, 255, 2, 3, "option", false, ""}, {"ttyUSB1", 1, 255, 2, 1, "option", false, ""}, {"ttyUSB2", 2, 255, 2, 2, "option", false, ""},
		}},
		{"3f201000.serial", "", "", "", "", 0, false, false, []Port{{Name: "ttyAMA0", Interface: -1, Driver: "uart-pl011"}}},
		{"00:05", "", "", "", "", 0, false, false, []Port{{Name: "ttyS2", Interface: -1, Driver: "serial"}}},
		{"serial8250", "", "", "", "", 0, false, false, []Port{{Name: "ttyS0", Interface: -1}}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
}

// TestFindOnDisk: the same through real symbolic links, as os.DirFS("/sys") reads them.
func TestFindOnDisk(t *testing.T) {
	root := t.TempDir()
	s := someTTYs()
	for name, f := range s {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if f.Mode&fs.ModeSymlink != 0 {
			err = os.Symlink(string(f.Data), file)
		} else {
			err = os.WriteFile(file, f.Data, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	got, err := Find(os.DirFS(root))
	if err != nil {
		t.Fatal(err)
	}
	want, err := Find(fstest.MapFS(s))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v, want\n%+v", got, want)
	}
	if _, err := Find(os.DirFS(t.TempDir())); err == nil || !strings.Contains(err.Error(), "list serial ports") {
		t.Errorf("an empty tree: %v", err)
	}
}
