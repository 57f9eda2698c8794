//go:build linux

// Package host gives a network interface of this host its addresses and routes, and remembers how to undo that.
package host

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"strconv"

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

// Config says what an interface gets.
type Config struct {
	Interface    string
	Local, Peer  netip.Addr // IPv4. The zero Local means no IPv4; the zero Peer means no route to the peer
	MTU          int
	InterfaceID6 [8]byte // all zero: no IPv6
	DefaultRoute bool
	Metric       int // the metric of the routes; the default route may get a greater one if this one is taken
	Routes       []netip.Prefix

	// Notice gets messages about things that differ from the Config but are no failure. It must not be nil.
	Notice func(level, format string, args ...any)
}

// Result describes the default routes that Configure made.
type Result struct {
	Metric   int  // the metric of our IPv4 default route
	NoRouter bool // the kernel does not take an IPv6 default route from router advertisements
}

// Configure sets the interface up. Every change registers its undoing in u; after an error the caller runs u. Configure replaces
// no route of others. If a route of others stands in front of ours, Notice says so.
//
// The netlink socket belongs to the network namespace of the calling thread; the undoing works from any thread.
func Configure(cfg Config, u *undo.List) (Result, error) {
	c, err := configure(cfg, u)
	if err != nil {
		return Result{}, err
	}
	for _, step := range []func() error{c.setMTU, c.setQueue, c.quietIPv6, c.address4, c.up, c.address6, c.routes, c.defaultRoute} {
		if err := step(); err != nil {
			return Result{}, err
		}
	}
	return Result{Metric: c.Metric, NoRouter: c.noRouter}, nil
}

// configure opens what every change of an interface needs.
func configure(cfg Config, u *undo.List) (*configuration, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	u.Add("close the netlink socket", func() error { h.Close(); return nil })
	return configureBy(h, cfg, u)
}

func configureBy(h *netlink.Handle, cfg Config, u *undo.List) (*configuration, error) {
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
	h        *netlink.Handle
	link     netlink.Link
	u        *undo.List
	noRouter bool
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

// advertised is the kernel's metric of a default route that a router advertised (IP6_RT_PRIO_USER of linux/ipv6_route.h).
const advertised = 1024

// steady keeps what comes over the interface from moving the host's traffic: no redirect is followed, no route taken from an
// advertisement but the default route, which has a metric above that of other interfaces, or is not taken either. It says
// whether the kernel has been told so of the default route. An old kernel, or one whose settings cannot be written,
// stays as it is.
func (c *configuration) steady() (told bool) {
	if c.Interface == "all" || c.Interface == "default" {
		return false // not an interface's settings
	}
	dir := "/proc/sys/net/ipv6/conf/" + c.Interface + "/"
	set := func(name, value string) bool {
		old, err := os.ReadFile(dir + name)
		if err != nil {
			return false
		}
		if err := os.WriteFile(dir+name, []byte(value), 0); err != nil {
			return false
		}
		c.u.Add("reset "+name, func() error {
			if err := os.WriteFile(dir+name, old, 0); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return nil
		})
		return true
	}
	set("accept_redirects", "0")
	set("accept_ra_rt_info_max_plen", "0")
	set("accept_ra_rtr_pref", "0") // before Linux 5.12 there is no metric, and a router may call itself preferred (RFC 4191)
	if c.DefaultRoute {
		set("ra_defrtr_metric", strconv.Itoa(advertised+c.Metric))
		return false
	}
	return set("accept_ra_defrtr", "0")
}

// quietIPv6 stops the kernel from inventing a link-local address: IPV6CP has agreed one (RFC 5072 section 5), or there is no
// IPv6 and its router solicitations would only wake the modem.
func (c *configuration) quietIPv6() error {
	c.noRouter = c.steady()
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

// metrics is how many metrics are tried for the default route, from the wanted one on. Two default routes cannot have the same
// metric. Without a route of our own there would be no way out when the other one goes.
const metrics = 32

func (c *configuration) defaultRoute() error {
	if !c.DefaultRoute || !c.Local.IsValid() {
		return nil
	}
	wanted := c.Metric
	for {
		err := c.route(&net.IPNet{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)})
		if errors.Is(err, unix.EEXIST) && c.Metric < wanted+metrics {
			c.Metric++
			continue
		}
		if err != nil {
			return fmt.Errorf("set the default route over %s with metric %d: %w", c.Interface, c.Metric, err)
		}
		return nil
	}
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
