// Package plane carries the IP packets of a link: to a TUN device of this host, to an IP stack inside the process, or nowhere.
// When a plane is closed, it undoes what it has changed on the host (addresses, routes, DNS).
//
// The packets never pass through the PPP engine. Package drive takes them out of the frames and hands them to Deliver, and puts
// those of Read into frames.
package plane

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/plane/gate"
)

// The kinds of plane that Open knows.
const (
	KindAuto  = "auto"  // the first of tun and stack that works here
	KindTUN   = "tun"   // a TUN device: the whole host may use the link; needs CAP_NET_ADMIN
	KindStack = "stack" // an IP stack in this process with a SOCKS5 and HTTP proxy; needs no privilege
	KindNone  = "none"  // negotiate only: every packet is dropped
)

// Kinds lists the kinds in the order in which help texts show them.
func Kinds() []string { return []string{KindAuto, KindTUN, KindStack, KindNone} }

// Why this host cannot have a plane. Open's errors match them with errors.Is.
var (
	ErrUnsupported  = errors.New("this kernel does not offer it")
	ErrNotPermitted = errors.New("not permitted")
	ErrKind         = errors.New("no such plane")
)

// AddressError says that this host cannot use the address that the peer gave it. Open returns it. Read returns it if the host gets
// a conflicting address or route later.
type AddressError struct{ Word gate.Word }

func (e *AddressError) Error() string { return e.Word.String() }

// Forward forwards a TCP port of this host to a host behind the link (stack only).
type Forward struct {
	Listen string // address to listen on, "127.0.0.1:8080"; ":8080" and "8080" mean this host alone, not every interface
	Target string // HOST:PORT behind the link; a name is resolved through the link's own DNS servers
}

// Config holds the addresses of a link, and what the plane does with them. The zero value of each optional field is its default.
type Config struct {
	Interface string       // tun: the wanted name, with at most one %d; "" is "knak%d"
	Local     netip.Addr   // our IPv4 address, or the zero Addr if IPCP is not open
	Peer      netip.Addr   // the peer's IPv4 address, or the zero Addr if the peer names none
	DNS       []netip.Addr // the link's DNS servers, best first
	NBNS      []netip.Addr // the link's NetBIOS name servers; no plane uses them, but scripts get those that are accepted
	MTU       int          // the largest packet that the peer accepts: its MRU, in octets; 0 is 1500
	Allow     gate.Allow   // addresses that are accepted although they conflict with this host's own

	// InterfaceID6 is our IPv6 interface identifier as IPV6CP agreed it (RFC 5072 section 4.1), in network byte order.
	// All zero: no IPv6. The link-local address is fe80:: and this identifier.
	InterfaceID6 [8]byte

	DefaultRoute bool // tun: send everything that has no better route over the link
	// Metric is for tun: the metric of the routes that are made; 0 is the kernel's best. No route is ever replaced: beside a
	// default route of this metric, ours gets the next one that is free.
	Metric int

	Routes     []netip.Prefix // tun: more destinations behind the link
	DNSMode    string         // tun: system, resolved, resolvconf, file or none; "" is system
	ResolvConf string         // tun: the file that mode "file" writes; "" is /etc/resolv.conf

	Proxy    string    // stack: where the proxy listens, "127.0.0.1:1080"; port 0 takes a free one; "" or "off": no proxy
	Forwards []Forward // stack

	// Notice, unless nil, gets messages for people: why auto skipped a plane, that another default route stands in front of ours,
	// what could not be undone. Any goroutine may call it until Close returns. It must not block.
	Notice func(event.Notice)
}

func (c *Config) notice(level, format string, args ...any) {
	if c.Notice != nil {
		c.Notice(event.Notice{Level: level, Text: fmt.Sprintf(format, args...)})
	}
}

// Plane carries the packets of one link. Deliver and Flush belong to one goroutine, Read to one other; Close may be
// called from any, also twice.
type Plane interface {
	// Kind is KindTUN, KindStack or KindNone: the one that auto chose, never auto itself.
	Kind() string
	// Interface is the name of the network interface, or "" if there is none.
	Interface() string
	// Deliver takes an IPv4 or IPv6 packet from the peer. The packet is the caller's again when Deliver returns. The plane may
	// keep a copy back until Flush. A packet that the plane cannot take (malformed, no room) is dropped without an error, as in
	// any network. After an error the plane is of no more use.
	Deliver(packet []byte) error
	// Flush passes on the packets that Deliver kept back. Call it when no more packets are at hand.
	Flush() error
	// Read waits for packets for the peer and calls each for every packet that is there. It returns when there are no more, when
	// each returns false, or after about 64 packets. A packet is valid only during its call. After Close, Read returns
	// net.ErrClosed.
	Read(each func(packet []byte) (more bool)) error
	// Info gives lines for people about how to use the link, for example "SOCKS5 and HTTP proxy on 127.0.0.1:1080".
	Info() []string
	// Close undoes the plane's changes, the last one first, and ends Read. The error names what could not be undone.
	Close() error
}

// Taken holds the addresses of the peer's offer that the plane uses now.
type Taken struct {
	Peer      netip.Addr // the zero Addr: no route leads to it
	DNS, NBNS []netip.Addr
	MTU       int
}

// Judged is implemented by a Plane that may refuse a part of its Config. A Plane without it uses all of its Config.
type Judged interface{ Taken() Taken }

// TakenOf gives what a plane uses of cfg.
func TakenOf(p Plane, cfg Config) Taken {
	if j, ok := p.(Judged); ok {
		return j.Taken()
	}
	return Taken{cfg.Peer, cfg.DNS, cfg.NBNS, cfg.MTU}
}

// judge leaves of cfg what v took, and says what it did not take.
func (c *Config) judge(v gate.Verdict) error {
	if v.Refused != nil {
		return &AddressError{*v.Refused}
	}
	for _, w := range v.Left {
		c.notice("warning", "%s", w)
	}
	c.Local, c.Peer, c.DNS, c.NBNS = v.Local, v.Peer, v.DNS, v.NBNS
	return nil
}

func (c *Config) offer() gate.Offer {
	return gate.Offer{Local: c.Local, Peer: c.Peer, DNS: c.DNS, NBNS: c.NBNS}
}

func (c *Config) taken() Taken { return Taken{c.Peer, c.DNS, c.NBNS, c.MTU} }

// LateIPv6 may be implemented by a Plane that can take an IPv6 interface identifier after it was opened. Close undoes that, too.
// The two methods are not called at once.
type LateIPv6 interface {
	// AddIPv6 gives the plane the link-local address of id, as Config.InterfaceID6 would have done.
	AddIPv6(id [8]byte) error
}

// Open makes a plane of a kind for a link that is up; "" is KindAuto. If it fails, it undoes its changes. ctx bounds Open only.
func Open(ctx context.Context, kind string, cfg Config) (Plane, error) {
	cfg.MTU = bounded(cfg.MTU)
	switch kind {
	case KindNone:
		if err := cfg.judge(gate.Believe(cfg.offer(), cfg.Allow)); err != nil {
			return nil, err
		}
		return newNone(cfg.taken()), nil
	case KindTUN:
		return openTUN(ctx, cfg)
	case KindStack:
		return openStack(ctx, cfg)
	case KindAuto, "":
		return openAuto(ctx, cfg)
	}
	return nil, fmt.Errorf("plane %q: %w (there are %s)", kind, ErrKind, strings.Join(Kinds(), ", "))
}

// The bounds of the MTU. A peer may say that it takes anything from a frame that holds no packet to 65535 octets (RFC 1661
// section 6.1). What every host must take is the least (RFC 791 section 3.2, RFC 1122 section 3.3.2 for what is put together);
// what drivers, programs and the C library's tables are used to is the most, as it is pppd's (PPP_MAXMTU).
const (
	minMTU     = 68
	maxMTU     = 16384
	defaultMTU = 1500
)

func bounded(mtu int) int {
	if mtu == 0 {
		return defaultMTU
	}
	return min(max(mtu, minMTU), maxMTU)
}

// openAuto takes the first plane that works. tun comes first, because with it the whole host may use the link.
func openAuto(ctx context.Context, cfg Config) (Plane, error) {
	p, tunErr := openTUN(ctx, cfg)
	var refused *AddressError
	if tunErr == nil || errors.As(tunErr, &refused) { // another plane would only hide that
		return p, tunErr
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cfg.notice("info", "plane tun is not possible here, so the next one is taken: %v", tunErr)
	p, err := openStack(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("no plane works here: tun: %w; stack: %w", tunErr, err)
	}
	return p, nil
}
