package link_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sim"
)

// commands gives what was sent to the modem of these commands, and "new attempt" between attempts.
func (s told) commands(of ...string) (list []string) {
	for _, r := range s.Records {
		switch e := r.Event.(type) {
		case event.AT:
			if e.Dir == event.Sent && slices.Contains(of, e.Text) {
				list = append(list, e.Text)
			}
		case event.Attempt:
			list = append(list, "new attempt")
		}
	}
	return list
}

// retry.ladder: before the second attempt its first step, before the third the second, and the last again and again.
func TestLadder(t *testing.T) {
	sent := []string{"AT+CGATT=0", "AT+CGATT=1", "AT+CFUN=0", "AT+CFUN=1", "AT+CFUN=1,1"}
	for _, c := range []struct {
		ladder string
		want   string
	}{
		{"redial", "new attempt|new attempt|new attempt"},
		{"[]", "new attempt|new attempt|new attempt"},
		{"redial,attach", "new attempt|new attempt|AT+CGATT=0|AT+CGATT=1|new attempt|AT+CGATT=0|AT+CGATT=1"},
		{"attach,radio,reset", "new attempt|AT+CGATT=0|AT+CGATT=1|new attempt|AT+CFUN=0|AT+CFUN=1|new attempt|AT+CFUN=1,1"},
	} {
		s := call{scenario: "dial-no-carrier", limit: 10 * time.Minute, set: []string{
			"retry.attempts=4", "retry.ladder=" + c.ladder, "registration.radio_off_command=AT+CFUN=0",
		}}.run(t)
		if got := strings.Join(s.commands(sent...), "|"); got != c.want || s.Outcome.ExitCode() != ExitDial || s.Late {
			s.dump(t)
			t.Errorf("%s: sent %s\nwant %s", c.ladder, got, c.want)
		}
	}
}

// An attempt with another name is a cure of its own: no step is taken before it.
func TestNoStepBeforeAnotherName(t *testing.T) {
	s := call{scenario: "huawei/e398", profile: "-", set: []string{"retry.ladder=attach"}}.run(t)
	if got := strings.Join(s.commands("AT+CGATT=0"), "|"); got != "new attempt" {
		s.dump(t)
		t.Errorf("sent %s", got)
	}
}

// A modem that restarts takes its port away: it is opened again, and the attempt made then. Told to end meanwhile, the
// session ends at once.
func TestLadderLosesThePort(t *testing.T) {
	for _, end := range []bool{false, true} {
		scenario := mustScenario(t, "dial-no-carrier")
		cfg := Config{Name: "test", Resolve: call{set: []string{"retry.attempts=2", "retry.ladder=reset"}}.resolve(t, scenario)}
		w := simulate.NewRig(cfg, sim.New(scenario, 1), epoch, simulate.World{})
		w.Start()
		w.Until(10*time.Minute, func() bool { return w.Session.State() == "recovering" })
		w.Now = w.Now.Add(time.Second)
		if end {
			w.Session.Hangup(w.Now, KindHangup, "enough")
			w.Settle()
			if !w.Done || w.Outcome.ExitCode() != ExitSignal {
				t.Errorf("told to end: done %v, %v", w.Done, w.Outcome)
			}
			continue
		}
		w.Session.PortLost(w.Now, errGone)
		if w.Session.State() != "reopening" {
			t.Fatalf("state %s after the port was lost", w.Session.State())
		}
		w.Settle() // opens it again
		if w.Done || w.Session.State() != "dialing" || w.Session.AttemptNumber() != 2 {
			t.Errorf("state %s, attempt %d, done %v", w.Session.State(), w.Session.AttemptNumber(), w.Done)
		}
	}
}

// After a failure that a wrong port has, the port is opened anew while there is another one; then the attempt is over as
// ever. A failure of the network is no sign of a wrong port, and --max-attempts counts attempts on any port.
func TestAnotherPortIsTried(t *testing.T) {
	for _, tt := range []struct {
		scenario string
		limit    int // of attempts
		ports    int // beside the first
		asked    int // how often another port was asked for
		attempts int
	}{
		{"dial-error", 0, 2, 3, 3},
		{"modem-silent", 0, 1, 2, 2},
		{"dial-error", 1, 2, 0, 1},
		{"registration-denied", 0, 2, 0, 1},
	} {
		scenario := mustScenario(t, tt.scenario)
		asked := 0
		cfg := Config{Name: "test", Resolve: call{set: []string{"retry.attempts=1", "dial.alternates="}}.resolve(t, scenario), MaxAttempts: tt.limit,
			OtherPort: func(Outcome) bool { asked++; return asked <= tt.ports }}
		w := simulate.NewRig(cfg, sim.New(scenario, 1), epoch, simulate.World{})
		w.Start()
		w.Until(30*time.Minute, func() bool { return w.Done })
		if asked != tt.asked || w.Session.AttemptNumber() != tt.attempts || !w.Done {
			t.Errorf("%s with %d attempts: asked %d times, want %d; %d attempts, want %d; done %v: %v",
				tt.scenario, tt.limit, asked, tt.asked, w.Session.AttemptNumber(), tt.attempts, w.Done, w.Outcome)
		}
	}
}

// A PIN that was sent without showing that it is right is never sent again, also where the modem lost its port over it.
func TestPINIsSentOnceWhateverHappens(t *testing.T) {
	scenario := mustScenario(t, "pin-needed")
	c := call{set: []string{"retry.attempts=5", "retry.ladder=radio,reset", "retry.delay=0s"}}
	cfg := Config{Name: "test", Resolve: c.resolve(t, scenario), PIN: auth.NewSecret("1234")}
	s := New(cfg)
	sent, now := 0, epoch
	say := func(text string) { s.Receive(now, []byte(text)) }
	s.Start(now)
	for range 1000 {
		for o, ok := s.Next(); ok; o, ok = s.Next() {
			switch o := o.(type) {
			case Write:
				switch line := strings.TrimSuffix(string(o.Bytes), "\r"); {
				case strings.HasPrefix(line, "AT+CPIN="):
					sent++
					s.PortLost(now, errGone) // the modem restarts instead of an answer
				case line == "AT+CPIN?":
					say("\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n")
				default:
					say("\r\nOK\r\n")
				}
			case Reopen:
				s.PortOpened(now)
			case Done:
				if sent != 1 || o.Outcome.ExitCode() != ExitSIM {
					t.Errorf("the PIN was sent %d times; %v", sent, o.Outcome)
				}
				return
			}
		}
		now = s.Deadline()
		s.Advance(now)
	}
	t.Fatal("no end")
}

// link.mtu bounds what we send, whatever the peer takes (DATA-01, LCP-17).
func TestMTU(t *testing.T) {
	for set, want := range map[string]int{"link.mtu=0": 1500, "link.mtu=67": 1500, "link.mtu=990": 990, "link.mtu=9000": 1500} {
		s := call{scenario: "behaves", set: []string{set}}.run(t)
		if u, _, ok := s.up(); !ok || u.MTU != want {
			t.Errorf("%s: up %v with an MTU of %d, want %d", set, ok, u.MTU, want)
		}
	}
}

// A peer may say that it takes 65535 octets, which no path behind it carries, or too few for a packet (RFC 1661 section 6.1).
func TestMTUIsBounded(t *testing.T) {
	for _, c := range []struct {
		mru  int
		set  string
		want int
	}{{65535, "link.mtu=0", 1500}, {65535, "link.mtu=9000", 9000}, {1600, "link.mtu=0", 1500}, {576, "link.mtu=0", 576}} {
		s := call{scenario: "behaves", set: []string{c.set}, modem: func(m *sim.Scenario) { m.LCP.MRU = c.mru }}.run(t)
		if u, _, ok := s.up(); !ok || u.MTU != c.want {
			t.Errorf("MRU %d, %s: up %v with an MTU of %d, want %d", c.mru, c.set, ok, u.MTU, c.want)
		}
	}
}

// ipcp.require_dns makes a link without a name server a failure (IPCP-12).
func TestRequireDNS(t *testing.T) {
	if _, _, ok := (call{scenario: "rejects-dns"}).run(t).up(); !ok {
		t.Error("without the key: not up")
	}
	s := call{scenario: "rejects-dns", set: []string{"ipcp.require_dns=true"}}.run(t)
	if _, _, ok := s.up(); ok || s.Outcome.Kind != KindNoDNS {
		s.dump(t)
		t.Errorf("up %v, %v", ok, s.Outcome)
	}
	if _, _, ok := (call{scenario: "behaves", set: []string{"ipcp.require_dns=true"}}).run(t).up(); !ok {
		t.Error("with name servers: not up")
	}
}

// port.watch_carrier decides whether a DCD that drops ends the call.
func TestWatchCarrier(t *testing.T) {
	for _, watch := range []string{"true", "false"} {
		scenario := mustScenario(t, "behaves")
		cfg := Config{Name: "test", Resolve: call{set: []string{"port.watch_carrier=" + watch}}.resolve(t, scenario)}
		w := simulate.NewRig(cfg, sim.New(scenario, 1), epoch, simulate.World{})
		w.Start()
		w.Until(10*time.Minute, func() bool { return w.Session.State() == "up" })
		w.Session.Lines(w.Now, at.ModemLines{}, true)
		if up := w.Session.State() == "up"; up != (watch == "false") {
			t.Errorf("port.watch_carrier=%s: up %v after DCD dropped", watch, up)
		}
	}
}

// HUP-01, HUP-09: at.before_hangup goes to the AT port, and to no port where there is none.
func TestBeforeHangupGoesToTheATPort(t *testing.T) {
	for _, second := range []bool{true, false} {
		scenario := mustScenario(t, "behaves")
		c := call{set: []string{"context.cid=2", `at.before_hangup=["AT+CGACT=0,{cid}"]`}}
		cfg := Config{Name: "test", ATPort: second, Resolve: c.resolve(t, scenario), Once: true}
		w := simulate.NewRig(cfg, sim.New(scenario, 1), epoch, simulate.World{ATModem: sim.New(scenario, 2)})
		var where []bool
		w.Do = func(o Output) bool {
			if o, ok := o.(Write); ok && strings.HasPrefix(string(o.Bytes), "AT+CGACT=0,2\r") {
				where = append(where, o.AT)
			}
			return false
		}
		w.Start()
		done := w.Until(10*time.Minute, func() bool { return w.Done })
		if !done || second != slices.Equal(where, []bool{true}) || !second && len(where) > 0 {
			t.Errorf("AT port %v: done %v, sent to the AT port %v", second, done, where)
		}
	}
}

// auth.rechallenge: the modem of the scenario challenges again after a success, and ends the call if nobody answers or
// does not care; what is asked here is only whether we answer.
func TestRechallenge(t *testing.T) {
	for set, want := range map[string]bool{"answer": true, "ignore": false} {
		s := call{scenario: "rechallenge", limit: 5 * time.Minute, set: []string{"auth.rechallenge=" + set},
			config: hold(func(c *Config) { c.MaxTime = 2 * time.Minute })}.run(t)
		responses, challenges := 0, 0
		for _, r := range s.Records {
			if p, ok := r.Event.(event.Packet); ok && p.Protocol == packet.CHAP && len(p.Data) > 0 {
				switch {
				case p.Dir == event.Sent && p.Data[0] == packet.CHAPResponse:
					responses++
				case p.Dir == event.Rcvd && p.Data[0] == packet.CHAPChallenge:
					challenges++
				}
			}
		}
		if challenges < 2 || want && responses != challenges && responses != challenges-1 || // the last may cross our Terminate-Request
			!want && responses != 1 {
			s.dump(t)
			t.Errorf("%s: %d challenges, %d responses", set, challenges, responses)
		}
	}
}

// auth.try_blank: a name that nobody chose is replaced by an empty one only where the key allows it (AUTH-03).
func TestTryBlank(t *testing.T) {
	for set, want := range map[string]bool{"true": true, "false": false} {
		s := call{scenario: "huawei/e398", profile: "-", set: []string{"ipcp.deadline=20s", "auth.try_blank=" + set}}.run(t)
		if _, _, up := s.up(); up != want {
			s.dump(t)
			t.Errorf("auth.try_blank=%s: up %v", set, up)
		}
	}
}
