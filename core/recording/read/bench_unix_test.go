//go:build unix

package read

import (
	"syscall"
	"time"
)

// processorTime is what the process has used of processors, as a user.
func processorTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano())
}
