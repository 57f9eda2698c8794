//go:build linux

// Package slirp tests knak against Debian's slirp, a PPP peer that needs no privilege, as knak with --plane stack needs none.
package slirp

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/proxy"

	"github.com/knakppp/knak/test/interop/program"
	"github.com/knakppp/knak/test/module"
	"github.com/knakppp/knak/test/peer"
)

const limit = 40 * time.Second

// What slirp is to its clients (slirp(1), SPECIAL ADDRESSES).
const (
	hostAlias = "10.0.2.2"
	dnsAlias  = "10.0.2.3"
	ourself   = "10.0.2.15"
)

func TestMain(m *testing.M) {
	undo, err := program.Build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	undo()
	os.Exit(code)
}

// nobody is the user to run both ends as, or nil where the test itself has no privilege.
func nobody() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
}

// dial starts slirp and, at the other end of the cable, knak.
func dial(t *testing.T, args ...string) *program.Process {
	t.Helper()
	tty := start(t)
	cfg := program.Config{User: nobody(), Args: append([]string{"dial", "--port", tty, "--number", "", "--plane", "stack"}, args...)}
	return program.Start(t, cfg)
}

// start starts slirp on one pseudo-terminal, and gives another that a cable joins with it.
func start(t *testing.T) (tty string) {
	t.Helper()
	path, err := exec.LookPath("slirp")
	if err != nil {
		t.Skip("SKIPPED: tests with slirp: it is not installed. Get it with: apt-get install --no-install-recommends slirp")
	}
	user := nobody()
	far, near := peer.NewPTY(t), peer.NewPTY(t)
	peer.Join(far, near)
	if user != nil {
		for _, tty := range []string{far.Slave, near.Slave} {
			if err := os.Chown(tty, int(user.Uid), int(user.Gid)); err != nil {
				t.Fatal(err)
			}
		}
	}
	line, err := os.OpenFile(far.Slave, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	home, err := os.MkdirTemp("", "knak-slirp-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	if user != nil {
		if err := os.Chown(home, int(user.Uid), int(user.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	slirp := exec.Command(path, "ppp", "mtu 1500", "baudrate 100000000")
	// The real user's ~/.slirprc must not count.
	slirp.Env = []string{"HOME=" + home, "PATH=/usr/bin:/bin", "TERM=dumb", "LD_PRELOAD=" + mend(t, home)}
	slirp.Dir = home
	slirp.Stdin, slirp.Stdout = line, line
	var said bytes.Buffer
	slirp.Stderr = &said
	slirp.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: user}
	if err := slirp.Start(); err != nil {
		t.Fatal(err)
	}
	line.Close()
	t.Cleanup(func() {
		_ = slirp.Process.Kill() // it may have ended
		_ = slirp.Wait()
		if t.Failed() {
			t.Logf("slirp said: %s", said.Bytes())
		}
	})
	return near.Slave
}

// mend builds testdata/mend.c, without which this slirp does not live.
func mend(t *testing.T, dir string) string {
	t.Helper()
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("SKIPPED: tests with slirp: no C compiler to mend it with. Get one with: apt-get install --no-install-recommends gcc libc6-dev")
	}
	lib := filepath.Join(dir, "mend.so")
	if out, err := exec.Command(cc, "-shared", "-fPIC", "-O", "-o", lib, "testdata/mend.c").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(lib, 0o755); err != nil {
		t.Fatal(err)
	}
	return lib
}

// freeAddress is an address on loopback where nobody listens at the moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serve runs an HTTP server on loopback that gives size octets, and returns its port and the octets' sum.
func serve(t *testing.T, size int) (port string, sum [32]byte) {
	t.Helper()
	content := make([]byte, size)
	rand.NewChaCha8([32]byte{4}).Read(content)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(content) })}
	go s.Serve(l)
	t.Cleanup(func() { s.Close() })
	_, port, err = net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port, sha256.Sum256(content)
}

func TestProxyThroughSlirp(t *testing.T) {
	const size = 20_000 // slirp 1.0.17 carries a few dozen kB/s at best here
	port, want := serve(t, size)
	listen := freeAddress(t)
	k := dial(t, "--proxy", listen)
	up := k.WaitUp(t, limit)
	if up.Plane != "stack" || up.Local != ourself || up.Interface != "" {
		t.Errorf("up says %+v", up)
	}
	for name, proxyURL := range map[string]string{"HTTP": "http://" + listen, "SOCKS5": "socks5h://" + listen} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(proxyURL)
			if err != nil {
				t.Fatal(err)
			}
			client := &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(u)}, Timeout: limit}
			start := time.Now()
			resp, err := client.Get("http://" + net.JoinHostPort(hostAlias, port) + "/")
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			if sha256.Sum256(body) != want {
				t.Errorf("%d octets came, and not those that were sent", len(body))
			}
			t.Logf("%d octets at %.1f MB/s", len(body), float64(len(body))/time.Since(start).Seconds()/1e6)
		})
	}
	t.Run("CONNECT", func(t *testing.T) {
		conn, err := net.Dial("tcp", listen)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(limit))
		fmt.Fprintf(conn, "CONNECT %s:%s HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.0\r\n\r\n", hostAlias, port)
		all, err := io.ReadAll(conn)
		if err != nil || !bytes.HasPrefix(all, []byte("HTTP/1.1 200")) || len(all) < size {
			t.Errorf("%d octets, %v: %.80q", len(all), err, all)
		}
	})
	t.Run("DNS", func(t *testing.T) { askDNS(t, listen) })

	k.Signal(syscall.SIGTERM)
	if code := k.Exit(t, limit); code != 5 {
		t.Errorf("knak ended with status %d, want 5", code)
	}
	if conn, err := net.Dial("tcp", listen); err == nil {
		conn.Close()
		t.Error("the proxy still listens")
	}
}

// askDNS lets knak look a name up that cannot exist (RFC 6761), which it does through slirp. That there is none is an
// answer; without one knak would wait for seconds.
func askDNS(t *testing.T, listen string) {
	const soon = 4 * time.Second
	r := &net.Resolver{PreferGo: true}
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	var missing *net.DNSError
	if _, err := r.LookupHost(ctx, "knak.invalid"); !errors.As(err, &missing) || missing.IsTimeout {
		t.Skipf("SKIPPED: DNS through slirp: this machine's name server %s does not answer: %v", nameServer(), err)
	}
	dialer, err := proxy.SOCKS5("tcp", listen, nil, proxy.Direct)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	conn, err := dialer.Dial("tcp", "knak.invalid:80")
	if err == nil {
		conn.Close()
		t.Fatal("a name that cannot exist has an address")
	}
	if d := time.Since(start); d > soon {
		t.Errorf("no answer within %v: %v", d, err)
	}
	t.Log(err)
}

func nameServer() string {
	data, _ := os.ReadFile("/etc/resolv.conf") // without one there is no name server
	for line := range strings.Lines(string(data)) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "nameserver" {
			return f[1]
		}
	}
	return "127.0.0.1"
}

func TestForwardThroughSlirp(t *testing.T) {
	port, want := serve(t, 20_000)
	listen := freeAddress(t)
	k := dial(t, "--proxy", "off", "--forward", listen+"="+net.JoinHostPort(hostAlias, port))
	k.WaitUp(t, limit)
	client := &http.Client{Timeout: limit}
	resp, err := client.Get("http://" + listen + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || sha256.Sum256(body) != want {
		t.Errorf("%d octets, %v", len(body), err)
	}
}

// A Go program outside of this module dials slirp by the library, and fetches a page from the host behind it.
func TestLibraryThroughSlirp(t *testing.T) {
	const size = 20_000
	port, want := serve(t, size)
	tty := start(t)
	fetch := exec.Command(module.Fetch(t), "-port", tty, "-direct", "http://"+net.JoinHostPort(hostAlias, port)+"/")
	fetch.Env = append(os.Environ(), "KNAK_STATE_DIR="+t.TempDir(), "KNAK_RUNTIME_DIR="+t.TempDir())
	var said bytes.Buffer
	fetch.Stderr = &said
	page, err := fetch.Output()
	if err != nil || sha256.Sum256(page) != want {
		t.Errorf("%v: %d octets\n%s", err, len(page), said.String())
	}
	t.Log(said.String())
}
