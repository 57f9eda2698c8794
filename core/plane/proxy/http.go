package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"time"
)

// startHTTP starts the HTTP server that serveHTTP hands connections to.
func (s *Server) startHTTP() {
	s.httpConns = make(chan net.Conn)
	transport := &http.Transport{
		DialContext: s.network.Dial, DisableCompression: true, MaxIdleConns: 64, IdleConnTimeout: 60 * time.Second,
		ResponseHeaderTimeout: 5 * time.Minute,
	}
	silent := log.New(io.Discard, "", 0) // what goes wrong, the client is told
	forward := &httputil.ReverseProxy{
		// The request's target is absolute already: where it came from is where it goes.
		Rewrite:   func(*httputil.ProxyRequest) {},
		Transport: transport, FlushInterval: -1,
		ErrorLog: silent,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			http.Error(w, "knak: "+err.Error(), gatewayStatus(err))
		},
	}
	s.http = &http.Server{
		ReadHeaderTimeout: helloTime, IdleTimeout: 2 * time.Minute, ErrorLog: silent,
		BaseContext: func(net.Listener) context.Context { return s.ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch {
			case r.Method == http.MethodConnect:
				s.connect(w, r)
			case r.URL.Scheme == "http" && r.URL.Host != "":
				forward.ServeHTTP(w, r)
			default:
				http.Error(w, "knak: this is a proxy: it takes CONNECT and requests with an absolute http:// target", http.StatusBadRequest)
			}
		}),
	}
	s.group.Go(func() {
		s.http.Serve(connListener{s})
		transport.CloseIdleConnections()
	})
}

// serveHTTP hands a connection to the HTTP server and waits until that is done with it.
func (s *Server) serveHTTP(client net.Conn, r *bufio.Reader) {
	client.SetReadDeadline(time.Time{})
	c := &httpConn{Conn: client, r: r, closed: make(chan struct{})}
	select {
	case s.httpConns <- c:
		<-c.closed
	case <-s.ctx.Done():
	}
}

// connect opens a tunnel (RFC 9110 section 9.3.6).
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	// Not the request's context: it ends with the client's sending side, and a client may have sent all that it has to.
	remote, err := s.dial(s.ctx, "tcp", r.Host)
	if err != nil {
		http.Error(w, "knak: "+err.Error(), gatewayStatus(err))
		return
	}
	client, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		s.release(remote)
		return
	}
	defer client.Close()
	if _, err := io.WriteString(client, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		s.release(remote)
		return
	}
	s.splice(client, rw.Reader, remote)
}

func gatewayStatus(err error) int {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// connListener gives the HTTP server the connections whose first octet says HTTP.
type connListener struct{ s *Server }

func (l connListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.s.httpConns:
		return c, nil
	case <-l.s.ctx.Done():
		return nil, net.ErrClosed
	}
}

func (connListener) Close() error     { return nil }
func (l connListener) Addr() net.Addr { return l.s.listener.Addr() }

// httpConn is a connection whose first octets have been read ahead.
type httpConn struct {
	net.Conn
	r      *bufio.Reader
	closed chan struct{}
	closer onceCloser
}

func (c *httpConn) Read(b []byte) (int, error) { return c.r.Read(b) }

func (c *httpConn) CloseWrite() error { return c.Conn.(*net.TCPConn).CloseWrite() }

func (c *httpConn) Close() error {
	return c.closer.close(func() error {
		defer close(c.closed)
		return c.Conn.Close()
	})
}
