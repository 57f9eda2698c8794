// Package rights gives up rights that a running dial does not need: being read by other processes of its user, most of root's
// capabilities, and the system calls with which a hijacked process could take over the host. Rights that were given up cannot be
// got back. So the caller gives them up after it has opened what it opens once, and before it reads from the modem.
package rights

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// NoDump keeps other processes of this user from reading this process's memory, which holds passwords: by ptrace(2), by
// /proc/PID/mem, and in a core dump (prctl(2), PR_SET_DUMPABLE). Programs that this process starts are not affected.
func NoDump() error { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) }

// capability is a right of capabilities(7), and the reason why a dial keeps it.
type capability struct {
	number int
	name   string
	why    string
}

// kept are the capabilities that a dial keeps if it has them. It gives up all others.
var kept = []capability{
	{unix.CAP_NET_ADMIN, "CAP_NET_ADMIN", "the interface, its addresses and routes"},
	{unix.CAP_NET_BIND_SERVICE, "CAP_NET_BIND_SERVICE", "a --proxy or --forward on a port below 1024"},
	{unix.CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE", "ports and files that another user owns"},
	{unix.CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH", "the same"},
	{unix.CAP_CHOWN, "CAP_CHOWN", "resolv.conf comes back as its owner's"},
	{unix.CAP_FOWNER, "CAP_FOWNER", "stale locks of other users"},
	{unix.CAP_KILL, "CAP_KILL", "scripts and plugins that outlast their time"},
	{unix.CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "who else has the port open"},
	{unix.CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "a serial line that takes nothing does not hold up its closing (TIOCSSERIAL)"},
}

// Keeps names those of the given capabilities that a dial keeps, and counts the rest.
func Keeps(has []int) (names []string, others int) {
	for _, n := range has {
		i := slices.IndexFunc(kept, func(c capability) bool { return c.number == n })
		if i < 0 {
			others++
			continue
		}
		names = append(names, kept[i].name)
	}
	return names, others
}

// capabilities are a thread's capabilities in the form of capset(2).
type capabilities struct {
	header unix.CapUserHeader
	data   [2]unix.CapUserData
}

func current() (c capabilities, err error) {
	c.header.Version = unix.LINUX_CAPABILITY_VERSION_3
	err = unix.Capget(&c.header, &c.data[0])
	return c, err
}

// Effective lists the capabilities that this process has now, by number.
func Effective() ([]int, error) {
	c, err := current()
	if err != nil {
		return nil, err
	}
	var list []int
	for n := range 64 {
		if c.data[n/32].Effective&(1<<(n%32)) != 0 {
			list = append(list, n)
		}
	}
	return list, nil
}

// Drop gives up all capabilities except those that Keeps names, in every thread. Programs that root starts later have root's
// rights again: these are hooks, whose files are checked before. The error is ENOTSUP in a program that is linked with C code.
func Drop() error {
	c, err := current()
	if err != nil {
		return err
	}
	var mask [2]uint32
	for _, k := range kept {
		mask[k.number/32] |= 1 << (k.number % 32)
	}
	less := c
	for i := range less.data {
		less.data[i].Effective &= mask[i]
		less.data[i].Permitted &= mask[i]
		less.data[i].Inheritable &= mask[i]
	}
	if less.data == c.data {
		return nil // another user's, who has none
	}
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&less.header)), uintptr(unsafe.Pointer(&less.data[0])), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

// Filter makes the kernel refuse (EPERM) the system calls in Refused, in all threads and for good (seccomp(2)). With these calls a
// process can take over the host or another process, or start a program. All other calls stay allowed. Filter is for a dial that
// starts no program.
func Filter() error {
	arch, ok := arches[runtime.GOARCH]
	if !ok {
		return fmt.Errorf("%w: %s", ErrFilter, runtime.GOARCH)
	}
	program := assemble(arch, refused)
	runtime.LockOSThread() // both calls are of one thread; the others take from it what it has
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("%w: %w", ErrFilter, err)
	}
	if err := install(program); err != nil {
		return fmt.Errorf("%w: %w", ErrFilter, err)
	}
	return nil
}

// ErrFilter says that this system has no filter of system calls.
var ErrFilter = errors.New("no filter of system calls")

func install(program []unix.SockFilter) error {
	p := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	// Without SPEC_ALLOW kernels before 5.16 slow down all of the process's code for it.
	const flags = unix.SECCOMP_FILTER_FLAG_TSYNC | unix.SECCOMP_FILTER_FLAG_SPEC_ALLOW
	r, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&p)))
	if errno != 0 {
		return errno
	}
	if r != 0 {
		return fmt.Errorf("thread %d did not take it", r)
	}
	return nil
}

// call is a system call that is refused.
type call struct {
	number uint32
	name   string
}

// Refused names the system calls that Filter refuses.
func Refused() []string {
	var names []string
	for _, c := range refused {
		names = append(names, c.name)
	}
	slices.Sort(names)
	return names
}

// refused are system calls that a dial which starts no program never makes.
var refused = []call{
	{unix.SYS_PTRACE, "ptrace"}, {unix.SYS_PROCESS_VM_READV, "process_vm_readv"}, {unix.SYS_PROCESS_VM_WRITEV, "process_vm_writev"},
	{unix.SYS_INIT_MODULE, "init_module"}, {unix.SYS_FINIT_MODULE, "finit_module"}, {unix.SYS_DELETE_MODULE, "delete_module"},
	{unix.SYS_KEXEC_LOAD, "kexec_load"}, {unix.SYS_REBOOT, "reboot"}, {unix.SYS_BPF, "bpf"}, {unix.SYS_PERF_EVENT_OPEN, "perf_event_open"},
	{unix.SYS_MOUNT, "mount"}, {unix.SYS_UMOUNT2, "umount2"}, {unix.SYS_PIVOT_ROOT, "pivot_root"}, {unix.SYS_CHROOT, "chroot"},
	{unix.SYS_UNSHARE, "unshare"}, {unix.SYS_SETNS, "setns"}, {unix.SYS_SWAPON, "swapon"}, {unix.SYS_SWAPOFF, "swapoff"},
	{unix.SYS_SETTIMEOFDAY, "settimeofday"}, {unix.SYS_CLOCK_SETTIME, "clock_settime"}, {unix.SYS_ADJTIMEX, "adjtimex"},
	{unix.SYS_ADD_KEY, "add_key"}, {unix.SYS_REQUEST_KEY, "request_key"}, {unix.SYS_KEYCTL, "keyctl"},
	{unix.SYS_USERFAULTFD, "userfaultfd"}, {unix.SYS_OPEN_BY_HANDLE_AT, "open_by_handle_at"}, {unix.SYS_ACCT, "acct"},
	{unix.SYS_QUOTACTL, "quotactl"}, {unix.SYS_PERSONALITY, "personality"}, {unix.SYS_SETHOSTNAME, "sethostname"},
	{unix.SYS_SETDOMAINNAME, "setdomainname"}, {unix.SYS_IO_URING_SETUP, "io_uring_setup"},
	{unix.SYS_EXECVE, "execve"}, {unix.SYS_EXECVEAT, "execveat"},
}

// Offsets in struct seccomp_data (seccomp(2)).
const (
	offsetNumber = 0
	offsetArch   = 4
)

// x32 marks the calls of the x32 ABI on amd64.
const x32 = 0x4000_0000

// assemble makes the filter: another architecture's calls and the x32 ABI's are refused, and so are those of the list.
func assemble(arch uint32, list []call) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	result := func(k uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: k} }
	deny := result(unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM))
	program := []unix.SockFilter{
		load(offsetArch),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: arch, Jt: 1},
		deny,
		load(offsetNumber),
	}
	if arch == unix.AUDIT_ARCH_X86_64 {
		program = append(program, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: x32, Jf: 1}, deny)
	}
	// The list is searched by halves, so that a call costs five comparisons.
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b call) int { return int(a.number) - int(b.number) })
	var search func(list []call) []unix.SockFilter
	search = func(list []call) []unix.SockFilter {
		if len(list) == 0 {
			return []unix.SockFilter{result(unix.SECCOMP_RET_ALLOW)}
		}
		if len(list) == 1 {
			return []unix.SockFilter{{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: list[0].number, Jf: 1}, deny, result(unix.SECCOMP_RET_ALLOW)}
		}
		half := len(list) / 2
		low, high := search(list[:half]), search(list[half:])
		return slices.Concat([]unix.SockFilter{{Code: unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, K: list[half].number, Jt: uint8(len(low))}}, low, high)
	}
	return append(program, search(list)...)
}

// arches are the architectures as seccomp(2) names them.
var arches = map[string]uint32{
	"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64, "arm": unix.AUDIT_ARCH_ARM, "386": unix.AUDIT_ARCH_I386,
	"mips": unix.AUDIT_ARCH_MIPS, "mipsle": unix.AUDIT_ARCH_MIPSEL, "riscv64": unix.AUDIT_ARCH_RISCV64,
}

// Story says for people which rights a dial of this user keeps and gives up.
func Story() string {
	var parts []string
	if has, err := Effective(); err == nil && len(has) > 0 {
		keeps, drops := Keeps(has)
		if len(keeps) > 0 {
			parts = append(parts, "a dial keeps "+strings.Join(keeps, " "))
		}
		parts = append(parts, fmt.Sprintf("gives up %d other capabilities", drops))
	} else {
		parts = append(parts, "a dial has no capability")
	}
	parts = append(parts, "its memory is not to be read or dumped",
		fmt.Sprintf("where it starts no program (--plane stack or none; or --hooks none, no plugins, and name servers by file) the kernel refuses it %d system calls: those that start programs, trace, mount, load modules and the like", len(Refused())))
	return strings.Join(parts, "; ")
}
