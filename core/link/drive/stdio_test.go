package drive

import (
	"context"
	"errors"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Standard input and output as a port: octets both ways, Close ends a Read, and the descriptors are given back as they were.
func TestStdioPort(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	defer theirs.Close()
	open := OpenStdio(ours, ours)
	port, err := open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := theirs.Write([]byte("in")); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 8)
	if n, err := port.Read(buf); err != nil || string(buf[:n]) != "in" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	if _, err := port.Write([]byte("out")); err != nil {
		t.Fatal(err)
	}
	if n, err := theirs.Read(buf); err != nil || string(buf[:n]) != "out" {
		t.Errorf("the other end read %q, %v", buf[:n], err)
	}
	waiting := make(chan error)
	go func() {
		_, err := port.Read(make([]byte, 1))
		waiting <- err
	}()
	if err := port.Close(); err != nil {
		t.Error(err)
	}
	if err := <-waiting; !errors.Is(err, os.ErrClosed) {
		t.Errorf("a read that waits ends with %v", err)
	}
	if flags, err := unix.FcntlInt(ours.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("flags %x, %v: still non-blocking", flags, err)
	}
	if _, err := open(context.Background()); err == nil {
		t.Error("opened a second time")
	}
}
