//go:build linux

package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/plane/gate"
	"github.com/knakppp/knak/core/plane/undo"
)

// View reads the addresses and routes of this host, and waits for changes of them. It belongs to the network namespace of the
// thread that made it. Its methods may be called from any thread.
type View struct {
	h      *netlink.Handle
	events *os.File // a netlink socket that hears of IPv4 addresses and routes
	buffer []byte   // of Changed
	own    uint32   // the index of the interface that Changed is silent about; 0: there is none
}

// NewView makes a View.
func NewView() (*View, error) {
	h, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
	if err != nil {
		h.Close()
		return nil, fmt.Errorf("open a netlink socket: %w", err)
	}
	groups := uint32(1<<(unix.RTNLGRP_IPV4_IFADDR-1) | 1<<(unix.RTNLGRP_IPV4_ROUTE-1))
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups}); err != nil {
		h.Close()
		return nil, errors.Join(fmt.Errorf("hear of changes of routes: %w", err), unix.Close(fd))
	}
	return &View{h: h, events: os.NewFile(uintptr(fd), "netlink"), buffer: make([]byte, 4096)}, nil
}

// Close ends Changed and closes the view: no method may be called after it.
func (v *View) Close() error {
	v.h.Close()
	return v.Stop()
}

// Stop ends Changed.
func (v *View) Stop() error {
	if err := v.events.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// Forget drops the changes that Changed has not reported yet.
func (v *View) Forget() {
	raw, err := v.events.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // of a closed one there is nothing to forget
		for range maxForgotten {
			if _, _, err := unix.Recvfrom(int(fd), v.buffer, unix.MSG_DONTWAIT); err != nil && err != unix.ENOBUFS {
				return
			}
		}
	})
}

// maxForgotten ends Forget if routes change faster than it can read.
const maxForgotten = 10_000

// Route makes one route over the interface of cfg. It registers its undoing in u.
func (v *View) Route(cfg Config, dst netip.Prefix, u *undo.List) error {
	c, err := configureBy(v.h, cfg, u)
	if err != nil {
		return err
	}
	c.Routes = []netip.Prefix{dst}
	return c.routes()
}

// Withdraw removes the route to the peer's address that the interface's address brought. The address stays.
func (v *View) Withdraw(name string, peer netip.Addr) error {
	link, err := v.h.LinkByName(name)
	if err != nil {
		return gone(err)
	}
	return gone(v.h.RouteDel(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: ipNet(netip.PrefixFrom(peer, 32)), Scope: netlink.SCOPE_LINK}))
}

// Ignore makes Changed ignore an interface: the caller's own.
func (v *View) Ignore(name string) error {
	link, err := v.h.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find the interface %s: %w", name, err)
	}
	v.own = uint32(link.Attrs().Index)
	return nil
}

// Changed waits until IPv4 addresses or routes of other interfaces have changed, or may have changed. It does not say which. It
// belongs to one goroutine. After Close it returns an error.
func (v *View) Changed() error {
	for {
		n, err := v.events.Read(v.buffer)
		if errors.Is(err, unix.ENOBUFS) {
			return nil // more changed than the socket could hold
		}
		if err != nil || !ownOnly(v.buffer[:n], v.own) {
			return err
		}
	}
}

// ownOnly says whether netlink messages are about one interface alone.
func ownOnly(b []byte, own uint32) bool {
	messages, err := syscall.ParseNetlinkMessage(b)
	if err != nil || own == 0 {
		return false
	}
	for i := range messages {
		m := &messages[i]
		switch m.Header.Type {
		case unix.RTM_NEWADDR, unix.RTM_DELADDR: // struct ifaddrmsg: the index is its last field
			if len(m.Data) < unix.SizeofIfAddrmsg || binary.NativeEndian.Uint32(m.Data[4:]) != own {
				return false
			}
		case unix.RTM_NEWROUTE, unix.RTM_DELROUTE:
			attributes, err := syscall.ParseNetlinkRouteAttr(m)
			if err != nil || !slices.ContainsFunc(attributes, func(a syscall.NetlinkRouteAttr) bool {
				return a.Attr.Type == unix.RTA_OIF && len(a.Value) == 4 && binary.NativeEndian.Uint32(a.Value) == own
			}) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// Way is an IPv4 default route of others.
type Way struct {
	Interface string
	Metric    int
}

// Look gives the addresses and routes of this host, except those of one interface, and the best IPv4 default route among them. Its
// Metric is -1 if two routes of half of all addresses each do the work of a default route, as VPNs make them. Look does not look
// for resolvers.
func (v *View) Look(except string) (h gate.Host, best Way, found bool, err error) {
	index := -1
	names := map[int]string{}
	links, err := v.h.LinkList()
	if err != nil {
		return h, best, false, fmt.Errorf("list the interfaces: %w", err)
	}
	for _, l := range links {
		names[l.Attrs().Index] = l.Attrs().Name
		if l.Attrs().Name == except {
			index = l.Attrs().Index
		}
	}
	list, err := v.h.AddrList(nil, netlink.FAMILY_ALL)
	if err != nil {
		return h, best, false, fmt.Errorf("list the addresses: %w", err)
	}
	for i := range list {
		if list[i].LinkIndex != index {
			addAddress(&h, &list[i])
		}
	}
	err = v.h.RouteListFilteredIter(netlink.FAMILY_ALL, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE, func(r netlink.Route) bool {
		if r.LinkIndex == index {
			return true
		}
		addRoute(&h, &r)
		if metric, ok := defaultMetric(&r); ok && (!found || metric < best.Metric) {
			best, found = Way{names[r.LinkIndex], metric}, true
			if best.Interface == "" {
				best.Interface = "another interface"
			}
		}
		return true
	})
	if err != nil && !errors.Is(err, netlink.ErrDumpInterrupted) { // then something has changed, and Changed says so
		return h, best, false, fmt.Errorf("list the routes: %w", err)
	}
	return h, best, found, nil
}

// Leads gives the interface over which this host sends packets for an address, by its routes, rules and tables. It is "" if there
// is none.
func (v *View) Leads(to netip.Addr) string {
	routes, err := v.h.RouteGet(to.AsSlice())
	if err != nil || len(routes) == 0 {
		return ""
	}
	link, err := v.h.LinkByIndex(routes[0].LinkIndex)
	if err != nil {
		return ""
	}
	return link.Attrs().Name
}

func addAddress(h *gate.Host, a *netlink.Addr) {
	own, ok := netip.AddrFromSlice(a.IP)
	if !ok {
		return
	}
	h.Addresses = append(h.Addresses, own.Unmap())
	if b, ok := netip.AddrFromSlice(a.Broadcast); ok && !b.IsUnspecified() {
		h.Broadcasts = append(h.Broadcasts, b.Unmap())
	}
	network := a.IPNet
	if a.Peer != nil {
		network = a.Peer
	}
	if p, ok := prefix(network); ok && !p.Addr().IsLoopback() {
		h.Connected = append(h.Connected, p)
	}
}

// addRoute adds what a route of somebody else says of the host: where it leads, and by whom.
func addRoute(h *gate.Host, r *netlink.Route) {
	dst, ok := prefix(r.Dst)
	single := ok && dst.IsSingleIP()
	switch r.Type {
	case unix.RTN_LOCAL:
		if single {
			h.Addresses = append(h.Addresses, dst.Addr())
		}
		return
	case unix.RTN_BROADCAST:
		if single {
			h.Broadcasts = append(h.Broadcasts, dst.Addr())
		}
		return
	case unix.RTN_MULTICAST, unix.RTN_ANYCAST, unix.RTN_THROW:
		return
	}
	gateways := []net.IP{r.Gw}
	for _, hop := range r.MultiPath {
		gateways = append(gateways, hop.Gw)
	}
	if via, ok := r.Via.(*netlink.Via); ok {
		gateways = append(gateways, via.Addr)
	}
	for _, ip := range gateways {
		if g, ok := netip.AddrFromSlice(ip); ok && !g.IsUnspecified() && !slices.Contains(h.Gateways, g.Unmap()) {
			h.Gateways = append(h.Gateways, g.Unmap())
		}
	}
	if ok && dst.Bits() > half && !dst.Addr().IsMulticast() {
		h.Routes = append(h.Routes, dst)
	}
}

// half is the prefix length of a route for half of all addresses. Two such routes act as a default route without touching the
// existing one. VPNs do that.
const half = 1

// defaultMetric gives the metric of an IPv4 default route that packets of this host follow.
func defaultMetric(r *netlink.Route) (metric int, ok bool) {
	if r.Family != netlink.FAMILY_V4 || r.Table != unix.RT_TABLE_MAIN || r.Type != unix.RTN_UNICAST {
		return 0, false
	}
	dst, ok := prefix(r.Dst)
	switch {
	case !ok || dst.Bits() == 0:
		return r.Priority, true
	case dst.Bits() == half:
		return -1, true
	}
	return 0, false
}

func prefix(n *net.IPNet) (p netip.Prefix, ok bool) {
	if n == nil {
		return p, false
	}
	a, ok := netip.AddrFromSlice(n.IP)
	ones, bits := n.Mask.Size()
	if !ok || bits == 0 {
		return p, false
	}
	return netip.PrefixFrom(a.Unmap(), ones).Masked(), true
}
