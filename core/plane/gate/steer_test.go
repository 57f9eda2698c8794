package gate

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

// advertisement is a router advertisement (RFC 4861 section 4.2) with prefix information options.
func advertisement(lifetime uint16, networks ...string) []byte {
	icmp := make([]byte, advertisementLen)
	icmp[0] = advertisement6
	binary.BigEndian.PutUint16(icmp[6:], lifetime)
	for _, n := range networks {
		p := netip.MustParsePrefix(n)
		o := make([]byte, 32)
		o[0], o[1], o[2], o[3] = optionPrefix, 4, uint8(p.Bits()), 0xc0
		copy(o[16:], p.Addr().AsSlice())
		icmp = append(icmp, o...)
	}
	return icmp
}

// ipv6 puts a payload behind headers of the given numbers.
func ipv6(payload []byte, headers ...byte) []byte {
	next := byte(protoICMPv6)
	for i := len(headers) - 1; i >= 0; i-- {
		h := make([]byte, 8)
		h[0] = next
		payload = append(h, payload...)
		next = headers[i]
	}
	p := make([]byte, ipv6Head)
	p[0], p[6], p[7] = 0x60, next, 255
	binary.BigEndian.PutUint16(p[4:], uint16(len(payload)))
	copy(p[8:], netip.MustParseAddr("fe80::2").AsSlice())
	copy(p[24:], netip.MustParseAddr("ff02::1").AsSlice())
	return append(p, payload...)
}

func ipv4(proto byte, payload ...byte) []byte {
	p := make([]byte, ipv4Head)
	p[0], p[9] = 0x45, proto
	return append(p, payload...)
}

func TestSteering(t *testing.T) {
	ok := advertisement(1800, "2001:db8:99::/64")
	withRoute := append(advertisement(1800), optionRoute, 1, 0, 0, 0, 0, 0, 0)
	rdnss := func(a string) []byte {
		o := append([]byte{optionRDNSS, 3, 0, 0, 0, 0, 14, 16}, netip.MustParseAddr(a).AsSlice()...)
		return append(advertisement(1800, "2001:db8:99::/64"), o...)
	}
	option := func(b ...byte) []byte { return append(advertisement(1800), b...) }
	for _, c := range []struct {
		name    string
		packet  []byte
		route   bool
		steers  bool
		refused string // "": it passes
	}{
		{"a network of the carrier's", ipv6(ok), true, true, ""},
		{"no default router", ipv6(advertisement(0, "2001:db8:99::/64")), false, true, ""},
		{"a unique local network", ipv6(advertisement(1800, "fd12::/64")), true, true, ""},
		{"the carrier's name server", ipv6(rdnss("2001:db8:99::53")), true, true, ""},
		{"the router itself as name server", ipv6(rdnss("fe80::1")), true, true, ""},
		{"other packets", ipv6([]byte{128, 0, 0, 0}), true, false, ""},
		{"a large ping in parts", ipv6([]byte{128, 0, 0, 0}, 44), true, false, ""},
		{"IPv4", ipv4(6, 5), true, false, ""},
		{"ping", ipv4(protoICMP, 8, 0), true, false, ""},

		{"a default route that is not to be", ipv6(ok), false, true, "a router advertisement that names a default router, and there is to be no default route"},
		{"the LAN's network", ipv6(advertisement(0, "2001:db8:1::/64")), true, true, "a router advertisement of the network 2001:db8:1::/64, which meets 2001:db8:1::/64, which this host reaches by another way"},
		{"a part of it", ipv6(advertisement(0, "2001:db8:1::/80")), true, true, "a router advertisement of the network 2001:db8:1::/80, which meets 2001:db8:1::/64, which this host reaches by another way"},
		{"behind the VPN", ipv6(advertisement(0, "2001:db8:50:7::/64")), true, true, "a router advertisement of the network 2001:db8:50:7::/64, which meets 2001:db8:50::/48, which this host reaches by another way"},
		{"the whole Internet", ipv6(advertisement(0, "2000::/3")), true, true, "a router advertisement of the network 2000::/3, which is wider than one link's (RFC 4291 section 2.5.4)"},
		{"multicast", ipv6(advertisement(0, "ff02::/64")), true, true, "a router advertisement of the network ff02::/64, which is none for hosts"},
		{"one good, one bad", ipv6(advertisement(0, "2001:db8:99::/64", "2001:db8:1::/64")), true, true, "a router advertisement of the network 2001:db8:1::/64, which meets 2001:db8:1::/64, which this host reaches by another way"},
		{"routes besides", ipv6(withRoute), true, true, "a router advertisement with routes to other networks"},
		{"a name server on the LAN", ipv6(rdnss("2001:db8:1::53")), true, true, "a router advertisement of the name server 2001:db8:1::53, which is in 2001:db8:1::/64, a network that this host is connected to"},
		{"a name server behind the VPN", ipv6(rdnss("2001:db8:50::53")), true, true, "a router advertisement of the name server 2001:db8:50::53, which is behind another route of this host, to 2001:db8:50::/48"},
		{"this host as name server", ipv6(rdnss("::1")), true, true, "a router advertisement of the name server ::1, which is this host itself (loopback)"},
		{"multicast as name server", ipv6(rdnss("ff02::fb")), true, true, "a router advertisement of the name server ff02::fb, which is a multicast group"},
		{"the LAN's router in IPv4 clothes", ipv6(rdnss("::ffff:192.168.1.1")), true, true, "a router advertisement of the name server 192.168.1.1, which is the host's gateway"},
		{"behind extension headers", ipv6(advertisement(1800), 0, 60, 43), false, true, "a router advertisement that names a default router, and there is to be no default route"},
		{"an atomic fragment", ipv6(ok, 44), true, true, "a fragment of a neighbour discovery message (RFC 6980)"},
		{"redirect", ipv6([]byte{redirect6, 0, 0, 0}), true, true, "a redirect, and a point-to-point link has no second router"},
		{"IPv4 redirect", ipv4(protoICMP, redirect4, 1), true, true, "a redirect, and a point-to-point link has no second router"},
		{"the host's name server", ipv6(advertisement(0, "2001:db8:53::/64")), true, true, "a router advertisement of the network 2001:db8:53::/64, which holds 2001:db8:53::53, which this host asks or goes by"},
		{"a gateway beyond any network, IPv6", ipv6(advertisement(0, "2001:db8:54::/64")), true, true, "a router advertisement of the network 2001:db8:54::/64, which holds 2001:db8:54::1, which this host asks or goes by"},
		{"cut off", ipv6([]byte{advertisement6, 0}), true, true, "a router advertisement that is cut off"},
		{"an option of length 0", ipv6(option(3, 0, 0, 0, 0, 0, 0, 0)), true, true, "a router advertisement whose options are cut off"},
		{"an option beyond the end", ipv6(option(3, 4, 64, 0, 0, 0, 0, 0)), true, true, "a router advertisement whose options are cut off"},
		{"a network of 200 bits", ipv6(option(append([]byte{3, 4, 200}, make([]byte, 29)...)...)), true, true, "a router advertisement with a network that is none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Steers(c.packet); got != c.steers {
				t.Fatalf("Steers is %v", got)
			}
			if !c.steers {
				return
			}
			if got := lan.Steering(c.packet, c.route); got != c.refused {
				t.Errorf("got  %q\nwant %q", got, c.refused)
			}
		})
	}
}

// RFC 4861 section 4.6.2, the L flag; RFC 4443 section 2.3, the checksum.
func TestOffLink(t *testing.T) {
	sum := func(packet []byte) (s uint32) { // of the message alone: what is before it is the same in both
		icmp, _ := beyond(packet)
		for i := 0; i < len(icmp); i += 2 {
			s += uint32(binary.BigEndian.Uint16(icmp[i:]))
		}
		for s>>16 != 0 {
			s = s&0xffff + s>>16
		}
		return s
	}
	for _, c := range []struct {
		name string
		in   []byte
		want []byte // the flags of its networks
	}{
		{"of the Internet", ipv6(advertisement(1800, "2001:db8:99::/64")), []byte{0x40}},
		{"several", ipv6(advertisement(1800, "2001:db8:99::/64", "fd12::/64", "2606:4700::/64")), []byte{0x40, 0xc0, 0x40}},
		{"behind extension headers", ipv6(advertisement(1800, "2001:db8:99::/64"), 0, 60), []byte{0x40}},
		{"unique local", ipv6(advertisement(1800, "fd12::/64")), []byte{0xc0}},
		{"none", ipv6(advertisement(1800)), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, checksum := range []uint16{0, 0x1234, 0xff80, 0xffff} {
				icmp, _ := beyond(c.in)
				binary.BigEndian.PutUint16(icmp[2:], checksum)
				before := string(c.in)
				out := OffLink(c.in)
				if string(c.in) != before {
					t.Error("the packet has changed")
				}
				var flags []byte
				icmp, _ = beyond(out)
				for o := icmp[advertisementLen:]; len(o) > 0; o = o[32:] {
					flags = append(flags, o[3])
				}
				if string(flags) != string(c.want) {
					t.Errorf("flags %x, want %x", flags, c.want)
				}
				if sum(out)%0xffff != sum(c.in)%0xffff {
					t.Errorf("checksum %04x: the sum is %04x, was %04x", checksum, sum(out), sum(c.in))
				}
			}
		})
	}
}

func FuzzSteering(f *testing.F) {
	f.Add(ipv6(advertisement(1800, "2001:db8:1::/64"), 0, 44), true)
	f.Add(ipv4(protoICMP, redirect4), false)
	f.Fuzz(func(t *testing.T, packet []byte, route bool) {
		if Steers(packet) {
			lan.Steering(packet, route) // must not panic
		}
	})
}

func TestSteersAllocatesNothing(t *testing.T) {
	p, q := ipv6([]byte{128, 0, 0, 0}, 60), ipv4(6, make([]byte, 1400)...)
	if n := testing.AllocsPerRun(100, func() { Steers(p); Steers(q) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
