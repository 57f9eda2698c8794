//go:build linux

package rights

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain lets the test binary be the process that gives its rights up, which is for good.
func TestMain(m *testing.M) {
	switch os.Getenv("GIVE_UP") {
	case "":
		os.Exit(m.Run())
	case "dump":
		err := NoDump()
		dumpable, _ := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0)
		_, exe := os.Readlink("/proc/self/exe")
		_, maps := os.ReadFile("/proc/self/maps")
		_, fds := os.ReadDir("/proc/self/fd")
		fmt.Println(err, dumpable, exe, maps, fds)
	case "drop":
		err := Drop()
		has, _ := Effective()
		fmt.Println(errors.Is(err, syscall.ENOTSUP), has)
	case "filter":
		fmt.Println("filter:", Filter())
		done := make(chan string)
		go func() { // another thread has it too
			_, err := os.ReadFile("/proc/self/status")
			_, _, ptrace := unix.Syscall(unix.SYS_PTRACE, unix.PTRACE_TRACEME, 0, 0)
			done <- fmt.Sprintln("read:", err, "exec:", errors.Is(exec.Command("/bin/true").Run(), unix.EPERM), "ptrace:", ptrace == unix.EPERM,
				"unshare:", unix.Unshare(unix.CLONE_NEWNET) == unix.EPERM)
		}()
		fmt.Print(<-done)
	}
	os.Exit(0)
}

// giveUp starts such a process, as a user or as the one that this is.
func giveUp(t *testing.T, what string, user uint32) string {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), "GIVE_UP="+what)
	if user != 0 {
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user, Gid: user}}
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// users are those as which a test can run: this one's, and where that is root another one.
func users() []uint32 {
	if os.Geteuid() == 0 {
		return []uint32{0, 12345}
	}
	return []uint32{0}
}

func TestNoDump(t *testing.T) {
	for _, user := range users() {
		if got := giveUp(t, "dump", user); got != "<nil> 0 <nil> <nil> <nil>" {
			t.Errorf("user %d: %s", user, got)
		}
	}
}

func TestDrop(t *testing.T) {
	before, err := Effective()
	if err != nil {
		t.Fatal(err)
	}
	var want []int
	for _, n := range before {
		if slices.ContainsFunc(kept, func(c capability) bool { return c.number == n }) {
			want = append(want, n)
		}
	}
	slices.Sort(want)
	switch got := giveUp(t, "drop", 0); got {
	case fmt.Sprint(false, want):
	case fmt.Sprint(true, before):
		t.Skip("SKIPPED: this test binary is linked with C code: CGO_ENABLED=0 go test ./core/rights")
	default:
		t.Errorf("%s; want %v of %v", got, want, before)
	}
}

func TestFilter(t *testing.T) {
	for _, user := range users() {
		got := giveUp(t, "filter", user)
		if strings.Contains(got, ErrFilter.Error()) {
			t.Skipf("SKIPPED: %s", got)
		}
		if got != "filter: <nil>\nread: <nil> exec: true ptrace: true unshare: true" {
			t.Errorf("user %d: %s", user, got)
		}
	}
}

// The filter as a machine runs it (seccomp(2), bpf(4)): exactly the list is refused.
func TestAssemble(t *testing.T) {
	const arch = unix.AUDIT_ARCH_X86_64
	program := assemble(arch, refused)
	for n := range uint32(600) {
		want := slices.ContainsFunc(refused, func(c call) bool { return c.number == n })
		if got, steps := execute(program, arch, n); got == unix.SECCOMP_RET_ALLOW == want || steps > 16 {
			t.Errorf("call %d: %#x after %d steps, refused: %v", n, got, steps, want)
		}
	}
	for _, c := range []struct{ arch, number uint32 }{{unix.AUDIT_ARCH_I386, 4}, {arch, x32 | 1}} {
		if got, _ := execute(program, c.arch, c.number); got != unix.SECCOMP_RET_ERRNO|uint32(unix.EPERM) {
			t.Errorf("%#x: %#x", c, got)
		}
	}
	for _, c := range refused {
		if c.name == "" || !slices.Contains(Refused(), c.name) {
			t.Errorf("call %d has no name", c.number)
		}
	}
}

func execute(program []unix.SockFilter, arch, number uint32) (result uint32, steps int) {
	var a uint32
	for at := 0; ; at++ {
		steps++
		i := program[at]
		taken := false
		switch i.Code {
		case unix.BPF_LD | unix.BPF_W | unix.BPF_ABS:
			a = map[uint32]uint32{offsetArch: arch, offsetNumber: number}[i.K]
			continue
		case unix.BPF_RET | unix.BPF_K:
			return i.K, steps
		case unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K:
			taken = a == i.K
		case unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K:
			taken = a >= i.K
		default:
			return 0, steps
		}
		if taken {
			at += int(i.Jt)
		} else {
			at += int(i.Jf)
		}
	}
}
