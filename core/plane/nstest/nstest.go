//go:build linux

// Package nstest gives a test a network namespace of its own, so that it may make interfaces and routes as it likes.
package nstest

import (
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Enter moves the calling test into a new network namespace with lo up, or skips the test where that cannot be had.
// Sockets and devices that the test's own goroutine opens are there; goroutines that it starts are not.
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
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("SKIPPED: no /dev/net/tun: load the module with modprobe tun, or give the container --device /dev/net/tun")
	}
	Enter(t)
}
