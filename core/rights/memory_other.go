//go:build !linux

package rights

import "runtime/debug"

// GiveMemoryBack gives the system what the start of a dial took and the holding of a link does not need.
func GiveMemoryBack() { debug.FreeOSMemory() }
