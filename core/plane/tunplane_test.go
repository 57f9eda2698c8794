//go:build linux

package plane

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/plane/nstest"
)

// onLAN makes the test's namespace a host as there are many: nstest.LAN, with 2001:db8:1::100/64 on eth0 as well, whose router
// is its name server, too. It gives what to open a plane with, and
// what a person is told.
func onLAN(t *testing.T) (cfg Config, told <-chan event.Notice) {
	t.Helper()
	nstest.EnterWithTUN(t)
	nstest.LAN(t)
	if a, err := netlink.ParseAddr("2001:db8:1::100/64"); err == nil {
		_ = netlink.AddrAdd(device(t, "eth0"), a) // a kernel may have no IPv6
	}
	path := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(path, []byte("nameserver 192.168.1.1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := make(chan event.Notice, 100)
	return Config{
		Local: netip.MustParseAddr("10.64.0.2"), Peer: netip.MustParseAddr("10.64.0.1"), DNS: []netip.Addr{netip.MustParseAddr("10.0.0.53")},
		Metric: 700, ResolvConf: path, InterfaceID6: [8]byte{2, 0, 0, 0, 0, 0, 0, 1}, Notice: func(n event.Notice) { c <- n },
	}, c
}

func device(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func lanDefault(t *testing.T) *netlink.Route {
	return &netlink.Route{LinkIndex: device(t, "eth0").Attrs().Index, Gw: net.IPv4(192, 168, 1, 1), Priority: 100}
}

// way says how the kernel would send a packet to an address: over which interface, or that it is none to send to.
func way(t *testing.T, to string) string {
	t.Helper()
	routes, err := netlink.RouteGet(net.ParseIP(to))
	if err != nil {
		return err.Error()
	}
	l, err := netlink.LinkByIndex(routes[0].LinkIndex)
	if err != nil {
		t.Fatal(err)
	}
	switch routes[0].Type {
	case unix.RTN_LOCAL:
		return "local"
	case unix.RTN_BROADCAST:
		return "broadcast " + l.Attrs().Name
	case unix.RTN_MULTICAST:
		return "multicast"
	}
	return l.Attrs().Name
}

// wait waits for a notice with a text in it.
func wait(t *testing.T, told <-chan event.Notice, text string) {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		select {
		case n := <-told:
			if strings.Contains(n.Text, text) {
				return
			}
			t.Logf("also told: %s", n.Text)
		case <-limit:
			t.Fatalf("nobody said %q", text)
		}
	}
}

// TestNobodysTrafficIsTaken is the first finding of an attack on knak: by the addresses of IPCP a peer took the way to any
// host, also where no default route was asked for.
func TestNobodysTrafficIsTaken(t *testing.T) {
	for _, mode := range []string{"system", "file", "none"} {
		for _, c := range []struct{ name, peer, dns string }{
			{"the gateway as DNS", "10.64.0.1", "192.168.1.1"},
			{"the gateway as peer", "192.168.1.1", "10.0.0.53"},
			{"a host of the LAN", "192.168.1.50", "192.168.1.51"},
			{"this host", "192.168.1.100", "192.168.1.100"},
			{"loopback", "127.0.0.1", "127.0.0.53"},
			{"broadcast", "255.255.255.255", "255.255.255.255"},
			{"the LAN's broadcast", "192.168.1.255", "192.168.1.255"},
			{"multicast", "224.0.0.1", "224.0.0.251"},
			{"the network's own name", "192.168.1.0", "0.0.0.0"},
		} {
			t.Run(mode+"/"+c.name, func(t *testing.T) {
				cfg, _ := onLAN(t)
				others := []string{c.peer, c.dns, "192.168.1.1", "192.168.1.50", "127.0.0.1", "224.0.0.251", "203.0.113.1"}
				others = slices.DeleteFunc(others, func(a string) bool { return strings.HasPrefix(a, "10.") })
				var before []string
				for _, a := range others {
					before = append(before, a+" "+way(t, a))
				}
				cfg.DNSMode, cfg.Peer, cfg.DNS = mode, netip.MustParseAddr(c.peer), []netip.Addr{netip.MustParseAddr(c.dns)}
				p, err := Open(t.Context(), KindTUN, cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				for i, a := range others {
					if now := a + " " + way(t, a); now != before[i] {
						t.Errorf("%s, before the link: %s", now, before[i])
					}
				}
				text, _ := os.ReadFile(cfg.ResolvConf)
				if !strings.HasPrefix(c.dns, "10.") && string(text) != "nameserver 192.168.1.1\n" {
					t.Errorf("resolv.conf:\n%s", text)
				}
				taken := TakenOf(p, cfg)
				if !strings.HasPrefix(c.peer, "10.") && taken.Peer.IsValid() || !strings.HasPrefix(c.dns, "10.") && len(taken.DNS) > 0 {
					t.Errorf("scripts would be told of %+v", taken)
				}
			})
		}
	}
}

func TestOurAddressIsNobodyElses(t *testing.T) {
	for _, local := range []string{"192.168.1.1", "192.168.1.50", "192.168.1.100", "192.168.1.255", "127.0.0.2", "224.0.0.1", "255.255.255.255"} {
		t.Run(local, func(t *testing.T) {
			cfg, _ := onLAN(t)
			before := interfaces(t)
			cfg.Local = netip.MustParseAddr(local)
			for _, kind := range []string{KindTUN, KindAuto} {
				p, err := Open(t.Context(), kind, cfg)
				var refused *AddressError
				if !errors.As(err, &refused) {
					t.Errorf("%s: opened with %s: %v", kind, local, err)
				}
				if err == nil {
					p.Close()
				}
			}
			if after := interfaces(t); !slices.Equal(before, after) {
				t.Errorf("interfaces %q, before %q", after, before)
			}
		})
	}
}

// TestHonestLinksComeUp: what carriers and sticks really give works beside a LAN, and only what the link needs leads there.
func TestHonestLinksComeUp(t *testing.T) {
	for _, c := range []struct{ local, peer, dns string }{
		{"10.64.3.4", "10.64.64.64", "10.0.0.53"},
		{"192.168.8.100", "192.168.254.254", "192.168.8.1"},
		{"100.64.7.8", "100.64.0.1", "100.64.0.1"},
		{"198.51.100.9", "10.64.64.64", "8.8.8.8"},
	} {
		t.Run(c.local, func(t *testing.T) {
			cfg, told := onLAN(t)
			cfg.Local, cfg.Peer, cfg.DNS = netip.MustParseAddr(c.local), netip.MustParseAddr(c.peer), []netip.Addr{netip.MustParseAddr(c.dns)}
			cfg.DNSMode = "file"
			p, err := Open(t.Context(), KindTUN, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			for _, a := range []string{c.peer, c.dns} {
				if got := way(t, a); got != "knak0" {
					t.Errorf("%s: %s", a, got)
				}
			}
			if got := way(t, "203.0.113.1"); got != "eth0" {
				t.Errorf("everything else goes over %s", got)
			}
			if c.dns != c.peer {
				wait(t, told, "the host asks the name server "+c.dns)
			}
			for len(told) > 0 {
				if n := <-told; n.Level != "info" {
					t.Errorf("a warning: %s", n.Text)
				}
			}
		})
	}
}

// TestNobodyOnTheInternetIsTaken: as its own address a peer may name anybody's on the Internet. The way there moves only with
// everything else.
func TestNobodyOnTheInternetIsTaken(t *testing.T) {
	for _, wants := range []bool{false, true} {
		cfg, _ := onLAN(t)
		quick(t)
		cfg.Peer, cfg.DefaultRoute, cfg.DNSMode = netip.MustParseAddr("203.0.113.5"), wants, "none"
		p, err := Open(t.Context(), KindTUN, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got := way(t, "203.0.113.5"); got != "eth0" {
			t.Errorf("default route %v: packets to the peer's namesake go over %s", wants, got)
		}
		p.Close()
	}
	cfg, told := onLAN(t)
	if err := netlink.RouteDel(lanDefault(t)); err != nil {
		t.Fatal(err)
	}
	cfg.Peer, cfg.DefaultRoute, cfg.DNSMode = netip.MustParseAddr("203.0.113.5"), true, "none"
	p, err := Open(t.Context(), KindTUN, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := way(t, "203.0.113.5"); got != "knak0" {
		t.Errorf("as the only way out: %s", got)
	}
	if err := netlink.RouteAdd(lanDefault(t)); err != nil {
		t.Fatal(err)
	}
	wait(t, told, "packets of this host go over eth0 again")
	if got := way(t, "203.0.113.5"); got != "eth0" {
		t.Errorf("the cable is plugged in: %s", got)
	}
}

// TestNoRouteToServersThatNobodyAsks: without the default route the host's DNS stays as it is, and so do its routes.
func TestNoRouteToServersThatNobodyAsks(t *testing.T) {
	cfg, _ := onLAN(t)
	p, err := Open(t.Context(), KindTUN, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := way(t, "10.0.0.53"); got != "eth0" {
		t.Errorf("packets to the name server go over %s", got)
	}
}

func TestTwoLinksWithOnePeer(t *testing.T) {
	cfg, told := onLAN(t)
	first, err := Open(t.Context(), KindTUN, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	cfg.Local = netip.MustParseAddr("10.64.0.3")
	second, err := Open(t.Context(), KindTUN, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	wait(t, told, "the peer's address 10.64.0.1 is left out: it is at the other end of another interface of this host")
	if got := way(t, "10.64.0.1"); got != first.Interface() {
		t.Errorf("the peer's address leads to %s", got)
	}
}

// becomes waits until packets to an address take a way.
func becomes(t *testing.T, to, want string) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); way(t, to) != want; {
		if time.Now().After(end) {
			t.Fatalf("%s goes over %s, want %s", to, way(t, to), want)
		}
	}
}

// quick makes planes follow changes of the host at once.
func quick(t *testing.T) {
	was := settle
	settle = time.Millisecond
	t.Cleanup(func() { settle = was })
}

// TestTrafficFollowsTheDefaultRoute: a link that waits behind a better default route takes over, with its name servers,
// when that is gone, and gives way when it is back. A person is told each time.
func TestTrafficFollowsTheDefaultRoute(t *testing.T) {
	cfg, told := onLAN(t)
	quick(t)
	cfg.DefaultRoute = true
	cfg.DNSMode = "system"
	if text, err := os.ReadFile("/etc/resolv.conf"); err == nil && strings.Contains(string(text), "127.0.0.53") {
		cfg.DNSMode = "file" // this machine's own resolver would be told
	}
	p, err := Open(t.Context(), KindTUN, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	wait(t, told, "packets go on taking the default route over eth0: its metric 100 is better than ours, 700")
	servers := func() string { text, _ := os.ReadFile(cfg.ResolvConf); return string(text) }
	for range 2 {
		if err := netlink.RouteDel(lanDefault(t)); err != nil {
			t.Fatal(err)
		}
		wait(t, told, "packets of this host go over knak0 now")
		if got := way(t, "203.0.113.1"); got != "knak0" {
			t.Errorf("packets go over %s", got)
		}
		if err := netlink.RouteAdd(lanDefault(t)); err != nil {
			t.Fatal(err)
		}
		wait(t, told, "packets of this host go over eth0 again")
		if got := way(t, "203.0.113.1"); got != "eth0" {
			t.Errorf("packets go over %s", got)
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if got := servers(); got != "nameserver 192.168.1.1\n" {
		t.Errorf("resolv.conf at the end:\n%s", got)
	}
}

// TestTheHostGetsAnAddressThatIsOurs: what was right when the link came up is wrong when a cable is plugged in.
func TestTheHostGetsAnAddressThatIsOurs(t *testing.T) {
	add := func(t *testing.T, network string) {
		t.Helper()
		a, err := netlink.ParseAddr(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := netlink.AddrAdd(device(t, "eth0"), a); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("ours", func(t *testing.T) {
		cfg, _ := onLAN(t)
		quick(t)
		p, err := Open(t.Context(), KindTUN, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		ended := make(chan error, 1)
		go func() {
			err := error(nil)
			for err == nil {
				err = p.Read(func([]byte) bool { return true })
			}
			ended <- err
		}()
		add(t, "10.64.0.9/24")
		select {
		case err := <-ended:
			var refused *AddressError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), "10.64.0.2, which is in 10.64.0.0/24") {
				t.Errorf("the plane ended with %v", err)
			}
		case <-time.After(10 * time.Second):
			t.Error("the plane goes on")
		}
	})
	t.Run("the peer's and a name server's", func(t *testing.T) {
		cfg, told := onLAN(t)
		quick(t)
		cfg.DNSMode, cfg.Peer = "file", netip.MustParseAddr("10.65.0.1")
		p, err := Open(t.Context(), KindTUN, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		add(t, "10.65.0.9/24")
		wait(t, told, "the peer's address 10.65.0.1 is left out: it is in 10.65.0.0/24")
		becomes(t, "10.65.0.1", "eth0")
		add(t, "10.0.0.9/24")
		wait(t, told, "the name server 10.0.0.53 is left out: it is in 10.0.0.0/24")
		becomes(t, "10.0.0.53", "eth0")
	})
}

// advertise is a router advertisement of a network, as the peer's packet.
func advertise(lifetime uint16, network string) []byte {
	n := netip.MustParsePrefix(network)
	icmp := make([]byte, 48)
	icmp[0], icmp[4], icmp[5] = 134, 64, 0
	binary.BigEndian.PutUint16(icmp[6:], lifetime)
	o := icmp[16:]
	o[0], o[1], o[2], o[3] = 3, 4, uint8(n.Bits()), 0xc0
	binary.BigEndian.PutUint32(o[4:], 3600)
	binary.BigEndian.PutUint32(o[8:], 3600)
	copy(o[16:], n.Addr().AsSlice())
	p := make([]byte, 40, 40+len(icmp))
	p[0], p[5], p[6], p[7] = 0x60, uint8(len(icmp)), 58, 255
	copy(p[8:], netip.MustParseAddr("fe80::2").AsSlice())
	copy(p[24:], netip.MustParseAddr("ff02::1").AsSlice())
	sum := uint32(len(icmp)) + 58
	for i := 8; i < 40; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(p[i:]))
	}
	for i := 0; i < len(icmp); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(icmp[i:]))
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(icmp[2:], ^uint16(sum))
	return append(p, icmp...)
}

// TestRouterAdvertisements: a carrier's network is taken, the LAN's is not, and without the default route no router is.
func TestRouterAdvertisements(t *testing.T) {
	for _, c := range []struct {
		name         string
		network      string
		defaultRoute bool
		address      bool
		router       bool
	}{
		{"the carrier's", "2001:db8:99::/64", true, true, true},
		{"the carrier's, no default route", "2001:db8:99::/64", false, true, false},
		{"the LAN's", "2001:db8:1::/64", true, false, false},
		{"the Internet", "2000::/3", true, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, _ := onLAN(t)
			if _, err := os.Stat("/proc/sys/net/ipv6/conf/all"); err != nil {
				t.Skip("SKIPPED: this kernel has no IPv6")
			}
			cfg.DefaultRoute = c.defaultRoute
			p, err := Open(t.Context(), KindTUN, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if err := p.Deliver(advertise(1800, c.network)); err != nil {
				t.Fatal(err)
			}
			if err := p.Flush(); err != nil {
				t.Fatal(err)
			}
			has := func(what string, look func() bool, want bool) {
				t.Helper()
				for end := time.Now().Add(10 * time.Second); want && !look() && time.Now().Before(end); {
				}
				if look() != want {
					t.Errorf("%s: %v, want %v", what, !want, want)
				}
			}
			link := device(t, p.Interface())
			has("an address", func() bool {
				list, err := netlink.AddrList(link, netlink.FAMILY_V6)
				return err == nil && slices.ContainsFunc(list, func(a netlink.Addr) bool { return a.IP.IsGlobalUnicast() })
			}, c.address)
			has("a default router", func() bool {
				list, err := netlink.RouteList(link, netlink.FAMILY_V6)
				return err == nil && slices.ContainsFunc(list, func(r netlink.Route) bool { return r.Gw != nil })
			}, c.router)
		})
	}
}

// TestNobodyOnTheInternetIsTakenByAnAdvertisement: a network that is said to be on the link takes the way to all hosts in
// it, and the peer may name anybody's. The host gets its address there all the same.
func TestNobodyOnTheInternetIsTakenByAnAdvertisement(t *testing.T) {
	for _, c := range []struct {
		name, resolver string
		lifetime       uint16
		wants, address bool
	}{
		{"no default route", "192.168.1.1", 0, false, true},
		{"beside a better default route", "192.168.1.1", 1800, true, true},
		{"the host's name server in it", "2606:4700:4700::1111", 1800, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, _ := onLAN(t)
			if _, err := os.Stat("/proc/sys/net/ipv6/conf/all"); err != nil {
				t.Skip("SKIPPED: this kernel has no IPv6")
			}
			if err := netlink.RouteAdd(&netlink.Route{LinkIndex: device(t, "eth0").Attrs().Index, Gw: net.ParseIP("2001:db8:1::1"), Priority: 100}); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(cfg.ResolvConf, []byte("nameserver "+c.resolver+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			cfg.DefaultRoute, cfg.DNSMode = c.wants, "none"
			p, err := Open(t.Context(), KindTUN, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if err := errors.Join(p.Deliver(advertise(c.lifetime, "2606:4700:4700::/64")), p.Flush()); err != nil {
				t.Fatal(err)
			}
			link := device(t, p.Interface())
			has := func() bool {
				list, err := netlink.AddrList(link, netlink.FAMILY_V6)
				return err == nil && slices.ContainsFunc(list, func(a netlink.Addr) bool { return a.IP.IsGlobalUnicast() })
			}
			for end := time.Now().Add(300 * time.Millisecond); c.address && !has() && time.Now().Before(end); {
			}
			if has() != c.address {
				t.Errorf("an address in the network: %v", !c.address)
			}
			for _, to := range []string{"2606:4700:4700::1111", "2606:4700:4700::1"} {
				if got := way(t, to); got != "eth0" {
					t.Errorf("packets to %s go over %s", to, got)
				}
			}
		})
	}
}
