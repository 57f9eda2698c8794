package rights

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// GiveMemoryBack returns memory to the system that the start of a dial needed and a running link does not: the heap that reading
// the profiles left, and the pages of the program itself. A link runs for weeks on small machines. The program's pages stay in the
// page cache while there is room, and are mapped again when they are used.
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
