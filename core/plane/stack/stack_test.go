package stack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
)

var (
	near = netip.MustParseAddr("10.64.0.2")
	// other is a second address of the far host.
	other = netip.MustParseAddr("10.64.0.3")
	far   = netip.MustParseAddr("10.64.0.1")
)

// join carries the packets of two hosts to each other until one closes. Drop says which of them get lost.
func join(t testing.TB, a, b *Stack, drop func() bool) {
	t.Helper()
	carry := func(to, from *Stack) {
		each := func(p []byte) bool {
			if len(p) > 1400 {
				t.Errorf("a packet of %d octets", len(p))
			}
			if drop == nil || !drop() {
				to.Deliver(p)
			}
			return true
		}
		for from.Read(each) == nil {
		}
	}
	go carry(a, b)
	go carry(b, a)
}

func pair(t testing.TB) (client, server *Stack) {
	t.Helper()
	client, err := New(Config{Local: near, DNS: []netip.Addr{other, far}, MTU: 1400})
	if err != nil {
		t.Fatal(err)
	}
	server, err = New(Config{Local: far, MTU: 1400})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.address(ipv4.ProtocolNumber, other, 32, header.IPv4EmptySubnet); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

func joined(t testing.TB) (client, server *Stack) {
	t.Helper()
	client, server = pair(t)
	join(t, client, server, nil)
	return client, server
}

// echo is a TCP server that sends back what it gets.
func echo(t testing.TB, s *Stack, port uint16) {
	t.Helper()
	listener, err := s.ListenTCP(port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
				c.(interface{ CloseWrite() error }).CloseWrite()
			}()
		}
	}()
}

func transfer(t testing.TB, client *Stack, address string, size int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	c, err := client.Dial(ctx, "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(60 * time.Second))
	data := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(data)
	go func() {
		c.Write(data)
		c.(interface{ CloseWrite() error }).CloseWrite()
	}()
	sum := sha256.New()
	n, err := io.Copy(sum, c)
	want := sha256.Sum256(data)
	if err != nil || n != int64(size) || !bytes.Equal(sum.Sum(nil), want[:]) {
		t.Fatalf("%d of %d octets came back, %v", n, size, err)
	}
}

func TestTCPBothWays(t *testing.T) {
	client, server := joined(t)
	echo(t, server, 7)
	transfer(t, client, "10.64.0.1:7", 4<<20)
}

func TestTCPOverALossyLink(t *testing.T) {
	client, server := pair(t)
	random := rand.New(rand.NewPCG(1, 2))
	lock := make(chan struct{}, 1)
	join(t, client, server, func() bool {
		lock <- struct{}{}
		defer func() { <-lock }()
		return random.IntN(100) == 0
	})
	echo(t, server, 7)
	transfer(t, client, "10.64.0.1:7", 256<<10)
}

func TestPing(t *testing.T) {
	client, _ := joined(t)
	if _, err := client.Ping(t.Context(), far); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Ping(ctx, netip.MustParseAddr("10.64.0.77")); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a host that is not there: %v", err)
	}
}

func TestPingIPv6LinkLocal(t *testing.T) {
	a, err := New(Config{InterfaceID6: [8]byte{7: 1}, MTU: 1400})
	if err != nil {
		t.Fatal(err)
	}
	b, err := New(Config{MTU: 1400})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.AddIPv6([8]byte{7: 2}); err != nil { // as where IPV6CP opens later than IPCP
		t.Fatal(err)
	}
	defer a.Close()
	defer b.Close()
	join(t, a, b, nil)
	if _, err := a.Ping(t.Context(), netip.MustParseAddr("fe80::2")); err != nil {
		t.Error(err)
	}
}

// serveDNS answers A queries for host.example at one of the server's addresses: with far, or where broken with a failure.
func serveDNS(t testing.TB, s *Stack, at netip.Addr, broken bool) {
	t.Helper()
	conn, err := gonet.DialUDP(s.stack, &tcpip.FullAddress{NIC: nic, Addr: tcpip.AddrFrom4(at.As4()), Port: 53}, nil, ipv4.ProtocolNumber)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			q := m.Questions[0]
			reply := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, RecursionAvailable: true}, Questions: m.Questions}
			switch {
			case broken:
				reply.RCode = dnsmessage.RCodeServerFailure
			case q.Name.String() != "host.example.":
				reply.RCode = dnsmessage.RCodeNameError
			case q.Type == dnsmessage.TypeA:
				reply.Answers = []dnsmessage.Resource{{
					Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60},
					Body:   &dnsmessage.AResource{A: far.As4()},
				}}
			}
			if b, err := reply.Pack(); err == nil {
				conn.WriteTo(b, from)
			}
		}
	}()
}

func TestNamesThroughTheLinkOnly(t *testing.T) {
	client, server := joined(t)
	serveDNS(t, server, other, true)
	serveDNS(t, server, far, false)
	echo(t, server, 7)
	transfer(t, client, "host.example:7", 1000)
	if good := client.dnsGood.Load(); good != 1 {
		t.Errorf("the server that answered was number 1, remembered is %d", good)
	}
	var dns *net.DNSError
	if _, err := client.Dial(t.Context(), "tcp", "nowhere.example:7"); !errors.As(err, &dns) || !dns.IsNotFound {
		t.Errorf("a name that does not exist: %v", err)
	}
	client.dns = nil
	if _, err := client.Dial(t.Context(), "tcp", "host.example:7"); !errors.As(err, &dns) {
		t.Errorf("without servers: %v", err)
	}
}

func TestDialRefusedAndMalformed(t *testing.T) {
	client, _ := joined(t)
	for _, c := range []struct{ network, address string }{
		{"tcp", "10.64.0.1:9"}, {"tcp", "10.64.0.1"}, {"tcp", "10.64.0.1:http"}, {"tcp", "10.64.0.1:65536"}, {"sctp", "10.64.0.1:9"}, {"tcp", "[::1]:9"},
	} {
		if conn, err := client.Dial(t.Context(), c.network, c.address); err == nil {
			conn.Close()
			t.Errorf("%s %s: no error", c.network, c.address)
		}
	}
}

func TestCloseEndsAll(t *testing.T) {
	client, server := joined(t)
	echo(t, server, 7)
	conn, err := client.Dial(t.Context(), "tcp", "10.64.0.1:7")
	if err != nil {
		t.Fatal(err)
	}
	dialled := make(chan error, 1)
	go func() {
		_, err := client.Dial(context.Background(), "tcp", "10.64.0.77:7") // never answered
		dialled <- err
	}()
	read := make(chan error, 1)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		read <- err
	}()
	time.AfterFunc(20*time.Millisecond, func() { client.Close() })
	for what, c := range map[string]chan error{"Dial": dialled, "conn.Read": read} {
		select {
		case err := <-c:
			if err == nil {
				t.Errorf("%s gave no error", what)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s goes on after Close", what)
		}
	}
	if err := client.Deliver([]byte{0x45}); err != net.ErrClosed {
		t.Errorf("Deliver after Close gave %v", err)
	}
	if err := client.Read(func([]byte) bool { return true }); err != net.ErrClosed {
		t.Errorf("Read after Close gave %v", err)
	}
}

// FuzzDeliver: whatever the peer sends, nothing panics, and the host still answers.
func FuzzDeliver(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 10, 64, 0, 1, 10, 64, 0, 2})
	f.Add([]byte{0x60, 0, 0, 0, 0, 0, 58, 255})
	s, err := New(Config{Local: near, InterfaceID6: [8]byte{7: 1}})
	if err != nil {
		f.Fatal(err)
	}
	go func() {
		for s.Read(func([]byte) bool { return true }) == nil {
		}
	}()
	f.Fuzz(func(t *testing.T, packet []byte) {
		if err := s.Deliver(packet); err != nil {
			t.Fatal(err)
		}
	})
}

func BenchmarkTCP(b *testing.B) {
	client, server := joined(b)
	echo(b, server, 7)
	b.SetBytes(1 << 20)
	for b.Loop() {
		transfer(b, client, "10.64.0.1:7", 1<<20)
	}
}
