//go:build linux

// Package host gives a network interface of this host its addresses and routes, and remembers how to take them back.
package host

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/plane/undo"
)

// Protocol marks the routes that knak makes (rtm_protocol; "ip route show proto 107"), so that they can be found again.
// The number is free in iproute2's table of protocols.
const Protocol = 107

// minMTU6 is the smallest MTU that IPv6 works with (RFC 8200 section 5).
const minMTU6 = 1280

// addrGenNone is IN6_ADDR_GEN_MODE_NONE of linux/if_link.h.
const addrGenNone = 1

// queueLength is how many packets wait in the interface for the link (txqueuelen). A TUN device's default of 500 full packets
// is 15 s of waiting at 384 kbit/s; TCP fills whatever it gets.
const queueLength = 64

// Config is what an interface is to get.
type Config struct {
	Interface    string
	Local, Peer  netip.Addr // IPv4; the zero Addr of Local: no IPv4; of Peer: no route to the peer
	MTU          int
	InterfaceID6 [8]byte // all zero: no IPv6
	DefaultRoute bool
	Metric       int
	Routes       []netip.Prefix

	// Notice hears what is not as wished and yet no failure. It must not be nil.
	Notice func(level, format string, args ...any)
}

// Configure sets the interface up. Every change registers its undoing in u; after an error the caller runs u. No route of
// anybody else is replaced: where one stands in front of ours, Notice says so.
//
// The netlink socket belongs to the network namespace of the calling thread; the undoing works from any thread.
func Configure(cfg Config, u *undo.List) error {
	c, err := configure(cfg, u)
	if err != nil {
		return err
	}
	for _, step := range []func() error{c.setMTU, c.setQueue, c.quietIPv6, c.address4, c.up, c.address6, c.routes, c.defaultRoute} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// configure opens what every change of an interface needs.
func configure(cfg Config, u *undo.List) (*configuration, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	u.Add("close the netlink socket", func() error { h.Close(); return nil })
	link, err := h.LinkByName(cfg.Interface)
	if err != nil {
		return nil, fmt.Errorf("find the interface %s: %w", cfg.Interface, err)
	}
	return &configuration{Config: cfg, h: h, link: link, u: u}, nil
}

// AddIPv6 gives an interface that Configure has set up without IPv6 the link-local address of cfg.InterfaceID6.
func AddIPv6(cfg Config, u *undo.List) error {
	c, err := configure(cfg, u)
	if err != nil {
		return err
	}
	if err := c.quietIPv6(); err != nil {
		return err
	}
	return c.address6()
}

type configuration struct {
	Config
	h    *netlink.Handle
	link netlink.Link
	u    *undo.List
}

func (c *configuration) setMTU() error {
	old := c.link.Attrs().MTU
	if c.MTU == 0 || c.MTU == old {
		return nil
	}
	if err := c.h.LinkSetMTU(c.link, c.MTU); err != nil {
		return fmt.Errorf("set the MTU of %s to %d: %w", c.Interface, c.MTU, err)
	}
	c.u.Add("reset the MTU", func() error { return gone(c.h.LinkSetMTU(c.link, old)) })
	return nil
}

func (c *configuration) setQueue() error {
	old := c.link.Attrs().TxQLen
	if err := c.h.LinkSetTxQLen(c.link, queueLength); err != nil {
		return fmt.Errorf("set the queue length of %s: %w", c.Interface, err)
	}
	c.u.Add("reset the queue length", func() error { return gone(c.h.LinkSetTxQLen(c.link, old)) })
	return nil
}

// quietIPv6 stops the kernel from inventing a link-local address: IPV6CP has agreed one (RFC 5072 section 5), or there is no
// IPv6 and its router solicitations would only wake the modem.
func (c *configuration) quietIPv6() error {
	err := c.h.LinkSetIP6AddrGenMode(c.link, addrGenNone)
	if err != nil && c.ipv6() {
		c.Notice("warning", "this kernel has no IPv6 on %s: %v", c.Interface, err)
		c.InterfaceID6 = [8]byte{}
	}
	if c.ipv6() && c.MTU != 0 && c.MTU < minMTU6 {
		c.Notice("warning", "no IPv6: the peer takes packets of at most %d octets, IPv6 needs %d", c.MTU, minMTU6)
		c.InterfaceID6 = [8]byte{}
	}
	return nil
}

func (c *configuration) ipv6() bool { return c.InterfaceID6 != [8]byte{} }

func (c *configuration) address4() error {
	if !c.Local.IsValid() {
		return nil
	}
	addr := &netlink.Addr{IPNet: ipNet(netip.PrefixFrom(c.Local, 32))}
	if c.Peer.IsValid() {
		addr.Peer = ipNet(netip.PrefixFrom(c.Peer, 32))
	}
	return c.address(addr)
}

func (c *configuration) address6() error {
	if !c.ipv6() {
		return nil
	}
	ip := append(net.IP{0xfe, 0x80, 0, 0, 0, 0, 0, 0}, c.InterfaceID6[:]...)
	// IPV6CP has made sure that the identifiers differ (RFC 5072 section 4.1): no duplicate address detection.
	return c.address(&netlink.Addr{IPNet: &net.IPNet{IP: ip, Mask: net.CIDRMask(64, 128)}, Flags: unix.IFA_F_NODAD})
}

func (c *configuration) address(addr *netlink.Addr) error {
	if err := c.h.AddrAdd(c.link, addr); err != nil {
		return fmt.Errorf("give %s the address %s: %w", c.Interface, addr.IP, err)
	}
	c.u.Add("remove the address "+addr.IP.String(), func() error { return gone(c.h.AddrDel(c.link, addr)) })
	return nil
}

func (c *configuration) up() error {
	if err := c.h.LinkSetUp(c.link); err != nil {
		return fmt.Errorf("set %s up: %w", c.Interface, err)
	}
	c.u.Add("set the interface down", func() error { return gone(c.h.LinkSetDown(c.link)) })
	return nil
}

func (c *configuration) routes() error {
	for _, dst := range c.Routes {
		if dst.Addr() == c.Peer && dst.IsSingleIP() {
			continue // the address brought that route
		}
		err := c.route(ipNet(dst.Masked()))
		if errors.Is(err, unix.EEXIST) {
			c.Notice("warning", "the route to %s stays as it was: there is one with metric %d already", dst, c.Metric)
		} else if err != nil {
			return fmt.Errorf("route %s over %s: %w", dst, c.Interface, err)
		}
	}
	return nil
}

func (c *configuration) defaultRoute() error {
	if !c.DefaultRoute || !c.Local.IsValid() {
		return nil
	}
	if other, ok := c.otherDefault(); ok {
		c.Notice("warning", "packets go on taking the default route over %s: its metric %d is not worse than %d; --metric sets ours, a lower one wins",
			other.Interface, other.Metric, c.Metric)
	}
	err := c.route(&net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)})
	if errors.Is(err, unix.EEXIST) {
		return nil // what otherDefault found: said already
	}
	if err != nil {
		return fmt.Errorf("set the default route over %s: %w", c.Interface, err)
	}
	return nil
}

// route adds a route and never touches one that is there: netlink's RouteAdd asks for NLM_F_EXCL.
func (c *configuration) route(dst *net.IPNet) error {
	r := &netlink.Route{LinkIndex: c.link.Attrs().Index, Dst: dst, Priority: c.Metric, Protocol: Protocol, Scope: netlink.SCOPE_LINK}
	if dst.IP.To4() == nil {
		r.Scope = netlink.SCOPE_UNIVERSE
	}
	if err := c.h.RouteAdd(r); err != nil {
		return err
	}
	c.u.Add("remove the route to "+dst.String(), func() error { return gone(c.h.RouteDel(r)) })
	return nil
}

type otherRoute struct {
	Interface string
	Metric    int
}

// otherDefault finds an IPv4 default route of somebody else that wins against ours.
func (c *configuration) otherDefault() (best otherRoute, found bool) {
	routes, err := c.h.RouteListFiltered(netlink.FAMILY_V4, &netlink.Route{Table: unix.RT_TABLE_MAIN}, netlink.RT_FILTER_TABLE)
	if err != nil {
		return best, false
	}
	for _, r := range routes {
		isDefault := r.Dst == nil
		if r.Dst != nil {
			ones, _ := r.Dst.Mask.Size()
			isDefault = ones == 0
		}
		if !isDefault || r.Priority > c.Metric || r.LinkIndex == c.link.Attrs().Index || found && r.Priority >= best.Metric {
			continue
		}
		best, found = otherRoute{Interface: "another interface", Metric: r.Priority}, true
		if link, err := c.h.LinkByIndex(r.LinkIndex); err == nil {
			best.Interface = link.Attrs().Name
		}
	}
	return best, found
}

// gone forgives an undoing whose object is gone: an interface takes its addresses and routes with it.
func gone(err error) error {
	switch {
	case errors.Is(err, unix.ENODEV), errors.Is(err, unix.ENOENT), errors.Is(err, unix.ESRCH), errors.Is(err, unix.EADDRNOTAVAIL), errors.Is(err, unix.ENETDOWN):
		return nil
	}
	return err
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
