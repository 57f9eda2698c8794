package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"
)

// loopback is a Network that leads to servers of the test by made-up names.
type loopback struct{ hosts map[string]string }

func (l loopback) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	if to, ok := l.hosts[address]; ok {
		return new(net.Dialer).DialContext(ctx, network, to)
	}
	return nil, &net.OpError{Op: "dial", Net: network, Err: fmt.Errorf("%s: connection was refused", address)}
}

func (l loopback) Resolve(_ context.Context, _, host string) ([]netip.Addr, error) {
	if host != "udp.example" {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func (l loopback) ListenUDP(port uint16) (net.PacketConn, error) {
	return net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: int(port)})
}

func start(t *testing.T) (s *Server, web *httptest.Server) {
	t.Helper()
	web = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s host=%s via=%q body=%s", r.Method, r.URL, r.Host, r.Header.Get("X-Forwarded-For")+r.Header.Get("Proxy-Connection"), body)
	}))
	web.Start()
	t.Cleanup(web.Close)
	tls := httptest.NewTLSServer(web.Config.Handler)
	t.Cleanup(tls.Close)
	s, err := Listen("0", loopback{map[string]string{
		"web.example:80": web.Listener.Addr().String(), "web.example:443": tls.Listener.Addr().String(),
		"192.0.2.7:80": web.Listener.Addr().String(), "[2001:db8::7]:80": web.Listener.Addr().String(),
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, tls
}

func client(t *testing.T, s *Server, scheme string, tls *httptest.Server) *http.Client {
	transport := tls.Client().Transport.(*http.Transport).Clone()
	transport.Proxy = http.ProxyURL(&url.URL{Scheme: scheme, Host: s.Addr().String()})
	transport.TLSClientConfig.ServerName = "example.com" // the test certificate's
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second}
}

// TestRealClients lets Go's own HTTP client through: SOCKS5 with names and addresses, HTTP with CONNECT and absolute targets.
func TestRealClients(t *testing.T) {
	s, tls := start(t)
	for _, scheme := range []string{"http", "socks5", "socks5h"} {
		for _, target := range []string{"http://web.example/a?b", "https://web.example/a?b", "http://192.0.2.7/a?b", "http://[2001:db8::7]/a?b"} {
			t.Run(scheme+" "+target, func(t *testing.T) {
				r, err := client(t, s, scheme, tls).Post(target, "text/plain", strings.NewReader("hello"))
				if err != nil {
					t.Fatal(err)
				}
				defer r.Body.Close()
				got, err := io.ReadAll(r.Body)
				u, _ := url.Parse(target)
				if want := fmt.Sprintf(`POST /a?b host=%s via="" body=hello`, u.Host); err != nil || string(got) != want {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
			})
		}
	}
}

func TestWhatCannotBeReached(t *testing.T) {
	s, tls := start(t)
	r, err := client(t, s, "http", tls).Get("http://nowhere.example/")
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(r.Body)
	r.Body.Close()
	if r.StatusCode != http.StatusBadGateway || !strings.Contains(string(body), "nowhere.example:80") {
		t.Errorf("HTTP: %s %q", r.Status, body)
	}
	if _, err := client(t, s, "http", tls).Get("https://nowhere.example/"); err == nil || !strings.Contains(err.Error(), "Bad Gateway") {
		t.Errorf("CONNECT: %v", err)
	}
	if _, err := client(t, s, "socks5", tls).Get("http://nowhere.example/"); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("SOCKS5: %v", err)
	}
}

// talk sends octets to the proxy and returns all that it answers.
func talk(t *testing.T, s *Server, send string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, send)
	c.(*net.TCPConn).CloseWrite()
	got, _ := io.ReadAll(c)
	return string(got)
}

func TestClientsOfTheWrongKind(t *testing.T) {
	s, _ := start(t)
	for _, c := range []struct{ name, send, want string }{
		{"nothing", "", ""},
		{"SOCKS4", "\x04\x01\x00\x50\xc0\x00\x02\x07\x00", ""},
		{"TLS", "\x16\x03\x01\x00\x05hello", ""},
		{"RFC 1928 section 3, no method that we take", "\x05\x01\x02", "\x05\xff"},
		{"RFC 1928 section 3, no methods", "\x05\x00", "\x05\xff"},
		{"RFC 1928 section 3, cut short", "\x05\x05\x00", ""},
		{"RFC 1928 section 4, BIND", "\x05\x01\x00\x05\x02\x00\x01\xc0\x00\x02\x07\x00\x50", "\x05\x00\x05\x07\x00\x01\x00\x00\x00\x00\x00\x00"},
		{"RFC 1928 section 4, another version", "\x05\x01\x00\x04\x01\x00\x01\xc0\x00\x02\x07\x00\x50", "\x05\x00"},
		{"RFC 1928 section 5, unknown address type", "\x05\x01\x00\x05\x01\x00\x02\xc0\x00\x02\x07\x00\x50", "\x05\x00\x05\x08\x00\x01\x00\x00\x00\x00\x00\x00"},
		{"RFC 1928 section 5, empty name", "\x05\x01\x00\x05\x01\x00\x03\x00\x00\x50", "\x05\x00"},
		{"RFC 1928 section 5, name cut short", "\x05\x01\x00\x05\x01\x00\x03\xffabc", "\x05\x00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := talk(t, s, c.send); got != c.want {
				t.Errorf("answered % x, want % x", got, c.want)
			}
		})
	}
	// What a web page can make a browser send to a local port must not get anywhere.
	if got := talk(t, s, "GET / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n"); !strings.HasPrefix(got, "HTTP/1.1 400 ") {
		t.Errorf("a request without an absolute target got %q", got)
	}
}

// TestOctetsReadAhead: a client may send the first octets for its target before it has seen the proxy's answer.
func TestOctetsReadAhead(t *testing.T) {
	s, _ := start(t)
	request := "GET /ahead HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n"
	for name, open := range map[string]string{
		"SOCKS5":  "\x05\x01\x00\x05\x01\x00\x03\x0bweb.example\x00\x50",
		"CONNECT": "CONNECT web.example:80 HTTP/1.1\r\nHost: web.example:80\r\n\r\n",
	} {
		if got := talk(t, s, open+request); !strings.Contains(got, "GET /ahead host=web.example") {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestForward(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		for {
			c, err := echo.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(c, c); c.Close() }()
		}
	}()
	s, err := Forward(":0", "echo.example:7", loopback{map[string]string{"echo.example:7": echo.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if !s.Addr().(*net.TCPAddr).IP.IsLoopback() {
		t.Errorf("without a host it listens on %s", s.Addr())
	}
	if got := talk(t, s, "hello"); got != "hello" {
		t.Errorf("came back: %q", got)
	}
	for _, target := range []string{"", "echo.example", "a:b:c"} {
		if s, err := Forward(":0", target, loopback{}); err == nil {
			s.Close()
			t.Errorf("the target %q was taken", target)
		}
	}
}

// TestUDPAssociate is RFC 1928 section 7.
func TestUDPAssociate(t *testing.T) {
	echo, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		buf := make([]byte, 2000)
		for {
			n, from, err := echo.ReadFromUDP(buf)
			if err != nil {
				return
			}
			echo.WriteToUDP(bytes.ToUpper(buf[:n]), from)
		}
	}()
	s, _ := start(t)
	control, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	control.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(control, "\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00")
	r := bufio.NewReader(control)
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil || string(head) != "\x05\x00\x05\x00\x00" {
		t.Fatalf("reply % x, %v", head, err)
	}
	relay, err := socksAddress(r)
	if err != nil {
		t.Fatal(err)
	}
	near, err := net.Dial("udp", relay.String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	near.SetDeadline(time.Now().Add(20 * time.Second))
	port := binary.BigEndian.AppendUint16(nil, uint16(echo.LocalAddr().(*net.UDPAddr).Port))
	buf := make([]byte, 2000)
	for _, to := range []string{"\x01\x7f\x00\x00\x01", "\x03\x0budp.example"} {
		io.WriteString(near, "\x00\x00\x01"+to+string(port)+"a fragment")
		io.WriteString(near, "\x00\x00\x00\x03\x03foo")                 // cut short
		io.WriteString(near, "\x00\x00\x00\x03\x04none\x00\x35nowhere") // no such name
		io.WriteString(near, "\x00\x00\x00"+to+string(port)+"hello")
		n, err := near.Read(buf)
		if want := "\x00\x00\x00\x01\x7f\x00\x00\x01" + string(port) + "HELLO"; err != nil || string(buf[:n]) != want {
			t.Errorf("came back %q, %v; want %q", buf[:n], err, want)
		}
	}
	// The association ends with its TCP connection.
	control.Close()
	for range 200 {
		if s.holds() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d connections are still held", s.holds())
}

func (s *Server) holds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// TestCloseEndsConnections would hang in Close, which waits for every goroutine, if one were forgotten.
func TestCloseEndsConnections(t *testing.T) {
	quiet, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer quiet.Close()
	s, err := Listen("127.0.0.1:0", loopback{map[string]string{"quiet.example:80": quiet.Addr().String()}})
	if err != nil {
		t.Fatal(err)
	}
	var conns []net.Conn
	for _, send := range []string{
		"", "\x05", "GET http://quiet.example/ HTTP/1.1\r\nHost: quiet.example\r\n\r\n", "POST http://qu",
		"CONNECT quiet.example:80 HTTP/1.1\r\n\r\n", "\x05\x01\x00\x05\x01\x00\x03\x0dquiet.example\x00\x50", "\x05\x01\x00\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00",
	} {
		c, err := net.Dial("tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, send)
		conns = append(conns, c)
	}
	for range 3 { // the HTTP request, CONNECT and SOCKS5 have reached the target
		c, err := quiet.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	done := make(chan error)
	go func() { done <- s.Close() }()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("Close hangs")
	}
	for i, c := range conns {
		c.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.Copy(io.Discard, c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("connection %d is still open", i)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("a second Close gave %v", err)
	}
}

func FuzzSOCKS(f *testing.F) {
	f.Add([]byte("\x05\x01\x00\x05\x01\x00\x03\x0bweb.example\x00\x50"))
	f.Add([]byte("\x05\x01\x00\x05\x03\x00\x04\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x35"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		if socksGreeting(r, io.Discard) == nil {
			socksRequest(r)
		}
		to, payload, err := parseDatagram(in)
		if err != nil {
			return
		}
		// What came as an address goes back as the same address.
		if ip, err := netip.ParseAddr(to.host); err == nil && in[3] != socksName {
			header := appendSocksAddress([]byte{0, 0, 0}, netip.AddrPortFrom(ip, to.port))
			again, rest, err := parseDatagram(append(header, payload...))
			if err != nil || again != to || !bytes.Equal(rest, payload) {
				t.Errorf("%v became %v, %v", to, again, err)
			}
		}
	})
}
