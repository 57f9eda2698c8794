// Package foreign opens files that somebody else may have made: lock files in a directory that all may write, state,
// configuration, files with secrets, resolv.conf. A user who can write there can put a named pipe, a device, a link or an endless
// file in its place; none of these may block this process, fill its memory, or make it open another file.
package foreign

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/knakppp/knak/core/trust"
)

// Rules say what a file may be. The zero value is the strictest: a regular file, no link, of at most DefaultLimit octets.
type Rules struct {
	// Limit is how many octets the file may have; 0 is DefaultLimit.
	Limit int64
	// Links lets the last part of the path be a symbolic link. Links in the directories before it are always followed:
	// who can change those is asked by Trusted.
	Links bool
	// Pipes lets the file be a pipe, a socket or a terminal: a person named it, and may have meant /dev/stdin, /dev/fd/3 or
	// what a shell made of <(command). It is waited for.
	Pipes bool
	// Trusted refuses a file that anybody but root and this process's user could have changed: itself, a directory above it
	// or a link on the way (trust.Path). What was handed over as a descriptor is not judged: who started this process did it.
	Trusted bool
	// Named is for a file that a person has named for this run: Links and Pipes are allowed, and Trusted looks at the file
	// itself (trust.Named).
	Named bool
}

// DefaultLimit is right for what people write by hand.
const DefaultLimit = 1 << 20

// Error says that a file is not what it must be.
type Error struct {
	Path string
	Why  string // "is a named pipe, not a file"
}

func (e *Error) Error() string { return e.Path + " " + e.Why }

// Open opens a file for reading. It does not wait for anybody: not for the other end of a named pipe (open(2), ENXIO and
// O_NONBLOCK), not for the holder of a lease on the file (fcntl(2), F_SETLEASE). The errors are *Error, *trust.Error and
// those of the system.
func Open(path string, r Rules) (*os.File, error) {
	r.Links, r.Pipes = r.Links || r.Named, r.Pipes || r.Named
	handed := descriptor(path)
	at := path
	if r.Trusted && !r.Named && !handed {
		real, err := trust.Resolve(path)
		if err != nil {
			return nil, err
		}
		if r.Links {
			at = real
		}
	}
	flags := os.O_RDONLY | openNonblock | openNoTTY
	if (!r.Links || at != path) && !handed {
		flags |= openNoFollow
	}
	if r.Pipes && !handed {
		// A person's named pipe is waited for: with O_NONBLOCK it is at its end before its writer has come.
		if info, err := os.Stat(path); err == nil && info.Mode()&fs.ModeNamedPipe != 0 {
			flags &^= openNonblock
		}
	}
	f, err := os.OpenFile(at, flags, 0)
	if errors.Is(err, syscall.ELOOP) && flags&openNoFollow != 0 {
		return nil, &Error{path, "is a symbolic link, not a file"}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = r.judge(path, info, handed)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// descriptor says whether a path means one of this process's own descriptors.
func descriptor(path string) bool {
	path = filepath.Clean(path)
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

// judge looks at what was opened, which no longer depends on its name.
func (r Rules) judge(path string, info fs.FileInfo, handed bool) error {
	mode := info.Mode()
	switch {
	case mode.IsRegular():
		if info.Size() > r.limit() {
			return &Error{path, fmt.Sprintf("is longer than %d octets", r.limit())}
		}
	case mode.IsDir():
		return &Error{path, "is a directory, not a file"}
	case !r.Pipes || mode&fs.ModeDevice != 0 && mode&fs.ModeCharDevice == 0:
		return &Error{path, "is " + kind(mode) + ", not a file"}
	}
	switch {
	case !r.Trusted, handed, mode&fs.ModeCharDevice != 0:
		return nil
	case r.Named:
		return trust.Named(path, info)
	}
	return trust.Info(path, info) // the file that trust.Path saw may have been another
}

func (r Rules) limit() int64 {
	if r.Limit > 0 {
		return r.Limit
	}
	return DefaultLimit
}

func kind(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsDir():
		return "a directory"
	}
	return "a device"
}

// Read reads a whole file.
func Read(path string, r Rules) ([]byte, error) {
	f, err := Open(path, r)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return All(f, path, r)
}

// All reads what Open has opened, to its end. A file that has grown beyond the limit meanwhile is an *Error.
func All(f io.Reader, path string, r Rules) ([]byte, error) {
	content, err := io.ReadAll(io.LimitReader(f, r.limit()+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > r.limit() {
		return nil, &Error{path, fmt.Sprintf("is longer than %d octets", r.limit())}
	}
	return content, nil
}

// Lock opens the file at path, which it makes where there is none, and takes its flock at once or not at all: the error
// matches syscall.EWOULDBLOCK where somebody holds it. The system lets it go when the file is closed or the process ends,
// however it ends. Only this user may open a file that Lock has made, so that nobody else can hold its lock; the directory
// must be one in which nobody else makes files.
func Lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|openNoFollow|openNonblock, 0o600)
	if errors.Is(err, syscall.ELOOP) {
		return nil, &Error{path, "is a symbolic link, not a file"}
	}
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = &Error{path, "is " + kind(info.Mode()) + ", not a file"}
	default:
		if uid, ok := trust.Owner(info); ok && uid != os.Geteuid() && os.Geteuid() != 0 {
			err = &Error{path, fmt.Sprintf("belongs to user %d, not to us", uid)}
		}
	}
	if err == nil {
		if err = flock(f); err != nil {
			err = &fs.PathError{Op: "flock", Path: path, Err: err}
		}
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}
