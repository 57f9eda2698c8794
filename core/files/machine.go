package files

import (
	"os"

	"github.com/knakppp/knak/core/device"
)

// Machine is where this machine shows its devices: the system's own directories, or DIR/sys and DIR/dev of the tree that
// KNAK_SYSROOT names. `knak devices --save` packs such a tree; it is for tests, and for looking at another machine's devices.
func Machine() device.Root { return device.Host(os.Getenv("KNAK_SYSROOT")) }
