//go:build linux

package tun

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/plane/nstest"
)

// open makes a device with the address 10.64.0.2 and the peer 10.64.0.1 in a namespace of the test's own.
func open(t testing.TB) *Device {
	t.Helper()
	nstest.EnterWithTUN(t)
	// IPv6 would send router solicitations in between.
	if err := os.WriteFile("/proc/thread-self/root/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0); err != nil {
		t.Logf("IPv6 stays on: %v", err)
	}
	d, err := Open("knak%d")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	link, err := netlink.LinkByName(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	addr := &netlink.Addr{IPNet: &net.IPNet{IP: net.IP{10, 64, 0, 2}, Mask: net.CIDRMask(32, 32)}, Peer: &net.IPNet{IP: net.IP{10, 64, 0, 1}, Mask: net.CIDRMask(32, 32)}}
	if err := netlink.AddrAdd(link, addr); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		t.Fatal(err)
	}
	return d
}

// udpSocket is a plain socket of this thread's namespace: the net package would open it on any thread.
func udpSocket(t testing.TB) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{10, 64, 0, 2}, Port: 4000}); err != nil {
		t.Fatal(err)
	}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 5}); err != nil {
		t.Fatal(err)
	}
	return fd
}

// turnRound makes the answer to a UDP packet without options: both addresses and both ports exchanged. No checksum changes.
func turnRound(p []byte) {
	var a [4]byte
	copy(a[:], p[12:16])
	copy(p[12:16], p[16:20])
	copy(p[16:20], a[:])
	s, d := binary.BigEndian.Uint16(p[20:]), binary.BigEndian.Uint16(p[22:])
	binary.BigEndian.PutUint16(p[20:], d)
	binary.BigEndian.PutUint16(p[22:], s)
}

func TestPacketsThereAndBack(t *testing.T) {
	d := open(t)
	fd := udpSocket(t)
	const count = 3
	for i := range count {
		if err := unix.Sendto(fd, []byte{'p', byte('0' + i)}, 0, &unix.SockaddrInet4{Addr: [4]byte{10, 64, 0, 1}, Port: 9}); err != nil {
			t.Fatal(err)
		}
	}
	var got [][]byte
	each := func(p []byte) bool {
		if p[0]>>4 == 4 && p[9] == unix.IPPROTO_UDP {
			got = append(got, bytes.Clone(p))
		}
		return len(got) < 2
	}
	// each stops the first Read after two packets; the third must not be lost.
	for len(got) < count {
		before := len(got)
		if err := d.Read(each); err != nil {
			t.Fatal(err)
		}
		if before < 2 && len(got) > 2 {
			t.Fatal("Read went on after each returned false")
		}
	}
	for i, p := range got {
		if want := []byte{'p', byte('0' + i)}; !bytes.HasSuffix(p, want) {
			t.Errorf("packet %d ends in %q, want %q", i, p[len(p)-2:], want)
		}
		turnRound(p)
		if err := d.Write(p); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 100)
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil || !bytes.HasSuffix(p, buf[:n]) {
			t.Errorf("came back: %q, %v", buf[:n], err)
		}
	}
}

func TestMalformedPacketsAreDropped(t *testing.T) {
	d := open(t)
	for _, p := range [][]byte{nil, {}, {0}, {0x45}, bytes.Repeat([]byte{0xff}, 1500), append([]byte{0x45}, make([]byte, 30)...)} {
		if err := d.Write(p); err != nil {
			t.Errorf("% x: %v", p[:min(len(p), 8)], err)
		}
	}
}

func TestCloseEndsRead(t *testing.T) {
	d := open(t)
	done := make(chan error)
	go func() {
		for {
			if err := d.Read(func([]byte) bool { return true }); err != nil {
				done <- err
				return
			}
		}
	}()
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != net.ErrClosed {
			t.Errorf("Read gave %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Read goes on after Close")
	}
	if err := d.Write([]byte{0x45, 0, 0, 20}); err != net.ErrClosed {
		t.Errorf("Write after Close gave %v", err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("a second Close gave %v", err)
	}
	if _, err := netlink.LinkByName(d.Name()); err == nil {
		t.Error("the interface is still there")
	}
}

func TestDeviceThatWasDeleted(t *testing.T) {
	d := open(t)
	link, err := netlink.LinkByName(d.Name())
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkDel(link); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(append([]byte{0x45}, make([]byte, 30)...)); err == nil {
		t.Error("Write takes packets for a device that is gone")
	}
	if err := d.Read(func([]byte) bool { return true }); err == nil {
		t.Error("Read waits for packets of a device that is gone")
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "a b", "a:b", "sixteen-letters-", "%d%d", "%s", "a%"} {
		if _, err := Open(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// packet is an IPv4 UDP packet from the peer to a port where nobody listens, with correct checksums.
func packet(size int) []byte {
	p := make([]byte, size)
	p[0], p[8], p[9] = 0x45, 64, unix.IPPROTO_UDP
	binary.BigEndian.PutUint16(p[2:], uint16(size))
	copy(p[12:], []byte{10, 64, 0, 1, 10, 64, 0, 2})
	binary.BigEndian.PutUint16(p[20:], 9)
	binary.BigEndian.PutUint16(p[22:], 4000)
	binary.BigEndian.PutUint16(p[24:], uint16(size-20))
	var sum uint32
	for i := 0; i < 20; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	binary.BigEndian.PutUint16(p[10:], ^uint16(sum+sum>>16))
	return p
}

func BenchmarkWrite(b *testing.B) {
	d := open(b)
	udpSocket(b)
	p := packet(1500)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Write(p); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRead includes the cost of the sending socket.
func BenchmarkRead(b *testing.B) {
	d := open(b)
	fd := udpSocket(b)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{10, 64, 0, 1}, Port: 9}); err != nil {
		b.Fatal(err)
	}
	payload := make([]byte, 1472)
	count := 0
	each := func(p []byte) bool { count++; return true }
	b.SetBytes(1500)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := unix.Write(fd, payload); err != nil {
			b.Fatal(err)
		}
		if count = 0; count == 0 {
			if err := d.Read(each); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// TestNoAllocations holds what the benchmarks report.
func TestNoAllocations(t *testing.T) {
	d := open(t)
	fd := udpSocket(t)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Addr: [4]byte{10, 64, 0, 1}, Port: 9}); err != nil {
		t.Fatal(err)
	}
	p, payload := packet(1500), make([]byte, 1472)
	each := func(p []byte) bool { return true }
	if n := testing.AllocsPerRun(200, func() {
		if err := d.Write(p); err != nil {
			t.Fatal(err)
		}
		if _, err := unix.Write(fd, payload); err != nil {
			t.Fatal(err)
		}
		if err := d.Read(each); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations for a packet each way", n)
	}
}
