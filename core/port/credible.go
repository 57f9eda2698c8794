//go:build linux

package port

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// This file is whether a lock file may be believed. Most systems let everybody make files in the directory of the locks
// (/run/lock, mode 1777): without a look at who has made one, any user could keep root from the modem for good.

// ours says whether a file belongs to root or to this process's user.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || st.Uid == 0 || int(st.Uid) == os.Geteuid()
}

// credible says whether a lock file of a process that runs can be meant seriously: root's and our own always; another
// user's if the process is his, and if he may open the tty at all. What cannot be found out counts for the lock.
func credible(pid int, info fs.FileInfo, tty string) bool {
	if ours(info) {
		return true
	}
	who, ok := identityOf(pid)
	if !ok {
		return true
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	return slices.Contains(who.users, owner) && who.mayOpen(tty) // otherwise it is a process such as init, which did not write this
}

// identity is what the kernel checks rights of a process by (proc_pid_status(5)).
type identity struct {
	users  []uint32 // real, effective, saved, of the file system
	groups []uint32 // the same of the group, and the supplementary ones
	free   bool     // CAP_DAC_OVERRIDE: no mode of a file holds it
}

func identityOf(pid int) (identity, bool) {
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return identity{}, false
	}
	return parseIdentity(status)
}

func parseIdentity(status []byte) (who identity, ok bool) {
	for line := range bytes.Lines(status) {
		name, value, _ := bytes.Cut(line, []byte(":"))
		var into *[]uint32
		switch string(name) {
		case "Uid":
			into = &who.users
		case "Gid", "Groups":
			into = &who.groups
		case "CapEff":
			caps, err := strconv.ParseUint(string(bytes.TrimSpace(value)), 16, 64)
			who.free = err == nil && caps&(1<<unix.CAP_DAC_OVERRIDE) != 0
			continue
		default:
			continue
		}
		for _, word := range bytes.Fields(value) {
			if id, err := strconv.ParseUint(string(word), 10, 32); err == nil {
				*into = append(*into, uint32(id))
			}
		}
	}
	return who, len(who.users) == 4
}

// mayOpen says whether a process may open a device for reading and writing. Where an access control list says more than
// its mode does, the answer is yes.
func (who identity) mayOpen(path string) bool {
	var st unix.Stat_t
	if who.free || unix.Stat(path, &st) != nil {
		return true
	}
	if _, err := unix.Getxattr(path, "system.posix_acl_access", nil); err == nil {
		return true
	}
	switch {
	case slices.Contains(who.users, st.Uid):
		return st.Mode&0o600 == 0o600
	case slices.Contains(who.groups, st.Gid):
		return st.Mode&0o060 == 0o060
	}
	return st.Mode&0o006 == 0o006
}
