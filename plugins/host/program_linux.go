package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/trust"
)

// makeRuntime makes a private directory below base for the sockets of plugins, with the mark of their processes in its lock,
// and removes those whose owner is gone.
func makeRuntime(base string, m mark) (dir string, lock *os.File, err error) {
	if len(base) > maxRuntime {
		base = filepath.Join(os.TempDir(), fmt.Sprintf("knak-%d", os.Geteuid()))
	}
	if err := os.MkdirAll(base, 0o700); err != nil {
		return "", nil, fmt.Errorf("plugins: %w", err)
	}
	if err := trust.Path(base); err != nil {
		return "", nil, fmt.Errorf("plugins: %w", err)
	}
	sweep(base)
	// It gets its name only when it is locked: another dial that starts at this moment sweeps as well.
	made, err := os.MkdirTemp(base, newPrefix) // mode 0700
	if err != nil {
		return "", nil, fmt.Errorf("plugins: %w", err)
	}
	dir = filepath.Join(base, runtimePrefix+strings.TrimPrefix(filepath.Base(made), newPrefix))
	lock, err = os.OpenFile(filepath.Join(made, LockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		_, err = fmt.Fprintf(lock, "%d\n", m)
	}
	if err == nil {
		err = unix.Flock(int(lock.Fd()), unix.LOCK_SH)
	}
	if err == nil {
		err = os.Rename(made, dir) // of a directory onto one that is not empty it fails
	}
	if err != nil {
		return "", nil, errors.Join(fmt.Errorf("plugins: %w", err), os.RemoveAll(made))
	}
	return dir, lock, nil
}

// sweep removes private directories that nobody uses, and ends the processes whose mark is in there: only where both programs
// were killed at once is one left behind.
func sweep(base string) {
	entries, _ := os.ReadDir(base) // it was just made or looked at
	for _, e := range entries {
		made := strings.HasPrefix(e.Name(), newPrefix)
		if !e.IsDir() || !made && !strings.HasPrefix(e.Name(), runtimePrefix) {
			continue
		}
		dir := filepath.Join(base, e.Name())
		st, err := os.Lstat(dir)
		if err != nil || int(st.Sys().(*syscall.Stat_t).Uid) != os.Geteuid() {
			continue
		}
		if made {
			if time.Since(st.ModTime()) < time.Minute {
				continue // it is being made at this moment
			}
		} else if lock, err := os.OpenFile(filepath.Join(dir, LockName), os.O_RDWR, 0); err == nil {
			inUse := unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil
			var m mark
			_, err := fmt.Fscan(io.LimitReader(lock, 30), &m)
			_ = lock.Close() // which lets it go
			if inUse {
				continue
			}
			if err == nil && m >= leastMark {
				m.kill()
			}
		} else if !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		_ = os.RemoveAll(dir) // whatever is left is tried again at the next start
	}
}

// startProgram starts the second program, marked, with one end of a socket, and gives the other. It starts nothing before it is
// told what by that socket. Where the system allows no mark (this program's own limit is too low), what outlives a second
// program that was killed cannot be found: that is no reason to run without plugins.
func startProgram(path string, lock *os.File, m mark) (*exec.Cmd, *os.File, *tail, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("plugins: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "socket"), os.NewFile(uintptr(pair[1]), "socket")
	defer theirs.Close()
	errors := &tail{}
	cmd := &exec.Cmd{
		Path: path, Args: []string{Program}, Dir: "/", Env: []string{"PATH=" + childPath},
		Stderr: errors, ExtraFiles: []*os.File{theirs, lock},
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true}, // Ctrl-C on the terminal is for the dial, which ends it in order
	}
	if err := cmd.Start(); err != nil {
		_ = ours.Close()
		return nil, nil, nil, fmt.Errorf("plugins: %s: %w", path, err)
	}
	_ = m.put(cmd.Process.Pid)
	return cmd, ours, errors, nil
}

// childPath is the search path for programs that plugins get.
const childPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
