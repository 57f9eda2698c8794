package sim

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/packet"
)

// RFC 791 section 3.2: what the host does not take whole comes in fragments (peers S2), whose data together is the packet's.
func TestAnswersAboveTheHostsMRUComeInFragments(t *testing.T) {
	for _, mru := range []uint16{128, 576, 1000, 1500} {
		d := newDialer(t, parse(t, ""), 1, func(s *ppp.Settings) {
			s.LCP.Request, s.LCP.MRU = append(s.LCP.Request, packet.LCPMRU), mru
		})
		d.dial()
		d.run(5*time.Second, func() bool { return d.isUp() && d.m.call.networkUp })
		payload := make([]byte, 1400)
		for i := range payload {
			payload[i] = byte(i)
		}
		p := ipPacket(protocolUDP, "203.0.113.9", d.up.Local.String(), payload)
		p[6] = 0 // it may be cut
		putChecksum(p[:ipHeaderLen], 10, 0)
		d.m.SendPacket(d.now, p)
		d.pump()
		var got []byte
		last := false
		for _, f := range d.packets {
			if len(f) > int(mru) || checksum(f[:ipHeaderLen], 0) != 0 || int(binary.BigEndian.Uint16(f[2:])) != len(f) {
				t.Errorf("MRU %d: a fragment of %d octets", mru, len(f))
			}
			field := binary.BigEndian.Uint16(f[6:])
			if int(field&0x1fff)*fragmentUnits != len(got) {
				t.Errorf("MRU %d: offset %d after %d octets", mru, field&0x1fff, len(got))
			}
			got, last = append(got, f[ipHeaderLen:]...), field&flagMore == 0
		}
		if !bytes.Equal(got, payload) || !last {
			t.Errorf("MRU %d: %d of %d octets", mru, len(got), len(payload))
		}
	}
}

// RFC 1191 section 3 and RFC 4443 section 3.2: what must not be cut is told to whoever sent it.
func TestTooBig(t *testing.T) {
	p := ipPacket(protocolUDP, "203.0.113.9", "192.0.2.2", make([]byte, 1000))
	e := tooBig(p, 576)
	header, body, ok := ipv4(e)
	if !ok || header != ipHeaderLen || body[0] != icmpTooBig || body[1] != icmpTooBigCode || binary.BigEndian.Uint16(body[6:]) != 576 ||
		checksum(body, 0) != 0 || !bytes.Equal(body[8:], p[:28]) || !bytes.Equal(e[16:20], p[12:16]) {
		t.Errorf("% x", e)
	}
	p6 := appendIP6(nil, prefix6, [16]byte{0xfe, 0x80, 15: 1}, 64, append([]byte{icmp6Echo, 0, 0, 0}, make([]byte, 1400)...))
	if e := tooBig(p6, 1280); len(e) > 1280 || e[40] != icmp6TooBig || binary.BigEndian.Uint32(e[44:]) != 1280 || !bytes.Equal(e[24:40], p6[8:24]) {
		t.Errorf("% x", e[:60])
	}
}

// The network's IPv6: a solicitation is answered by an advertisement, an echo by a reply, nothing else by anything.
func TestNetworkIPv6(t *testing.T) {
	n := &network{}
	router, host := [16]byte{0xfe, 0x80, 15: 1}, [16]byte{0xfe, 0x80, 15: 2}
	all := [16]byte{0xff, 0x02, 15: 2}
	a := n.respond6(nil, appendIP6(nil, host, all, onLink, []byte{icmp6Solicit, 0, 0, 0, 0, 0, 0, 0}), router, &Counters{})
	if len(a) < 60 || a[40] != icmp6Advertise || a[7] != onLink || [16]byte(a[8:24]) != router || [16]byte(a[24:40]) != host {
		t.Errorf("% x", a)
	}
	if s := checksum(a[40:], sum(host[:], sum(router[:], uint32(len(a)-40)+protocolICMP6))); s != 0 {
		t.Errorf("checksum %x", s)
	}
	echo := appendIP6(nil, host, router, 64, []byte{icmp6Echo, 0, 0, 0, 1, 2, 3, 4, 5})
	if a := n.respond6(nil, echo, router, &Counters{}); len(a) != len(echo) || a[40] != icmp6EchoReply || !bytes.Equal(a[44:], echo[44:]) {
		t.Errorf("% x", a)
	}
	for i := range echo {
		n.respond6(nil, echo[:i], router, &Counters{})
	}
	if a := n.respond6(nil, appendIP6(nil, host, all, 64, []byte{icmp6Solicit, 0, 0, 0, 0, 0, 0, 0}), router, &Counters{}); len(a) > 0 {
		t.Error("a solicitation that came through a router is answered")
	}
}
