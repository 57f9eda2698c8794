//go:build unix

package trust

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Info checks one file or directory. It accepts a directory that all may write but in which nobody may remove the files of others
// (the sticky bit, as for /tmp): the files in it are checked themselves.
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

// Owner gives the number of a file's owner; false if the system does not say.
func Owner(info fs.FileInfo) (int, bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Uid), true
}
