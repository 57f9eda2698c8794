package port

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// lockFile is a UUCP lock file of this process. A nil one is none.
type lockFile struct{ path string }

func (l *lockFile) name() string {
	if l == nil {
		return ""
	}
	return l.path
}

// lockName is the name of the lock file for the tty at path: what follows the first "dev/", with each slash an underscore,
// so /dev/ttyUSB0 gives LCK..ttyUSB0 and /dev/pts/3 gives LCK..pts_3.
func lockName(path string) string {
	if _, after, ok := strings.Cut(path, "dev/"); ok {
		path = after
	}
	return "LCK.." + strings.ReplaceAll(path, "/", "_")
}

// lockContent is what such a file holds: the process id in ten columns and a line feed.
func lockContent(pid int) []byte { return fmt.Appendf(nil, "%10d\n", pid) }

// newLock is how long an unreadable lock file is taken for one that its owner is about to write.
const newLock = 5 * time.Second

// takeLock makes the lock file of the tty at path in dir. It returns nil and no error where the directory cannot be written
// but holds no valid lock either.
func takeLock(path, dir string) (*lockFile, error) {
	name := filepath.Join(dir, lockName(path))
	// The file is written under a name of its own and then linked: it never exists under its real name without content.
	temp, tempErr := os.CreateTemp(dir, "LTMP..") // O_EXCL
	if tempErr == nil {
		defer func() { _ = os.Remove(temp.Name()) }()
		_, err := temp.Write(lockContent(os.Getpid()))
		err = errors.Join(err, temp.Chmod(0o644), temp.Close())
		if err != nil {
			return nil, fmt.Errorf("write lock file %s: %w", temp.Name(), err)
		}
	}
	for range 5 {
		var err error
		if tempErr == nil {
			if err = os.Link(temp.Name(), name); err == nil {
				return &lockFile{name}, nil
			}
			if !errors.Is(err, fs.ErrExist) {
				return nil, fmt.Errorf("make lock file: %w", err)
			}
		}
		pid, held := lockHolder(name)
		if held {
			return nil, &LockedError{Path: path, PID: pid, Program: program(pid)}
		}
		if tempErr != nil {
			return nil, nil
		}
		err = removeStale(name)
		if errors.Is(err, fs.ErrPermission) {
			return nil, nil // another user's, in a directory where each may remove his own only; it holds nobody
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("remove stale lock file: %w", err)
		}
	}
	return nil, &LockedError{Path: path}
}

// removeStale removes a lock file that holds nobody. Of several that found the same stale file only one may: the others
// would remove the new lock of the first. So it is locked and then looked at again.
func removeStale(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // read only; nothing can be lost
	if err := control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX) }); err != nil {
		return err
	}
	was, err := f.Stat()
	if err != nil {
		return err
	}
	is, err := os.Stat(name)
	if err != nil {
		return err
	}
	if _, held := lockHolder(name); held || !os.SameFile(was, is) {
		return nil
	}
	return os.Remove(name)
}

// lockHolder says whether the lock file holds, and for which process; 0 when it does not say.
func lockHolder(name string) (pid int, held bool) {
	content, err := os.ReadFile(name)
	if err != nil {
		return 0, !errors.Is(err, fs.ErrNotExist)
	}
	pid, err = strconv.Atoi(string(bytes.TrimSpace(content)))
	if err != nil && len(content) == 4 { // the old way: a binary int
		pid, err = int(binary.NativeEndian.Uint32(content)), nil
	}
	if err != nil {
		info, serr := os.Stat(name)
		return 0, serr == nil && time.Since(info.ModTime()) < newLock
	}
	return pid, pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// release removes the lock file if it is still this process's.
func (l *lockFile) release() error {
	if l == nil {
		return nil
	}
	content, err := os.ReadFile(l.path)
	if err != nil || !bytes.Equal(content, lockContent(os.Getpid())) {
		return nil
	}
	return os.Remove(l.path)
}

// Holder is a process that has a port open.
type Holder struct {
	PID     int
	Program string // its name, as in /proc/PID/comm
}

// Holders finds the other processes that have the tty at path open, by process id. Without privilege only those of the same
// user can be seen; what cannot be seen is left out without an error.
func Holders(path string) ([]Holder, error) {
	var want unix.Stat_t
	if err := unix.Stat(path, &want); err != nil {
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	if want.Mode&unix.S_IFMT != unix.S_IFCHR {
		return nil, &fs.PathError{Op: "holders", Path: path, Err: syscall.ENOTTY}
	}
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, err
	}
	var holders []Holder
	for _, proc := range procs {
		pid, err := strconv.Atoi(proc.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		if len(descriptors(filepath.Join("/proc", proc.Name(), "fd"), &want)) > 0 {
			holders = append(holders, Holder{PID: pid, Program: program(pid)})
		}
	}
	slices.SortFunc(holders, func(a, b Holder) int { return cmp.Compare(a.PID, b.PID) })
	return holders, nil
}

// descriptors lists those in dir, a directory such as /proc/1/fd, that are the device want.
func descriptors(dir string, want *unix.Stat_t) (found []int) {
	fds, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, entry := range fds {
		link := filepath.Join(dir, entry.Name())
		// Only devices are looked at closer: a stat of a file on a dead network mount would hang.
		if target, err := os.Readlink(link); err != nil || !strings.HasPrefix(target, "/dev/") {
			continue
		}
		var st unix.Stat_t
		fd, err := strconv.Atoi(entry.Name())
		if err == nil && unix.Stat(link, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFCHR && st.Rdev == want.Rdev {
			found = append(found, fd)
		}
	}
	return found
}

// modemManager finds a ModemManager that runs. It opens every modem's ports for exclusive use, as root, so another user can
// see neither what it has open nor get at it.
func modemManager() Holder {
	procs, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, comm := range procs {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(comm)))
		if err == nil && program(pid) == "ModemManager" {
			return Holder{PID: pid, Program: "ModemManager"}
		}
	}
	return Holder{}
}

// program is the name of a process, or "" when it cannot be seen.
func program(pid int) string {
	comm, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	return string(bytes.TrimSpace(comm))
}
