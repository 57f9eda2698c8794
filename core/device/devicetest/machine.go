// Package devicetest makes trees of a machine's devices for tests, as KNAK_SYSROOT names them.
package devicetest

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
)

// T is a test: a *testing.T or a *testscript.TestScript.
type T interface {
	Fatalf(format string, args ...any)
}

// Interface is one interface of a made-up USB device.
type Interface struct {
	Number string // bInterfaceNumber, two hex digits
	Class  string // class, subclass and protocol, "ff/01/02"
	Driver string // the kernel's driver; "": none is bound
	TTY    string // its tty; "": it has none
}

// Machine is a tree below Dir, or one in memory.
type Machine struct {
	T      T
	Dir    string
	memory fstest.MapFS // nil: on disk
}

// New makes the tree of a machine without devices.
func New(t T, dir string) Machine {
	m := Machine{T: t, Dir: dir}
	for _, d := range []string{"sys/class/tty", "sys/bus/usb/devices", "dev"} {
		m.mkdir(d)
	}
	return m
}

// InMemory makes such a tree in memory, for tests of many machines; Sys gives it for device.Root. The nodes that Behind makes are
// on disk, below dir/dev.
func InMemory(t T, dir string) Machine {
	m := Machine{t, dir, fstest.MapFS{}}
	for _, d := range []string{"sys/class/tty", "sys/bus/usb/devices"} {
		m.memory[d] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
	}
	return m
}

// Sys gives the tree of /sys.
func (m Machine) Sys() fs.FS {
	if m.memory == nil {
		return os.DirFS(filepath.Join(m.Dir, "sys"))
	}
	sys, err := fs.Sub(m.memory, "sys")
	if err != nil {
		m.T.Fatalf("%v", err)
	}
	return sys
}

func (m Machine) mkdir(name string) {
	if m.memory != nil {
		return
	}
	if err := os.MkdirAll(filepath.Join(m.Dir, name), 0o755); err != nil {
		m.T.Fatalf("%v", err)
	}
}

// File writes a file with one line.
func (m Machine) File(name, text string) {
	if m.memory != nil {
		m.memory[name] = &fstest.MapFile{Data: []byte(text + "\n")}
		return
	}
	m.mkdir(filepath.Dir(name))
	if err := os.WriteFile(filepath.Join(m.Dir, name), []byte(text+"\n"), 0o644); err != nil {
		m.T.Fatalf("%v", err)
	}
}

// Link makes a relative symbolic link, so that it stays in the tree.
func (m Machine) Link(name, target string) {
	rel, err := filepath.Rel(filepath.Dir(name), target)
	if err == nil {
		if m.memory != nil {
			m.memory[name] = &fstest.MapFile{Data: []byte(rel), Mode: fs.ModeSymlink}
			return
		}
		m.mkdir(filepath.Dir(name))
		err = os.Symlink(rel, filepath.Join(m.Dir, name))
	}
	if err != nil {
		m.T.Fatalf("%v", err)
	}
}

// USB adds a device at a place of the bus, "1-1.4".
func (m Machine) USB(path, id string, interfaces ...Interface) {
	vendor, product, _ := strings.Cut(id, ":")
	dir := "sys/devices/pci0000:00/0000:00:14.0/usb1/" + path
	m.File(dir+"/idVendor", vendor)
	m.File(dir+"/idProduct", product)
	m.File(dir+"/bDeviceClass", "00")
	m.File(dir+"/bNumInterfaces", fmt.Sprintf("%2d", len(interfaces)))
	m.File(dir+"/serial", "490154203237518") // a number that no output may show
	m.Link("sys/bus/usb/devices/"+path, dir)
	for n, i := range interfaces {
		d := fmt.Sprintf("%s/%s:1.%d", dir, path, n)
		m.File(d+"/bInterfaceNumber", i.Number)
		triple := strings.Split(i.Class, "/")
		if len(triple) != 3 {
			m.T.Fatalf("class %q", i.Class)
			return
		}
		m.File(d+"/bInterfaceClass", triple[0])
		m.File(d+"/bInterfaceSubClass", triple[1])
		m.File(d+"/bInterfaceProtocol", triple[2])
		if i.Driver != "" {
			m.Link(d+"/driver", "sys/bus/usb/drivers/"+i.Driver)
		}
		if i.TTY != "" {
			m.File(d+"/"+i.TTY+"/tty/"+i.TTY+"/dev", "188:0")
			m.Link("sys/class/tty/"+i.TTY, d+"/"+i.TTY+"/tty/"+i.TTY)
		}
	}
}

// Clear removes all devices of a machine in memory.
func (m Machine) Clear() {
	for name, f := range m.memory {
		if f.Mode&fs.ModeDir == 0 {
			delete(m.memory, name)
		}
	}
}

// Behind makes a tty's node a link to another device node, such as a pseudo-terminal.
func (m Machine) Behind(tty, node string) {
	name := filepath.Join(m.Dir, "dev", tty)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		m.T.Fatalf("%v", err)
	}
	if err := os.Symlink(node, name); err != nil {
		m.T.Fatalf("%v", err)
	}
}

// UART adds a serial port that is built into the machine.
func (m Machine) UART(device, tty string) {
	dir := "sys/devices/platform/" + device
	m.File(dir+"/tty/"+tty+"/dev", "204:64")
	m.Link(dir+"/driver", "sys/bus/platform/drivers/serial8250")
	m.Link("sys/class/tty/"+tty, dir+"/tty/"+tty)
}
