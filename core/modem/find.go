// Package modem finds cellular modems, asks them who they are, unlocks the SIM, waits for registration, sets the PDP
// context, dials and hangs up. The dialogues are functions for at.NewDialogue: they read from top to bottom, and run
// as machines.
package modem

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/knakppp/knak/core/private"
)

// Candidate is one device with serial ports that may be a modem.
type Candidate struct {
	Path         string // the bus path: "1-1.4" for USB, the platform device's name for a UART
	USB          string // vid:pid in lower-case hex; "" for a UART
	Manufacturer string // the USB string
	Product      string // the USB string
	Release      string // bcdDevice, for example "0102"
	Interfaces   int    // how many interfaces the USB device has, serial or not
	Network      bool   // one of its interfaces is a network's: CDC ECM, NCM or MBIM, RNDIS, QMI
	Storage      bool   // one of its interfaces is mass storage: a driver CD or a card
	Ports        []Port // in the order of their interface numbers
}

// Port is one tty of a candidate.
type Port struct {
	Name      string // "ttyUSB0"; the device node is /dev/ + Name
	Interface int    // bInterfaceNumber; -1 for a UART
	Class     uint8  // bInterfaceClass
	Subclass  uint8  // bInterfaceSubClass
	Protocol  uint8  // bInterfaceProtocol
	Driver    string // the kernel driver, for example "option" or "cdc_acm"
	Adapter   bool   // the driver is that of a USB to serial adapter: what is behind it is unknown
	Label     string // what the interface or, with the driver hso, the port is called: "Modem", "Application"; "" where it has no name
}

// adapters are the drivers of USB to serial adapters.
var adapters = []string{"ftdi_sio", "cp210x", "pl2303", "ch341", "ch348", "mos7720", "mos7840", "mcp2221", "io_ti", "keyspan", "xr_serial", "f81232", "ark3116", "oti6858", "spcp8x5"}

// Find lists the modem ports in sysfs, which is the tree that is mounted on /sys and must support fs.ReadLinkFS, as
// os.DirFS does. USB devices come first, ordered by path, then UARTs. A device that goes away meanwhile is left out.
func Find(sysfs fs.FS) ([]Candidate, error) {
	ttys, err := fs.ReadDir(sysfs, "class/tty")
	if err != nil {
		return nil, fmt.Errorf("list serial ports: %w", err)
	}
	s := tree{sysfs}
	byPath := map[string]*Candidate{}
	for _, tty := range ttys {
		dir, ok := s.follow("class/tty/" + tty.Name())
		if !ok || strings.HasPrefix(dir, "devices/virtual/") {
			continue
		}
		if _, err := fs.Stat(sysfs, dir); err != nil {
			continue
		}
		if iface, ok := s.usbInterface(dir); ok {
			device := path.Dir(iface)
			c := byPath[device]
			if c == nil {
				c = s.usbDevice(device)
				byPath[device] = c
			}
			c.Ports = append(c.Ports, s.usbPort(iface, dir, tty.Name()))
		} else if c, ok := s.uart(dir, tty.Name()); ok {
			byPath[dir] = c
		}
	}
	list := make([]Candidate, 0, len(byPath))
	for _, c := range byPath {
		slices.SortFunc(c.Ports, func(a, b Port) int {
			return cmp.Or(cmp.Compare(a.Interface, b.Interface), natural(a.Name, b.Name))
		})
		list = append(list, *c)
	}
	slices.SortFunc(list, func(a, b Candidate) int {
		return cmp.Or(cmp.Compare(btoi(a.USB == ""), btoi(b.USB == "")), natural(a.Path, b.Path), natural(a.Ports[0].Name, b.Ports[0].Name))
	})
	return list, nil
}

// tree reads sysfs. Its links are relative and stay inside.
type tree struct{ fs fs.FS }

// follow gives the directory that a link points to.
func (t tree) follow(name string) (string, bool) {
	target, err := fs.ReadLink(t.fs, name)
	if err != nil {
		return "", false
	}
	dir := path.Join(path.Dir(name), target)
	return dir, fs.ValidPath(dir)
}

// text reads an attribute; "" where there is none. What a device says about itself is bounded by a page, made printable
// here.
func (t tree) text(name string) string {
	p, err := fs.ReadFile(t.fs, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r == 0x7f {
			return -1
		}
		return r
	}, string(p)))
}

// hex reads an attribute that is an 8-bit number in hexadecimal.
func (t tree) hex(name string) uint8 {
	n, err := strconv.ParseUint(t.text(name), 16, 8)
	if err != nil {
		return 0
	}
	return uint8(n)
}

func (t tree) driver(dir string) string {
	driver, ok := t.follow(dir + "/driver")
	if !ok {
		return ""
	}
	return path.Base(driver)
}

// usbInterface climbs from a tty to the USB interface that it belongs to.
func (t tree) usbInterface(dir string) (string, bool) {
	for ; dir != "." && dir != "devices"; dir = path.Dir(dir) {
		if _, err := fs.Stat(t.fs, dir+"/bInterfaceNumber"); err == nil {
			return dir, true
		}
	}
	return "", false
}

// usbDevice reads a device, but not its serial number: with many modems that is the IMEI.
func (t tree) usbDevice(dir string) *Candidate {
	n, _ := strconv.Atoi(t.text(dir + "/bNumInterfaces"))
	c := &Candidate{
		Path:         path.Base(dir),
		USB:          strings.ToLower(t.text(dir+"/idVendor") + ":" + t.text(dir+"/idProduct")),
		Manufacturer: private.Identities(t.text(dir + "/manufacturer")),
		Product:      private.Identities(t.text(dir + "/product")),
		Release:      t.text(dir + "/bcdDevice"),
		Interfaces:   n,
	}
	entries, err := fs.ReadDir(t.fs, dir)
	if err != nil {
		return c // it went away
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), c.Path+":") {
			continue
		}
		iface := dir + "/" + e.Name()
		switch class, sub, driver := t.hex(iface+"/bInterfaceClass"), t.hex(iface+"/bInterfaceSubClass"), t.driver(iface); {
		case class == 0x02 && (sub == 0x06 || sub == 0x0d || sub == 0x0e), // ECM, NCM, MBIM (USB CDC 1.2 table 4)
			class == 0xe0 && sub == 0x01, // RNDIS
			driver == "qmi_wwan", driver == "rndis_host", driver == "cdc_ether", driver == "cdc_mbim", driver == "huawei_cdc_ncm":
			c.Network = true
		case class == 0x08: // USB mass storage class overview 1.4
			c.Storage = true
		}
	}
	return c
}

// FindUSB lists all USB devices, also those without a tty, but hubs: a stick that still shows its driver CD is among them.
func FindUSB(sysfs fs.FS) ([]Candidate, error) {
	devices, err := fs.ReadDir(sysfs, "bus/usb/devices")
	if err != nil {
		return nil, fmt.Errorf("list USB devices: %w", err)
	}
	t := tree{sysfs}
	var list []Candidate
	for _, d := range devices {
		if strings.Contains(d.Name(), ":") || strings.HasPrefix(d.Name(), "usb") {
			continue // an interface, or the host's own hub
		}
		if dir, ok := t.follow("bus/usb/devices/" + d.Name()); ok && t.text(dir+"/idVendor") != "" && t.text(dir+"/bDeviceClass") != "09" {
			list = append(list, *t.usbDevice(dir))
		}
	}
	slices.SortFunc(list, func(a, b Candidate) int { return natural(a.Path, b.Path) })
	return list, nil
}

func (t tree) usbPort(iface, tty, name string) Port {
	driver := t.driver(iface)
	return Port{
		Name:      name,
		Interface: int(t.hex(iface + "/bInterfaceNumber")),
		Class:     t.hex(iface + "/bInterfaceClass"),
		Subclass:  t.hex(iface + "/bInterfaceSubClass"),
		Protocol:  t.hex(iface + "/bInterfaceProtocol"),
		Driver:    driver,
		Label:     private.Identities(cmp.Or(t.text(tty+"/hsotype"), t.text(iface+"/interface"))),
		Adapter:   slices.Contains(adapters, driver),
	}
}

// uart reads a port of this machine itself. Type 0 is a place for a UART where there is none.
func (t tree) uart(dir, name string) (*Candidate, bool) {
	device, _, ok := strings.Cut(dir, "/tty/")
	if !ok || t.text(dir+"/type") == "0" {
		return nil, false
	}
	driver := t.driver(device)
	for driver == "port" || driver == "ctrl" { // the serial core's own layers, since Linux 6.5
		device = path.Dir(device)
		driver = t.driver(device)
	}
	return &Candidate{Path: path.Base(device), Ports: []Port{{Name: name, Interface: -1, Driver: driver}}}, true
}

// natural orders names by the numbers in them: 1-1.2 before 1-1.10.
func natural(a, b string) int {
	for a != "" && b != "" {
		i, j := digits(a), digits(b)
		if i == 0 || j == 0 {
			if a[0] != b[0] {
				return cmp.Compare(a[0], b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		if c := cmp.Or(cmp.Compare(i, j), cmp.Compare(a[:i], b[:j])); c != 0 {
			return c
		}
		a, b = a[i:], b[j:]
	}
	return cmp.Compare(len(a), len(b))
}

// digits counts the digits that s begins with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}
