//go:build linux

package peer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// End is one end of a link: its address and the namespace where it is.
type End struct {
	Namespace *Namespace
	Addr      netip.Addr
}

// ThroughputTCP sends size octets over one TCP connection and returns how many octets a second arrived, from the
// connection's opening to the last octet. The octets are pseudo-random, so that framing has to escape as many as in
// real life, and every one is compared.
func ThroughputTCP(t testing.TB, from, to End, size int64) float64 {
	t.Helper()
	var listener net.Listener
	var err error
	to.Namespace.Do(func() { listener, err = net.Listen("tcp", netip.AddrPortFrom(to.Addr, 0).String()) })
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	pattern := make([]byte, 64<<10)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(pattern)

	received := make(chan error, 1)
	go func() { received <- receive(listener, pattern, size) }()

	var conn net.Conn
	start := time.Now()
	from.Namespace.Do(func() {
		d := net.Dialer{Timeout: 20 * time.Second, LocalAddr: &net.TCPAddr{IP: from.Addr.AsSlice()}}
		conn, err = d.Dial("tcp", listener.Addr().String())
	})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for left := size; left > 0; left -= int64(len(pattern)) {
		if _, err := conn.Write(pattern[:min(left, int64(len(pattern)))]); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := <-received; err != nil {
		t.Fatal(err)
	}
	return float64(size) / time.Since(start).Seconds()
}

func receive(listener net.Listener, pattern []byte, size int64) error {
	conn, err := listener.Accept()
	if err != nil {
		return err
	}
	defer conn.Close()
	buf := make([]byte, len(pattern))
	for left := size; left > 0; {
		n, err := io.ReadFull(conn, buf[:min(left, int64(len(buf)))])
		if err != nil {
			return fmt.Errorf("%d octets missing: %w", left-int64(n), err)
		}
		if !bytes.Equal(buf[:n], pattern[:n]) {
			return fmt.Errorf("the octets from %d on are not those that were sent", size-left)
		}
		left -= int64(n)
	}
	if n, err := conn.Read(buf); err != io.EOF {
		return fmt.Errorf("after the last octet came %d more, %v", n, err)
	}
	return nil
}

// Ping sends one ICMP echo request (RFC 792) with a payload of size octets and returns how long the reply took.
func Ping(t testing.TB, from, to End, size int) time.Duration {
	t.Helper()
	d, err := TryPing(from, to, size, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TryPing is Ping for a reply that may not come.
func TryPing(from, to End, size int, limit time.Duration) (time.Duration, error) {
	var fd int
	var err error
	from.Namespace.Do(func() { fd, err = unix.Socket(unix.AF_INET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.IPPROTO_ICMP) })
	if err != nil {
		return 0, err
	}
	defer unix.Close(fd)
	timeout := unix.NsecToTimeval(int64(limit))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return 0, err
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: from.Addr.As4()}); err != nil {
		return 0, err
	}
	request := make([]byte, 8+size)
	request[0] = 8
	binary.BigEndian.PutUint16(request[4:], uint16(os.Getpid()))
	rand.NewChaCha8([32]byte{2}).Read(request[8:])
	binary.BigEndian.PutUint16(request[2:], checksum(request))
	start := time.Now()
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrInet4{Addr: to.Addr.As4()}); err != nil {
		return 0, err
	}
	buf := make([]byte, 65536)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return 0, fmt.Errorf("ping %s: no reply in %v: %w", to.Addr, limit, err)
		}
		// The reply comes with its IP header; ours is the one that carries what we sent.
		if n >= 20 {
			if reply := buf[int(buf[0]&15)*4 : n]; len(reply) >= 8 && reply[0] == 0 && bytes.Equal(reply[4:], request[4:]) {
				return time.Since(start), nil
			}
		}
		if time.Since(start) > limit {
			return 0, fmt.Errorf("ping %s: no reply in %v", to.Addr, limit)
		}
	}
}

// checksum is the Internet checksum (RFC 1071).
func checksum(b []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(b); i += 2 {
		sum += uint32(b[i])<<8 | uint32(b[i+1])
	}
	if len(b)%2 == 1 {
		sum += uint32(b[len(b)-1]) << 8
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return ^uint16(sum)
}
