//go:build linux

package drive

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
)

// TestMutatingPeerOnAHost: the mutant at the other end of a real interface, in a process with a network of its own: a LAN
// on eth0 with a gateway. Nothing that the host had is taken at any time, the end is quick, and everything is as it was.
// It goes on for a second from the first time
// that the link is up; KNAK_SOAK says how long else, such as 10m.
func TestMutatingPeerOnAHost(t *testing.T) {
	if os.Getenv("KNAK_MUTANT_HOST") != "" {
		mutantHost(t)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("SKIPPED: needs root, to make a network namespace: run the tests as root, for example with sudo")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("SKIPPED: no /dev/net/tun: load the module with modprobe tun, or give the container --device /dev/net/tun")
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// Every thread of the process must be in that network: the runner opens planes on goroutines of its own.
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestMutatingPeerOnAHost$", "-test.v")
	cmd.Env = append(os.Environ(), "KNAK_MUTANT_HOST=yes")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line := range bytes.Lines(out) {
		if bytes.Contains(line, []byte("mutant_host_test.go")) {
			t.Logf("%s", bytes.TrimSpace(line))
		}
	}
}

func mutantHost(t *testing.T) {
	soak := time.Second
	if text := os.Getenv("KNAK_SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal("KNAK_SOAK: ", err)
		}
		soak = d
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	eth, gateway := lan(t, must)
	before := hostState(t)
	m, c := newMutant(1), &told{}
	m.hurried = soak < time.Minute
	runner := mutantRunner(t, m, c, func(ctx context.Context, cfg plane.Config) (plane.Plane, error) {
		cfg.DefaultRoute, cfg.Metric, cfg.DNSMode = true, 700, "none"
		return plane.Open(ctx, plane.KindTUN, cfg)
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan link.Outcome)
	go func() { done <- runner.Run(ctx) }()
	// Whatever is reached over the LAN is reached over the LAN, whenever one looks.
	watch := []net.IP{gateway, net.IPv4(192, 168, 1, 7), net.IPv4(8, 8, 8, 8), net.IPv4(127, 0, 0, 1)}
	looks, largest := 0, 0
	patience, told := time.Now().Add(time.Minute), time.Time{}
	var end time.Time
	var o link.Outcome
	for ended := false; !ended; looks++ {
		for _, ip := range watch {
			routes, err := netlink.RouteGet(ip)
			if err != nil || len(routes) != 1 {
				t.Fatalf("%v: %v, %v", ip, routes, err)
			}
			if i := routes[0].LinkIndex; i != eth && i != 1 {
				t.Errorf("%v is reached by interface %d", ip, i)
			}
		}
		largest = max(largest, resident(t))
		if now := time.Now(); end.IsZero() && (c.up() || now.After(patience)) {
			end = now.Add(soak)
		} else if told.IsZero() && !end.IsZero() && now.After(end) {
			told = now
			cancel()
		}
		select {
		case o = <-done:
			ended = true
		case <-time.After(10 * time.Millisecond):
		}
	}
	late := time.Since(told)
	if o.ExitCode() != link.ExitSignal {
		t.Errorf("it ended with %v", o)
	}
	m.held(t, c, soak)
	if after := hostState(t); after != before {
		t.Errorf("the host was\n%s\nand is\n%s", before, after)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.renegotiations < 5 || c.ups < 1 {
		t.Errorf("%d renegotiations and %v: it is no attack", m.renegotiations, c)
	}
	t.Logf("%v: %d calls, %d renegotiations, %d challenges, %d responses, %d addresses; %v; looked %d times; at most %d KiB resident; ended after %v; %d goroutines left",
		soak, m.calls, m.renegotiations, m.challenges, m.responses, len(m.addresses), c, looks, largest, late.Round(time.Millisecond), runtime.NumGoroutine())
}

// lan makes the network of an ordinary host, once: eth0 and a default route. It gives the interface and the gateway.
func lan(t *testing.T, must func(error)) (eth int, gateway net.IP) {
	t.Helper()
	gateway = net.IPv4(192, 168, 1, 1)
	if l, err := netlink.LinkByName("eth0"); err == nil {
		return l.Attrs().Index, gateway
	}
	up := func(name string) netlink.Link {
		l, err := netlink.LinkByName(name)
		must(err)
		must(netlink.LinkSetUp(l))
		return l
	}
	up("lo")
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "eth0"
	must(netlink.LinkAdd(&netlink.Tuntap{LinkAttrs: attrs, Mode: netlink.TUNTAP_MODE_TAP}))
	eth = up("eth0").Attrs().Index
	a, err := netlink.ParseAddr("192.168.1.100/24")
	must(err)
	link, err := netlink.LinkByIndex(eth)
	must(err)
	must(netlink.AddrAdd(link, a))
	must(netlink.RouteAdd(&netlink.Route{LinkIndex: eth, Gw: gateway, Priority: 100}))
	return eth, gateway
}

// hostState is what a network has: interfaces, addresses, routes.
func hostState(t *testing.T) string {
	t.Helper()
	var lines []string
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range links {
		lines = append(lines, l.Attrs().Name)
	}
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		addresses, err := netlink.AddrList(nil, family)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range addresses {
			lines = append(lines, a.IPNet.String())
		}
		routes, err := netlink.RouteListFiltered(family, &netlink.Route{Table: unix.RT_TABLE_UNSPEC}, netlink.RT_FILTER_TABLE)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range routes {
			lines = append(lines, r.String())
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// resident is how much memory this process has, in KiB.
func resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	n := 0
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatal(err)
	}
	return n
}
