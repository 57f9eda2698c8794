package up

import "syscall"

// ownSession lets a program outlive this one's console.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{CreationFlags: 0x00000008} } // DETACHED_PROCESS
