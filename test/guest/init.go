//go:build linux

package guest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// modules are what the tests use, in the order of their dependencies. One that is missing or built in is passed over:
// the test that needs it says so.
var modules = []string{
	"lib/crc-ccitt", "drivers/net/slip/slhc", "fs/overlayfs/overlay",
	"drivers/net/ppp/ppp_generic", "drivers/net/ppp/ppp_async", "drivers/net/ppp/ppp_deflate", "drivers/net/ppp/bsd_comp", "drivers/net/ppp/ppp_mppe",
	"drivers/net/tun", "drivers/net/veth", "net/sched/sch_netem", "net/ipv6/ipv6",
}

// initProcess is the guest's first process: it makes the system whole, runs the tests and ends the guest.
func initProcess() {
	dir := os.Getenv(dirVariable)
	code, err := runGuest()
	if err != nil {
		os.WriteFile(filepath.Join(dir, "error"), []byte(err.Error()), 0o644)
		code = 1
	}
	os.WriteFile(filepath.Join(dir, "status"), []byte(strconv.Itoa(code)), 0o644)
	unix.Sync()
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	select {}
}

func runGuest() (int, error) {
	if err := mounts(); err != nil {
		return 1, err
	}
	tty, err := testConsole()
	if err != nil {
		return 1, err
	}
	defer tty.Close()
	request := func(name string) []string {
		data, _ := os.ReadFile(filepath.Join(os.Getenv(dirVariable), name))
		if len(data) == 0 {
			return nil
		}
		return strings.Split(string(data), "\x00")
	}
	env := append(request("env"), dirVariable+"="+os.Getenv(dirVariable), "TMPDIR=/run/tmp")
	for i, e := range env {
		if strings.HasPrefix(e, "PATH=") {
			env[i] = e + ":/usr/sbin:/sbin:/usr/bin:/bin"
		}
	}
	run := func(args ...string) (int, error) {
		cmd := exec.Command("/proc/self/exe", args...)
		cmd.Dir = request("cwd")[0]
		cmd.Env = env
		cmd.Stdout, cmd.Stderr = tty, tty
		err := cmd.Run()
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			return max(exit.ExitCode(), 1), nil
		}
		return 0, err
	}
	args, worst := request("args"), 0
	if tests := request("tests"); len(tests) > 0 {
		for _, name := range tests {
			if os.Mkdir(filepath.Join(request("queue")[0], name), 0o755) != nil {
				continue // another guest has it
			}
			code, runErr := run(only(args, name)...)
			worst, err = max(worst, code), errors.Join(err, runErr)
		}
	} else {
		worst, err = run(args...)
	}
	// What the console still holds must reach the host before the power goes.
	return worst, errors.Join(err, unix.IoctlSetInt(int(tty.Fd()), unix.TCSBRK, 1))
}

// only makes the arguments of a test binary run one test: what -test.run says of parts of tests stays.
func only(args []string, test string) []string {
	pattern := "^" + test + "$"
	for _, a := range args {
		if old, ok := strings.CutPrefix(a, "-test.run="); ok {
			if _, parts, ok := strings.Cut(old, "/"); ok {
				pattern += "/" + parts
			}
		}
	}
	return append(slices.Clip(args), "-test.run="+pattern)
}

func mounts() error {
	for _, m := range []struct{ kind, dir, options string }{
		{"proc", "/proc", ""}, {"sysfs", "/sys", ""}, {"devtmpfs", "/dev", ""}, {"tmpfs", "/run", "mode=755"},
		{"devpts", "/dev/pts", "ptmxmode=0666,mode=0620"}, {"tmpfs", "/dev/shm", ""},
	} {
		os.MkdirAll(m.dir, 0o755)
		if err := unix.Mount(m.kind, m.dir, m.kind, 0, m.options); err != nil && err != unix.EBUSY {
			return fmt.Errorf("mount %s on %s: %w", m.kind, m.dir, err)
		}
	}
	for _, dir := range []string{"/run/lock", "/run/tmp", "/run/netns"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	loadModules()
	for _, dir := range []string{"etc", "var"} {
		if err := scratch(dir); err != nil {
			return fmt.Errorf("make /%s a scratch layer: %w", dir, err)
		}
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// scratch lays an empty layer over a directory, so that the guest's writes stay in the guest.
func scratch(dir string) error {
	up, work := "/run/over/"+dir+"/up", "/run/over/"+dir+"/work"
	if err := errors.Join(os.MkdirAll(up, 0o755), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	return unix.Mount("overlay", "/"+dir, "overlay", 0, fmt.Sprintf("lowerdir=/%s,upperdir=%s,workdir=%s", dir, up, work))
}

func loadModules() {
	var name unix.Utsname
	if unix.Uname(&name) != nil {
		return
	}
	for _, m := range modules {
		f, err := os.Open(filepath.Join("/usr/lib/uml/modules", unix.ByteSliceToString(name.Release[:]), "kernel", m+".ko"))
		if err != nil {
			continue
		}
		unix.FinitModule(int(f.Fd()), "", 0)
		f.Close()
	}
}

// testConsole is the terminal that leads to the host's go test, made to pass bytes as they are.
func testConsole() (*os.File, error) {
	tty, err := os.OpenFile("/dev/tty1", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	t, err := unix.IoctlGetTermios(int(tty.Fd()), unix.TCGETS)
	if err != nil {
		return nil, err
	}
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ICANON | unix.ISIG
	return tty, unix.IoctlSetTermios(int(tty.Fd()), unix.TCSETS, t)
}
