package gate

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func addr(s string) netip.Addr {
	if s == "" {
		return netip.Addr{}
	}
	return netip.MustParseAddr(s)
}

func addrs(s string) (list []netip.Addr) {
	for _, f := range strings.Fields(s) {
		list = append(list, addr(f))
	}
	return list
}

func prefixes(s string) (list []netip.Prefix) {
	for _, f := range strings.Fields(s) {
		list = append(list, netip.MustParsePrefix(f))
	}
	return list
}

func offer(local, peer, dns string) Offer {
	return Offer{Local: addr(local), Peer: addr(peer), DNS: addrs(dns)}
}

// lan is a host as there are many: one network with a router that is its name server, a container bridge, a VPN to a
// company's networks whose server it reaches by a route of its own, and another modem.
var lan = Host{
	Addresses:  addrs("192.168.1.100 172.17.0.1 10.8.0.2 100.70.1.1 fe80::1 2001:db8:1::100"),
	Broadcasts: addrs("192.168.1.255 172.17.255.255"),
	Connected:  prefixes("192.168.1.0/24 172.17.0.0/16 10.8.0.0/24 10.64.64.1/32 fe80::/64 2001:db8:1::/64"),
	Gateways:   addrs("192.168.1.1 172.31.1.1 2001:db8:54::1"),
	Resolvers:  addrs("192.168.1.1 9.9.9.9 2001:db8:53::53"),
	Routes:     prefixes("192.168.1.0/24 172.17.0.0/16 10.8.0.0/24 10.50.0.0/16 203.0.113.5/32 2001:db8:1::/64 2001:db8:50::/48"),
}

// describe writes a verdict as one line.
func describe(v Verdict) string {
	var words []string
	if v.Refused != nil {
		words = append(words, "refused: "+v.Refused.What)
	}
	for _, w := range v.Left {
		words = append(words, fmt.Sprintf("%s is %s", w.Addr, w.What))
	}
	text := func(a netip.Addr) string {
		if !a.IsValid() {
			return "-"
		}
		return a.String()
	}
	line := text(v.Local) + " " + text(v.Peer) + fmt.Sprint(" ", v.DNS)
	if len(v.ByHost) > 0 {
		line += fmt.Sprint(" by the host's way ", v.ByHost)
	}
	return strings.Join(append([]string{line}, words...), "; ")
}

func TestJudge(t *testing.T) {
	const network = "in 192.168.1.0/24, a network that this host is connected to"
	for _, c := range []struct {
		name             string
		local, peer, dns string
		allow            string
		want             string
	}{
		// What carriers and sticks really give.
		{"pppd's default peer", "10.64.3.4", "10.64.64.64", "10.0.0.53 10.0.0.54", "", "10.64.3.4 10.64.64.64 [10.0.0.53 10.0.0.54]"},
		{"a stick as a router", "192.168.8.100", "192.168.254.254", "192.168.8.1", "", "192.168.8.100 192.168.254.254 [192.168.8.1]"},
		{"carrier-grade NAT", "100.64.7.8", "100.64.0.1", "100.64.0.1", "", "100.64.7.8 100.64.0.1 [100.64.0.1]"},
		{"name servers for all", "10.1.2.3", "10.1.2.1", "8.8.8.8 1.1.1.1", "", "10.1.2.3 10.1.2.1 [8.8.8.8 1.1.1.1]"},
		{"the one that the host asks, too", "10.1.2.3", "10.1.2.1", "9.9.9.9", "", "10.1.2.3 10.1.2.1 [9.9.9.9] by the host's way [9.9.9.9]"},
		{"a public address", "198.51.100.9", "198.51.100.1", "198.51.100.2", "", "198.51.100.9 198.51.100.1 [198.51.100.2]"},
		{"no peer, no name server", "10.1.2.3", "", "", "", "10.1.2.3 - []"},
		{"the same server twice", "10.1.2.3", "10.1.2.1", "10.9.9.1 10.9.9.1", "", "10.1.2.3 10.1.2.1 [10.9.9.1]"},
		{"ours within a VPN's wide route", "10.50.3.4", "10.64.64.64", "", "", "10.50.3.4 10.64.64.64 []"},
		{"IPv6 alone", "", "", "2001:db8:99::53", "", "- - [2001:db8:99::53]"},
		{"IPv6 by AT", "2001:db8:77::2", "fe80::2", "2001:db8:77::53", "", "2001:db8:77::2 fe80::2 [2001:db8:77::53]"},

		// attack.md finding 1.
		{"the gateway as DNS", "10.1.2.3", "10.1.2.1", "192.168.1.1", "", "10.1.2.3 10.1.2.1 []; 192.168.1.1 is the host's gateway"},
		{"the gateway as peer", "10.1.2.3", "192.168.1.1", "", "", "10.1.2.3 - []; 192.168.1.1 is the host's gateway"},
		{"the gateway as ours", "192.168.1.1", "10.1.2.1", "", "", "- 10.1.2.1 []; refused: the host's gateway"},
		{"loopback", "10.1.2.3", "127.0.0.1", "127.0.0.53", "", "10.1.2.3 - []; 127.0.0.1 is this host itself (loopback); 127.0.0.53 is this host itself (loopback)"},
		{"broadcast", "10.1.2.3", "255.255.255.255", "255.255.255.255", "", "10.1.2.3 - []; 255.255.255.255 is the broadcast address; 255.255.255.255 is the broadcast address"},
		{"multicast, mDNS", "10.1.2.3", "224.0.0.1", "224.0.0.251", "", "10.1.2.3 - []; 224.0.0.1 is a multicast group; 224.0.0.251 is a multicast group"},
		{"hosts of the LAN", "10.1.2.3", "192.168.1.50", "192.168.1.60", "", "10.1.2.3 - []; 192.168.1.50 is " + network + "; 192.168.1.60 is " + network},
		{"the LAN's broadcast", "10.1.2.3", "192.168.1.255", "", "", "10.1.2.3 - []; 192.168.1.255 is the broadcast address of a network of this host"},

		// Others of the kind.
		{"class E", "10.1.2.3", "240.0.0.1", "250.1.1.1", "", "10.1.2.3 - []; 240.0.0.1 is reserved: no host can have it; 250.1.1.1 is reserved: no host can have it"},
		{"this network", "0.1.2.3", "", "", "", "- - []; refused: no address (RFC 1122 section 3.2.1.3)"},
		{"what tells a machine who it is", "10.1.2.3", "169.254.169.254", "169.254.169.254", "", "10.1.2.3 - []; 169.254.169.254 is link-local (RFC 3927); 169.254.169.254 is link-local (RFC 3927)"},
		{"an address of the host", "192.168.1.100", "", "", "", "- - []; refused: the address of another interface of this host"},
		{"a neighbour's address", "192.168.1.50", "", "", "", "- - []; refused: " + network},
		{"a container's address", "172.17.0.5", "", "", "", "- - []; refused: in 172.17.0.0/16, a network that this host is connected to"},
		{"the host's resolver as ours", "9.9.9.9", "", "", "", "- - []; refused: a name server that the host asks by another way"},
		{"a gateway beyond any network", "172.31.1.1", "", "", "", "- - []; refused: the host's gateway"},
		{"the VPN's server as ours", "203.0.113.5", "", "", "", "- - []; refused: where a route of this host leads to it alone"},
		{"the VPN's server as peer and DNS", "10.1.2.3", "203.0.113.5", "203.0.113.5", "", "10.1.2.3 - []; 203.0.113.5 is behind another route of this host, to 203.0.113.5/32; 203.0.113.5 is behind another route of this host, to 203.0.113.5/32"},
		{"a host behind the VPN", "10.1.2.3", "10.50.0.9", "10.50.0.53", "", "10.1.2.3 - []; 10.50.0.9 is behind another route of this host, to 10.50.0.0/16; 10.50.0.53 is behind another route of this host, to 10.50.0.0/16"},
		{"another modem's peer, as peer", "10.1.2.3", "10.64.64.1", "", "", "10.1.2.3 - []; 10.64.64.1 is at the other end of another interface of this host"},
		{"another modem's peer, as ours", "10.64.64.1", "", "", "", "- - []; refused: at the other end of another interface of this host"},
		{"the resolver as peer", "10.1.2.3", "9.9.9.9", "", "", "10.1.2.3 - []; 9.9.9.9 is a name server that the host asks by another way"},
		{"ours as DNS", "10.1.2.3", "10.1.2.1", "10.1.2.3", "", "10.1.2.3 10.1.2.1 []; 10.1.2.3 is what the peer gave us as our own address"},
		{"ours as peer", "10.1.2.3", "10.1.2.3", "", "", "10.1.2.3 - []; 10.1.2.3 is what the peer gave us as our own address"},
		{"IPv4 in IPv6", "10.1.2.3", "10.1.2.1", "::ffff:127.0.0.1 ::ffff:192.168.1.1 ::127.0.0.1", "", "10.1.2.3 10.1.2.1 []; 127.0.0.1 is this host itself (loopback); 192.168.1.1 is the host's gateway; ::7f00:1 is reserved: no host can have it"},
		{"IPv6 of all kinds", "", "", "::1 ff02::fb fe80::53 fec0:0:0:ffff::1 2001:db8:1::53 2001:db8:50::53", "", "- - []; ::1 is this host itself (loopback); ff02::fb is a multicast group; fe80::53 is link-local: it means nothing without an interface (RFC 4007); " +
			"fec0:0:0:ffff::1 is site-local, which nobody has any more (RFC 3879); 2001:db8:1::53 is in 2001:db8:1::/64, a network that this host is connected to; 2001:db8:50::53 is behind another route of this host, to 2001:db8:50::/48"},
		{"IPv6 of the LAN as ours", "2001:db8:1::5", "", "", "", "- - []; refused: in 2001:db8:1::/64, a network that this host is connected to"},

		// What a person allows.
		{"allowed", "192.168.1.50", "192.168.1.60", "192.168.1.61", "192.168.1.0/24", "192.168.1.50 192.168.1.60 [192.168.1.61]"},
		{"allowed, one of two", "192.168.1.50", "192.168.1.60", "", "192.168.1.50/32", "192.168.1.50 - []; 192.168.1.60 is " + network},
		{"allowed, link-local", "169.254.7.8", "169.254.7.1", "", "169.254.0.0/16", "169.254.7.8 169.254.7.1 []"},
		{"never allowed", "127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0/0", "- - []; refused: this host itself (loopback); 224.0.0.1 is a multicast group; 255.255.255.255 is the broadcast address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := describe(Judge(offer(c.local, c.peer, c.dns), lan, prefixes(c.allow))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestBelieve: without a host only what can be nobody's address is found, so that no call fails by it that could work.
func TestBelieve(t *testing.T) {
	for _, c := range []struct{ local, peer, dns, want string }{
		{"192.168.1.100", "192.168.1.1", "192.168.1.1 224.0.0.251", "192.168.1.100 192.168.1.1 [192.168.1.1]; 224.0.0.251 is a multicast group"},
		{"255.255.255.255", "10.0.0.1", "", "- 10.0.0.1 []; refused: the broadcast address"},
	} {
		if got := describe(Believe(offer(c.local, c.peer, c.dns), nil)); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestWordsForPeople(t *testing.T) {
	v := Judge(Offer{Local: addr("192.168.1.1"), Peer: addr("127.0.0.1"), DNS: addrs("192.168.1.1"), NBNS: addrs("192.168.1.255")}, lan, nil)
	var got []string
	for _, w := range append([]Word{*v.Refused}, v.Left...) {
		got = append(got, w.String())
	}
	want := `the peer gave us the address 192.168.1.1, which is the host's gateway; --allow-address 192.168.1.1 takes it all the same
the peer's address 127.0.0.1 is left out: it is this host itself (loopback)
the name server 192.168.1.1 is left out: it is what the peer gave us as our own address
the NetBIOS name server 192.168.1.255 is left out: it is the broadcast address of a network of this host; --allow-address 192.168.1.255 takes it all the same`
	if text := strings.Join(got, "\n"); text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
}

// FuzzJudge holds, for any offer on any host, that nothing is taken which could move traffic of the host.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{192, 168, 1, 1}, []byte{10, 64, 64, 64}, []byte{8, 8, 8, 8}, []byte{192, 168, 1, 0}, uint8(24), []byte{192, 168, 1, 1})
	f.Add([]byte{10, 1, 2, 3}, []byte{127, 0, 0, 1}, []byte{224, 0, 0, 251}, []byte{10, 0, 0, 0}, uint8(8), []byte{9, 9, 9, 9})
	f.Add(addr("2001:db8::1").AsSlice(), addr("::ffff:192.168.1.1").AsSlice(), addr("fe80::1").AsSlice(), addr("2001:db8::").AsSlice(), uint8(64), []byte{192, 168, 1, 1})
	f.Fuzz(func(t *testing.T, local, peer, dns, network []byte, bits uint8, gateway []byte) {
		of := func(b []byte) netip.Addr { a, _ := netip.AddrFromSlice(b); return a }
		o := Offer{Local: of(local), Peer: of(peer), DNS: []netip.Addr{of(dns), of(peer)}, NBNS: []netip.Addr{of(local)}}
		h := Host{Gateways: []netip.Addr{of(gateway)}, Resolvers: []netip.Addr{of(gateway)}}
		if p, err := of(network).Prefix(int(bits)); err == nil && bits > 1 {
			h.Connected, h.Routes = []netip.Prefix{p}, []netip.Prefix{p}
		}
		v := Judge(o, h, nil)
		if (v.Refused != nil) == v.Local.IsValid() && o.Local.IsValid() {
			t.Fatalf("our address %v is neither taken nor refused: %+v", o.Local, v)
		}
		taken := append([]netip.Addr{v.Local, v.Peer}, append(v.DNS, v.NBNS...)...)
		for i, a := range taken {
			if !a.IsValid() {
				continue
			}
			if a.IsLoopback() || a.IsMulticast() || a.IsUnspecified() || a.Is4In6() || a.Zone() != "" || a.Is4() && (a.As4()[0] == 0 || a.As4()[0] >= 224) {
				t.Fatalf("%v was taken", a)
			}
			byHost := i > 1 && len(h.Resolvers) > 0 && a == plain(h.Resolvers[0])
			scoped := a.Is6() && a.IsLinkLocalUnicast() // means another host on every interface
			if !byHost && !scoped && (a == plain(h.Gateways[0]) || len(h.Connected) > 0 && h.Connected[0].Contains(a)) {
				t.Fatalf("%v was taken, which is the host's: %+v", a, h)
			}
			if i > 0 && a == v.Local {
				t.Fatalf("%v is ours and somebody else's", a)
			}
		}
		// What was kept is kept again: the gate may be asked twice.
		again := Judge(v.Offer, h, nil)
		if again.Refused != nil || len(again.Left) > 0 {
			t.Fatalf("judged again: %+v of %+v", again, v)
		}
	})
}
