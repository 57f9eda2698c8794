package prove

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// answer is the meaning of a received packet for the proof.
type answer struct {
	by       string
	from, to netip.Addr // to: of a probe that came back, where it had been sent
	round    uint16     // of the probe that is answered
	result   string     // in words
	looped   bool       // it is a probe of ours
}

// judge says what a packet means. ok is false if it means nothing: it is damaged, a fragment, not for us, or from an impossible
// sender. rounds is how many rounds have been sent.
func (p *prober) judge(b []byte, peer netip.Addr, rounds int) (a answer, ok bool) {
	from, to, proto, body, ok := split(b)
	if !ok || from == to || from.IsUnspecified() || from.IsLoopback() || from.IsMulticast() {
		return a, false
	}
	a = answer{from: from, to: to}
	if from == p.local {
		// Only we have this address: our own packets come back.
		if how, _, mine := p.quoted(proto, body, from, to); mine {
			a.by, a.looped = how, true
			return a, true
		}
		return a, false
	}
	if p.isAdvertised(b, from, to, proto, body) {
		a.by, a.result = ByRouter, "router advertisement"
		return a, true
	}
	if to != p.local || !intact(from, to, proto, body) {
		return a, false
	}
	switch {
	case proto == protoUDP && p.isReply(body, &a), proto == protoICMP && p.isICMP(body, &a):
		if int(a.round) < rounds {
			return a, true
		}
	default:
		if how, mine := p.isReflected(proto, body, from); mine {
			// The addresses are exchanged and nothing else: a reflector, not a host.
			a.by, a.to, a.looped = how, from, true
			return a, true
		}
	}
	// Any other packet to an address that was given to us a moment ago was brought by the network. This does not hold for a
	// packet from the peer: the peer may be the modem itself, without any network.
	if from == peer {
		return a, false
	}
	return answer{by: ByTraffic, from: from, to: to, result: "a packet came"}, true
}

// isReflected knows one of our own probes that came back from where it was sent, its ports exchanged or not.
func (p *prober) isReflected(proto byte, body []byte, from netip.Addr) (how string, mine bool) {
	if how, _, mine := p.quoted(proto, body, p.local, from); mine {
		return how, true
	}
	return ByDNS, proto == protoUDP && binary.BigEndian.Uint16(body) == dnsPort && binary.BigEndian.Uint16(body[2:]) == p.port &&
		(len(body) < udpHeader+3 || body[udpHeader+2]&0x80 == 0)
}

// split takes an IP packet apart. proto is that of IPv4; ICMPv6 counts as ICMP. ok is false for what is too short, has a
// wrong header checksum, is a fragment, or has IPv6 extension headers.
func split(b []byte) (from, to netip.Addr, proto byte, body []byte, ok bool) {
	if len(b) == 0 {
		return from, to, 0, nil, false
	}
	switch b[0] >> 4 {
	case 4:
		if len(b) < ipv4Header {
			return from, to, 0, nil, false
		}
		header, total := int(b[0]&15)*4, int(binary.BigEndian.Uint16(b[2:]))
		if header < ipv4Header || total < header || total > len(b) || fold(sum(0, b[:header])) != 0 {
			return from, to, 0, nil, false
		}
		if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 { // more fragments, or an offset
			return from, to, 0, nil, false
		}
		return netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:])), b[9], b[header:total], true
	case 6:
		if len(b) < ipv6Header {
			return from, to, 0, nil, false
		}
		size := int(binary.BigEndian.Uint16(b[4:]))
		if size > len(b)-ipv6Header {
			return from, to, 0, nil, false
		}
		proto = b[6]
		switch proto {
		case protoICMPv6:
			proto = protoICMP
		case protoUDP, protoTCP:
		default:
			return from, to, 0, nil, false
		}
		return netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])), proto, b[ipv6Header : ipv6Header+size], true
	}
	return from, to, 0, nil, false
}

// intact checks the checksum of UDP and ICMP. Other protocols are as intact as their IP header.
func intact(from, to netip.Addr, proto byte, body []byte) bool {
	switch proto {
	case protoUDP:
		if len(body) < udpHeader {
			return false
		}
		size := int(binary.BigEndian.Uint16(body[4:]))
		if size < udpHeader || size > len(body) {
			return false
		}
		if body = body[:size]; body[6]|body[7] == 0 && from.Is4() {
			return true // RFC 768: the sender made none
		}
	case protoICMP:
		if len(body) < icmpHeader {
			return false
		}
	default:
		return true
	}
	return fold(sum(pseudoHeader(from, to, proto, len(body)), body)) == 0
}

// isReply knows an answer to one of our queries. It need not come from the address that was asked: some networks
// answer for it.
func (p *prober) isReply(body []byte, a *answer) bool {
	if len(body) < udpHeader+dnsHeader || binary.BigEndian.Uint16(body) != dnsPort || binary.BigEndian.Uint16(body[2:]) != p.port {
		return false
	}
	query := body[udpHeader:]
	if query[2]&0x80 == 0 { // a query, not a response
		return false
	}
	a.by, a.round = ByDNS, binary.BigEndian.Uint16(query)-p.query
	a.result = rcode(query[3] & 15)
	return true
}

func rcode(n byte) string {
	names := [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"} // RFC 1035 section 4.1.1
	if int(n) < len(names) {
		return names[n]
	}
	return fmt.Sprintf("response code %d", n)
}

// isICMP knows an Echo Reply to one of our probes and an error about one.
func (p *prober) isICMP(body []byte, a *answer) bool {
	v6 := a.to.Is6()
	typ := body[0]
	if typ == echoReply && !v6 || typ == echoReplyV6 && v6 {
		if binary.BigEndian.Uint16(body[4:]) != p.id {
			return false
		}
		a.by, a.round, a.result = ByICMP, binary.BigEndian.Uint16(body[6:]), "echo reply"
		return true
	}
	name := errorName(typ, v6)
	if name == "" {
		return false
	}
	from, to, proto, quote, ok := splitQuote(body[icmpHeader:])
	if !ok || from != p.local {
		return false
	}
	_, round, mine := p.quoted(proto, quote, from, to)
	if !mine {
		return false
	}
	a.by, a.round, a.result = ByError, round, fmt.Sprintf("%s, code %d, about %v", name, body[1], to)
	return true
}

// errorName gives the name of an ICMP error (RFC 792, RFC 4443 section 3), or "".
func errorName(typ byte, v6 bool) string {
	if v6 {
		switch typ {
		case 1:
			return "destination unreachable"
		case 2:
			return "packet too big"
		case 3:
			return "time exceeded"
		case 4:
			return "parameter problem"
		}
		return ""
	}
	switch typ {
	case 3:
		return "destination unreachable"
	case 4:
		return "source quench"
	case 5:
		return "redirect"
	case 11:
		return "time exceeded"
	case 12:
		return "parameter problem"
	}
	return ""
}

// splitQuote takes apart the beginning of a packet that an ICMP error quotes: a header and at least 8 octets (RFC 792).
// Its checksum and lengths are not looked at: routers change them before they quote.
func splitQuote(b []byte) (from, to netip.Addr, proto byte, body []byte, ok bool) {
	if len(b) == 0 {
		return from, to, 0, nil, false
	}
	switch b[0] >> 4 {
	case 4:
		header := int(b[0]&15) * 4
		if header < ipv4Header || len(b) < header+8 {
			return from, to, 0, nil, false
		}
		return netip.AddrFrom4([4]byte(b[12:])), netip.AddrFrom4([4]byte(b[16:])), b[9], b[header:], true
	case 6:
		if len(b) < ipv6Header+8 {
			return from, to, 0, nil, false
		}
		if proto = b[6]; proto == protoICMPv6 {
			proto = protoICMP
		}
		return netip.AddrFrom16([16]byte(b[8:])), netip.AddrFrom16([16]byte(b[24:])), proto, b[ipv6Header:], true
	}
	return from, to, 0, nil, false
}

// quoted knows one of our own probes by its first 8 octets or more. The round of a query is known only if more is there;
// without, it is 0.
func (p *prober) quoted(proto byte, body []byte, from, to netip.Addr) (how string, round uint16, mine bool) {
	if len(body) < 8 || from != p.local {
		return "", 0, false
	}
	switch proto {
	case protoICMP:
		request := byte(echoRequest)
		if to.Is6() {
			request = echoRequestV6
		}
		if body[0] == request && binary.BigEndian.Uint16(body[4:]) == p.id {
			return ByICMP, binary.BigEndian.Uint16(body[6:]), true
		}
	case protoUDP:
		if binary.BigEndian.Uint16(body) != p.port || binary.BigEndian.Uint16(body[2:]) != dnsPort {
			return "", 0, false
		}
		if len(body) >= udpHeader+2 {
			round = binary.BigEndian.Uint16(body[udpHeader:]) - p.query
		}
		return ByDNS, round, true
	}
	return "", 0, false
}
