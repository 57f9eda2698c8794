//go:build linux

package port

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// In most systems everybody may make files in the directory of the locks. Whatever is there under the lock's name, the
// lock is taken, or one goes on without, and at once.
func TestWhatIsNoLockHoldsNobody(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		gone bool // it could be removed, so the lock is made
	}{
		{"a named pipe", func(t *testing.T, p string) { must(t, unix.Mkfifo(p, 0o666)) }, true},
		{"a link to a device without end", func(t *testing.T, p string) { must(t, os.Symlink("/dev/zero", p)) }, true},
		{"a link to nowhere", func(t *testing.T, p string) { must(t, os.Symlink("nowhere", p)) }, true},
		{"a link to the lock of a process that runs", func(t *testing.T, p string) {
			must(t, os.WriteFile(p+".real", []byte("         1\n"), 0o644))
			must(t, os.Symlink(p+".real", p))
		}, true},
		{"a file of 3 GB that takes no room", func(t *testing.T, p string) {
			must(t, os.WriteFile(p, nil, 0o644))
			must(t, os.Truncate(p, 3<<30))
		}, true},
		{"an empty file from the future", func(t *testing.T, p string) {
			must(t, os.WriteFile(p, nil, 0o644))
			future := time.Now().Add(24 * time.Hour)
			must(t, os.Chtimes(p, future, future))
		}, true},
		{"a stale lock that somebody keeps locked", func(t *testing.T, p string) {
			must(t, os.WriteFile(p, fmt.Appendf(nil, "%10d\n", deadPID(t)), 0o666))
			holdFile(t, p, func(fd int) error { return unix.Flock(fd, unix.LOCK_EX) })
		}, true},
		{"a stale lock that somebody has a lease on", func(t *testing.T, p string) {
			must(t, os.WriteFile(p, fmt.Appendf(nil, "%10d\n", deadPID(t)), 0o666))
			holdFile(t, p, func(fd int) error {
				if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
					t.Skipf("SKIPPED: no leases on this file system: %v", err)
				}
				return nil
			})
		}, os.Geteuid() == 0},
		{"an empty directory", func(t *testing.T, p string) { must(t, os.Mkdir(p, 0o755)) }, true},
		{"a directory", func(t *testing.T, p string) { must(t, os.MkdirAll(filepath.Join(p, "full"), 0o755)) }, false},
		{"a lock of a process with our id, before us", func(t *testing.T, p string) { must(t, os.WriteFile(p, lockContent(os.Getpid()), 0o644)) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "LCK..ttyUSB0")
			c.make(t, path)
			begun := time.Now()
			l, err := takeLock("/dev/ttyUSB0", dir)
			if err != nil || (l != nil) != c.gone {
				t.Fatalf("%v, %v", l, err)
			}
			if took := time.Since(begun); took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if !c.gone {
				return
			}
			if content, err := os.ReadFile(path); err != nil || string(content) != string(lockContent(os.Getpid())) {
				t.Errorf("%q, %v", content, err)
			}
			must(t, l.release())
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("left behind: %v", err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// holdFile keeps a file open while the test runs, and does to it what its owner can.
func holdFile(t *testing.T, path string, do func(fd int) error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must(t, err)
	t.Cleanup(func() { f.Close() })
	must(t, do(int(f.Fd())))
}

// A directory that is full must not keep anybody from dialling, as one that is read-only does not.
func TestALockDirectoryThatTakesNoFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to mount a small file system: run the tests as root")
	}
	for _, c := range []struct {
		name, options string
		fill          bool
		flags         uintptr
	}{
		{"no inode is left", "size=64k,nr_inodes=2", true, 0},
		{"no room is left", "size=4k", true, 0},
		{"read-only", "size=64k", false, unix.MS_RDONLY},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := unix.Mount("none", dir, "tmpfs", c.flags, c.options); err != nil {
				t.Skipf("SKIPPED: no mounts here: %v", err)
			}
			t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
			if c.fill {
				must(t, os.WriteFile(filepath.Join(dir, "full"), nil, 0o644))
				_ = os.WriteFile(filepath.Join(dir, "full"), make([]byte, 4096), 0o644) // as much as there is room for
			}
			l, err := takeLock("/dev/ttyUSB0", dir)
			if l != nil || err != nil {
				t.Errorf("%v, %v; want neither a lock nor an error", l, err)
			}
		})
	}
}

// A lock of another user's is believed if it names a process of his that may use the port.
func TestALockOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to be two users: run the tests as root")
	}
	const user, group = 12345, 12346
	for _, c := range []struct {
		name  string
		owner int
		pid   func(t *testing.T) int
		mode  os.FileMode // of the port, which belongs to root and group
		held  bool
	}{
		{"root's, of any process", 0, func(*testing.T) int { return 1 }, 0o600, true},
		{"one that names init", user, func(*testing.T) int { return 1 }, 0o666, false},
		{"one of a process that may not use the port", user, func(t *testing.T) int { return processOf(t, user, user) }, 0o660, false},
		{"one of a process in the port's group", user, func(t *testing.T) int { return processOf(t, user, group) }, 0o660, true},
		{"one of a process, where all may use the port", user, func(t *testing.T) int { return processOf(t, user, user) }, 0o666, true},
		{"one without content", user, nil, 0o666, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			tty := filepath.Join(dir, "tty")
			must(t, os.WriteFile(tty, nil, 0o600))
			must(t, os.Chown(tty, 0, group))
			must(t, os.Chmod(tty, c.mode))
			path := filepath.Join(dir, lockName(tty))
			var content []byte
			if c.pid != nil {
				content = lockContent(c.pid(t))
			}
			must(t, os.WriteFile(path, content, 0o644))
			must(t, os.Chown(path, c.owner, c.owner))
			_, err := takeLock(tty, dir)
			var locked *LockedError
			if errors.As(err, &locked) != c.held || err != nil && !c.held {
				t.Errorf("%v; held should be %v", err, c.held)
			}
		})
	}
}

// processOf starts a process of another user, and gives its id.
func processOf(t *testing.T, user, group uint32) int {
	t.Helper()
	c := exec.Command("cat")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user, Groups: []uint32{group}}}
	in, err := c.StdinPipe()
	must(t, err)
	must(t, c.Start())
	t.Cleanup(func() { in.Close(); _ = c.Wait() })
	return c.Process.Pid
}

// The file system of a container often has no files without a name (O_TMPFILE).
func TestALockWithoutUnnamedFiles(t *testing.T) {
	was := unnamed
	t.Cleanup(func() { unnamed = was })
	unnamed = func(dir string) (*os.File, error) {
		return nil, &os.PathError{Op: "open", Path: dir, Err: unix.EOPNOTSUPP}
	}
	dir := t.TempDir()
	l, err := takeLock("/dev/ttyUSB0", dir)
	if err != nil || l == nil {
		t.Fatalf("%v, %v", l, err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != "LCK..ttyUSB0" {
		t.Errorf("%v, %v", entries, err)
	}
	if content, err := os.ReadFile(l.path); err != nil || string(content) != string(lockContent(os.Getpid())) {
		t.Errorf("%q, %v", content, err)
	}
	must(t, l.release())
}

func TestLockPID(t *testing.T) {
	for content, want := range map[string]int{
		"      1234\n": 1234, "1234": 1234, "1234 minicom root\n": 1234, "\x05\x00\x00\x00": 5, "": -1, "hello": -1, "  \n": -1, "12x4": -1,
		strings.Repeat("9", 40): -1,
	} {
		pid, ok := lockPID([]byte(content))
		if ok != (want >= 0) || ok && pid != want {
			t.Errorf("%q: %d, %v", content, pid, ok)
		}
	}
}
