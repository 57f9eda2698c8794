//go:build linux

package host

import (
	"errors"
	"net/netip"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/knakppp/knak/core/plane/nstest"
	"github.com/knakppp/knak/core/plane/undo"
)

// TestChanged: what the caller does to its own interface is no news to it; what others do is.
func TestChanged(t *testing.T) {
	nstest.EnterWithTUN(t)
	dummy(t, "knaktest")
	other := dummy(t, "eth9")
	v, err := NewView()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	if err := v.Ignore("knaktest"); err != nil {
		t.Fatal(err)
	}
	changed := func() error {
		if err := v.events.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		return v.Changed()
	}
	var u undo.List
	if _, err := Configure(full("knaktest", silent(t)), &u); err != nil {
		t.Fatal(err)
	}
	if err := changed(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("of its own changes it says %v", err)
	}
	if err := u.Run(); err != nil {
		t.Error(err)
	}
	if err := changed(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("of its own undoing it says %v", err)
	}
	if err := netlink.LinkSetUp(other); err != nil {
		t.Fatal(err)
	}
	a, err := netlink.ParseAddr("192.0.2.7/24")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.AddrAdd(other, a); err != nil {
		t.Fatal(err)
	}
	if err := v.events.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if err := v.Changed(); err != nil {
		t.Errorf("of another's address it says %v", err)
	}
	v.Forget()
	if err := changed(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("of what was forgotten it says %v", err)
	}
	if err := v.Stop(); err != nil {
		t.Error(err)
	}
	if err := v.Changed(); err == nil {
		t.Error("after Stop it goes on")
	}
}

// TestLook: addresses, networks, broadcasts, gateways and routes of others, and nothing of one's own.
func TestLook(t *testing.T) {
	nstest.EnterWithTUN(t)
	dummy(t, "knaktest")
	other := dummy(t, "eth9")
	v, err := NewView()
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	var u undo.List
	if _, err := Configure(full("knaktest", silent(t)), &u); err != nil {
		t.Fatal(err)
	}
	defer u.Run()
	if err := netlink.LinkSetUp(other); err != nil {
		t.Fatal(err)
	}
	a, err := netlink.ParseAddr("192.0.2.7/24")
	if err != nil {
		t.Fatal(err)
	}
	a.Broadcast = netip.MustParseAddr("192.0.2.255").AsSlice()
	if err := netlink.AddrAdd(other, a); err != nil {
		t.Fatal(err)
	}
	for _, r := range []netlink.Route{
		{Dst: ipNet(netip.MustParsePrefix("203.0.113.0/24")), Gw: netip.MustParseAddr("192.0.2.1").AsSlice(), Priority: 5},
		{Dst: ipNet(netip.MustParsePrefix("198.18.0.0/15")), Table: 100},
		{Dst: ipNet(netip.MustParsePrefix("0.0.0.0/0")), Gw: netip.MustParseAddr("192.0.2.9").AsSlice(), Priority: 42},
		{Dst: ipNet(netip.MustParsePrefix("0.0.0.0/0")), Gw: netip.MustParseAddr("192.0.2.8").AsSlice(), Priority: 7, Table: 100},
	} {
		r.LinkIndex = other.Attrs().Index
		if err := netlink.RouteAdd(&r); err != nil {
			t.Fatal(err)
		}
	}
	h, best, found, err := v.Look("knaktest")
	if err != nil {
		t.Fatal(err)
	}
	has := func(what string, ok bool) {
		t.Helper()
		if !ok {
			t.Errorf("%s: %+v", what, h)
		}
	}
	addr, prefix := netip.MustParseAddr, netip.MustParsePrefix
	has("the address", slices.Contains(h.Addresses, addr("192.0.2.7")))
	has("the broadcast", slices.Contains(h.Broadcasts, addr("192.0.2.255")))
	has("the network", slices.Contains(h.Connected, prefix("192.0.2.0/24")))
	has("the gateways", slices.Contains(h.Gateways, addr("192.0.2.1")) && slices.Contains(h.Gateways, addr("192.0.2.9")) && slices.Contains(h.Gateways, addr("192.0.2.8")))
	has("the routes", slices.Contains(h.Routes, prefix("203.0.113.0/24")) && slices.Contains(h.Routes, prefix("198.18.0.0/15")))
	has("no default route", !slices.ContainsFunc(h.Routes, func(p netip.Prefix) bool { return p.Bits() < 2 }))
	has("nothing of one's own", !slices.Contains(h.Addresses, addr("10.64.0.2")) && !slices.Contains(h.Connected, prefix("10.64.0.1/32")) && !slices.Contains(h.Routes, prefix("198.51.100.7/32")))
	if !found || best.Interface != "eth9" || best.Metric != 42 {
		t.Errorf("the best default route: %v, %+v", found, best)
	}
	if got := v.Leads(addr("203.0.113.9")); got != "eth9" {
		t.Errorf("leads over %q", got)
	}
	// A VPN's two halves stand before any default route.
	for _, half := range []string{"0.0.0.0/1", "128.0.0.0/1"} {
		if err := netlink.RouteAdd(&netlink.Route{LinkIndex: other.Attrs().Index, Dst: ipNet(prefix(half)), Priority: 9, Scope: netlink.SCOPE_LINK}); err != nil {
			t.Fatal(err)
		}
	}
	if _, best, _, err := v.Look("knaktest"); err != nil || best.Metric != -1 {
		t.Errorf("with two halves: %+v, %v", best, err)
	}
}
