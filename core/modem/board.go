package modem

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/knakppp/knak/core/private"
)

// Board is what a machine's firmware says about the machine. A module that is soldered to a board may be recognised by nothing
// else.
type Board struct {
	DMI        string   // vendor/product by the firmware's tables (SMBIOS 3.4 section 7.2), or ""
	Compatible []string // the root node's compatible strings, the most exact one first (Devicetree Specification 0.4 section 2.3.1)
	NoDMI      bool     // there are no such tables
	NoTree     bool     // there is no device tree
}

// maxCompatible is the most compatible strings that are read; real boards have up to six.
const maxCompatible = 32

// ReadBoard reads the board from sysfs, the tree at /sys. It never reads a serial number. Fields that cannot be read stay empty.
func ReadBoard(sysfs fs.FS) Board {
	var b Board
	t := tree{sysfs}
	vendor, product := t.text("class/dmi/id/sys_vendor"), t.text("class/dmi/id/product_name")
	if vendor != "" || product != "" {
		b.DMI = private.Identities(vendor + "/" + product)
	}
	compatible, err := fs.ReadFile(sysfs, "firmware/devicetree/base/compatible") // what /proc/device-tree points to
	if err == nil {
		for s := range strings.SplitSeq(string(compatible), "\x00") {
			if s != "" && len(b.Compatible) < maxCompatible && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
				b.Compatible = append(b.Compatible, s)
			}
		}
	}
	if _, err := fs.Stat(sysfs, "class"); err == nil { // otherwise there is no sysfs here, and nothing is known
		b.NoDMI = missing(sysfs, "class/dmi/id")
		b.NoTree = missing(sysfs, "firmware/devicetree/base")
	}
	return b
}

func missing(fsys fs.FS, name string) bool {
	_, err := fs.Stat(fsys, name)
	return errors.Is(err, fs.ErrNotExist)
}
