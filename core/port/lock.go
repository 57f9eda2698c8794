//go:build linux

package port

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/foreign"
)

// lockFile is a UUCP lock file of this process. nil stands for none.
type lockFile struct{ path string }

// mine are the lock files that this process has made. In a container that is started anew the process often has the id of
// the one before, whose lock file is then not this process's.
var mine = struct {
	sync.Mutex
	names map[string]bool
}{names: map[string]bool{}}

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

// newLock is how long an unreadable lock file counts as one that its owner is about to write.
const newLock = 5 * time.Second

// lockLimit is the greatest size of a lock file: it holds the process id and sometimes a program's name and the user.
const lockLimit = 1024

// takeLock makes the lock file of the tty at path in dir. It returns nil and no error where none can be made there (the
// directory is missing, closed to us, read-only or full) but no valid lock is there either.
//
// In most systems everybody may make files in dir, so what is there proves nothing by itself: see lockHolder.
func takeLock(path, dir string) (*lockFile, error) {
	name := filepath.Join(dir, lockName(path))
	mine.Lock()
	defer mine.Unlock()
	// The file is written without a name and then linked: it never exists under its name without its content, and nothing
	// is left behind by a process that is killed in between.
	made, done, madeErr := newLockFile(dir)
	if madeErr == nil {
		defer done()
	}
	for range 5 {
		if madeErr == nil {
			err := linkLockFile(made, name)
			if err == nil {
				mine.names[name] = true
				return &lockFile{name}, nil
			}
			if !errors.Is(err, fs.ErrExist) {
				madeErr = err // this directory takes none
			}
		}
		pid, held := lockHolder(name, path)
		if held {
			return nil, &LockedError{Path: path, PID: pid, Program: program(pid)}
		}
		if madeErr != nil {
			return nil, nil
		}
		if err := removeStale(name, func() bool { _, held := lockHolder(name, path); return held }); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, nil // another user's, where each may remove his own only, or a directory; it holds nobody
		}
	}
	return nil, nil // somebody makes them as fast as they are removed, and none of them holds
}

// unnamed opens a file without a name in dir (open(2), O_TMPFILE). Tests replace it by a file system that cannot do that.
var unnamed = func(dir string) (*os.File, error) { return os.OpenFile(dir, unix.O_TMPFILE|os.O_WRONLY, 0o644) }

// newLockFile makes a lock file in dir that has no name yet. Where the file system has no such files, as that of a
// container, it has a name that is no lock's until done is called.
func newLockFile(dir string) (f *os.File, done func(), err error) {
	f, err = unnamed(dir)
	done = func() { _ = f.Close() }
	// open(2): EISDIR of a kernel that does not know O_TMPFILE, EOPNOTSUPP of a file system that does not.
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EISDIR) {
		f, err = os.CreateTemp(dir, "LTMP..") // O_EXCL
		done = func() { _ = f.Close(); _ = os.Remove(f.Name()) }
	}
	if err != nil {
		return nil, nil, err
	}
	_, err = f.Write(lockContent(os.Getpid()))
	if err = errors.Join(err, f.Chmod(0o644)); err != nil {
		done()
		return nil, nil, err
	}
	return f, done, nil
}

// linkLockFile gives it its name, if nothing has that.
func linkLockFile(f *os.File, name string) error {
	return control(f, func(fd int) error {
		err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", fd), unix.AT_FDCWD, name, unix.AT_SYMLINK_FOLLOW)
		if err != nil {
			return &fs.PathError{Op: "link", Path: name, Err: err}
		}
		return nil
	})
}

// staleWait is how long to wait for another process that is about to remove the same stale lock file. That takes microseconds; a
// process that holds the file longer does it to delay us.
const staleWait = 200 * time.Millisecond

// removeStale removes a lock file that holds nobody. Of several that found the same stale file only one may: the
// others would remove the new lock of the first. So it is locked and then looked at again: holds says whether it does after all.
func removeStale(name string, holds func() bool) error {
	f, err := foreign.Open(name, foreign.Rules{Limit: math.MaxInt64})
	var odd *foreign.Error
	switch {
	case errors.As(err, &odd): // a pipe, a link, a device, a directory: no program makes such a lock
		return os.Remove(name)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EWOULDBLOCK): // it cannot be read, but perhaps removed
		return os.Remove(name)
	case err != nil:
		return err
	}
	defer func() { _ = f.Close() }() // read only; nothing can be lost
	for until := time.Now().Add(staleWait); ; time.Sleep(staleWait / 100) {
		err := control(f, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) })
		if err == nil || !time.Now().Before(until) {
			break
		}
	}
	was, err := f.Stat()
	if err != nil {
		return err
	}
	is, err := os.Lstat(name)
	if err != nil {
		return err
	}
	if holds() || !os.SameFile(was, is) {
		return nil
	}
	return os.Remove(name)
}

// lockHolder says whether the lock file of a tty holds, and for which process; 0 when it does not say (with mine held). It holds for a
// process that runs, that the file's owner could have meant, and that may use the tty: everybody else may write into a file
// there whatever he likes. A pipe, a link, a device or a long file is no lock.
func lockHolder(name, tty string) (pid int, held bool) {
	f, err := foreign.Open(name, foreign.Rules{Limit: lockLimit})
	var odd *foreign.Error
	if err != nil {
		// What root cannot open (a lease, a file system of somebody's own) he removes.
		return 0, !errors.Is(err, fs.ErrNotExist) && !errors.As(err, &odd) && os.Geteuid() != 0
	}
	defer func() { _ = f.Close() }()
	content, err := foreign.All(f, name, foreign.Rules{Limit: lockLimit})
	if err != nil {
		return 0, !errors.As(err, &odd)
	}
	info, err := f.Stat()
	if err != nil {
		return 0, true
	}
	pid, ok := lockPID(content)
	if !ok {
		// Nobody but a dialer of root's or of our own is given the time: others could renew the file for ever.
		return 0, time.Since(info.ModTime()).Abs() < newLock && ours(info)
	}
	if pid == os.Getpid() {
		return pid, mine.names[name]
	}
	if pid <= 0 || errors.Is(unix.Kill(pid, 0), unix.ESRCH) {
		return pid, false
	}
	return pid, credible(pid, info, tty)
}

// maxPID is the greatest process id that a kernel gives (PID_MAX_LIMIT).
const maxPID = 1 << 22

// lockPID reads the process id in a lock file, and whether there is one: in digits, which other words may follow, or the
// old way, a binary int.
func lockPID(content []byte) (pid int, ok bool) {
	if words := bytes.Fields(content); len(words) > 0 {
		if pid, err := strconv.Atoi(string(words[0])); err == nil {
			return pid, true
		}
	}
	if len(content) == 4 {
		pid := binary.NativeEndian.Uint32(content)
		return int(pid), pid <= maxPID
	}
	return 0, false
}

// StaleLocks finds the lock files in dir ("": DefaultLockDir) that ended processes of this user have left. They lock nothing, and
// the next program that opens the port replaces them. Until then the port looks as if it were in use.
func StaleLocks(dir string) (names []string, err error) {
	dir = cmp.Or(dir, DefaultLockDir)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("lock files: %w", err)
	}
	for _, e := range entries {
		if name := filepath.Join(dir, e.Name()); strings.HasPrefix(e.Name(), "LCK..") && staleLock(name) {
			names = append(names, name)
		}
	}
	return names, nil
}

// RemoveStaleLock removes a lock file that StaleLocks gave, unless another process has locked the port meanwhile.
func RemoveStaleLock(name string) error {
	err := removeStale(name, func() bool { return !staleLock(name) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// staleLock says whether a file is a lock file of this user's for a process that has ended.
func staleLock(name string) bool {
	f, err := foreign.Open(name, foreign.Rules{Limit: lockLimit})
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }() // read only; nothing can be lost
	content, err := foreign.All(f, name, foreign.Rules{Limit: lockLimit})
	if err != nil {
		return false
	}
	info, err := f.Stat()
	if err != nil || !ours(info) {
		return false
	}
	pid, ok := lockPID(content)
	return ok && pid > 0 && errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// release removes the lock file if it is still this process's.
func (l *lockFile) release() error {
	if l == nil {
		return nil
	}
	mine.Lock()
	defer mine.Unlock()
	delete(mine.names, l.path)
	content, err := foreign.Read(l.path, foreign.Rules{Limit: lockLimit})
	if err != nil || !bytes.Equal(content, lockContent(os.Getpid())) {
		return nil
	}
	return os.Remove(l.path)
}

// Holders finds the other processes, by id, that have the tty at path open. Without privilege only processes of the same user are
// visible; others are left out without an error.
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
