package proxy

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxNames is the greatest number of names that an association remembers.
const maxNames = 64

// association is one client's UDP ASSOCIATE (RFC 1928 section 7).
type association struct {
	server *Server
	near   *net.UDPConn   // towards the client
	far    net.PacketConn // towards the network
	client atomic.Pointer[netip.AddrPort]
	names  map[string]netip.Addr // what the client's names were resolved to
}

// out carries the client's datagrams to the network. Only the host that asked for the association is heard, and of it only the
// first port that speaks.
func (a *association) out(clientIP netip.Addr) {
	buf := make([]byte, 65536)
	for {
		n, from, err := a.near.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // an ICMP error for an earlier datagram
		}
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if from.Addr() != clientIP {
			continue
		}
		if c := a.client.Load(); c == nil {
			a.client.Store(&from)
		} else if *c != from {
			continue
		}
		to, payload, err := parseDatagram(buf[:n])
		if err != nil {
			continue
		}
		if ip, ok := a.resolve(to.host); ok {
			a.far.WriteTo(payload, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, to.port)))
		}
	}
}

func (a *association) resolve(host string) (netip.Addr, bool) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip, ip.Is4() // ListenUDP gives an IPv4 port
	}
	if ip, ok := a.names[host]; ok {
		return ip, true
	}
	ctx, cancel := context.WithTimeout(a.server.ctx, 10*time.Second)
	defer cancel()
	addrs, err := a.server.network.Resolve(ctx, "ip4", host)
	if err != nil || len(addrs) == 0 {
		return netip.Addr{}, false
	}
	if len(a.names) >= maxNames {
		clear(a.names)
	}
	a.names[host] = addrs[0]
	return addrs[0], true
}

// in carries answers back to the client.
func (a *association) in() {
	buf := make([]byte, 65536)
	var datagram []byte
	for {
		n, from, err := a.far.ReadFrom(buf)
		if err != nil {
			return
		}
		client := a.client.Load()
		source, perr := netip.ParseAddrPort(from.String())
		if client == nil || perr != nil {
			continue
		}
		datagram = appendSocksAddress(append(datagram[:0], 0, 0, 0), source)
		datagram = append(datagram, buf[:n]...)
		a.near.WriteToUDPAddrPort(datagram, *client)
	}
}

// parseDatagram takes the header off a client's datagram. Fragments are not put together, which section 7 leaves open.
func parseDatagram(b []byte) (to target, payload []byte, err error) {
	if len(b) < 4 || b[2] != 0 {
		return to, nil, errSocks
	}
	r := bytes.NewReader(b[3:])
	if to, err = socksAddress(r); err != nil {
		return to, nil, err
	}
	return to, b[len(b)-r.Len():], nil
}

// onceCloser closes once and remembers the error.
type onceCloser struct {
	once sync.Once
	err  error
}

func (o *onceCloser) close(f func() error) error {
	o.once.Do(func() { o.err = f() })
	return o.err
}

// containsText looks into errors that have no type: gVisor's come as text.
func containsText(err error, text string) bool { return strings.Contains(err.Error(), text) }
