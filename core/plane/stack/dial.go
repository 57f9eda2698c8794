package stack

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/waiter"
)

// Dial opens a connection through the link. The networks are tcp, tcp4, tcp6, udp, udp4 and udp6; the address is HOST:PORT as in
// net.Dial. The link's DNS servers resolve a name; its addresses are tried in turn until one answers.
func (s *Stack) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %q: not a number up to 65535", service)
	}
	proto, family := strings.TrimRight(network, "46"), strings.TrimLeft(network, "tcpud")
	if proto != "tcp" && proto != "udp" {
		return nil, net.UnknownNetworkError(network)
	}
	addrs, err := s.Resolve(ctx, "ip"+family, host)
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, ip := range addrs {
		conn, err := s.dial(ctx, proto, netip.AddrPortFrom(ip, uint16(port)))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func (s *Stack) dial(ctx context.Context, proto string, to netip.AddrPort) (net.Conn, error) {
	remote, protocol := fullAddress(to)
	if proto == "udp" {
		conn, err := gonet.DialUDP(s.stack, nil, &remote, protocol)
		if err != nil {
			return nil, err
		}
		return conn, nil
	}
	// gVisor keeps no record of Close for dials that are under way.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	conn, err := gonet.DialContextTCP(ctx, s.stack, remote, protocol)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// Listen accepts TCP connections that come over the link. The networks are tcp and tcp4; the address is HOST:PORT as in
// net.Listen, and without HOST it means all our addresses. Close also ends the listener.
func (s *Stack) Listen(network, address string) (net.Listener, error) {
	if network != "tcp" && network != "tcp4" {
		return nil, net.UnknownNetworkError(network)
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port %q: not a number up to 65535", service)
	}
	local := tcpip.FullAddress{Port: uint16(port)}
	if host != "" {
		ip, err := netip.ParseAddr(host)
		if err != nil || !ip.Unmap().Is4() {
			return nil, fmt.Errorf("address %q: not an IPv4 address", host)
		}
		local, _ = fullAddress(netip.AddrPortFrom(ip, uint16(port)))
	}
	l, err := gonet.ListenTCP(s.stack, local, ipv4.ProtocolNumber)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	context.AfterFunc(s.ctx, func() { _ = l.Close() }) // a goroutine that accepts must learn of the end
	return l, nil
}

func fullAddress(a netip.AddrPort) (tcpip.FullAddress, tcpip.NetworkProtocolNumber) {
	full := tcpip.FullAddress{Addr: tcpip.AddrFromSlice(a.Addr().Unmap().AsSlice()), Port: a.Port()}
	if a.Addr().Unmap().Is4() {
		return full, ipv4.ProtocolNumber
	}
	if a.Addr().IsLinkLocalUnicast() {
		full.NIC = nic
	}
	return full, ipv6.ProtocolNumber
}

// Resolve gives the addresses of a host from the link's DNS servers; host may be an address itself. network is ip, ip4 or ip6.
// Resolve uses this host's hosts(5) file. It does not use the servers and the search list of its resolv.conf(5).
func (s *Stack) Resolve(ctx context.Context, network, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip.WithZone("")}, nil
	}
	if len(s.dns) == 0 {
		return nil, &net.DNSError{Err: errNoServers.Error(), Name: host}
	}
	if network == "ip" {
		network = "ip4" // there is no global IPv6 address in here
	}
	first := s.dnsGood.Load()
	var dials atomic.Uint32
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		// The resolver dials again when a server is silent or answers nonsense: then it is the next one's turn. Which
		// servers there are, we know better.
		server := s.dns[(first+dials.Add(1)-1)%uint32(len(s.dns))]
		return s.dial(ctx, strings.TrimRight(network, "46"), netip.AddrPortFrom(server, 53))
	}}
	// The final dot keeps the search list of the real host out.
	addrs, err := resolver.LookupNetIP(ctx, network, strings.TrimSuffix(host, ".")+".")
	if err != nil {
		return nil, err
	}
	s.dnsGood.Store((first + dials.Load() - 1) % uint32(len(s.dns)))
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	return addrs, nil
}

// ListenTCP accepts connections from the link on a port of every address; port 0 takes a free one.
func (s *Stack) ListenTCP(port uint16) (net.Listener, error) {
	return gonet.ListenTCP(s.stack, tcpip.FullAddress{NIC: nic, Port: port}, ipv4.ProtocolNumber)
}

// ListenUDP opens an IPv4 UDP port towards the link; port 0 takes a free one.
func (s *Stack) ListenUDP(port uint16) (net.PacketConn, error) {
	return gonet.DialUDP(s.stack, &tcpip.FullAddress{NIC: nic, Port: port}, nil, ipv4.ProtocolNumber)
}

// Ping sends one ICMP echo request (RFC 792, RFC 4443 section 4.1) and returns how long the reply took.
func (s *Stack) Ping(ctx context.Context, to netip.Addr) (time.Duration, error) {
	remote, protocol := fullAddress(netip.AddrPortFrom(to, 0))
	transport, request := icmp.ProtocolNumber4, byte(8)
	if protocol == ipv6.ProtocolNumber {
		transport, request = icmp.ProtocolNumber6, 128
	}
	var queue waiter.Queue
	endpoint, terr := s.stack.NewEndpoint(transport, protocol, &queue)
	if terr != nil {
		return 0, fmt.Errorf("ping %s: %s", to, terr)
	}
	conn := gonet.NewUDPConn(&queue, endpoint)
	defer conn.Close()
	if terr := endpoint.Connect(remote); terr != nil {
		return 0, fmt.Errorf("ping %s: %s", to, terr)
	}
	defer context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	defer context.AfterFunc(s.ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })()
	message := make([]byte, 8+56)
	message[0] = request
	const sequence = 1
	binary.BigEndian.PutUint16(message[6:], sequence)
	start := time.Now()
	if _, err := conn.Write(message); err != nil {
		return 0, fmt.Errorf("ping %s: %w", to, err)
	}
	answer := make([]byte, 1500)
	for {
		n, err := conn.Read(answer)
		if ctx.Err() != nil {
			return 0, fmt.Errorf("ping %s: no reply: %w", to, ctx.Err())
		}
		if err != nil {
			return 0, fmt.Errorf("ping %s: %w", to, err)
		}
		if n >= 8 && answer[0] == replyTo(request) && binary.BigEndian.Uint16(answer[6:]) == sequence {
			return time.Since(start), nil
		}
	}
}

// replyTo gives the type of the echo reply.
func replyTo(request byte) byte {
	if request == 8 {
		return 0
	}
	return request + 1
}
