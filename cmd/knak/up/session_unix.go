//go:build unix

package up

import (
	"syscall"
)

// ownSession lets a program outlive this one's terminal.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
