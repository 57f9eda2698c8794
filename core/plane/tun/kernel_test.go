//go:build linux

package tun_test

import (
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/knakppp/knak/core/plane/tun"
	"github.com/knakppp/knak/test/peer"
)

// side is a TUN device in a namespace of its own.
func side(t testing.TB, local, remote string) (*tun.Device, peer.End) {
	t.Helper()
	end := peer.End{Namespace: peer.NewNamespace(t), Addr: netip.MustParseAddr(local)}
	var device *tun.Device
	var err error
	end.Namespace.Do(func() {
		if device, err = tun.Open("knak%d"); err != nil {
			return
		}
		var link netlink.Link
		if link, err = netlink.LinkByName(device.Name()); err != nil {
			return
		}
		mask := net.CIDRMask(32, 32)
		if err = netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(local), Mask: mask}, Peer: &net.IPNet{IP: net.ParseIP(remote), Mask: mask}}); err != nil {
			return
		}
		err = netlink.LinkSetUp(link)
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { device.Close() })
	return device, end
}

// joined makes two kernels' TCP talk through two devices. It counts the packets that pass.
func joined(t testing.TB) (a, b peer.End, packets *atomic.Int64) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to make network namespaces: run the tests as root, for example with sudo")
	}
	if _, err := os.Stat(tun.Path); err != nil {
		t.Skipf("SKIPPED: no %s: load the module with modprobe tun, or give the container --device %s", tun.Path, tun.Path)
	}
	da, a := side(t, "10.64.0.1", "10.64.0.2")
	db, b := side(t, "10.64.0.2", "10.64.0.1")
	packets = new(atomic.Int64)
	carry := func(to, from *tun.Device) {
		each := func(p []byte) bool {
			if len(p) > 1500 {
				t.Errorf("a packet of %d octets on a link of 1500", len(p))
			}
			packets.Add(1)
			return to.Write(p) == nil
		}
		for from.Read(each) == nil && to.Flush() == nil {
		}
	}
	go carry(da, db)
	go carry(db, da)
	return a, b, packets
}

func TestRealTCPThroughTwoDevices(t *testing.T) {
	a, b, packets := joined(t)
	const size = 10 << 20
	t.Logf("%.1f MB/s", peer.ThroughputTCP(t, a, b, size)/1e6)
	t.Logf("%.1f MB/s", peer.ThroughputTCP(t, b, a, size)/1e6)
	if n := packets.Load(); n < 2*size/1460 {
		t.Errorf("only %d packets passed: they were not what a link with this MTU carries", n)
	}
	peer.Ping(t, a, b, 1472)
}

func BenchmarkTCPThroughTwoDevices(b *testing.B) {
	from, to, _ := joined(b)
	b.SetBytes(10 << 20)
	for b.Loop() {
		peer.ThroughputTCP(b, from, to, 10<<20)
	}
}
