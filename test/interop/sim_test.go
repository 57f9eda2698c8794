//go:build linux

package interop

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/sim"
	"github.com/knakppp/knak/test/peer"
)

// simulator is a simulated modem on a pseudo-terminal, for the real chat and pppd to dial.
type simulator struct {
	path   string
	cancel context.CancelFunc
	done   chan error

	mu     sync.Mutex
	events []event.Event
}

func (s *simulator) Record(r event.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, r.Event)
}

// said counts the lines that the modem sent in its AT dialogue and that begin so.
func (s *simulator) said(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, e := range s.events {
		if a, ok := e.(event.AT); ok && a.Dir == event.Sent && strings.HasPrefix(a.Text, prefix) {
			n++
		}
	}
	return n
}

func startSimulator(t testing.TB, scenario string) *simulator {
	t.Helper()
	loaded, err := sim.Load(os.DirFS("../.."), scenario)
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, loaded)
}

func serve(t testing.TB, loaded sim.Scenario) *simulator {
	t.Helper()
	master, path, err := port.OpenPTY()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &simulator{path: path, cancel: cancel, done: make(chan error, 1)}
	go func() { s.done <- sim.Serve(ctx, master, sim.New(loaded, 1), s) }()
	t.Cleanup(func() {
		cancel()
		if err := <-s.done; err != nil {
			t.Errorf("serve the simulated modem: %v", err)
		}
		_ = master.Close()
	})
	return s
}

// dialWithPPPD runs pppd with the usual chat script on the simulated modem.
func dialWithPPPD(t testing.TB, s *simulator, options ...string) (*peer.PPPD, *peer.Namespace) {
	t.Helper()
	n := peer.NewNamespace(t)
	script := `connect "chat -t 10 ABORT 'NO CARRIER' ABORT BUSY ABORT ERROR '' ATZ OK 'ATQ0 V1 E1 S0=0 &C1 &D2 +FCLASS=0' OK ATD*99***1# CONNECT"`
	options = append([]string{script, "noauth", "noipdefault", "ipcp-accept-local", "ipcp-accept-remote", "lcp-restart 1", "usepeerdns"}, options...)
	return peer.StartPPPD(t, peer.PPPDConfig{Namespace: n, TTY: s.path, Options: options}), n
}

// dialled is one pppd on one simulated modem.
type dialled struct {
	modem     *simulator
	pppd      *peer.PPPD
	namespace *peer.Namespace
}

// dialAll dials all scenarios at the same time, for pppd and chat do little but wait, and ends all of them at the same
// time when the test is over.
func dialAll(t testing.TB, scenarios []string, options func(scenario string) []string) []dialled {
	t.Helper()
	all := make([]dialled, len(scenarios))
	for i, name := range scenarios {
		s := startSimulator(t, name)
		p, n := dialWithPPPD(t, s, options(name)...)
		all[i] = dialled{s, p, n}
	}
	t.Cleanup(func() {
		for _, d := range all {
			d.pppd.Hangup()
		}
	})
	return all
}

func anyUser(string) []string { return []string{"user x", "password y"} }

// The simulated modem is a fair one: what works with a real modem works with it, for the real chat and pppd.
func TestPPPDDialsTheSimulator(t *testing.T) {
	modem := peer.End{Addr: netip.MustParseAddr("192.0.2.1")}
	cases := []struct{ scenario, says string }{
		{"behaves-none", "local  IP address 192.0.2.2"},
		{"behaves-pap", "PAP authentication succeeded"},
		{"behaves", "CHAP authentication succeeded"},
		{"behaves-ms-chapv2", "CHAP authentication succeeded"},
		{"behaves-eap", "EAP"},
		{"compressed-unasked", "rcvd"},
		{"dns-placeholders-then-real", "primary   DNS address 198.51.100.53"},
		{"loss-20", "rcvd"},
	}
	var names []string
	for _, c := range cases {
		names = append(names, c.scenario)
	}
	all := dialAll(t, names, func(scenario string) []string {
		if scenario == "behaves-ms-chapv2" || scenario == "behaves-eap" {
			return []string{"user user", "password password"}
		}
		return anyUser(scenario)
	})
	for i, c := range cases {
		t.Run(c.scenario, func(t *testing.T) {
			d := all[i]
			d.pppd.WaitUp(t, 60*time.Second)
			d.pppd.WaitLog(t, c.says, 5*time.Second)
			if c.scenario == "loss-20" { // it may lose the ping as well
				return
			}
			peer.Ping(t, peer.End{Namespace: d.namespace, Addr: netip.MustParseAddr("192.0.2.2")}, modem, 1400)
			if c.scenario != "behaves" {
				return
			}
			d.pppd.Hangup()
			d.pppd.WaitLog(t, "Connection terminated", 20*time.Second)
			d.pppd.Ended(t, 20*time.Second)
			// After the hang-up the modem takes the next call.
			again, _ := dialWithPPPD(t, d.modem, anyUser("")...)
			again.WaitUp(t, 60*time.Second)
			if got := d.modem.said("CONNECT"); got != 2 {
				t.Errorf("%d calls connected, want 2", got)
			}
		})
	}
}

// What pppd makes of modems that misbehave is the measure for knak: this is the middle column of the task's table.
func TestPPPDFailsWhereModemsMisbehave(t *testing.T) {
	cases := []struct {
		scenario string
		says     string // in pppd's log, by which the misbehaviour is known to have reached it
		ends     bool   // pppd ends by itself; otherwise it has not come up in the time that the others take
	}{
		{"refuse-terminate-lcp", `rcvd \[LCP TermReq`, true},
		{"auth-failure-chap", `CHAP authentication failed`, true},
		{"looped-back", `looped back`, true},
		{"dial-no-carrier", `Connect script failed`, true},
		{"huawei/e398", `rcvd \[IPCP ConfNak id=0x\w+\]`, false},
		{"wants-wins", `rcvd \[IPCP ConfNak id=0x\w+\]`, false},
		{"no-own-request", `rcvd \[IPCP ConfAck`, false},
		{"refuse-hangup", `sent \[IPCP ConfReq`, false}, // NO CARRIER is text, and the line is "local": pppd does not see it
	}
	var names []string
	for _, c := range cases {
		names = append(names, c.scenario)
	}
	all := dialAll(t, names, anyUser)
	var settled time.Time // five seconds after all have got that far
	for i, c := range cases {
		all[i].pppd.WaitLog(t, c.says, 60*time.Second)
		settled = time.Now().Add(5 * time.Second)
	}
	for i, c := range cases {
		t.Run(c.scenario, func(t *testing.T) {
			if c.ends {
				if status := all[i].pppd.Ended(t, 60*time.Second); status == 0 {
					t.Error("pppd says that all is well")
				}
			} else {
				time.Sleep(time.Until(settled)) // nothing tells that a link will not come up
			}
			if strings.Contains(all[i].pppd.Log(), "local  IP address") {
				t.Error("pppd came up")
			}
		})
	}
}

// pppd calls a dead address a success.
func TestPPPDBelievesABogusAddress(t *testing.T) {
	s := startSimulator(t, "bogus-address")
	p, n := dialWithPPPD(t, s, "user x", "password y")
	p.WaitUp(t, 20*time.Second)
	p.WaitLog(t, "local  IP address 203.0.113.77", time.Second)
	from := peer.End{Namespace: n, Addr: netip.MustParseAddr("203.0.113.77")}
	if _, err := peer.TryPing(from, peer.End{Addr: netip.MustParseAddr("203.0.113.1")}, 56, 3*time.Second); err == nil {
		t.Error("something answers")
	}
}
