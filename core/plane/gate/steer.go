package gate

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// Packets of the peer can move a host's traffic, too: by redirects, and by router advertisements with networks and a
// default route in them. These are looked at before the kernel gets them.

// The ICMP messages that can move traffic.
const (
	protoICMP        = 1
	protoICMPv6      = 58
	redirect4        = 5   // RFC 792
	advertisement6   = 134 // RFC 4861 section 4.2
	redirect6        = 137 // RFC 4861 section 4.5
	ipv4Head         = 20
	ipv6Head         = 40
	optionPrefix     = 3  // RFC 4861 section 4.6.2
	optionRoute      = 24 // RFC 4191 section 2.3
	optionRDNSS      = 25 // RFC 8106 section 5.1
	advertisementLen = 16 // before its options
)

// Steers says whether an IP packet may move traffic of the host. For most packets it needs only a comparison or two.
func Steers(packet []byte) bool {
	if len(packet) < ipv4Head {
		return false
	}
	if packet[0]>>4 == 4 {
		head := int(packet[0]&15) * 4
		return packet[9] == protoICMP && len(packet) > head && packet[head] == redirect4
	}
	if len(packet) < ipv6Head || packet[0]>>4 != 6 {
		return false
	}
	switch next := packet[6]; next {
	case protoICMPv6:
		return len(packet) > ipv6Head && (packet[ipv6Head] == advertisement6 || packet[ipv6Head] == redirect6)
	case 0, 43, 44, 51, 60, 135, 139, 140: // extension headers (RFC 7045): behind them may be anything
		icmp, _ := beyond(packet)
		return len(icmp) > 0 && (icmp[0] == advertisement6 || icmp[0] == redirect6)
	}
	return false
}

// beyond gives what is behind the extension headers of an IPv6 packet, where that is ICMPv6. fragment: it is the first part
// of one. Later parts are nothing that can be read; the kernel takes no such message in parts (RFC 6980).
func beyond(packet []byte) (icmp []byte, fragment bool) {
	next, rest := packet[6], packet[ipv6Head:]
	for {
		if next == protoICMPv6 {
			return rest, fragment
		}
		if len(rest) < 8 {
			return nil, false
		}
		size := int(rest[1])*8 + 8
		switch next {
		case 0, 43, 60, 135, 139, 140:
		case 44: // RFC 8200 section 4.5
			if binary.BigEndian.Uint16(rest[2:])&^7 != 0 {
				return nil, true
			}
			size, fragment = 8, true
		case 51: // in units of four octets (RFC 4302 section 2.2)
			size = int(rest[1])*4 + 8
		default:
			return nil, false
		}
		if len(rest) < size {
			return nil, false
		}
		next, rest = rest[0], rest[size:]
	}
}

// Steering judges a packet for which Steers is true. It gives the reason to drop the packet: what it would do to this host. ""
// means that the packet may pass. A router advertisement passes if the link may have every network in it, this host reaches none
// of these networks by another way, and it holds no routes (RFC 4191). defaultRoute says that the advertisement may name its
// sender as a default router.
func (h *Host) Steering(packet []byte, defaultRoute bool) (why string) {
	if packet[0]>>4 == 4 {
		return "a redirect, and a point-to-point link has no second router"
	}
	icmp, fragment := beyond(packet)
	switch {
	case fragment:
		return "a fragment of a neighbour discovery message (RFC 6980)"
	case len(icmp) == 0 || icmp[0] != advertisement6:
		return "a redirect, and a point-to-point link has no second router"
	case len(icmp) < advertisementLen:
		return "a router advertisement that is cut off"
	case !defaultRoute && binary.BigEndian.Uint16(icmp[6:]) != 0:
		return "a router advertisement that names a default router, and there is to be no default route"
	}
	for options := icmp[advertisementLen:]; len(options) > 0; {
		if len(options) < 8 || options[1] == 0 || len(options) < int(options[1])*8 {
			return "a router advertisement whose options are cut off"
		}
		o := options[:int(options[1])*8]
		options = options[len(o):]
		switch o[0] {
		case optionRoute:
			return "a router advertisement with routes to other networks"
		case optionPrefix:
			if len(o) != 32 || o[2] > 128 {
				return "a router advertisement with a network that is none"
			}
			p := advertised(o)
			if what := h.Prefix(p); what != "" {
				return "a router advertisement of the network " + p.String() + ", which " + what
			}
		case optionRDNSS: // the kernel passes them to programs that listen, for example rdnssd
			for list := o[8:]; len(list) >= 16; list = list[16:] {
				a := plain(netip.AddrFrom16([16]byte(list)))
				what, _ := never(a, Peer) // a link-local one has an interface here
				if what == "" {
					what = h.isBeyond(a, DNS)
				}
				if what != "" {
					return "a router advertisement of the name server " + a.String() + ", which is " + what
				}
			}
		}
	}
	return ""
}

// advertised is the network of a prefix information option of full length.
func advertised(o []byte) netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16([16]byte(o[16:32])), int(o[2])).Masked()
}

// onLink is the L flag of a prefix information option: all of the network is on the link.
const onLink = 0x80

// OffLink takes a router advertisement that Steering has let pass, and clears the L flag of every network with addresses of the
// Internet. With that flag the host would send packets for all of that network over the link, even if it reaches the rest of the
// Internet by another way. The host still gets its address in the network, and reaches the other addresses by the default route if
// that leads over the link. Carriers do not set the flag (TS 29.061 section 11.2.1.3.4, RFC 7066 section 2.2). OffLink does not
// change the packet: if there is a flag to clear, the result is a copy.
func OffLink(packet []byte) []byte {
	if packet[0]>>4 != 6 {
		return packet
	}
	if icmp, _ := beyond(packet); len(icmp) < advertisementLen || icmp[0] != advertisement6 {
		return packet
	}
	packet = slices.Clone(packet)
	icmp, _ := beyond(packet)
	sum := uint32(binary.BigEndian.Uint16(icmp[2:]))
	for rest := icmp[advertisementLen:]; len(rest) >= 8 && rest[1] > 0 && len(rest) >= int(rest[1])*8; rest = rest[int(rest[1])*8:] {
		if rest[0] == optionPrefix && rest[1] == 4 && rest[3]&onLink != 0 && global.Contains(advertised(rest).Addr()) {
			rest[3] &^= onLink
			sum += onLink // of a word's lower octet, as options begin at an even one (RFC 1624)
		}
	}
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(icmp[2:], uint16(sum))
	return packet
}
