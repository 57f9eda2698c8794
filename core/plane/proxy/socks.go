package proxy

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"
)

// RFC 1928.
const (
	socksVersion = 5

	socksNoAuth   = 0x00 // section 3
	socksNoMethod = 0xff

	socksConnect   = 1 // section 4
	socksAssociate = 3

	socksIPv4 = 1 // section 5
	socksName = 3
	socksIPv6 = 4

	socksOK              = 0 // section 6
	socksFailure         = 1
	socksNetUnreachable  = 3
	socksHostUnreachable = 4
	socksRefused         = 5
	socksNoCommand       = 7
	socksNoAddressType   = 8
)

var (
	errSocksAddressType = errors.New("unknown SOCKS5 address type")
	errSocks            = errors.New("not SOCKS5")
)

// target is a host, by name or by address, and a port.
type target struct {
	host string
	port uint16
}

func (t target) String() string { return net.JoinHostPort(t.host, strconv.Itoa(int(t.port))) }

// serveSOCKS serves one client from its greeting on. BIND is not offered: nothing behind a mobile link connects back.
func (s *Server) serveSOCKS(client net.Conn, r *bufio.Reader) {
	if err := socksGreeting(r, client); err != nil {
		return
	}
	command, to, err := socksRequest(r)
	switch {
	case errors.Is(err, errSocksAddressType):
		socksReply(client, socksNoAddressType, nil)
	case err != nil:
	case command == socksConnect:
		remote, err := s.dial(s.ctx, "tcp", to.String())
		if err != nil {
			socksReply(client, socksCode(err), nil)
			return
		}
		if socksReply(client, socksOK, remote.LocalAddr()) != nil {
			s.release(remote)
			return
		}
		s.splice(client, clientReader{r, client}, remote)
	case command == socksAssociate:
		s.associate(client, r)
	default:
		socksReply(client, socksNoCommand, nil)
	}
}

// clientReader gives the octets that were read ahead first, then those of the connection. It closes the connection itself.
type clientReader struct {
	*bufio.Reader
	io.Closer
}

// socksGreeting reads the methods that the client offers and takes "no authentication" (section 3).
func socksGreeting(r io.Reader, w io.Writer) error {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return err
	}
	methods := make([]byte, head[1])
	if _, err := io.ReadFull(r, methods); err != nil {
		return err
	}
	if head[0] != socksVersion {
		return errSocks
	}
	for _, m := range methods {
		if m == socksNoAuth {
			_, err := w.Write([]byte{socksVersion, socksNoAuth})
			return err
		}
	}
	w.Write([]byte{socksVersion, socksNoMethod})
	return errSocks
}

// socksRequest reads a request (section 4).
func socksRequest(r io.Reader) (command byte, to target, err error) {
	var head [3]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, to, err
	}
	if head[0] != socksVersion {
		return 0, to, errSocks
	}
	to, err = socksAddress(r)
	return head[1], to, err
}

// socksAddress reads ATYP, address and port (section 5).
func socksAddress(r io.Reader) (to target, err error) {
	var head [2]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return to, err
	}
	size := 0
	switch head[0] {
	case socksIPv4:
		size = 4
	case socksIPv6:
		size = 16
	case socksName:
		if _, err := io.ReadFull(r, head[1:]); err != nil {
			return to, err
		}
		if size = int(head[1]); size == 0 {
			return to, fmt.Errorf("%w: a name without octets", errSocks)
		}
	default:
		return to, errSocksAddressType
	}
	b := make([]byte, size+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return to, err
	}
	to.port = binary.BigEndian.Uint16(b[size:])
	to.host = string(b[:size])
	if head[0] != socksName {
		ip, _ := netip.AddrFromSlice(b[:size])
		to.host = ip.Unmap().String()
	}
	return to, nil
}

// appendSocksAddress is the counterpart of socksAddress for addresses.
func appendSocksAddress(b []byte, a netip.AddrPort) []byte {
	ip := a.Addr().Unmap()
	if ip.Is4() {
		b = append(b, socksIPv4)
	} else {
		b = append(b, socksIPv6)
	}
	b = append(b, ip.AsSlice()...)
	return binary.BigEndian.AppendUint16(b, a.Port())
}

// socksReply answers a request (section 6).
func socksReply(w io.Writer, code byte, bound net.Addr) error {
	a := netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	if bound != nil {
		if got, err := netip.ParseAddrPort(bound.String()); err == nil {
			a = got
		}
	}
	_, err := w.Write(appendSocksAddress([]byte{socksVersion, code, 0}, a))
	return err
}

// socksCode finds the reply that says why a connection could not be had.
func socksCode(err error) byte {
	var dns *net.DNSError
	switch {
	case errors.Is(err, syscall.ECONNREFUSED), containsText(err, "refused"):
		return socksRefused
	case errors.Is(err, syscall.ENETUNREACH), containsText(err, "network is unreachable"):
		return socksNetUnreachable
	case errors.As(err, &dns), errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), containsText(err, "no route"), containsText(err, "timed out"):
		return socksHostUnreachable
	}
	return socksFailure
}

// associate relays datagrams (section 7) until the client ends its TCP connection. One port towards the network serves all of
// the client's datagrams, so what a client can make us hold does not grow.
func (s *Server) associate(client net.Conn, r *bufio.Reader) {
	local := client.LocalAddr().(*net.TCPAddr)
	near, err := net.ListenUDP("udp", &net.UDPAddr{IP: local.IP, Zone: local.Zone})
	if err != nil {
		socksReply(client, socksFailure, nil)
		return
	}
	if !s.hold(near) {
		return
	}
	defer s.release(near)
	far, err := s.network.ListenUDP(0)
	if err != nil {
		socksReply(client, socksFailure, nil)
		return
	}
	if !s.hold(far) {
		return
	}
	defer s.release(far)
	if socksReply(client, socksOK, near.LocalAddr()) != nil {
		return
	}
	a := &association{server: s, near: near, far: far, names: map[string]netip.Addr{}}
	clientIP, _ := netip.AddrFromSlice(client.RemoteAddr().(*net.TCPAddr).IP)
	done := make(chan struct{}, 2)
	go func() { a.out(clientIP.Unmap()); done <- struct{}{} }()
	go func() { a.in(); done <- struct{}{} }()
	client.SetReadDeadline(time.Time{})
	io.Copy(io.Discard, r)
	near.Close()
	far.Close()
	<-done
	<-done
}
