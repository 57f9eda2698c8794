// Package trust says whether a file can be trusted: whether only root and this process's user could have changed it. It is for
// files that knak runs or loads.
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
	Path  string // the path of the file, of a directory above it, or of a symbolic link on the way
	Owner bool   // it belongs to another user; if false, another user may write it
	Why   string // "belongs to user 1000" or "may be written by others"
	Cure  string // a command
}

func (e *Error) Error() string { return fmt.Sprintf("%s %s: %s", e.Path, e.Why, e.Cure) }

// Path follows symbolic links and checks the file and every directory above it. The result is nil, an *Error, or the error of
// reading the file system. It checks the file that is there now: a caller that runs the file afterwards must open it first and
// check the open file (Info), or trust the directories.
func Path(path string) error {
	_, err := Resolve(path)
	return err
}

// maxLinks is the greatest number of symbolic links in a path; the kernel has a similar limit.
const maxLinks = 20

// Resolve is Path, and gives the path without symbolic links. It also checks the links and the directories that contain them: a
// user who can replace a link can make it lead to another file.
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

// Named checks a file that a person has named, for example on the command line. It checks the file and not the directories above
// it. The file may also belong to the user who called sudo, because that user named it.
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
