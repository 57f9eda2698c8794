package device

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/quirks"
)

// Device is one modem, or a device that may be one.
type Device struct {
	modem.Candidate
	Modem  bool               // it is known to be a modem: knak may ask its ttys
	Why    string             // what shows that it is a modem, or, if Modem is false, why it is not known
	Layout quirks.Layout      // the interfaces of its ttys, and what they answered
	Ports  quirks.Ports       // what each tty is for
	Quirks *quirks.Resolution // its settings before it is asked

	Identity Identity // its maker, model and firmware, from a saved tree or from Identify

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

// Facts gives what is known about the modem on one of its ttys before it is asked.
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

// modemDrivers are the kernel drivers that are for modems only (Linux, drivers/usb/serial and drivers/net/usb).
var modemDrivers = []string{"option", "option1", "sierra", "qcserial", "qcaux", "hso", "ipw", "usb_wwan", "wwan", "kobil_sct", "aircable", "zte_ev", "navman"}

// makersOf gives the vendor ids for which the database has a modem by its own id, or a rule for ports. Vendor ids of makers of
// chips and of bridges (otherMakers) prove nothing and are left out.
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

// otherMakers make modems and many other things, or chips for all kinds of devices: their vendor id alone proves nothing.
var otherMakers = []string{"0403", "067b", "10c4", "1a86", "0483", "1fc9", "2341", "2a03", "1d50", "04e8", "0e8d", "05c6", "18d1", "0bb4"}

// judge says whether a device is known to be a modem. Text that is sent to a 3D printer, an Arduino or a UPS may start an action;
// so a device that is not known to be a modem is neither asked nor dialled on before a person names it.
func judge(db *quirks.DB, d *Device, makers map[string]bool) (bool, string) {
	vendor, _, _ := strings.Cut(d.USB, ":")
	entry := func(is func(quirks.Device) bool) bool {
		return slices.ContainsFunc(db.ByUSB(d.USB), is)
	}
	switch {
	case len(d.Layout.TTYs) == 0:
		return false, "it has no tty"
	case d.USB == "":
		return false, "a UART: it is not known what is connected to it"
	case slices.ContainsFunc(d.Candidate.Ports, func(p modem.Port) bool { return p.Adapter }):
		return false, "a USB-to-serial adapter: it is not known what is connected to it"
	case entry(func(e quirks.Device) bool { return e.Status == noPPP }):
		return false, "the database knows it as a device that does not speak PPP"
	case d.loader():
		return false, "a firmware loader: the driver is qcserial, and there is one interface only"
	case slices.ContainsFunc(d.Candidate.Ports, func(p modem.Port) bool { return slices.Contains(modemDrivers, p.Driver) }):
		return true, "its kernel driver is for modems only"
	case entry(func(quirks.Device) bool { return true }):
		return true, "the database knows its USB id"
	case d.Network:
		return true, "it has a network interface beside its ttys"
	case makers[vendor] && len(d.Layout.TTYs) > 1:
		return true, "its maker makes modems, and it has several ttys"
	}
	return false, "nothing shows that it is a modem"
}

// loader says whether the device is a Qualcomm chip that waits for its firmware (QDL). The kernel's driver qcserial takes each of
// its devices with a single interface for one; a modem has more interfaces.
func (d *Device) loader() bool {
	return d.Candidate.Interfaces == 1 && len(d.Candidate.Ports) == 1 && d.Candidate.Ports[0].Driver == "qcserial" && d.Candidate.Ports[0].Interface == 0
}

// Known says whether the tty to dial on is known without asking: the database has the device's layout, the user named the tty, or
// there is only one.
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

// Find gives the device that has a tty, and the tty's index in it.
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

// noPPP is the status (quirks.Statuses) of entries for devices that have ttys but do not speak PPP.
const noPPP = "no-ppp"
