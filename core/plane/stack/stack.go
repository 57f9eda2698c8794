// Package stack is an IP host inside the process: it exchanges packets with a link, and makes connections with Dial. It needs no
// privilege and changes nothing on the real host. The protocols are those of gVisor's netstack.
package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv6"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/icmp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
	"gvisor.dev/gvisor/pkg/tcpip/transport/udp"
)

const (
	nic = tcpip.NICID(1)
	// queue is the greatest number of packets that wait for the link. A longer queue would only delay them: TCP slows down by
	// loss.
	queue = 128
	// batch is the greatest number of packets that one Read gives.
	batch = 64
)

// Config holds the addresses and DNS servers of the host inside the process.
type Config struct {
	Local        netip.Addr   // IPv4; the zero Addr: no IPv4
	InterfaceID6 [8]byte      // all zero: no IPv6. Only the link-local address is made; there is no SLAAC
	DNS          []netip.Addr // servers for names in Dial, best first
	MTU          int          // 0 is 1500
}

// Stack is a running host. Deliver belongs to one goroutine, Read to one other; any goroutine may call the rest.
type Stack struct {
	stack    *stack.Stack
	endpoint *channel.Endpoint
	dns      []netip.Addr
	dnsGood  atomic.Uint32 // the index of the server that answered last

	out    []byte
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	once   sync.Once
}

// New starts a host.
func New(cfg Config) (*Stack, error) {
	if cfg.MTU == 0 {
		cfg.MTU = 1500
	}
	s := &Stack{
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol, ipv6.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol, udp.NewProtocol, icmp.NewProtocol4, icmp.NewProtocol6},
			HandleLocal:        true,
		}),
		endpoint: channel.New(queue, uint32(cfg.MTU), ""),
		dns:      cfg.DNS,
		out:      make([]byte, 0, max(cfg.MTU, 1500)),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.configure(cfg); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

func (s *Stack) configure(cfg Config) error {
	sack := tcpip.TCPSACKEnabled(true)
	// Cubic comes with HyStart, which ends the slow start before the queue overflows. RACK is off: with it, gVisor's
	// recovery from a burst of losses stalls for seconds (BenchmarkTCP tells).
	cubic := tcpip.CongestionControlOption("cubic")
	recovery := tcpip.TCPRecovery(0)
	// Receive buffers grow with what the link carries, up to 4 MiB: 100 Mbit/s with a round trip of 300 ms.
	grow := tcpip.TCPModerateReceiveBufferOption(true)
	receive := tcpip.TCPReceiveBufferSizeRangeOption{Min: 4 << 10, Default: 256 << 10, Max: 4 << 20}
	send := tcpip.TCPSendBufferSizeRangeOption{Min: 4 << 10, Default: 256 << 10, Max: 4 << 20}
	for _, option := range []tcpip.SettableTransportProtocolOption{&sack, &cubic, &recovery, &grow, &receive, &send} {
		if err := s.stack.SetTransportProtocolOption(tcp.ProtocolNumber, option); err != nil {
			return fmt.Errorf("set up TCP: %s", err)
		}
	}
	if err := s.stack.CreateNIC(nic, s.endpoint); err != nil {
		return fmt.Errorf("make the interface: %s", err)
	}
	if cfg.Local.IsValid() {
		if !cfg.Local.Is4() {
			return fmt.Errorf("local address %s: not IPv4", cfg.Local)
		}
		if err := s.address(ipv4.ProtocolNumber, cfg.Local, 32, header.IPv4EmptySubnet); err != nil {
			return err
		}
	}
	if cfg.InterfaceID6 != [8]byte{} {
		return s.AddIPv6(cfg.InterfaceID6)
	}
	return nil
}

// AddIPv6 gives the stack the link-local address of an interface identifier (RFC 5072 section 5).
func (s *Stack) AddIPv6(id [8]byte) error {
	ip := [16]byte{0xfe, 0x80}
	copy(ip[8:], id[:])
	return s.address(ipv6.ProtocolNumber, netip.AddrFrom16(ip), 64, header.IPv6EmptySubnet)
}

func (s *Stack) address(protocol tcpip.NetworkProtocolNumber, ip netip.Addr, bits int, everything tcpip.Subnet) error {
	address := tcpip.ProtocolAddress{Protocol: protocol, AddressWithPrefix: tcpip.AddressWithPrefix{Address: tcpip.AddrFromSlice(ip.AsSlice()), PrefixLen: bits}}
	if err := s.stack.AddProtocolAddress(nic, address, stack.AddressProperties{}); err != nil {
		return fmt.Errorf("give the interface the address %s: %s", ip, err)
	}
	s.stack.AddRoute(tcpip.Route{Destination: everything, NIC: nic})
	return nil
}

// Deliver gives the host a packet from the link. The packet is the caller's again when Deliver returns. Octets that are not an IP
// packet are dropped.
func (s *Stack) Deliver(packet []byte) error {
	if s.ctx.Err() != nil {
		return net.ErrClosed
	}
	protocol, ok := protocolOf(packet)
	if !ok {
		return nil
	}
	p := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(packet)})
	s.endpoint.InjectInbound(protocol, p)
	p.DecRef()
	return nil
}

func protocolOf(packet []byte) (tcpip.NetworkProtocolNumber, bool) {
	if len(packet) == 0 {
		return 0, false
	}
	switch packet[0] >> 4 {
	case 4:
		return ipv4.ProtocolNumber, true
	case 6:
		return ipv6.ProtocolNumber, true
	}
	return 0, false
}

// Read waits for packets that the host sends and calls each for every packet that is there. It returns when there are no more,
// when each returns false, or after 64 packets. A packet is valid only during its call. After Close it returns net.ErrClosed.
func (s *Stack) Read(each func(packet []byte) (more bool)) error {
	var p *stack.PacketBuffer
	if s.ctx.Err() == nil { // ReadContext may prefer a packet to the end of the context
		p = s.endpoint.ReadContext(s.ctx)
	}
	if p == nil {
		return net.ErrClosed
	}
	for n := 1; ; n++ {
		s.out = s.out[:0]
		views, offset := p.AsViewList()
		for v := views.Front(); v != nil; v = v.Next() {
			b := v.AsSlice()
			skip := min(offset, len(b))
			s.out = append(s.out, b[skip:]...)
			offset -= skip
		}
		p.DecRef()
		if !each(s.out) || n == batch {
			return nil
		}
		if p = s.endpoint.Read(); p == nil {
			return nil
		}
	}
}

// Close ends the host, its connections and Read.
func (s *Stack) Close() error {
	s.once.Do(func() {
		s.cancel()
		s.stack.Close()
		s.endpoint.Close()
		s.stack.RemoveNIC(nic)
	})
	return nil
}

// errNoServers says why a name cannot be resolved.
var errNoServers = errors.New("the link has no DNS servers")
