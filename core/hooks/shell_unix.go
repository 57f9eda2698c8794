//go:build unix

package hooks

import (
	"os/exec"
	"syscall"
)

// Dir is where the scripts are unless the user names another directory.
const Dir = "/etc/knak/hooks.d"

// group gives a script a process group of its own, and end sends all of that a signal.
func group(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func end(cmd *exec.Cmd, s syscall.Signal) error { return syscall.Kill(-cmd.Process.Pid, s) }
