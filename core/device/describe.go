package device

import (
	"slices"
	"strings"

	"github.com/knakppp/knak/quirks"
)

// Info is what is known about one modem, as `knak devices --json` prints it.
type Info struct {
	Path         string     `json:"path"`
	USB          string     `json:"usb"`
	Manufacturer string     `json:"manufacturer"`
	Product      string     `json:"product"`
	Modem        bool       `json:"modem"` // whether it is known to be one
	Why          string     `json:"why"`   // what shows that it is one, or why it is not known
	DataPort     string     `json:"data_port"`
	ATPort       string     `json:"at_port"` // the port for questions during a call; "": none but the data port
	Ports        []PortInfo `json:"ports"`
	Profile      string     `json:"profile"`
	Note         string     `json:"note,omitempty"`

	Identity *Identity `json:"identity,omitempty"` // its maker, model and firmware, as it said when it was asked or last dialled; null: not known
}

// PortInfo is what is known about one port of a modem.
type PortInfo struct {
	Name      string `json:"name"`
	Interface int    `json:"interface"` // -1: none
	Driver    string `json:"driver"`
	Adapter   bool   `json:"adapter,omitempty"`
	Role      string `json:"role,omitempty"`   // data, at, nmea, diag; empty: not known
	Known     string `json:"known,omitempty"`  // how the role is known
	Answer    string `json:"answer,omitempty"` // its answer when it was asked
}

// Info gives what is known about a modem that still shows its driver disc.
func (s StorageDevice) Info() Info {
	return Info{Path: s.Path, USB: s.USB, Manufacturer: s.Manufacturer, Product: s.Product, Ports: []PortInfo{},
		Modem: true, Why: "in storage mode: it shows a disc with drivers", Note: "in storage mode: " + s.Cure()}
}

// Describe gives what is known about a device. worked remembers on which port a link came up.
func Describe(root Root, d *Device, worked *File) Info {
	info := Info{Path: d.Path, USB: d.USB, Manufacturer: d.Manufacturer, Product: d.Product, Modem: d.Modem, Why: d.Why, Ports: []PortInfo{}}
	for i, p := range d.Candidate.Ports {
		place := d.Ports.Places[i]
		pi := PortInfo{Name: p.Name, Interface: p.Interface, Driver: p.Driver, Adapter: p.Adapter, Role: place.Role.String(), Known: place.Why}
		if answer := d.Layout.TTYs[i].Answer; answer != quirks.Unasked {
			pi.Answer = answer.String()
		}
		info.Ports = append(info.Ports, pi)
	}
	if d.Identity != (Identity{}) {
		info.Identity = &d.Identity
	}
	data := d.DataPorts()
	if tty, ok := worked.DataPort(d); ok {
		data = append([]string{tty}, slices.DeleteFunc(data, func(name string) bool { return name == tty })...)
	}
	if len(data) > 0 {
		info.DataPort = root.Path(data[0])
	}
	if at := slices.DeleteFunc(d.ATPorts(), func(tty string) bool { return len(data) > 0 && tty == data[0] }); len(at) > 0 && len(d.Candidate.Ports) > 1 {
		info.ATPort = root.Path(at[0])
	}
	if d.Quirks != nil {
		info.Profile = d.Quirks.Profile()
		info.Note = possible(d.Quirks)
	}
	return info
}

// possible names the profiles that fit what the bus says and that only the modem's own answer can confirm. Entries that look at
// answers only, such as those for modules on a UART, are left out.
func possible(r *quirks.Resolution) string {
	var ids []string
	for _, d := range r.Possible() {
		if d.Profile != "" && !slices.Contains(ids, d.Profile) {
			ids = append(ids, d.Profile)
		}
	}
	if len(ids) == 0 {
		if r.Profile() != "" {
			return ""
		}
		for _, d := range r.Devices() {
			switch d.Status {
			case "works":
				return "needs nothing"
			case "no-ppp":
				return "does not speak PPP"
			}
		}
		return ""
	}
	return "perhaps " + strings.Join(ids, " or ") + ": the modem must be asked"
}
