//go:build unix

package trust

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Info checks one file or directory. A directory that all may write but where nobody may take away what is another's
// (the sticky bit, as /tmp has it) will do: what is in it is checked for itself.
func Info(path string, info fs.FileInfo) error {
	uid, ok := Owner(info)
	if !ok {
		return fmt.Errorf("%s: the system does not say whose it is", path)
	}
	if uid != 0 && uid != os.Geteuid() {
		return &Error{Path: path, Owner: true, Why: fmt.Sprintf("belongs to user %d", uid), Cure: "chown root " + path}
	}
	sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if info.Mode().Perm()&0o022 != 0 && !sticky && info.Mode()&fs.ModeSymlink == 0 {
		return othersWrite(path)
	}
	return nil
}

// Owner gives the number of the user to whom a file belongs; false where the system does not say.
func Owner(info fs.FileInfo) (int, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}
