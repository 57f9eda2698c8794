package device

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/quirks"
)

// Device is one modem, or what may be one.
type Device struct {
	modem.Candidate
	Modem  bool               // it is known to be a modem, so that its ttys may be asked
	Why    string             // what says so; if Modem is false, why it is not known
	Layout quirks.Layout      // what its ttys look like, and what they answered
	Ports  quirks.Ports       // what each is there for
	Quirks *quirks.Resolution // what is known of it before it is asked

	Identity Identity // who it said it is, where a saved tree tells or Identify has asked

	db *quirks.DB
}

// List gives the devices of a machine that have ttys, USB devices first. profile and set are what the user chose, as
// quirks.DB.Resolve takes them.
func List(root Root, db *quirks.DB, profile string, set []string) ([]Device, error) {
	found, err := root.candidates()
	if err != nil {
		return nil, fmt.Errorf("looking for modems: %w", err)
	}
	board := modem.ReadBoard(root.Sys)
	makers := makersOf(db)
	list := make([]Device, 0, len(found))
	for _, c := range found {
		d := Device{Candidate: c, Layout: layoutOf(c), db: db}
		root.heard(&d)
		if len(c.Ports) > 0 {
			f := facts(board, c, c.Ports[0])
			if id := d.Identity; id.Model != "" {
				f.Manufacturer, f.Model, f.Revision = id.Vendor, id.Model, id.Firmware
			}
			if d.Quirks, err = db.Resolve(f, profile, set); err != nil {
				return nil, err
			}
		}
		d.Modem, d.Why = judge(db, &d, makers)
		d.Ports = db.Ports(d.Layout, d.Quirks)
		list = append(list, d)
	}
	return list, nil
}

// Facts is what is known of the modem on one of its ttys before it is asked.
func Facts(root Root, c modem.Candidate, p modem.Port) quirks.Facts {
	return facts(modem.ReadBoard(root.Sys), c, p)
}

func facts(b modem.Board, c modem.Candidate, p modem.Port) quirks.Facts {
	f := quirks.Facts{USB: c.USB, Driver: p.Driver, DMI: b.DMI, DeviceTree: strings.Join(b.Compatible, " ")}
	if b.NoDMI {
		f.DMI = quirks.None
	}
	if b.NoTree {
		f.DeviceTree = quirks.None
	}
	if c.USB == "" {
		f.USB = quirks.None
		return f
	}
	if p.Interface >= 0 {
		f.Interface = fmt.Sprintf("%02x", p.Interface)
		f.Class = class(p)
	}
	return f
}

func class(p modem.Port) string {
	return fmt.Sprintf("%02x/%02x/%02x", p.Class, p.Subclass, p.Protocol)
}

func layoutOf(c modem.Candidate) quirks.Layout {
	l := quirks.Layout{USB: c.USB, Interfaces: c.Interfaces, TTYs: make([]quirks.TTY, len(c.Ports))}
	for i, p := range c.Ports {
		l.TTYs[i] = quirks.TTY{Interface: p.Interface, Class: class(p), Driver: p.Driver, Label: p.Label}
	}
	return l
}

// modemDrivers are the kernel drivers that bind modems and nothing else (Linux, drivers/usb/serial and drivers/net/usb).
var modemDrivers = []string{"option", "option1", "sierra", "qcserial", "qcaux", "hso", "ipw", "usb_wwan", "wwan", "kobil_sct", "aircable", "zte_ev", "navman"}

// makersOf gives the vendor ids of which the database knows a modem by its own id, or a rule for ports. What belongs to a
// maker of chips or of bridges says nothing.
func makersOf(db *quirks.DB) map[string]bool {
	makers := map[string]bool{}
	vendors := db.Vendors()
	for _, r := range db.Rules() {
		for _, p := range r.USB {
			vendor, _, _ := strings.Cut(p, ":")
			vendors = append(vendors, vendor)
		}
	}
	for _, v := range vendors {
		makers[v] = !slices.Contains(otherMakers, v)
	}
	return makers
}

// otherMakers make modems and much else, or chips that are in everything: their vendor id alone says nothing.
var otherMakers = []string{"0403", "067b", "10c4", "1a86", "0483", "1fc9", "2341", "2a03", "1d50", "04e8", "0e8d", "05c6", "18d1", "0bb4"}

// judge says whether a device is known to be a modem. It matters: what is written to a 3D printer, an Arduino or a UPS
// acts on it, so that nothing of that kind may be asked or dialled on before a person named it.
func judge(db *quirks.DB, d *Device, makers map[string]bool) (bool, string) {
	vendor, _, _ := strings.Cut(d.USB, ":")
	entry := func(is func(quirks.Device) bool) bool {
		return slices.ContainsFunc(db.ByUSB(d.USB), is)
	}
	switch {
	case len(d.Layout.TTYs) == 0:
		return false, "it has no tty"
	case d.USB == "":
		return false, "a UART: what is behind it is not known"
	case slices.ContainsFunc(d.Candidate.Ports, func(p modem.Port) bool { return p.Adapter }):
		return false, "a USB to serial adapter: what is behind it is not known"
	case entry(func(e quirks.Device) bool { return e.Status == noPPP }):
		return false, "the database knows it as a device that does not speak PPP"
	case d.loader():
		return false, "a loader of firmware: a device of the driver qcserial that has one interface only"
	case slices.ContainsFunc(d.Candidate.Ports, func(p modem.Port) bool { return slices.Contains(modemDrivers, p.Driver) }):
		return true, "the kernel's driver is one of modems"
	case entry(func(quirks.Device) bool { return true }):
		return true, "the database knows its USB id"
	case d.Network:
		return true, "it has a network interface beside its ttys"
	case makers[vendor] && len(d.Layout.TTYs) > 1:
		return true, "its maker makes modems, and it has several ttys"
	}
	return false, "nothing says that it is a modem"
}

// loader says whether the device is a chip of Qualcomm's that waits for its firmware (QDL). The kernel's qcserial takes any of its
// devices that has one interface only for that; a modem has more.
func (d *Device) loader() bool {
	return d.Candidate.Interfaces == 1 && len(d.Candidate.Ports) == 1 && d.Candidate.Ports[0].Driver == "qcserial" && d.Candidate.Ports[0].Interface == 0
}

// Known says whether the tty to dial on is known without asking: the database has the device's layout, the user said it,
// or there is only one.
func (d *Device) Known() bool {
	if len(d.Layout.TTYs) == 1 {
		return true
	}
	if len(d.Ports.Dial) == 0 {
		return false
	}
	first := d.Layout.TTYs[d.Ports.Dial[0]]
	for _, key := range []string{"port.data_interface", "port.data_tty"} {
		s := d.Quirks.Setting(key)
		n := d.Quirks.Int(key)
		if n < 0 || s.Layer == quirks.Default {
			continue
		}
		if key == "port.data_tty" || first.Interface == n {
			return true
		}
	}
	return false
}

// DataPorts gives the names of the ttys to dial on, the best first.
func (d *Device) DataPorts() []string { return d.names(d.Ports.Dial) }

// ATPorts gives the names of the ttys worth asking during a call, the best first.
func (d *Device) ATPorts() []string { return d.names(d.Ports.AT) }

func (d *Device) names(places []int) []string {
	list := make([]string, len(places))
	for i, p := range places {
		list[i] = d.Candidate.Ports[p].Name
	}
	return list
}

// Find gives the device and the place of a tty in it.
func Find(list []Device, tty string) (d *Device, place int, ok bool) {
	for i := range list {
		for j, p := range list[i].Candidate.Ports {
			if p.Name == tty {
				return &list[i], j, true
			}
		}
	}
	return nil, 0, false
}

// noPPP is the status of entries for what has ttys and no PPP (quirks.Statuses).
const noPPP = "no-ppp"
