// Package foreign opens files that another user may have made: lock files in a directory that all may write, state, configuration,
// files with secrets, resolv.conf. A user who can write there can put a named pipe, a device, a link or an endless file in the
// file's place. None of these may block this process, fill its memory, or make it open another file.
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

// Rules say what kind of file is acceptable. The zero value is the strictest: a regular file, no link, of at most DefaultLimit
// octets.
type Rules struct {
	// Limit is the greatest size of the file in octets; 0 stands for DefaultLimit.
	Limit int64
	// Links lets the last part of the path be a symbolic link. Links in the directories before it are always followed: Trusted
	// checks who can change those.
	Links bool
	// Pipes lets the file be a pipe, a socket or a terminal: a person has named it, and may have meant /dev/stdin, /dev/fd/3 or
	// the pipe that a shell makes of <(command). Opening and reading it may wait.
	Pipes bool
	// Trusted refuses a file that a user other than root and this process's user could have changed: the file, a directory above
	// it or a link on the way (trust.Path). A descriptor that this process was started with is not checked: whoever started the
	// process has chosen it.
	Trusted bool
	// Named is for a file that a person has named for this run: it allows Links and Pipes, and makes Trusted check the file only
	// (trust.Named).
	Named bool
}

// DefaultLimit, in octets, is enough for a file that people write by hand.
const DefaultLimit = 1 << 20

// Error says that a file does not follow the Rules.
type Error struct {
	Path string
	Why  string // "is a named pipe, not a file"
}

func (e *Error) Error() string { return e.Path + " " + e.Why }

// Open opens a file for reading. It waits neither for the other end of a named pipe (open(2), ENXIO and O_NONBLOCK) nor for the
// holder of a lease on the file (fcntl(2), F_SETLEASE). The error is an *Error, a *trust.Error or one of the system.
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

// All reads a file from Open to its end. If the file has grown beyond the limit meanwhile, the error is an *Error.
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

// Lock opens the file at path, which it makes if there is none, and takes its flock without waiting. If somebody holds the lock,
// the error matches syscall.EWOULDBLOCK. The system releases the lock when the file is closed or the process ends. Only this user
// may open a file that Lock has made, so nobody else can hold its lock. The directory must be one in which nobody else makes
// files.
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
