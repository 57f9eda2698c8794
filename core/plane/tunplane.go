//go:build linux

package plane

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/knakppp/knak/core/pace"
	"github.com/knakppp/knak/core/plane/gate"
	"github.com/knakppp/knak/core/plane/host"
	"github.com/knakppp/knak/core/plane/resolv"
	"github.com/knakppp/knak/core/plane/tun"
	"github.com/knakppp/knak/core/plane/undo"
)

// tunPlane is a TUN device with the addresses, routes and DNS servers of the link. While it is open it follows the host:
// addresses that the host gets are judged against those of the link, and its name servers are those of the link as long as
// its packets go there.
type tunPlane struct {
	device *tun.Device
	view   *host.View
	offer  gate.Offer // what the peer named
	cfg    Config     // of which only what was taken is left
	result host.Result
	info   []string
	undo   undo.List

	closing  chan struct{}
	end      sync.Once
	watching sync.WaitGroup

	// These belong to Open, then to the watcher, then to Close.
	dns    dnsState
	routed netip.Addr // the peer's address, where a route leads to it alone

	mu    sync.Mutex
	taken Taken
	cause error // why the plane has ended by itself

	seen     gate.Host       // as steering saw it; belongs to Deliver
	seenDue  time.Time       // when it may look again
	steering map[string]bool // what was told of packets that steer
}

// dnsState is what the host's DNS was made to be for the link.
type dnsState struct {
	servers   []netip.Addr
	first     bool // packets of the host go over the link
	mode      string
	resolvers []netip.Addr // those of the host before; under the plane's mu, for Deliver reads them
	undo      undo.List
	context   context.Context // ends with the plane
	cancel    context.CancelFunc
}

// anywhere is where nobody is (RFC 5737): what leads there leads everywhere that nobody has a route to.
var anywhere = netip.AddrFrom4([4]byte{192, 0, 2, 1})

func openTUN(ctx context.Context, cfg Config) (_ Plane, err error) {
	name := cfg.Interface
	if name == "" {
		name = "knak%d"
	}
	p := &tunPlane{offer: cfg.offer(), closing: make(chan struct{}), steering: map[string]bool{}}
	p.dns.context, p.dns.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			p.dns.cancel()
			err = errors.Join(err, p.undo.Run())
		}
	}()
	if p.view, err = host.NewView(); err != nil {
		return nil, err
	}
	p.undo.Add("close the netlink sockets", p.view.Close)
	h, best, other, err := p.view.Look(name)
	if err != nil {
		return nil, err
	}
	p.dns.resolvers = resolv.Host{}.Servers(cfg.ResolvConf)
	h.Resolvers = p.dns.resolvers
	verdict := gate.Judge(p.offer, h, cfg.Allow)
	if err := cfg.judge(verdict); err != nil {
		return nil, err
	}
	p.cfg, p.taken = cfg, cfg.taken()
	p.routed = cfg.Peer
	if p.captures(other && best.Metric <= cfg.Metric || !cfg.DefaultRoute) {
		cfg.notice("info", "no route of its own is made to the peer's address %s: it is a public address, which this host reaches by another way", cfg.Peer)
		p.routed = netip.Addr{}
	}

	p.device, err = tun.Open(name)
	switch {
	case errors.Is(err, tun.ErrUnsupported):
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	case errors.Is(err, tun.ErrNotPermitted):
		return nil, fmt.Errorf("%w: %w", ErrNotPermitted, err)
	case err != nil:
		return nil, err
	}
	p.undo.Add("close "+p.device.Name(), p.device.Close)
	if err := p.view.Ignore(p.device.Name()); err != nil {
		return nil, err
	}
	hc := p.hostConfig()
	hc.Peer = p.routed
	if p.result, err = host.Configure(hc, &p.undo); err != nil {
		return nil, err
	}
	p.cfg.Metric = p.result.Metric
	p.dns.first = p.leads()
	stop := context.AfterFunc(ctx, p.dns.cancel)
	defer stop()
	if err := p.setDNS(verdict); err != nil {
		return nil, fmt.Errorf("set the DNS servers: %w", errors.Join(err, p.dns.undo.Run()))
	}
	if p.cfg.DefaultRoute && cfg.Local.IsValid() {
		p.tellWay(best, other)
	}
	p.info = p.describe()
	p.watching.Go(p.watch)
	return p, nil
}

// captures says whether a route to the peer's address alone would take traffic that is not the link's: that to somebody on
// the Internet, while the rest of the Internet is reached by another way. Nothing needs such a route; a shared address is
// nobody's there, and scripts may have routes by way of it.
func (p *tunPlane) captures(elsewhere bool) bool {
	return elsewhere && p.routed.IsValid() && !gate.Shared(p.routed)
}

func (p *tunPlane) hostConfig() host.Config {
	return host.Config{
		Interface: p.device.Name(), Local: p.cfg.Local, MTU: p.cfg.MTU, InterfaceID6: p.cfg.InterfaceID6,
		DefaultRoute: p.cfg.DefaultRoute, Metric: p.cfg.Metric, Routes: p.cfg.Routes, Notice: p.cfg.notice,
	}
}

// leads says whether packets of this host to nowhere in particular go over the link.
func (p *tunPlane) leads() bool {
	return p.cfg.DefaultRoute && p.cfg.Local.IsValid() && p.view.Leads(anywhere) == p.device.Name()
}

// lastChoice is a metric that nobody asks for who wants the link to be used beside others.
const lastChoice = 1_000_000

// tellWay says which way packets take where there are two: a person should hear that traffic moves, or that it does not.
func (p *tunPlane) tellWay(best host.Way, other bool) {
	name, metric := p.device.Name(), p.cfg.Metric
	switch {
	case p.dns.first && other:
		p.cfg.notice("info", "packets take the default route over %s now: its metric %d is better than that over %s, %d; --metric sets ours, --backup makes it the last choice",
			name, metric, best.Interface, best.Metric)
	case p.dns.first:
	case other && best.Metric < 0:
		p.cfg.notice("info", "packets go on taking another way, over %s: two routes for half of all addresses each stand before any default route", best.Interface)
	case other && best.Metric == 0:
		p.cfg.notice("info", "packets go on taking the default route over %s: it has metric 0, and no metric is better; when it goes away they take %s", best.Interface, name)
	case other && best.Metric < metric && metric >= lastChoice:
		p.cfg.notice("info", "packets go on taking the default route over %s; when it goes away they take %s", best.Interface, name)
	case other && best.Metric < metric:
		p.cfg.notice("info", "packets go on taking the default route over %s: its metric %d is better than ours, %d; when it goes away they take %s; a --metric below %d moves them now",
			best.Interface, best.Metric, metric, name, best.Metric)
	default:
		p.cfg.notice("info", "packets go on taking another way, by a rule of this host's routing")
	}
}

func (p *tunPlane) describe() []string {
	line := "interface " + p.device.Name()
	if p.cfg.DefaultRoute {
		line += fmt.Sprintf(", default route with metric %d", p.cfg.Metric)
	}
	if p.dns.mode != resolv.None {
		servers := make([]string, len(p.dns.servers))
		for i, s := range p.dns.servers {
			servers[i] = s.String()
		}
		line += fmt.Sprintf(", DNS %s (%s)", strings.Join(servers, " "), p.dns.mode)
	}
	return []string{line}
}

// setDNS makes the host's DNS what it should be with the addresses of a verdict. What it was made before must have been
// undone.
func (p *tunPlane) setDNS(v gate.Verdict) error {
	d := &p.dns
	d.servers = v.DNS
	var err error
	d.mode, err = resolv.Host{}.Set(d.context, resolv.Config{
		Mode: p.cfg.DNSMode, Interface: p.device.Name(), Servers: v.DNS, Default: d.first, Path: p.cfg.ResolvConf, Notice: p.cfg.notice,
	}, &d.undo)
	if err != nil || d.mode != resolv.File && d.mode != resolv.Resolvconf {
		return err // no program asks them, or only over their own interface
	}
	// They often answer over the link only. Nothing but default routes leads to those that were taken.
	for _, s := range v.DNS {
		if !s.Is4() || s == p.routed || slices.Contains(v.ByHost, s) {
			continue
		}
		if err := p.view.Route(p.hostConfig(), netip.PrefixFrom(s, 32), &d.undo); err != nil {
			return err
		}
		if !d.first {
			p.cfg.notice("info", "the host asks the name server %s, so there is a route to it alone over %s", s, p.device.Name())
		}
	}
	return nil
}

// settle is how long the host's routes and addresses must have been left alone, and the least time between two looks.
var settle = time.Second // not constant for the tests

// watch looks at the host again whenever its addresses or routes have changed, the more seldom the more often they do.
func (p *tunPlane) watch() {
	looks := pace.Pace{Burst: 8, First: 2 * settle, Most: 30 * settle, Calm: 120 * settle}
	took := time.Duration(0)
	for p.view.Changed() == nil {
		now := time.Now()
		// A router's tables are long: looking takes a twentieth of the time. On a busy machine one look took long for
		// another reason, so that there is a bound.
		timer := time.NewTimer(max(settle, looks.Due(now).Sub(now), min(20*took, looks.Most)))
		select {
		case <-timer.C:
		case <-p.closing:
			timer.Stop()
			return
		}
		p.view.Forget()
		now = time.Now()
		looks.Take(now)
		p.reconsider()
		took = time.Since(now)
	}
}

// reconsider judges the link's addresses anew on the host as it is now.
func (p *tunPlane) reconsider() {
	h, best, other, err := p.view.Look(p.device.Name())
	if err != nil {
		return // another change will come, or the interface is gone and Read says so
	}
	d := &p.dns
	if d.mode == resolv.None {
		p.askResolvers()
	}
	h.Resolvers = d.resolvers
	// A route that came after ours and is wider takes nothing away from the link's; one to a single address does.
	h.Routes = slices.DeleteFunc(h.Routes, func(r netip.Prefix) bool { return !r.IsSingleIP() })
	v := gate.Judge(p.offer, h, p.cfg.Allow)
	if v.Refused != nil {
		p.fail(&AddressError{*v.Refused})
		return
	}
	was := p.Taken()
	v.DNS = slices.DeleteFunc(v.DNS, func(a netip.Addr) bool { return !slices.Contains(was.DNS, a) }) // what was left out stays out
	for _, w := range v.Left {
		if w.Role == gate.Peer && w.Addr == was.Peer || w.Role == gate.DNS && slices.Contains(was.DNS, w.Addr) {
			p.cfg.notice("warning", "%s", w)
		}
	}
	lost := was.Peer.IsValid() && v.Peer != was.Peer
	if lost {
		was.Peer = netip.Addr{}
	}
	first := p.leads()
	was.DNS = v.DNS
	p.mu.Lock()
	p.taken = was
	p.mu.Unlock()
	if p.routed.IsValid() && (lost || p.captures(!first)) {
		if err := p.view.Withdraw(p.device.Name(), p.routed); err != nil {
			p.cfg.notice("warning", "the route to the peer's address stays: %v", err)
		}
		p.routed = netip.Addr{}
	}
	if first == d.first && slices.Equal(v.DNS, d.servers) {
		return
	}
	moved := first != d.first
	d.first = first
	if moved {
		p.tellMove(best, other)
	}
	err = d.undo.Run()
	if err == nil {
		p.askResolvers()
		err = p.setDNS(v)
	}
	if err != nil {
		p.cfg.notice("warning", "the host's DNS: %v", err)
	}
}

// askResolvers takes down the name servers that the host asks while those of the link are not set.
func (p *tunPlane) askResolvers() {
	list := resolv.Host{}.Servers(p.cfg.ResolvConf)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dns.resolvers = list
}

// tellMove says that packets take another way than before.
func (p *tunPlane) tellMove(best host.Way, other bool) {
	switch {
	case p.dns.first:
		p.cfg.notice("warning", "packets of this host go over %s now: it has no better default route any more", p.device.Name())
	case other:
		p.cfg.notice("info", "packets of this host go over %s again, whose default route is better; %s waits", best.Interface, p.device.Name())
	default:
		p.cfg.notice("info", "packets of this host take another way than %s now", p.device.Name())
	}
}

// fail ends the plane: Read says why.
func (p *tunPlane) fail(cause error) {
	p.mu.Lock()
	p.cause = cause
	p.mu.Unlock()
	_ = p.device.Close() // ends Read
}

func (p *tunPlane) Kind() string      { return KindTUN }
func (p *tunPlane) Interface() string { return p.device.Name() }
func (p *tunPlane) Flush() error      { return p.device.Flush() }
func (p *tunPlane) Info() []string    { return p.info }

func (p *tunPlane) Deliver(packet []byte) error {
	if gate.Steers(packet) {
		if !p.passes(packet) {
			return nil
		}
		packet = gate.OffLink(packet)
	}
	return p.device.Write(packet)
}

func (p *tunPlane) Read(each func(packet []byte) bool) error {
	err := p.device.Read(each)
	if err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.cause != nil {
			return p.cause
		}
	}
	return err
}

// Taken gives the addresses that the host uses now.
func (p *tunPlane) Taken() Taken {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken
}

// The bounds of what packets that steer may cost: a router advertises every 3 s at most (RFC 4861 section 6.2.1).
const (
	steerEvery = time.Second
	// A router's tables are long: looking takes a twentieth of the time, however fast a peer advertises.
	longestTables = 30 * time.Second
	steerWords    = 4
)

// passes judges a packet that may move traffic of the host.
func (p *tunPlane) passes(packet []byte) bool {
	if packet[0]>>4 == 4 {
		return false // a redirect
	}
	if now := time.Now(); !now.Before(p.seenDue) {
		h, _, _, err := p.view.Look(p.device.Name())
		if err != nil {
			return false
		}
		p.mu.Lock()
		h.Resolvers = p.dns.resolvers
		p.mu.Unlock()
		p.seen = h
		p.seenDue = now.Add(max(steerEvery, min(20*time.Since(now), longestTables)))
	} else {
		return false // it comes again
	}
	what := p.seen.Steering(packet, p.cfg.DefaultRoute || p.result.NoRouter)
	if what != "" && len(p.steering) < steerWords && !p.steering[what] {
		p.steering[what] = true
		p.cfg.notice("warning", "the peer sent %s: it is dropped", what)
	}
	return what == ""
}

// Close undoes everything. It ends a name server's program that is still running.
func (p *tunPlane) Close() (err error) {
	p.end.Do(func() {
		close(p.closing)
		p.dns.cancel()
		_ = p.view.Stop() // ends the watcher's Changed
		p.watching.Wait()
		err = errors.Join(p.dns.undo.Run(), p.undo.Run())
	})
	return err
}

// AddIPv6 gives the interface the link-local address of an interface identifier.
func (p *tunPlane) AddIPv6(id [8]byte) error {
	cfg := p.hostConfig()
	cfg.InterfaceID6 = id
	return host.AddIPv6(cfg, &p.undo)
}
