//go:build linux

package interop

import (
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/test/peer"
)

// TestGuestHasNetworks: two namespaces with a cable between them, and a TUN plane in a third.
func TestGuestHasNetworks(t *testing.T) {
	a := peer.End{Namespace: peer.NewNamespace(t), Addr: netip.MustParseAddr("192.0.2.1")}
	b := peer.End{Namespace: peer.NewNamespace(t), Addr: netip.MustParseAddr("192.0.2.2")}
	a.Namespace.Output(t, "ip", "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", b.Namespace.Path())
	for _, end := range []peer.End{a, b} {
		end.Namespace.Output(t, "ip", "addr", "add", end.Addr.String()+"/24", "dev", "cable")
		end.Namespace.Output(t, "ip", "link", "set", "cable", "up")
	}
	peer.Ping(t, a, b, 1000)
	peer.ThroughputTCP(t, a, b, 1<<20)

	c := peer.NewNamespace(t)
	var p plane.Plane
	var err error
	c.Do(func() {
		p, err = plane.Open(t.Context(), plane.KindTUN, plane.Config{
			Local: netip.MustParseAddr("10.64.0.2"), Peer: netip.MustParseAddr("10.64.0.1"), DefaultRoute: true, DNSMode: "none",
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Do(func() {
		if _, err := netlink.LinkByName(p.Interface()); err != nil {
			t.Error(err)
		}
	})
	// Close works from a thread of another namespace.
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	c.Do(func() {
		if _, err := netlink.LinkByName(p.Interface()); err == nil {
			t.Errorf("%s is still there", p.Interface())
		}
	})
}
