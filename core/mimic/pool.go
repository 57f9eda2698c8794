package mimic

import (
	"fmt"
	"net/netip"

	"github.com/knakppp/knak/core/ppp/packet"
)

// pool replaces a network's addresses by addresses for documentation (RFC 5737), the same address always by the same one. An
// address with a meaning, such as 0.0.0.0 or a known placeholder, is kept.
type pool struct {
	stands map[netip.Addr]netip.Addr
	taken  map[netip.Addr]bool
	next   int
}

func newPool() *pool { return &pool{stands: map[netip.Addr]netip.Addr{}, taken: map[netip.Addr]bool{}} }

// telling are the ranges of addresses with a meaning: no network assigns them.
var telling = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("224.0.0.0/3"), netip.MustParsePrefix("10.11.12.13/32"), netip.MustParsePrefix("10.11.12.14/32"),
	netip.MustParsePrefix("10.64.64.64/32"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
}

// standIn is the address that the simulator gives by default for each option.
var standIn = map[uint8]netip.Addr{
	packet.IPCPAddress: netip.MustParseAddr("192.0.2.2"),
	packet.IPCPDNS1:    netip.MustParseAddr("198.51.100.53"), packet.IPCPDNS2: netip.MustParseAddr("198.51.100.54"),
	packet.IPCPNBNS1: netip.MustParseAddr("198.51.100.137"), packet.IPCPNBNS2: netip.MustParseAddr("198.51.100.138"),
}

// stand gives the replacement for an address from an option of type typ; own means that the address is the modem's own.
func (p *pool) stand(a netip.Addr, typ uint8, own bool) netip.Addr {
	for _, t := range telling {
		if t.Contains(a) {
			return a
		}
	}
	if s, ok := p.stands[a]; ok {
		return s
	}
	s := standIn[typ]
	if own {
		s = netip.MustParseAddr("192.0.2.1")
	}
	for !s.IsValid() || p.taken[s] {
		p.next++
		s = netip.MustParseAddr(fmt.Sprintf("198.51.100.%d", p.next%50+200))
		if p.next > 50 {
			break
		}
	}
	p.stands[a], p.taken[s] = s, true
	return s
}
