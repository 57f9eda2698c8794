package prove

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

// advert is a Router Advertisement (RFC 4861 section 4.2) with its checksum.
func advert(from, to netip.Addr, hops byte, edit func([]byte)) []byte {
	p := prober{local: from}
	b, at := p.header(to, protoICMP, 16)
	b[7] = hops
	b[at] = advertise
	if edit != nil {
		edit(b[at:])
	}
	sum := p.checksum(to, protoICMP, b[at:])
	b[at+2], b[at+3] = byte(sum>>8), byte(sum)
	return b
}

// TestRouterAdvertisement: a network with IPv6 answers a solicitation (3GPP TS 29.061 section 11.2.1.3.2), and may answer
// nothing else. What RFC 4861 section 6.1.2 does not take proves nothing.
func TestRouterAdvertisement(t *testing.T) {
	away := netip.MustParseAddr("2001:db8::1")
	for _, c := range []struct {
		name   string
		packet []byte
		proved bool
	}{
		{"to all nodes", advert(peer6, allNodes, 255, nil), true},
		{"to us", advert(peer6, local6, 255, nil), true},
		{"a router has touched it", advert(peer6, allNodes, 254, nil), false},
		{"not of this link", advert(away, allNodes, 255, nil), false},
		{"to somebody else", advert(peer6, away, 255, nil), false},
		{"from ourselves", advert(local6, allNodes, 255, nil), false},
		{"a code", advert(peer6, allNodes, 255, func(b []byte) { b[1] = 1 }), false},
		{"a solicitation", advert(peer6, allNodes, 255, func(b []byte) { b[0] = solicitRouter }), false},
		{"a wrong checksum", func() []byte { b := advert(peer6, allNodes, 255, nil); b[len(b)-1] ^= 1; return b }(), false},
		{"cut off", advert(peer6, allNodes, 255, nil)[:50], false},
	} {
		m := New(Config{Local: local6, Peer: peer6})
		m.Start(epoch)
		drain(m)
		m.Receive(epoch.Add(time.Second), slices.Clone(c.packet))
		_, _, end := drain(m)
		if want := (Proved{By: ByRouter, From: peer6}); c.proved != (end == Output(want)) {
			t.Errorf("%s: %v", c.name, end)
		}
	}
}
