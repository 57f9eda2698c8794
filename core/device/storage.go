package device

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/quirks"
)

// StorageDevice is a USB device that shows a disc with drivers in place of a modem.
type StorageDevice struct {
	modem.Candidate
	Way    string // how to switch it to modem mode: "eject", or the word in storage.tsv; "": it is not in the list
	Listed bool   // the list has its id; otherwise its maker makes modems and it has nothing but storage
}

// Cure says what to type to make it a modem.
func (s StorageDevice) Cure() string {
	switch {
	case s.Way == "eject" || s.Way == "eject+message":
		return "knak devices --switch ejects the disc; or apt-get install usb-modeswitch, and plug it in again"
	case s.Listed:
		return "apt-get install usb-modeswitch, and plug it in again"
	}
	return "knak devices --switch ejects the disc, which makes many of them switch; usb_modeswitch knows other ways"
}

// InStorageMode gives the USB devices that show a disc with drivers in place of a modem: those that the list has by id and
// strings, and those of a maker of modems that have nothing but storage. A device with a tty is never among them.
func InStorageMode(root Root, db *quirks.DB) ([]StorageDevice, error) {
	all, err := modem.FindUSB(root.Sys)
	if err != nil {
		return nil, nil // a machine without USB has none
	}
	ttys, err := modem.Find(root.Sys)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	for _, c := range ttys {
		if c.USB != "" {
			has[c.Path] = true
		}
	}
	makers := makersOf(db)
	var list []StorageDevice
	for _, c := range all {
		if has[c.Path] {
			continue
		}
		known, err := quirks.StorageMode(knak.Files, c.USB)
		if err != nil {
			return nil, fmt.Errorf("looking for modems in storage mode: %w", err)
		}
		s := StorageDevice{Candidate: c}
		for _, k := range known {
			if fits(k.When, c) {
				s.Listed, s.Way = true, k.Way
				break
			}
		}
		vendor, _, _ := strings.Cut(c.USB, ":")
		if s.Listed && (c.Storage || c.Interfaces <= 2) && !c.Network || c.Storage && c.Interfaces == 1 && makers[vendor] {
			list = append(list, s)
		}
	}
	return list, nil
}

// fits says whether the strings of a device are those in the list. Conditions on the strings of the disc are not read; they count
// as fulfilled.
func fits(when string, c modem.Candidate) bool {
	name, want, ok := strings.Cut(when, "=")
	if !ok {
		return true
	}
	switch name {
	case "manufacturer":
		return strings.Contains(strings.ToLower(c.Manufacturer), strings.ToLower(want))
	case "product":
		return strings.Contains(strings.ToLower(c.Product), strings.ToLower(want))
	}
	return true
}
