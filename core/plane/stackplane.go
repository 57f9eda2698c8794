package plane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/knakppp/knak/core/plane/gate"
	"github.com/knakppp/knak/core/plane/proxy"
	"github.com/knakppp/knak/core/plane/stack"
	"github.com/knakppp/knak/core/plane/undo"
)

// ProxyOff is a value of Config.Proxy that means no proxy, as does "".
const ProxyOff = "off"

// Dialer is implemented by planes of KindStack: it lets a program use the link as a library.
type Dialer interface {
	// Dial works as net.Dialer's DialContext does, through the link. It resolves names through the link, too.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Listen accepts TCP connections that come over the link, as net.Listen does.
	Listen(network, address string) (net.Listener, error)
	// Ping sends one ICMP echo request through the link and returns how long the reply took.
	Ping(ctx context.Context, to netip.Addr) (time.Duration, error)
}

// stackPlane is an IP stack in this process with a proxy and forwarded ports before it.
type stackPlane struct {
	*stack.Stack
	info  []string
	taken Taken
	undo  undo.List
}

var _ interface {
	Plane
	Dialer
} = (*stackPlane)(nil)

func openStack(_ context.Context, cfg Config) (_ Plane, err error) {
	if err := cfg.judge(gate.Believe(cfg.offer(), cfg.Allow)); err != nil { // the host is not touched: it need not be looked at
		return nil, err
	}
	s, err := stack.New(stack.Config{Local: cfg.Local, InterfaceID6: cfg.InterfaceID6, DNS: cfg.DNS, MTU: cfg.MTU})
	if err != nil {
		return nil, err
	}
	p := &stackPlane{Stack: s, taken: cfg.taken()}
	p.undo.Add("end the IP stack", s.Close)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.undo.Run())
		}
	}()
	if cfg.Proxy != "" && cfg.Proxy != ProxyOff {
		server, err := proxy.Listen(cfg.Proxy, s)
		if err != nil {
			return nil, fmt.Errorf("open the proxy: %w", err)
		}
		p.undo.Add("close the proxy", server.Close)
		p.info = append(p.info, fmt.Sprintf("SOCKS5 and HTTP proxy on %s", server.Addr()))
		if open(server.Addr()) {
			cfg.notice("warning", "the proxy on %s asks for no password, and other hosts can reach it", server.Addr())
		}
	}
	for _, f := range cfg.Forwards {
		server, err := proxy.Forward(f.Listen, f.Target, s)
		if err != nil {
			return nil, fmt.Errorf("forward %s: %w", f.Listen, err)
		}
		p.undo.Add("close the forward", server.Close)
		p.info = append(p.info, fmt.Sprintf("%s leads to %s", server.Addr(), f.Target))
	}
	return p, nil
}

// open tells whether hosts other than this one can connect to an address.
func open(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

func (p *stackPlane) Kind() string      { return KindStack }
func (p *stackPlane) Interface() string { return "" }
func (p *stackPlane) Flush() error      { return nil }
func (p *stackPlane) Info() []string    { return p.info }
func (p *stackPlane) Taken() Taken      { return p.taken }
func (p *stackPlane) Close() error      { return p.undo.Run() }
