//go:build unix

package resolv

import (
	"io/fs"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

const noFollow, noWait = unix.O_NOFOLLOW, unix.O_NONBLOCK

// whose gives whose a file is.
func whose(info fs.FileInfo) (uid, gid int) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return int(st.Uid), int(st.Gid)
	}
	return 0, 0
}

// endsWhole makes the end of a program's time the end of all that it has started.
func endsWhole(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

// MayWrite says why this user may not write a file. It does not open the file.
func MayWrite(path string) error { return unix.Access(path, unix.W_OK) }
