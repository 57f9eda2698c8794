//go:build linux

// Package nstest gives a test a network namespace of its own, so that it may make interfaces and routes as it likes.
package nstest

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Enter moves the calling test into a new network namespace with lo up. It skips the test if that is not possible. Sockets and
// devices that the test's own goroutine opens are in the namespace; goroutines that it starts are not.
func Enter(t testing.TB) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to make a network namespace: run the tests as root, for example with sudo")
	}
	// Never unlocked: the runtime ends the thread with the test's goroutine, and the namespace with it.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("SKIPPED: no network namespaces here: %v", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		t.Fatal(err)
	}
}

// EnterWithTUN is Enter for tests that make TUN devices.
func EnterWithTUN(t testing.TB) {
	t.Helper()
	needTUN(t)
	Enter(t)
}

func needTUN(t testing.TB) {
	t.Helper()
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("SKIPPED: no /dev/net/tun: load the module with modprobe tun, or give the container --device /dev/net/tun")
	}
}

// inside is set in the process that Process makes.
const inside = "KNAK_NSTEST_INSIDE"

// Process runs the calling test again in a second process, whose threads are all in a new network and mount namespace. It is for
// code that starts goroutines. In the second process it returns true. In the first process it waits for the second, passes on its
// log, fails if it failed, and returns false. env is added to the environment.
func Process(t *testing.T, env ...string) bool {
	t.Helper()
	if os.Getenv(inside) != "" {
		if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
			t.Fatal(err)
		}
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to make a network namespace: run the tests as root, for example with sudo")
	}
	needTUN(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(append(os.Environ(), inside+"=yes"), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range bytes.Lines(out) {
		if bytes.Contains(line, []byte("_test.go:")) {
			t.Logf("%s", bytes.TrimSpace(line))
		}
	}
	return false
}

// LAN makes the network of an ordinary host in the caller's namespace: lo, and eth0 with 192.168.1.100/24 and a default route with
// metric 100. It returns the index of eth0 and the gateway.
func LAN(t testing.TB) (eth int, gateway net.IP) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "eth0"
	must(netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TAP}))
	var l netlink.Link
	for _, name := range []string{"lo", "eth0"} {
		var err error
		l, err = netlink.LinkByName(name)
		must(err)
		must(netlink.LinkSetUp(l))
	}
	a, err := netlink.ParseAddr("192.168.1.100/24")
	must(err)
	must(netlink.AddrAdd(l, a))
	gateway = net.IPv4(192, 168, 1, 1)
	must(netlink.RouteAdd(&netlink.Route{LinkIndex: l.Attrs().Index, Gw: gateway, Priority: 100}))
	return l.Attrs().Index, gateway
}

// State lists the interfaces, addresses and routes (of all tables) of the network namespace, one a line.
func State(t testing.TB) (lines []string) {
	t.Helper()
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
	slices.Sort(lines)
	return lines
}
