package device

import (
	"io/fs"
	"path"
	"slices"

	"github.com/knakppp/knak/quirks"
)

// InSysfs gives the place of a device in sysfs, "/sys/devices/…/1-1.4", the name by which other programs know it. It is false if
// the device is on no USB bus, or is gone.
func (d *Device) InSysfs(root Root) (string, bool) {
	if d.USB == "" || root.Sys == nil {
		return "", false
	}
	target, err := fs.ReadLink(root.Sys, "bus/usb/devices/"+d.Path)
	if err != nil {
		return "", false
	}
	return "/sys/" + path.Join("bus/usb/devices", target), true
}

// Meant gives the device of the named port or, if port is "", the only modem. It opens nothing.
func Meant(root Root, db *quirks.DB, port string) (*Device, bool) {
	list, err := List(root, db, "", nil)
	if err != nil {
		return nil, false
	}
	if port != "" {
		d, _, ok := Find(list, root.TTY(port))
		return d, ok
	}
	list = slices.DeleteFunc(list, func(d Device) bool { return !d.Modem })
	if len(list) != 1 {
		return nil, false
	}
	return &list[0], true
}

// Nodes gives the device nodes of the device's ttys.
func (d *Device) Nodes(root Root) []string {
	nodes := make([]string, len(d.Candidate.Ports))
	for i, p := range d.Candidate.Ports {
		nodes[i] = root.Path(p.Name)
	}
	return nodes
}
