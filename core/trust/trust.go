// Package trust says whether a file may be believed or run: whether anybody but root and this process's user could have
// changed it. It is for what knak runs or loads from the file system.
package trust

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Error says who else could have changed a file.
type Error struct {
	Path  string // of the file, of a directory above it, or of a symbolic link on the way
	Owner bool   // it belongs to somebody else; otherwise somebody else may write it
	Why   string // "belongs to user 1000" or "may be written by others"
	Cure  string // a command
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %s", e.Path, e.Why, e.Cure) }

// Path follows symbolic links and checks the file and every directory above it. The result is nil, an *Error, or the
// error of looking. What is checked is what stands there now: who runs the file afterwards must open it first and check
// what was opened (Info), or trust the directories.
func Path(path string) error {
	_, err := Resolve(path)
	return err
}

// maxLinks is how many symbolic links may stand in a path, as the kernel has such a limit.
const maxLinks = 20

// Resolve is Path, and gives the path without symbolic links. It looks at the links too, and at the directories in which they
// stand: a user who can replace a link can make it lead to another file.
func Resolve(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	const slash = string(filepath.Separator)
	volume := filepath.VolumeName(path) // "" but on Windows
	rest, at, links := strings.Split(path[len(volume):], slash), volume+slash, 0
	for {
		info, err := os.Lstat(at)
		if err != nil {
			return "", err
		}
		if err := Info(at, info); err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			if links++; links > maxLinks {
				return "", &fs.PathError{Op: "open", Path: path, Err: syscall.ELOOP}
			}
			to, err := os.Readlink(at)
			if err != nil {
				return "", err
			}
			rest = append(strings.Split(to[len(filepath.VolumeName(to)):], slash), rest...)
			at = filepath.Dir(at)
			if filepath.IsAbs(to) {
				at = filepath.VolumeName(to) + slash
			}
		}
		for len(rest) > 0 && (rest[0] == "" || rest[0] == ".") {
			rest = rest[1:]
		}
		if len(rest) == 0 {
			return at, nil
		}
		at, rest = filepath.Join(at, rest[0]), rest[1:] // at has no link in it, so Join may take ".." for the directory above
	}
}

// Named checks a file that a person has named, such as one on the command line: the file itself and not where it is, and the user
// who called sudo may own it too, because that user named it.
func Named(path string, info fs.FileInfo) error {
	err := Info(path, info)
	var bad *Error
	if !errors.As(err, &bad) || !bad.Owner {
		return err
	}
	uid, ok := Owner(info)
	by, who := strconv.Atoi(os.Getenv("SUDO_UID"))
	if !ok || who != nil || uid != by || os.Geteuid() != 0 {
		return err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return othersWrite(path)
	}
	return nil
}

func othersWrite(path string) *Error {
	return &Error{Path: path, Why: "may be written by others", Cure: "chmod go-w " + path}
}
