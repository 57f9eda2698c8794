// Package proxy lets programs of this host use a network that only this process can reach: a SOCKS5 proxy (RFC 1928) and
// an HTTP proxy (RFC 9110 sections 3.7 and 9.3.6) on one address, told apart by a client's first octet, and forwarded ports.
//
// It asks for no password: every program that can connect to the address can use the network. It therefore belongs on the
// loopback interface.
package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	// helloTime is how long a client may take to say what it wants.
	helloTime = 30 * time.Second
	// dialTime is how long it may take to open a connection through the network.
	dialTime = 60 * time.Second
	// maxClients is the greatest number of clients at once. It bounds goroutines, buffers and connections.
	maxClients = 512
)

// Network is the network behind the proxy.
type Network interface {
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	Resolve(ctx context.Context, network, host string) ([]netip.Addr, error)
	ListenUDP(port uint16) (net.PacketConn, error)
}

// Server is a running proxy or forwarded port. Close ends it.
type Server struct {
	listener net.Listener
	network  Network
	handle   func(*Server, net.Conn)

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	slots  chan struct{}
	group  sync.WaitGroup
	mu     sync.Mutex
	open   map[io.Closer]struct{}

	http      *http.Server // nil for a forwarded port
	httpConns chan net.Conn
}

// Listen starts a proxy for both protocols on an address such as "127.0.0.1:1080"; Local completes shorter ones.
func Listen(address string, network Network) (*Server, error) {
	s, err := listen(address, network, (*Server).serveProxy)
	if err != nil {
		return nil, err
	}
	s.startHTTP()
	s.start()
	return s, nil
}

// Forward starts a listener. Each of its connections is carried to one target, HOST:PORT in the network.
func Forward(address, target string, network Network) (*Server, error) {
	if _, _, err := net.SplitHostPort(target); err != nil {
		return nil, fmt.Errorf("target of the forward: %w", err)
	}
	s, err := listen(address, network, func(s *Server, client net.Conn) {
		remote, err := s.dial(s.ctx, "tcp", target)
		if err != nil {
			return // closing is all that a plain connection can be told
		}
		s.splice(client, client, remote)
	})
	if err != nil {
		return nil, err
	}
	s.start()
	return s, nil
}

// Local completes an address to listen on: without a host it is on the loopback interface, not on all interfaces.
func Local(address string) string {
	if !strings.Contains(address, ":") {
		address = ":" + address
	}
	if strings.HasPrefix(address, ":") {
		return "127.0.0.1" + address
	}
	return address
}

func listen(address string, network Network, handle func(*Server, net.Conn)) (*Server, error) {
	listener, err := net.Listen("tcp", Local(address))
	if err != nil {
		return nil, err
	}
	s := &Server{listener: listener, network: network, handle: handle, slots: make(chan struct{}, maxClients), open: map[io.Closer]struct{}{}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Addr gives the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Close ends the server and all its connections, and waits until they have ended.
func (s *Server) Close() error {
	s.cancel()
	err := s.listener.Close()
	if errors.Is(err, net.ErrClosed) {
		err = nil
	}
	if s.http != nil {
		s.http.Close()
	}
	s.mu.Lock()
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.group.Wait()
	return err
}

func (s *Server) start() {
	s.group.Go(func() {
		for {
			// A client that finds all places taken waits in the listener's queue.
			select {
			case s.slots <- struct{}{}:
			case <-s.ctx.Done():
				return
			}
			client, err := s.listener.Accept()
			if err != nil {
				<-s.slots
				if s.ctx.Err() != nil {
					return
				}
				// Out of descriptors, or a client that went away: neither is the listener's end.
				select {
				case <-time.After(50 * time.Millisecond):
				case <-s.ctx.Done():
					return
				}
				continue
			}
			s.group.Go(func() {
				defer func() { <-s.slots }()
				if !s.hold(client) {
					return
				}
				defer s.release(client)
				s.handle(s, client)
			})
		}
	})
}

// hold registers a connection for Close; where Close has come already, it closes the connection and returns false.
func (s *Server) hold(c io.Closer) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		c.Close()
		return false
	}
	s.open[c] = struct{}{}
	return true
}

func (s *Server) release(c io.Closer) {
	s.mu.Lock()
	delete(s.open, c)
	s.mu.Unlock()
	c.Close()
}

// serveProxy tells the protocols apart: a SOCKS5 greeting begins with 5, an HTTP request with a letter.
func (s *Server) serveProxy(client net.Conn) {
	client.SetReadDeadline(time.Now().Add(helloTime))
	r := bufio.NewReader(client)
	first, err := r.Peek(1)
	switch {
	case err != nil:
	case first[0] == socksVersion:
		s.serveSOCKS(client, r)
	case 'A' <= first[0] && first[0] <= 'Z':
		s.serveHTTP(client, r)
	}
}

func (s *Server) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := s.network.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if !s.hold(conn) {
		return nil, net.ErrClosed
	}
	return conn, nil
}

// splice carries octets both ways until both directions have ended or one has failed, and closes the remote end. fromClient is where
// the client's octets are read: what was read ahead of them comes first.
func (s *Server) splice(client net.Conn, fromClient io.Reader, remote net.Conn) {
	defer s.release(remote)
	client.SetDeadline(time.Time{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		carry(remote, fromClient)
	}()
	carry(client, remote)
	<-done
}

// carry copies one direction. A direction that ends well closes only its half; one that fails closes both ends.
func carry(to net.Conn, from io.Reader) {
	_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{from}, make([]byte, 32<<10))
	half, ok := to.(interface{ CloseWrite() error })
	if err == nil && ok && half.CloseWrite() == nil {
		return
	}
	to.Close()
	if from, ok := from.(io.Closer); ok {
		from.Close()
	}
}
