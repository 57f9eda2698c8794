//go:build linux

package plane

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/knakppp/knak/core/plane/nstest"
	"github.com/knakppp/knak/core/trace"
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

func tunConfig(t *testing.T) (cfg Config, notices *[]trace.Notice) {
	notices = new([]trace.Notice)
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("nameserver 192.0.2.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return Config{
		Local: netip.MustParseAddr("10.64.0.2"), Peer: netip.MustParseAddr("10.64.0.1"), DNS: []netip.Addr{netip.MustParseAddr("10.0.0.53")},
		DefaultRoute: true, Metric: 700, DNSMode: "file", ResolvConf: path,
		Notice: func(n trace.Notice) { *notices = append(*notices, n) },
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
