package rights

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// GiveMemoryBack gives the system what the start of a dial took and the holding of a link does not need: it lives for
// weeks on small machines. That is the heap that reading the profiles left behind, and the pages of the program itself.
// They stay in the page cache for as long as there is room, and those that are needed are mapped again when they are
// touched.
func GiveMemoryBack() {
	debug.FreeOSMemory()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		// Address range, permissions, offset, device, inode, path: proc_pid_maps(5). What cannot be written is what the
		// file holds: text and constants.
		f := strings.Fields(lines.Text())
		if len(f) < 6 || f[5] != program || strings.Contains(f[1], "w") {
			continue
		}
		low, high, ok := strings.Cut(f[0], "-")
		from, err1 := strconv.ParseUint(low, 16, 64)
		to, err2 := strconv.ParseUint(high, 16, 64)
		if !ok || err1 != nil || err2 != nil {
			continue
		}
		// A refusal costs some memory and nothing else.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, uintptr(from), uintptr(to-from), unix.MADV_DONTNEED)
	}
}
