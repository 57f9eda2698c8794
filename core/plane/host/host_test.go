//go:build linux

package host

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/plane/nstest"
	"github.com/knakppp/knak/core/plane/undo"
)

// dummy makes an interface that outlives its configuration, so that what is left behind shows.
func dummy(t *testing.T, name string) netlink.Link {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = name
	if err := netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TUN}); err != nil {
		t.Fatal(err)
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// state is everything about the namespace's addresses, routes and interfaces that Configure may change.
func state(t *testing.T) []string {
	t.Helper()
	var all []string
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		a := l.Attrs()
		all = append(all, fmt.Sprintf("link %s mtu %d queue %d up %v", a.Name, a.MTU, a.TxQLen, a.Flags&net.FlagUp != 0))
		addrs, err := netlink.AddrList(l, netlink.FAMILY_ALL)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range addrs {
			all = append(all, fmt.Sprintf("addr %s peer %v on %s", x.IPNet, x.Peer, a.Name))
		}
	}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range routes {
			all = append(all, fmt.Sprintf("route %v dev %d metric %d proto %d", r.Dst, r.LinkIndex, r.Priority, r.Protocol))
		}
	}
	return all
}

func full(name string, notice func(level, format string, args ...any)) Config {
	return Config{
		Interface: name, Local: netip.MustParseAddr("10.64.0.2"), Peer: netip.MustParseAddr("10.64.0.1"), MTU: 1400,
		InterfaceID6: [8]byte{2, 0, 0, 0, 0, 0, 0, 1}, DefaultRoute: true, Metric: 700,
		Routes: []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.7/32")},
		Notice: notice,
	}
}

func silent(t *testing.T) func(string, string, ...any) {
	return func(level, format string, args ...any) {
		t.Errorf("unexpected notice: %s: %s", level, fmt.Sprintf(format, args...))
	}
}

func TestConfigureAndUndo(t *testing.T) {
	nstest.EnterWithTUN(t)
	link := dummy(t, "knaktest")
	before := state(t)

	var u undo.List
	if _, err := Configure(full("knaktest", silent(t)), &u); err != nil {
		t.Fatal(err)
	}
	now := state(t)
	index := link.Attrs().Index
	for _, want := range []string{
		"link knaktest mtu 1400 queue 64 up true",
		"addr 10.64.0.2/32 peer 10.64.0.1/32 on knaktest",
		"addr fe80::200:0:0:1/64 peer <nil> on knaktest",
		fmt.Sprintf("route 0.0.0.0/0 dev %d metric 700 proto %d", index, Protocol),
		fmt.Sprintf("route 192.0.2.0/24 dev %d metric 700 proto %d", index, Protocol),
		fmt.Sprintf("route 198.51.100.7/32 dev %d metric 700 proto %d", index, Protocol),
		fmt.Sprintf("route 10.64.0.1/32 dev %d metric 0 proto %d", index, unix.RTPROT_KERNEL),
	} {
		if !slices.Contains(now, want) {
			t.Errorf("missing: %s", want)
		}
	}
	for _, line := range now {
		if strings.HasPrefix(line, "addr fe80") && !strings.Contains(line, "fe80::200:0:0:1") {
			t.Errorf("the kernel made a link-local address of its own: %s", line)
		}
	}
	if t.Failed() {
		t.Logf("state:\n%s", strings.Join(now, "\n"))
	}
	if err := u.Run(); err != nil {
		t.Error(err)
	}
	if after := state(t); !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

// TestFailureHalfway lets the last route fail, when the addresses and the other routes are there already.
// IPv6 that is agreed after the interface was set up makes the same of it as IPv6 that was agreed before.
func TestAddIPv6(t *testing.T) {
	nstest.EnterWithTUN(t)
	dummy(t, "knaktest")
	before := state(t)
	var early undo.List
	if _, err := Configure(full("knaktest", silent(t)), &early); err != nil {
		t.Fatal(err)
	}
	want := state(t)
	if err := early.Run(); err != nil {
		t.Fatal(err)
	}
	var late undo.List
	cfg := full("knaktest", silent(t))
	id := cfg.InterfaceID6
	cfg.InterfaceID6 = [8]byte{}
	if _, err := Configure(cfg, &late); err != nil {
		t.Fatal(err)
	}
	if err := AddIPv6(Config{Interface: "knaktest", MTU: cfg.MTU, InterfaceID6: id, Notice: silent(t)}, &late); err != nil {
		t.Fatal(err)
	}
	got := state(t)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		t.Errorf("early:\n%s\nlate:\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
	if err := late.Run(); err != nil {
		t.Error(err)
	}
	if after := state(t); !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

func TestFailureHalfway(t *testing.T) {
	nstest.EnterWithTUN(t)
	dummy(t, "knaktest")
	before := state(t)
	cfg := full("knaktest", silent(t))
	cfg.Routes = append(cfg.Routes, netip.PrefixFrom(netip.MustParseAddr("192.0.2.1"), -1))

	var u undo.List
	_, err := Configure(cfg, &u)
	if err == nil {
		t.Fatal("an impossible route was taken")
	}
	if slices.Equal(before, state(t)) {
		t.Fatal("nothing was changed before the failure: the test shows nothing")
	}
	if err := u.Run(); err != nil {
		t.Error(err)
	}
	if after := state(t); !slices.Equal(before, after) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}

func TestNoRouteIsReplaced(t *testing.T) {
	for _, c := range []struct {
		name                      string
		theirMetric, metric, want int
	}{
		{"theirs is better", 10, 700, 700},
		{"theirs is equal", 700, 700, 701},
		{"ours is better", 1000, 700, 700},
	} {
		t.Run(c.name, func(t *testing.T) {
			nstest.EnterWithTUN(t)
			other := dummy(t, "eth9")
			if err := netlink.LinkSetUp(other); err != nil {
				t.Fatal(err)
			}
			theirs := &netlink.Route{LinkIndex: other.Attrs().Index, Dst: &net.IPNet{IP: net.IP{0, 0, 0, 0}, Mask: net.CIDRMask(0, 32)}, Priority: c.theirMetric, Scope: netlink.SCOPE_LINK}
			if err := netlink.RouteAdd(theirs); err != nil {
				t.Fatal(err)
			}
			link := dummy(t, "knaktest")
			before := state(t)
			cfg := full("knaktest", silent(t))
			cfg.Metric = c.metric
			var u undo.List
			result, err := Configure(cfg, &u)
			if err != nil {
				t.Fatal(err)
			}
			if result.Metric != c.want {
				t.Errorf("the metric is told as %d, want %d", result.Metric, c.want)
			}
			now := state(t)
			theirLine := fmt.Sprintf("route 0.0.0.0/0 dev %d metric %d", other.Attrs().Index, c.theirMetric)
			ourLine := fmt.Sprintf("route 0.0.0.0/0 dev %d metric %d", link.Attrs().Index, c.want)
			has := func(prefix string) bool {
				return slices.ContainsFunc(now, func(s string) bool { return strings.HasPrefix(s, prefix) })
			}
			if !has(theirLine) {
				t.Errorf("their default route is gone:\n%s", strings.Join(now, "\n"))
			}
			if !has(ourLine) {
				t.Errorf("no default route of ours, %s:\n%s", ourLine, strings.Join(now, "\n"))
			}
			if err := u.Run(); err != nil {
				t.Error(err)
			}
			if after := state(t); !slices.Equal(before, after) {
				t.Errorf("before:\n%s\nafter:\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
			}
		})
	}
}

func TestUndoAfterTheInterfaceWentAway(t *testing.T) {
	nstest.EnterWithTUN(t)
	link := dummy(t, "knaktest")
	var u undo.List
	if _, err := Configure(full("knaktest", silent(t)), &u); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkDel(link); err != nil {
		t.Fatal(err)
	}
	if err := u.Run(); err != nil {
		t.Errorf("an interface that took all with it is no failure: %v", err)
	}
}

func TestSmallMTUMeansNoIPv6(t *testing.T) {
	nstest.EnterWithTUN(t)
	dummy(t, "knaktest")
	var notices []string
	cfg := full("knaktest", func(level, format string, args ...any) { notices = append(notices, level) })
	cfg.MTU = 576
	var u undo.List
	if _, err := Configure(cfg, &u); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(notices, []string{"warning"}) {
		t.Errorf("notices %q", notices)
	}
	if err := errors.Join(u.Run()); err != nil {
		t.Error(err)
	}
}
