//go:build linux

package plane

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/plane/nstest"
	"github.com/knakppp/knak/core/plane/stack"
)

func interfaces(t *testing.T) (names []string) {
	t.Helper()
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		names = append(names, l.Attrs().Name)
	}
	return names
}

func tunConfig(t *testing.T) (cfg Config, notices *[]event.Notice) {
	notices = new([]event.Notice)
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("nameserver 192.0.2.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return Config{
		Local: netip.MustParseAddr("10.64.0.2"), Peer: netip.MustParseAddr("10.64.0.1"), DNS: []netip.Addr{netip.MustParseAddr("10.0.0.53")},
		DefaultRoute: true, Metric: 700, DNSMode: "file", ResolvConf: path,
		Notice: func(n event.Notice) { *notices = append(*notices, n) },
	}, notices
}

func TestTUNTakesAndGivesBack(t *testing.T) {
	nstest.EnterWithTUN(t)
	cfg, notices := tunConfig(t)
	before := interfaces(t)
	for range 2 { // the second time shows that the first left nothing
		p, err := Open(t.Context(), KindTUN, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind() != KindTUN || p.Interface() != "knak0" {
			t.Errorf("kind %q, interface %q", p.Kind(), p.Interface())
		}
		if got, want := p.Info(), []string{"interface knak0, default route with metric 700, DNS 10.0.0.53 (file)"}; !slices.Equal(got, want) {
			t.Errorf("Info gave %q, want %q", got, want)
		}
		routes, err := netlink.RouteGet(net.IPv4(203, 0, 113, 1))
		if err != nil || !routes[0].Src.Equal(net.IPv4(10, 64, 0, 2)) {
			t.Errorf("the way out: %v, %v", routes, err)
		}
		if data, _ := os.ReadFile(cfg.ResolvConf); !strings.Contains(string(data), "\nnameserver 10.0.0.53\n") {
			t.Errorf("resolv.conf:\n%s", data)
		}
		for range 2 {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		}
		if data, _ := os.ReadFile(cfg.ResolvConf); string(data) != "nameserver 192.0.2.1\n" {
			t.Errorf("resolv.conf after Close:\n%s", data)
		}
		if after := interfaces(t); !slices.Equal(before, after) {
			t.Errorf("interfaces %q, before %q", after, before)
		}
	}
	if len(*notices) != 0 {
		t.Errorf("notices: %v", *notices)
	}
}

// TestTUNFailureHalfway fails in the last step, the DNS, when the device, its addresses and its routes are there.
func TestTUNFailureHalfway(t *testing.T) {
	nstest.EnterWithTUN(t)
	cfg, _ := tunConfig(t)
	cfg.ResolvConf = filepath.Join(cfg.ResolvConf, "not-a-directory")
	before := interfaces(t)
	if _, err := Open(t.Context(), KindTUN, cfg); err == nil {
		t.Fatal("Open succeeded")
	}
	if after := interfaces(t); !slices.Equal(before, after) {
		t.Errorf("interfaces %q, before %q", after, before)
	}
}

func TestNone(t *testing.T) {
	p, err := Open(t.Context(), KindNone, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(p.Deliver([]byte{0x45}), p.Flush(), p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if err := p.Read(func([]byte) bool { t.Error("a packet from none"); return true }); err != net.ErrClosed {
		t.Errorf("Read after Close gave %v", err)
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := Open(t.Context(), "tap", Config{}); !errors.Is(err, ErrKind) {
		t.Errorf("got %v", err)
	}
}

// TestStackPlanes joins two planes and goes through one to the other by proxy, forward, Dial and Ping.
func TestStackPlanes(t *testing.T) {
	web, err := stack.New(stack.Config{Local: netip.MustParseAddr("10.64.0.1")})
	if err != nil {
		t.Fatal(err)
	}
	defer web.Close()
	listener, err := web.ListenTCP(80)
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello "+r.RemoteAddr) }))

	var notices []event.Notice
	p, err := Open(t.Context(), KindStack, Config{
		Local: netip.MustParseAddr("10.64.0.2"), Peer: netip.MustParseAddr("10.64.0.1"), Proxy: "127.0.0.1:0",
		Forwards: []Forward{{Listen: ":0", Target: "10.64.0.1:80"}}, Notice: func(n event.Notice) { notices = append(notices, n) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() {
		each := func(packet []byte) bool { web.Deliver(packet); return true }
		var err error
		for err == nil {
			err = p.Read(each)
		}
		ended <- err
	}()
	go func() {
		each := func(packet []byte) bool { p.Deliver(packet); return true }
		for web.Read(each) == nil {
			p.Flush()
		}
	}()

	info := strings.Join(p.Info(), "\n")
	found := regexp.MustCompile(`^SOCKS5 and HTTP proxy on (127\.0\.0\.1:\d+)\n(127\.0\.0\.1:\d+) leads to 10\.64\.0\.1:80$`).FindStringSubmatch(info)
	if found == nil {
		t.Fatalf("Info gave %q", info)
	}
	via := func(scheme string) *http.Transport {
		return &http.Transport{Proxy: http.ProxyURL(&url.URL{Scheme: scheme, Host: found[1]}), DisableKeepAlives: true}
	}
	for name, c := range map[string]struct {
		transport *http.Transport
		host      string
	}{
		"HTTP": {via("http"), "10.64.0.1"}, "SOCKS5": {via("socks5"), "10.64.0.1"}, "forward": {&http.Transport{DisableKeepAlives: true}, found[2]},
		"Dial": {&http.Transport{DialContext: p.(Dialer).Dial, DisableKeepAlives: true}, "10.64.0.1"},
	} {
		r, err := (&http.Client{Transport: c.transport, Timeout: 20 * time.Second}).Get("http://" + c.host + "/")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if !strings.HasPrefix(string(body), "hello 10.64.0.2:") {
			t.Errorf("%s: got %q", name, body)
		}
	}
	if _, err := p.(Dialer).Ping(t.Context(), netip.MustParseAddr("10.64.0.1")); err != nil {
		t.Error(err)
	}
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != net.ErrClosed {
		t.Errorf("Read ended with %v", err)
	}
	if _, err := net.Dial("tcp", found[1]); err == nil {
		t.Error("the proxy still listens")
	}
	if len(notices) != 0 {
		t.Errorf("notices: %v", notices)
	}
}

func TestStackFailureHalfway(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := free.Addr().String()
	free.Close()
	if _, err := Open(t.Context(), KindStack, Config{Proxy: address, Forwards: []Forward{{Listen: taken.Addr().String(), Target: "a:1"}}}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("a port that is taken: %v", err)
	}
	if _, err := net.Dial("tcp", address); err == nil {
		t.Error("the proxy was left open")
	}
}

func TestOpenProxyIsSaid(t *testing.T) {
	var notices []event.Notice
	p, err := Open(t.Context(), KindStack, Config{Proxy: "0.0.0.0:0", Notice: func(n event.Notice) { notices = append(notices, n) }})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if len(notices) != 1 || notices[0].Level != "warning" {
		t.Errorf("notices: %v", notices)
	}
}

// TestAuto makes tun fail by a name that no interface can have.
func TestAuto(t *testing.T) {
	var notices []event.Notice
	cfg := Config{Interface: "no such name", Notice: func(n event.Notice) { notices = append(notices, n) }}
	p, err := Open(t.Context(), KindAuto, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if p.Kind() != KindStack || len(notices) != 1 || !strings.HasPrefix(notices[0].Text, "plane tun is not possible here, so the next one is taken: ") {
		t.Errorf("kind %q, notices %v", p.Kind(), notices)
	}
}

func TestMTUIsBounded(t *testing.T) {
	for mtu, want := range map[int]int{0: 1500, 1: 68, 68: 68, 1500: 1500, 65535: 16384} {
		p, err := Open(t.Context(), KindNone, Config{MTU: mtu})
		if err != nil {
			t.Fatal(err)
		}
		if got := TakenOf(p, Config{}).MTU; got != want {
			t.Errorf("%d becomes %d, want %d", mtu, got, want)
		}
		p.Close()
	}
}
