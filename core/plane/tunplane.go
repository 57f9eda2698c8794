//go:build linux

package plane

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/knakppp/knak/core/plane/host"
	"github.com/knakppp/knak/core/plane/resolv"
	"github.com/knakppp/knak/core/plane/tun"
	"github.com/knakppp/knak/core/plane/undo"
)

// tunPlane is a TUN device with the addresses, routes and DNS servers of the link.
type tunPlane struct {
	device *tun.Device
	cfg    Config
	info   []string
	undo   undo.List
}

func openTUN(ctx context.Context, cfg Config) (_ Plane, err error) {
	name := cfg.Interface
	if name == "" {
		name = "knak%d"
	}
	device, err := tun.Open(name)
	switch {
	case errors.Is(err, tun.ErrUnsupported):
		return nil, fmt.Errorf("%w: %w", ErrUnsupported, err)
	case errors.Is(err, tun.ErrNotPermitted):
		return nil, fmt.Errorf("%w: %w", ErrNotPermitted, err)
	case err != nil:
		return nil, err
	}
	p := &tunPlane{device: device, cfg: cfg}
	p.undo.Add("close "+device.Name(), device.Close)
	defer func() {
		if err != nil {
			err = errors.Join(err, p.undo.Run())
		}
	}()

	routes := cfg.Routes
	if cfg.DNSMode != resolv.None {
		// The link's servers often answer over the link only, and another default route may stand in front of ours.
		for _, s := range cfg.DNS {
			if s.Is4() {
				routes = append(routes[:len(routes):len(routes)], netip.PrefixFrom(s, 32))
			}
		}
	}
	err = host.Configure(host.Config{
		Interface: device.Name(), Local: cfg.Local, Peer: cfg.Peer, MTU: cfg.MTU, InterfaceID6: cfg.InterfaceID6,
		DefaultRoute: cfg.DefaultRoute, Metric: cfg.Metric, Routes: routes, Notice: cfg.notice,
	}, &p.undo)
	if err != nil {
		return nil, err
	}
	mode, err := resolv.Host{}.Set(ctx, resolv.Config{
		Mode: cfg.DNSMode, Interface: device.Name(), Servers: cfg.DNS, Default: cfg.DefaultRoute, Path: cfg.ResolvConf, Notice: cfg.notice,
	}, &p.undo)
	if err != nil {
		return nil, fmt.Errorf("set the DNS servers: %w", err)
	}
	p.info = tunInfo(device.Name(), cfg, mode)
	return p, nil
}

func tunInfo(name string, cfg Config, dnsMode string) []string {
	line := "interface " + name
	if cfg.DefaultRoute {
		line += fmt.Sprintf(", default route with metric %d", cfg.Metric)
	}
	if dnsMode != resolv.None {
		servers := make([]string, len(cfg.DNS))
		for i, s := range cfg.DNS {
			servers[i] = s.String()
		}
		line += fmt.Sprintf(", DNS %s (%s)", strings.Join(servers, " "), dnsMode)
	}
	return []string{line}
}

func (p *tunPlane) Kind() string                             { return KindTUN }
func (p *tunPlane) Interface() string                        { return p.device.Name() }
func (p *tunPlane) Deliver(packet []byte) error              { return p.device.Write(packet) }
func (p *tunPlane) Flush() error                             { return p.device.Flush() }
func (p *tunPlane) Read(each func(packet []byte) bool) error { return p.device.Read(each) }
func (p *tunPlane) Info() []string                           { return p.info }
func (p *tunPlane) Close() error                             { return p.undo.Run() }

// AddIPv6 gives the interface the link-local address of an interface identifier.
func (p *tunPlane) AddIPv6(id [8]byte) error {
	return host.AddIPv6(host.Config{Interface: p.Interface(), MTU: p.cfg.MTU, InterfaceID6: id, Notice: p.cfg.notice}, &p.undo)
}
