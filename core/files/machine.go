package files

import (
	"os"

	"github.com/knakppp/knak/core/device"
	"github.com/knakppp/knak/quirks"
)

// Machine is where this machine shows its devices, or the tree that KNAK_SYSROOT names: DIR/sys and DIR/dev, as
// `knak devices --save` packs them, for tests and to see what another machine has.
func Machine() device.Root { return device.Host(os.Getenv("KNAK_SYSROOT")) }

// FactsOfPort is what is known of the modem on a port before it is asked.
func FactsOfPort(root device.Root, db *quirks.DB, path string) (quirks.Facts, error) {
	list, err := device.List(root, db, "", nil)
	if err != nil {
		return quirks.Facts{}, err
	}
	if d, place, ok := device.Find(list, root.TTY(path)); ok {
		return device.Facts(root, d.Candidate, d.Candidate.Ports[place]), nil
	}
	return quirks.Facts{}, nil
}
