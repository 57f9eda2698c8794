//go:build linux

// Package guest runs a test binary as root inside a throw-away Linux kernel that has PPP, on a machine whose own kernel
// may have none and whose user may not be root.
//
// A package whose tests belong there needs one function:
//
//	func TestMain(m *testing.M) { guest.Main(m) }
//
// go test then runs the binary as ever, with all its flags; Main boots Debian's User-Mode Linux on this machine's own
// file tree, the same binary is the guest's first process, runs its tests there, and its output and exit status come
// back. One boot serves all tests of the package and costs a few seconds. Where this machine has two processors or more there
// are two guests, which take the tests from one queue: a guest has one processor.
//
// Inside are /dev/ppp, the N_PPP line discipline, TUN, veth, netem and network namespaces. /etc and /var are scratch
// layers over this machine's own, /run, /dev/shm and TMPDIR are empty; every other file is the machine's own. There
// is one processor, and its clock is not the machine's: compare times within one guest, never between it and outside.
package guest

import (
	"bytes"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Kernel is the program that runs as the guest's kernel. Install says how to install it and the programs that the tests in it use.
const (
	Kernel  = "linux.uml"
	Install = "apt-get install --no-install-recommends user-mode-linux kmod iproute2 ppp slirp socat pppoe pptpd pptp-linux gcc libc6-dev"
)

// dirVariable names the directory where host and guest exchange files. The kernel passes it on to its first process.
const dirVariable = "KNAK_GUEST"

// Inside says whether this process runs in the guest.
func Inside() bool { return os.Getenv(dirVariable) != "" }

// Main is the TestMain of a package whose tests run in the guest. It does not return. It calls prepare on the machine itself,
// before the guest boots: for example to build a program and to name it in a variable KNAK_…, which the tests see.
func Main(m *testing.M, prepare ...func() (undo func(), err error)) {
	switch {
	case os.Getpid() == 1 && Inside():
		initProcess() // ends with the guest
	case Inside():
		os.Exit(m.Run())
	}
	flag.Parse()
	path, err := exec.LookPath(Kernel)
	if err != nil {
		fmt.Printf("SKIPPED: all tests of this package: they run in a guest kernel, and there is no %s. Get it with:\n    %s\n", Kernel, Install)
		os.Exit(0)
	}
	if list := flag.Lookup("test.list"); list != nil && list.Value.String() != "" {
		os.Exit(m.Run()) // only names: no need to boot
	}
	code, err := prepareAndBoot(path, prepare)
	if err != nil {
		fmt.Fprintln(os.Stderr, "guest:", err)
		code = 1
	}
	os.Exit(code)
}

func prepareAndBoot(kernel string, prepare []func() (func(), error)) (int, error) {
	for _, f := range prepare {
		undo, err := f()
		if err != nil {
			return 1, err
		}
		defer undo()
	}
	tests, err := listTests()
	if err != nil {
		return 1, err
	}
	guests := min(2, runtime.NumCPU(), len(tests))
	if benchmarks := flag.Lookup("test.bench"); benchmarks != nil && benchmarks.Value.String() != "" || guests < 2 {
		return boot(kernel, nil, "", os.Stdout)
	}
	queue, err := os.MkdirTemp("", "knak-guest-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(queue)
	out := &blocks{to: os.Stdout}
	codes, errs := make([]int, guests), make([]error, guests)
	var all sync.WaitGroup
	for i := range guests {
		all.Go(func() {
			w := &block{all: out}
			codes[i], errs[i] = boot(kernel, tests, queue, w)
			w.flush()
		})
	}
	all.Wait()
	return slices.Max(codes), errors.Join(errs...)
}

// listTests gives the tests that -test.run names, without what it says of their parts.
func listTests() ([]string, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, err
	}
	top, _, _ := strings.Cut(cmp.Or(flag.Lookup("test.run").Value.String(), "."), "/")
	out, err := exec.Command(binary, "-test.list="+top).Output()
	if err != nil {
		return nil, fmt.Errorf("list the tests: %w", err)
	}
	var tests []string
	for name := range strings.Lines(string(out)) {
		if strings.HasPrefix(name, "Test") {
			tests = append(tests, strings.TrimSpace(name))
		}
	}
	return tests, nil
}

// blocks writes what several guests say, each test's lines together.
type blocks struct {
	mu sync.Mutex
	to io.Writer
}

// block collects the lines of one guest up to the end of a test.
type block struct {
	all  *blocks
	text []byte
}

func (b *block) Write(p []byte) (int, error) {
	for line := range bytes.Lines(p) {
		b.text = append(b.text, line...)
		if end := string(b.text[bytes.LastIndexByte(bytes.TrimSuffix(b.text, []byte("\n")), '\n')+1:]); end == "PASS\n" || end == "FAIL\n" {
			b.flush()
		}
	}
	return len(p), nil
}

func (b *block) flush() {
	b.all.mu.Lock()
	defer b.all.mu.Unlock()
	_, _ = b.all.to.Write(b.text) // the standard output
	b.text = b.text[:0]
}

// boot runs this binary with its own arguments in a guest, writes what it says to out, and returns its exit status. Unless names
// is empty it runs those of them that no other guest has taken from the queue, a directory.
func boot(kernel string, names []string, queue string, out io.Writer) (int, error) {
	dir, err := os.MkdirTemp("", "knak-guest-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if err := writeRequest(dir, names, queue); err != nil {
		return 1, err
	}
	binary, err := os.Executable()
	if err != nil {
		return 1, err
	}
	if strings.ContainsAny(dir+binary, " \"") {
		return 1, fmt.Errorf("a path with a blank cannot be named on a kernel's command line: %s, %s", dir, binary)
	}
	tests, console, err := os.Pipe()
	if err != nil {
		return 1, err
	}
	defer tests.Close()

	cmd := exec.Command(kernel, "mem="+memory(), "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "rw",
		"init="+binary, dirVariable+"="+dir,
		// Kernel messages go to the standard output; tty1 is for the tests alone, on descriptor 3.
		"con=null", "con0=null,fd:1", "con1=null,fd:3", "ssl=null", "quiet", "loglevel=3")
	cmd.ExtraFiles = []*os.File{console}
	var boot bytes.Buffer
	cmd.Stdout, cmd.Stderr = &boot, &boot
	// The kernel runs each guest process in a process of the host: one group, so that all can be ended together.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	runtime.LockOSThread() // the parent that Pdeathsig watches is the thread
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		console.Close()
		return 1, err
	}
	console.Close()
	killed := make(chan string, 1)
	kill := func(why string) {
		select {
		case killed <- why:
		default:
		}
		syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	go func() {
		for s := range signals {
			kill("ended by " + s.String())
		}
	}()
	if limit := timeLimit(); limit > 0 {
		defer time.AfterFunc(limit, func() { kill(fmt.Sprintf("no end after %v", limit)) }).Stop()
	}
	io.Copy(out, tests) // ends when the guest has ended
	waitErr := cmd.Wait()
	signal.Stop(signals)
	close(signals)
	syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the kernel left behind

	select {
	case why := <-killed:
		return 1, fmt.Errorf("%s; the kernel said:\n%s", why, boot.Bytes())
	default:
	}
	if why, err := os.ReadFile(filepath.Join(dir, "error")); err == nil {
		return 1, fmt.Errorf("inside: %s; the kernel said:\n%s", why, boot.Bytes())
	}
	status, err := os.ReadFile(filepath.Join(dir, "status"))
	if err != nil {
		return 1, fmt.Errorf("the guest ended without a result (%v); it said:\n%s", waitErr, boot.Bytes())
	}
	return strconv.Atoi(strings.TrimSpace(string(status)))
}

// writeRequest says what the guest's first process has to run, and where.
func writeRequest(dir string, tests []string, queue string) error {
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	var env []string
	for _, e := range os.Environ() {
		name, _, _ := strings.Cut(e, "=")
		if name == "PATH" || name == "HOME" || name == "LANG" || strings.HasPrefix(name, "GO") || strings.HasPrefix(name, "KNAK_") {
			env = append(env, e)
		}
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "cwd"), []byte(wd), 0o644),
		os.WriteFile(filepath.Join(dir, "tests"), []byte(strings.Join(tests, "\x00")), 0o644),
		os.WriteFile(filepath.Join(dir, "queue"), []byte(queue), 0o644),
		os.WriteFile(filepath.Join(dir, "args"), []byte(strings.Join(os.Args[1:], "\x00")), 0o644),
		os.WriteFile(filepath.Join(dir, "env"), []byte(strings.Join(env, "\x00")), 0o644))
}

// memory is the guest's size; pages that it does not touch cost nothing.
func memory() string {
	if m := os.Getenv("KNAK_GUEST_MEMORY"); m != "" {
		return m
	}
	return "768M"
}

// timeLimit lets the tests' own -test.timeout strike first, because that one says where they hang.
func timeLimit() time.Duration {
	f := flag.Lookup("test.timeout")
	if f == nil {
		return 0
	}
	d, err := time.ParseDuration(f.Value.String())
	if err != nil || d == 0 {
		return 0
	}
	return d + 30*time.Second
}
