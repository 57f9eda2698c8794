//go:build !linux

package connection

import "runtime/debug"

// giveMemoryBack gives the system what the start of a dial took and the holding of a link does not need.
func giveMemoryBack() { debug.FreeOSMemory() }
