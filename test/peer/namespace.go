//go:build linux

// Package peer gives tests real peers and what they need: network namespaces, pseudo-terminals, the real pppd, and measurements
// between two ends. Its tests run in the guest (package guest) or anywhere else as root.
package peer

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Namespace is a network namespace with lo up. The nil Namespace is the one that the test runs in.
type Namespace struct{ fd int }

// NewNamespace makes a namespace that ends with the test and the last process in it.
func NewNamespace(t testing.TB) *Namespace {
	t.Helper()
	n := &Namespace{fd: -1}
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine, still in the new namespace
		if err = unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return
		}
		if n.fd, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			return
		}
		var lo netlink.Link
		if lo, err = netlink.LinkByName("lo"); err == nil {
			err = netlink.LinkSetUp(lo)
		}
	}()
	<-done
	if err != nil {
		t.Fatalf("make a network namespace: %v", err)
	}
	t.Cleanup(func() { unix.Close(n.fd) })
	return n
}

// Do runs f in the namespace. Files and programs that f itself opens or starts belong to it; goroutines that f starts do not.
func (n *Namespace) Do(f func()) {
	if n == nil {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked, see NewNamespace
		if err := unix.Setns(n.fd, unix.CLONE_NEWNET); err != nil {
			panic(fmt.Sprintf("enter a network namespace: %v", err))
		}
		f()
	}()
	<-done
}

// Start starts a program in the namespace.
func (n *Namespace) Start(cmd *exec.Cmd) (err error) {
	n.Do(func() { err = cmd.Start() })
	return err
}

// Output runs a program in the namespace and returns its output.
func (n *Namespace) Output(t testing.TB, name string, args ...string) string {
	t.Helper()
	var out []byte
	var err error
	n.Do(func() { out, err = exec.Command(name, args...).CombinedOutput() })
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
	return string(out)
}

// Path names the namespace for programs such as nsenter(1), as long as the test runs.
func (n *Namespace) Path() string { return fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), n.fd) }
