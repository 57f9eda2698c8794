//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// TestKilledAtAnyMoment: three links on a host with a network and an /etc of its own, killed at moments by chance (kill -9),
// once or several at once. Whoever comes next (doctor --fix, or the same dials again, which end in order) leaves resolv.conf,
// routes, addresses, interfaces, locks and sockets as they were. KNAK_KILLS says how many rounds of three.
func TestKilledAtAnyMoment(t *testing.T) {
	if os.Getenv("KNAK_KILLED_CHILD") != "" {
		killedHost(t)
		return
	}
	if testing.Short() {
		t.Skip("it dials for some seconds")
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to make a network namespace: run the tests as root, for example with sudo")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("SKIPPED: no /dev/net/tun: load the module with modprobe tun, or give the container --device /dev/net/tun")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestKilledAtAnyMoment$", "-test.v")
	cmd.Env = append(os.Environ(), "KNAK_KILLED_CHILD=yes", "HOME=/run/home", "XDG_RUNTIME_DIR=", "XDG_CONFIG_HOME=", "XDG_STATE_HOME=")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range bytes.Lines(out) {
		if bytes.Contains(line, []byte("killed_test.go")) {
			t.Logf("%s", bytes.TrimSpace(line))
		}
	}
}

func killedHost(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	rounds := 2
	if text := os.Getenv("KNAK_KILLS"); text != "" {
		n, err := strconv.Atoi(text)
		must(err)
		rounds = n
	}
	program, err := os.Executable()
	must(err)
	must(unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""))
	for _, dir := range []string{"/run", "/etc", "/var/lib"} {
		must(unix.Mount("none", dir, "tmpfs", 0, ""))
	}
	must(os.MkdirAll("/run/home", 0o700))
	must(os.Mkdir("/run/lock", 0o777))
	must(os.Chmod("/run/lock", 0o777|fs.ModeSticky))
	must(os.WriteFile("/etc/resolv.conf", []byte("# by hand\nnameserver 192.0.2.250\n"), 0o640))
	for _, name := range []string{"lo", "eth0"} {
		if name == "eth0" {
			attrs := netlink.NewLinkAttrs()
			attrs.Name = name
			must(netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TAP}))
		}
		l, err := netlink.LinkByName(name)
		must(err)
		must(netlink.LinkSetUp(l))
		if name == "eth0" {
			a, err := netlink.ParseAddr("192.168.1.100/24")
			must(err)
			must(netlink.AddrAdd(l, a))
			must(netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: net.IPv4(192, 168, 1, 1), Priority: 100}))
		}
	}
	const links = 3
	knak := func(out *bytes.Buffer, args ...string) *exec.Cmd {
		cmd := exec.Command(program)
		cmd.Args = append([]string{"knak"}, args...)
		cmd.Stdout, cmd.Stderr = out, out
		return cmd
	}
	modem := func(i int) string { return fmt.Sprintf("/run/modem%d", i) }
	for i := range links {
		cmd := knak(&bytes.Buffer{}, "sim", "behaves", "--link", modem(i))
		must(cmd.Start())
		t.Cleanup(func() { _ = cmd.Process.Kill() })
	}
	for i := range links {
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			if _, err := os.Stat(modem(i)); err == nil {
				break
			} else if time.Now().After(end) {
				t.Fatal(err)
			}
		}
	}
	dial := func(i int, more ...string) (*exec.Cmd, *bytes.Buffer) {
		var out bytes.Buffer
		cmd := knak(&out, append([]string{"dial", "--port", modem(i), "--plane", "tun", "--dns", "file", "--interface", fmt.Sprintf("kn%d", i),
			"--hooks", "none", "--link", fmt.Sprintf("l%d", i), "--no-prove"}, more...)...)
		must(cmd.Start())
		return cmd, &out
	}
	seed := rand.Uint64()
	chance := rand.New(rand.NewPCG(seed, 0))
	before := hostFiles(t)
	kills, changed := 0, 0
	for round := range rounds {
		var all []*exec.Cmd
		for i := range links {
			cmd, _ := dial(i)
			all = append(all, cmd)
			time.Sleep(time.Duration(chance.IntN(60)) * time.Millisecond)
		}
		for _, i := range chance.Perm(links) {
			time.Sleep(time.Duration(chance.IntN(400)) * time.Millisecond)
			_ = all[i].Process.Kill() // it may have ended
			kills++
		}
		for _, cmd := range all {
			_ = cmd.Wait() // it was killed
		}
		if hostFiles(t) != before {
			changed++
		}
		if round%2 == 0 {
			var out bytes.Buffer
			_ = knak(&out, "doctor", "--fix").Run() // it ends with 1 where anything else would stop a dial
		} else {
			for i := range links {
				cmd, out := dial(i, "--once")
				if err := cmd.Wait(); err != nil {
					t.Errorf("seed %d, round %d, link %d: %v: %s", seed, round, i, err, out)
				}
			}
		}
		if after := hostFiles(t); after != before {
			t.Fatalf("seed %d, round %d: the host was\n%s\nand is\n%s", seed, round, before, after)
		}
	}
	if changed == 0 && rounds >= 10 {
		t.Errorf("seed %d: %d kills have changed nothing", seed, kills)
	}
	t.Logf("seed %d: %d kills in %d rounds, after %d of them something was left, and was put right", seed, kills, rounds, changed)
}

// hostFiles is the state of this test's host: its network, and each file of its own with owner, mode and content.
func hostFiles(t *testing.T) string {
	t.Helper()
	var lines []string
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		lines = append(lines, "interface "+l.Attrs().Name)
	}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		addresses, err := netlink.AddrList(nil, family)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range addresses {
			lines = append(lines, "address "+a.IPNet.String())
		}
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range routes {
			lines = append(lines, "route "+r.String())
		}
	}
	for _, dir := range []string{"/etc", "/run/lock", "/run/knak"} {
		_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") { // a link's own lock file stays, empty
				return nil
			}
			var st unix.Stat_t
			if err := unix.Lstat(path, &st); err != nil {
				t.Fatal(err)
			}
			content, _ := os.ReadFile(path) // of a socket there is none
			lines = append(lines, fmt.Sprintf("file %s %o %d %d %q", path, st.Mode, st.Uid, st.Gid, content))
			return nil
		})
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
