//go:build unix

package trust

import (
	"io/fs"
	"syscall"
)

// Owner gives the number of the user to whom a file belongs; false where the system does not say.
func Owner(info fs.FileInfo) (int, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}
