// Package trust says whether a file may be believed or run: whether anybody but root and this process's user could have
// changed it. It is for what knak runs or loads from the file system.
package trust

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Error says who else could have changed a file.
type Error struct {
	Path string // of the file or of a directory above it
	Why  string // "belongs to user 1000" or "may be written by others"
	Cure string // a command
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %s", e.Path, e.Why, e.Cure) }

// Path follows symbolic links and checks the file and every directory above it. The result is nil, an *Error, or the
// error of looking. What is checked is what stands there now: who runs the file afterwards must open it first and check
// what was opened (Info), or trust the directories.
func Path(path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	for {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if err := Info(path, info); err != nil {
			return err
		}
		up := filepath.Dir(path)
		if up == path {
			return nil
		}
		path = up
	}
}

// Info checks one file or directory. A directory that all may write but where nobody may take away what is another's
// (the sticky bit, as /tmp has it) will do: what is in it is checked for itself.
func Info(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Errorf("%s: the system does not say whose it is", path)
	}
	if st.Uid != 0 && int(st.Uid) != os.Geteuid() {
		return &Error{path, fmt.Sprintf("belongs to user %d", st.Uid), "chown root " + path}
	}
	sticky := info.IsDir() && info.Mode()&fs.ModeSticky != 0
	if info.Mode().Perm()&0o022 != 0 && !sticky {
		return &Error{path, "may be written by others", "chmod go-w " + path}
	}
	return nil
}
