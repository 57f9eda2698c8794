//go:build unix

package quirks

import (
	"io/fs"
	"syscall"
)

// ownedByAnother says whether somebody other than root owns a file.
func ownedByAnother(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Uid != 0
}
