//go:build !linux

package rights

import "runtime/debug"

// GiveMemoryBack returns memory to the system that the start of a dial needed and a running link does not.
func GiveMemoryBack() { debug.FreeOSMemory() }
