package link

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sim"
)

// upTo runs a session against the scenario until it is in a stage.
func upTo(t *testing.T, want stage, scenario string, change func(*Config)) *simulation {
	t.Helper()
	s := mustScenario(t, scenario)
	cfg := Config{Name: "test", Resolve: call{}.resolve(t, s)}
	if change != nil {
		change(&cfg)
	}
	w := &simulation{session: New(cfg), modem: sim.New(s, 1), now: epoch}
	w.modem.Advance(epoch)
	w.session.Start(epoch)
	w.settle()
	for !w.done && w.session.stage != want {
		var d deadline
		d.add(w.session.Deadline())
		d.add(w.modem.Deadline())
		if d.t.After(w.now) {
			w.now = d.t
		}
		w.modem.Advance(w.now)
		w.session.Advance(w.now)
		w.settle()
	}
	if w.done {
		t.Fatalf("it ended: %v", w.outcome)
	}
	return w
}

// drained takes what a session has to say.
func drained(s *Session) (list []Output) {
	for o, ok := s.Next(); ok; o, ok = s.Next() {
		list = append(list, o)
	}
	return list
}

func count[T Output](list []Output) (n int) {
	for _, o := range list {
		if _, ok := o.(T); ok {
			n++
		}
	}
	return n
}

var ipv4Packet = []byte{0x45, 0, 0, 20}

// Between IPCP's Down and its next Up no packet passes (RFC 1661 section 3.7); the plane stays where the addresses do.
func TestRenegotiationWithTheSameAddresses(t *testing.T) {
	w := upTo(t, stageUp, "behaves", nil)
	s, n := w.session, w.session.network
	if len(s.AppendPacket(w.now, nil, ipv4Packet)) == 0 {
		t.Fatal("an open link takes no packet")
	}
	s.networkDown(w.now, ppp.NetworkDown{Protocol: packet.IPCP})
	if len(s.AppendPacket(w.now, nil, ipv4Packet)) != 0 || s.ipReceived(w.now, ipv4Packet) {
		t.Error("a packet passed while IPCP was not open")
	}
	s.networkUp(w.now, n)
	if len(s.AppendPacket(w.now, nil, ipv4Packet)) == 0 || !s.ipReceived(w.now, ipv4Packet) {
		t.Error("no packet passes any more")
	}
	if out := drained(s); count[OpenPlane](out)+count[ClosePlane](out) != 0 || s.stage != stageUp {
		t.Errorf("the plane was touched: %v", out)
	}
}

// Other addresses need another plane. The link is up again when that one works, not when one does that is closed by
// then; limits go on counting.
func TestRenegotiationWithOtherAddresses(t *testing.T) {
	w := upTo(t, stageUp, "behaves", func(c *Config) { c.Prove = ProveNever })
	s, n := w.session, w.session.network
	in, since := s.bytesIn+1000, s.upSince
	s.bytesIn = in
	for i := range byte(2) { // twice in a row, faster than planes are made
		n.Local = netip.AddrFrom4([4]byte{100, 64, 9, 9 + i})
		s.networkDown(w.now, ppp.NetworkDown{Protocol: packet.IPCP})
		s.networkUp(w.now, n)
	}
	out := drained(s)
	if count[ClosePlane](out) != 2 || count[OpenPlane](out) != 2 {
		t.Fatalf("outputs %v", out)
	}
	s.PlaneUp(w.now, "tun", "knak0")
	if s.stage == stageUp {
		t.Error("up on a plane that is closed")
	}
	s.PlaneUp(w.now, "tun", "knak1")
	if s.stage != stageUp || s.upSince != since || s.bytesIn != in {
		t.Errorf("stage %d, up since %v, %d octets", s.stage, s.upSince, s.bytesIn)
	}
}

// Where the link must be proved, that holds for the address that it gets later.
func TestOtherAddressIsProved(t *testing.T) {
	w := upTo(t, stageUp, "behaves", func(c *Config) { c.Prove = ProveAlways })
	s, n := w.session, w.session.network
	n.Local = netip.MustParseAddr("100.64.9.9")
	s.networkUp(w.now, n)
	if s.stage != stageProving || s.planeOpen {
		t.Errorf("stage %d, plane open: %v", s.stage, s.planeOpen)
	}
}

// IPV6CP may open before IPCP or long after: the plane gets the identifier either way, and once.
func TestIPv6OpensLate(t *testing.T) {
	id := [8]byte{2, 0, 0, 0, 0, 0, 0, 7}
	w := upTo(t, stageUp, "behaves", nil)
	s := w.session
	for range 2 {
		s.networkUp6(w.now, ppp.NetworkUp6{LocalID: id})
	}
	out := drained(s)
	if count[AddIPv6](out) != 1 {
		t.Errorf("outputs %v", out)
	}
	s.openPlane(w.now)
	out = drained(s)
	if o, ok := out[len(out)-1].(OpenPlane); !ok || o.Config.InterfaceID6 != id {
		t.Errorf("outputs %v", out)
	}
}

// What made an attempt fail says more than that the time ran out while it was being ended.
func TestTimeoutWhileEnding(t *testing.T) {
	w := upTo(t, stageUp, "behaves", nil)
	s := w.session
	s.wasUp, s.upSince = false, time.Time{}
	s.cfg.Timeout, s.timeout = time.Minute, w.now.Add(time.Millisecond)
	s.fail(w.now, Outcome{Kind: event.FailedAuthRejected, Phase: event.PhaseAuth})
	s.Advance(s.timeout)
	s.PortLost(s.timeout, errGone)
	for _, o := range drained(s) {
		if d, ok := o.(Done); ok && d.Outcome.ExitCode() != ExitAuth {
			t.Errorf("outcome %v", d.Outcome)
		}
	}
	if s.stage != stageIdle {
		t.Errorf("stage %d", s.stage)
	}
}

// A call that is being dialled is broken off in the modem, too: any character does that (V.250 section 5.6.1).
func TestHangupWhileDialling(t *testing.T) {
	w := upTo(t, stageDialing, "dial-silence", nil)
	for w.session.dialed.Number == "" {
		var d deadline
		d.add(w.session.Deadline())
		d.add(w.modem.Deadline())
		w.now = d.t
		w.modem.Advance(w.now)
		w.session.Advance(w.now)
		w.settle()
	}
	w.session.Hangup(w.now, KindHangup, "told to")
	out := drained(w.session)
	if count[Write](out) == 0 {
		t.Errorf("nothing is written to the modem: %v", out)
	}
}

// A modem that floods fills neither the screen nor the memory, and knak's own words come through.
func TestFlood(t *testing.T) {
	const seconds = 60
	junk := make([]byte, 0, 100<<10)
	for len(junk) < 50<<10 {
		junk = append(junk, "\r\nBUY MORE DATA NOW\r\n"...)
	}
	echo := hdlc.NewEncoder(hdlc.DefaultConfig())
	for len(junk) < 100<<10 {
		junk = echo.Append(junk, packet.LCP, []byte{packet.EchoRequest, 1, 0, 8, 1, 2, 3, 4})
	}
	for _, at := range []stage{stageUp, stageDialing} {
		w := &simulation{session: New(Config{Resolve: call{}.resolve(t, mustScenario(t, "behaves"))}), now: epoch}
		if at == stageUp {
			w = upTo(t, stageUp, "behaves", nil)
		} else {
			w.session.Start(epoch)
		}
		s := w.session
		events, octets, longest := 0, 0, 0
		for i := range seconds * 2 {
			now := w.now.Add(time.Duration(i) * 500 * time.Millisecond)
			for rest := junk; len(rest) > 0; {
				_, rest = s.Receive(now, rest)
			}
			s.Advance(now)
			for o, ok := s.Next(); ok; o, ok = s.Next() {
				switch o := o.(type) {
				case Event:
					events++
				case Write:
					octets += len(o.Bytes)
				}
			}
			longest = max(longest, cap(s.frame), cap(s.out.list))
		}
		if events > chatterBurst+seconds*(chatterRate+1) {
			t.Errorf("stage %d: %d events in %d s", at, events, seconds)
		}
		if longest > 1<<20 {
			t.Errorf("stage %d: a buffer of %d", at, longest)
		}
		t.Logf("stage %d: %d events, %d octets written", at, events, octets)
	}
}

// What a modem says in the middle of a call gives away neither who calls nor what knak keeps secret.
func TestTextHidesSecrets(t *testing.T) {
	w := upTo(t, stageUp, "behaves", func(c *Config) { c.PIN, c.Password = auth.NewSecret("4711"), auth.NewSecret("s3cret") })
	said := "\r\nAT+CPIN=\"4711\"\r\n\r\n+CLIP: \"+15551234567\",145\r\n\r\n001010123456789 s3cret\r\n"
	for rest := []byte(said); len(rest) > 0; {
		_, rest = w.session.Receive(w.now, rest)
	}
	w.session.setFailure(w.now, ppp.Failure{Kind: ppp.KindAuthRejected, Detail: "no subscriber 001010123456789"})
	texts := 0
	for _, o := range drained(w.session) {
		e, ok := o.(Event)
		if !ok {
			continue
		}
		texts++
		shown := fmt.Sprintf("%+v", e.Event)
		for _, secret := range []string{"4711", "5551234567", "001010123456789", "s3cret"} {
			if strings.Contains(shown, secret) {
				t.Errorf("%s shows %s", shown, secret)
			}
		}
	}
	if texts < 4 {
		t.Errorf("%d events", texts)
	}
}

// RFC 1994 section 2: a peer may challenge again at any time. A refusal then ends a link that was up, for that reason.
func TestAuthenticationAgainWhileUp(t *testing.T) {
	line := func(info []byte) []byte {
		return hdlc.NewEncoder(hdlc.DefaultConfig()).Append(nil, packet.CHAP, info)
	}
	challenge := append([]byte{1, 200, 0, 24, 16}, "0123456789abcdefsrv"...)
	for _, c := range []struct {
		name   string
		answer []byte
		up     bool
	}{
		{"success", []byte{3, 200, 0, 4}, true},
		{"failure", []byte{4, 200, 0, 4}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := upTo(t, stageUp, "behaves", nil)
			s := w.session
			s.Receive(w.now, line(challenge))
			if count[Write](drained(s)) != 1 {
				t.Fatal("no response")
			}
			s.Receive(w.now, line(c.answer))
			out := drained(s)
			if (s.stage == stageUp) != c.up || count[ClosePlane](out) != map[bool]int{true: 0, false: 1}[c.up] {
				t.Errorf("stage %d, outputs %v", s.stage, out)
			}
			if !c.up && s.outcome.ExitCode() != ExitAuth {
				t.Errorf("outcome %v", s.outcome)
			}
		})
	}
}
