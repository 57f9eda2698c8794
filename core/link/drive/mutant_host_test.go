//go:build linux

package drive

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/plane/nstest"
)

// TestMutatingPeerOnAHost: the mutant at the other end of a real interface, in a process with a network of its own: a LAN
// on eth0 with a gateway. Nothing that the host had is taken at any time, the end is quick, and everything is as it was.
// It goes on for a second from the first time
// that the link is up; KNAK_SOAK says how long else, such as 10m.
func TestMutatingPeerOnAHost(t *testing.T) {
	if !nstest.Process(t) {
		return
	}
	soak := time.Second
	if text := os.Getenv("KNAK_SOAK"); text != "" {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal("KNAK_SOAK: ", err)
		}
		soak = d
	}
	eth, gateway := nstest.LAN(t)
	before := nstest.State(t)
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
	if after := nstest.State(t); !slices.Equal(after, before) {
		t.Errorf("the host was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.renegotiations < 5 || c.ups < 1 {
		t.Errorf("%d renegotiations and %v: it is no attack", m.renegotiations, c)
	}
	t.Logf("%v: %d calls, %d renegotiations, %d challenges, %d responses, %d addresses; %v; looked %d times; at most %d KiB resident; ended after %v; %d goroutines left",
		soak, m.calls, m.renegotiations, m.challenges, m.responses, len(m.addresses), c, looks, largest, late.Round(time.Millisecond), runtime.NumGoroutine())
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
