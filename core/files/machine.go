package files

import (
	"os"

	"github.com/knakppp/knak/core/device"
)

// Machine is where this machine shows its devices, or the tree that KNAK_SYSROOT names: DIR/sys and DIR/dev, as
// `knak devices --save` packs them, for tests and to see what another machine has.
func Machine() device.Root { return device.Host(os.Getenv("KNAK_SYSROOT")) }
