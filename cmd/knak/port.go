package main

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/quirks"
)

// chosenPort is a port that was found or named, and what is known of its modem before it is asked.
type chosenPort struct {
	path  string
	facts quirks.Facts
}

// choosePort takes the named port, or the data port of the only modem.
func choosePort(sysfs fs.FS, named string, db *quirks.DB, set []string) (chosenPort, error) {
	candidates, err := modem.Find(sysfs)
	if err != nil {
		return chosenPort{}, fmt.Errorf("looking for modems: %w", err)
	}
	if named != "" {
		for _, c := range candidates {
			for _, p := range c.Ports {
				if "/dev/"+p.Name == named {
					return chosenPort{named, factsOf(sysfs, c, p)}, nil
				}
			}
		}
		return chosenPort{named, quirks.Facts{}}, nil
	}
	var usb []modem.Candidate
	for _, c := range candidates {
		if c.USB != "" {
			usb = append(usb, c)
		}
	}
	switch len(usb) {
	case 0:
		return chosenPort{}, errors.New("no USB modem was found; name the port of a serial module with --port, and see knak doctor")
	case 1:
	default:
		var names []string
		for _, c := range usb {
			if p, ok := c.DataPort(-1); ok {
				names = append(names, "/dev/"+p.Name)
			}
		}
		return chosenPort{}, usagef("several modems were found (%s): name one with --port", strings.Join(names, ", "))
	}
	c := usb[0]
	number := -1
	if len(c.Ports) > 0 {
		if r, err := db.Resolve(factsOf(sysfs, c, c.Ports[0]), "", set); err == nil {
			number = r.Int("port.data_interface")
		}
	}
	p, ok := c.DataPort(number)
	if !ok {
		return chosenPort{}, fmt.Errorf("the USB device %s has no serial port: it may still be in storage mode (usb_modeswitch), or its driver is missing", c.USB)
	}
	return chosenPort{"/dev/" + p.Name, factsOf(sysfs, c, p)}, nil
}

// factsOf is what is known of a modem on a port of this machine before it is asked.
func factsOf(sysfs fs.FS, c modem.Candidate, p modem.Port) quirks.Facts {
	f := quirks.Facts{USB: c.USB, Driver: p.Driver}
	b := modem.ReadBoard(sysfs)
	f.DMI, f.DeviceTree = b.DMI, strings.Join(b.Compatible, " ")
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
		f.Class = fmt.Sprintf("%02x/%02x/%02x", p.Class, p.Subclass, p.Protocol)
	}
	return f
}
