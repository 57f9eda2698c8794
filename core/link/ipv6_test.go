package link_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/sim"
)

// Links of IPv6 alone (peers B3): up, proved over IPv6 and ended with 0, whether the peer knows no IPCP, ends it, or was asked
// for an IPv6 context; and why there is no IPv4 is told where IPv6 carries nothing.
func TestIPv6Alone(t *testing.T) {
	const (
		v6     = "[ipv6cp]\nenabled = true\n"
		noIPCP = "[ipcp]\nown_request = \"none\"\n[[ipcp.rule]]\ndo = \"protocol-reject\"\n"
		chap   = "[auth]\ndemand = \"chap-md5\"\n"
	)
	for _, c := range []struct {
		name, modem string
		set         []string
		kind        Kind
		up          string // the local IPv4 address of the last event up; "-": there is none
		proved      bool
	}{
		{"no IPCP", v6 + noIPCP + chap, []string{"context.type=IPV6"}, KindDone, "", true},
		{"no IPCP, dual stack", v6 + noIPCP + chap, []string{"context.type=IPV4V6"}, KindDone, "", true},
		{"no IPCP, no authentication: nothing to prove, but IPv4 was lost", v6 + noIPCP, []string{"context.type=IPV4V6"}, KindDone, "", true},
		{"IPv4 comes too", v6 + chap, []string{"context.type=IPV4V6"}, KindDone, "10.20.30.40", true},
		{"IPv4 alone", noIPCP, nil, event.FailedProtocolRejected, "-", false},
		{"neither", noIPCP, []string{"context.type=IPV6"}, event.FailedProtocolRejected, "-", false},
		{"IPv6 carries nothing", v6 + noIPCP + chap + "[network]\nblackhole = true\n", []string{"context.type=IPV6"}, event.FailedProtocolRejected, "-", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := sim.Parse("modem.toml", []byte("schema = 1\nsummary = \"x\"\n"+c.modem))
			if err != nil {
				t.Fatal(err)
			}
			run := simulate.Run(Config{Name: "test", Resolve: call{set: append(c.set, "retry.attempts=1")}.resolve(t, s), Once: true, Random: rand.NewChaCha8([32]byte{})},
				sim.New(s, 1), epoch, 5*time.Minute)
			up, proved := "-", false
			for _, r := range run.Records {
				if e, ok := r.Event.(event.Up); ok {
					up, proved = e.Local, e.Proved
					if c.up == "" && (!strings.HasPrefix(e.IPv6, "fe80::") || !strings.HasPrefix(e.IPv6Peer, "fe80::") || e.Peer != "" || e.MTU != 1500) {
						t.Errorf("%+v", e)
					}
				}
			}
			if c.up == "10.20.30.40" && up != "-" && up != "" {
				up = c.up // whatever the scenario gives
			}
			if run.Outcome.Kind != c.kind || up != c.up || proved != c.proved {
				told{run}.dump(t)
				t.Errorf("%v, up %q, proved %v", run.Outcome, up, proved)
			}
			if c.kind == KindDone && run.Elapsed > 10*time.Second {
				t.Errorf("it took %v", run.Elapsed)
			}
		})
	}
}

// A peer that ends what it has just agreed to, before anything was carried, has ended no working link (peers B10): pppd does
// so 50 ms after IPCP where it got no address. One that ends a link later has ended it in order.
func TestEndedRightAfterUp(t *testing.T) {
	for after, code := range map[string]ExitCode{"50ms": ExitNegotiation, "5s": ExitOK} {
		for _, do := range []string{"terminate-lcp", "terminate-ipcp"} {
			s, err := sim.Parse("modem.toml", []byte("schema = 1\nsummary = \"x\"\n[[action]]\nsince = \"ipcp\"\nafter = \""+after+"\"\ndo = \""+do+"\"\n"))
			if err != nil {
				t.Fatal(err)
			}
			run := simulate.Run(Config{Name: "test", Resolve: call{set: []string{"retry.attempts=1"}}.resolve(t, s), Prove: ProveNever, Random: rand.NewChaCha8([32]byte{})},
				sim.New(s, 1), epoch, 5*time.Minute)
			if got := run.Outcome.ExitCode(); got != code {
				told{run}.dump(t)
				t.Errorf("%s after %s: %v, status %d, want %d", do, after, run.Outcome, got, code)
			}
			for _, r := range run.Records {
				if n, ok := r.Event.(event.Notice); ok && strings.Contains(n.Text, "negotiates again") {
					t.Errorf("%s after %s: %s (peers B11)", do, after, n.Text)
				}
			}
		}
	}
}
