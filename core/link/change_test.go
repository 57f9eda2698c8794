package link_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/simulate"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/sim"
)

// upTo runs a session against the scenario until it is in a state.
func upTo(t *testing.T, state string, scenario string, change func(*Config)) *simulate.Rig {
	t.Helper()
	s := mustScenario(t, scenario)
	cfg := Config{Name: "test", Resolve: call{}.resolve(t, s)}
	if change != nil {
		change(&cfg)
	}
	w := simulate.NewRig(cfg, sim.New(s, 1), epoch, simulate.World{})
	w.Start()
	if !w.Until(10*time.Minute, func() bool { return w.Session.State() == state }) {
		t.Fatalf("it is never %s: %v", state, w.Outcome)
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

// framed is a packet on a line on which nothing was agreed.
func framed(protocol uint16, info []byte) []byte {
	return hdlc.NewEncoder(hdlc.DefaultConfig()).Append(nil, protocol, info)
}

var ipv4Packet = []byte{0x45, 0, 0, 20}

// Between IPCP's Down and its next Up no packet passes (RFC 1661 section 3.7); the plane stays where the addresses do.
func TestRenegotiationWithTheSameAddresses(t *testing.T) {
	w := upTo(t, "up", "behaves", nil)
	s, n := w.Session, w.Session.Network()
	if len(s.AppendPacket(w.Now, nil, ipv4Packet)) == 0 {
		t.Fatal("an open link takes no packet")
	}
	s.NetworkDown(w.Now, ppp.NetworkDown{Protocol: packet.IPCP})
	if len(s.AppendPacket(w.Now, nil, ipv4Packet)) != 0 || len(w.Receive(framed(packet.IP, ipv4Packet))) != 0 {
		t.Error("a packet passed while IPCP was not open")
	}
	s.NetworkUp(w.Now, n)
	if len(s.AppendPacket(w.Now, nil, ipv4Packet)) == 0 || len(w.Receive(framed(packet.IP, ipv4Packet))) != 1 {
		t.Error("no packet passes any more")
	}
	if out := drained(s); count[OpenPlane](out)+count[ClosePlane](out) != 0 || s.State() != "up" {
		t.Errorf("the plane was touched: %v", out)
	}
}

// Other addresses need another plane. The link is up again when that one works, not when one does that is closed by
// then; limits go on counting.
func TestRenegotiationWithOtherAddresses(t *testing.T) {
	w := upTo(t, "up", "behaves", func(c *Config) { c.Prove = ProveNever })
	s, n := w.Session, w.Session.Network()
	w.Receive(framed(packet.IP, ipv4Packet))
	in, _ := s.Counters()
	for i := range byte(2) { // twice in a row, faster than planes are made
		n.Local = netip.AddrFrom4([4]byte{100, 64, 9, 9 + i})
		s.NetworkDown(w.Now, ppp.NetworkDown{Protocol: packet.IPCP})
		s.NetworkUp(w.Now, n)
	}
	out := drained(s)
	if count[ClosePlane](out) != 2 || count[OpenPlane](out) != 2 {
		t.Fatalf("outputs %v", out)
	}
	s.PlaneUp(w.Now, "tun", "knak0")
	if s.State() == "up" {
		t.Error("up on a plane that is closed")
	}
	s.PlaneUp(w.Now, "tun", "knak1")
	if now, _ := s.Counters(); s.State() != "up" || now != in || in == 0 {
		t.Errorf("state %s, %d octets after %d", s.State(), now, in)
	}
}

// Where the link must be proved, that holds for the address that it gets later.
func TestOtherAddressIsProved(t *testing.T) {
	w := upTo(t, "up", "behaves", func(c *Config) { c.Prove = ProveAlways })
	s, n := w.Session, w.Session.Network()
	n.Local = netip.MustParseAddr("100.64.9.9")
	s.NetworkUp(w.Now, n)
	if out := drained(s); s.State() != "proving" || count[ClosePlane](out) != 1 || count[OpenPlane](out) != 0 {
		t.Errorf("state %s, outputs %v", s.State(), out)
	}
}

// IPV6CP may open before IPCP or long after: the plane gets the identifier either way, and once.
func TestIPv6OpensLate(t *testing.T) {
	id := [8]byte{2, 0, 0, 0, 0, 0, 0, 7}
	w := upTo(t, "up", "behaves", nil)
	s := w.Session
	for range 2 {
		s.NetworkUp6(w.Now, ppp.NetworkUp6{LocalID: id})
	}
	out := drained(s)
	if count[AddIPv6](out) != 1 {
		t.Errorf("outputs %v", out)
	}
	n := s.Network()
	n.MTU-- // another plane
	s.NetworkUp(w.Now, n)
	out = drained(s)
	if o, ok := out[len(out)-1].(OpenPlane); !ok || o.Config.InterfaceID6 != id {
		t.Errorf("outputs %v", out)
	}
}

// What made an attempt fail says more than that the time ran out while it was being ended.
func TestTimeoutWhileEnding(t *testing.T) {
	w := upTo(t, "negotiating", "silent-after-connect", func(c *Config) { c.Timeout = time.Minute })
	s, limit := w.Session, epoch.Add(time.Minute)
	s.Fail(limit.Add(-time.Second), Outcome{Kind: event.FailedAuthRejected, Phase: event.PhaseAuth})
	s.Advance(limit)
	s.PortLost(limit, errGone)
	for _, o := range drained(s) {
		if d, ok := o.(Done); ok && d.Outcome.ExitCode() != ExitAuth {
			t.Errorf("outcome %v", d.Outcome)
		}
	}
	if s.State() != "over" {
		t.Errorf("state %s", s.State())
	}
}

// A call that is being dialled is broken off in the modem, too: any character does that (V.250 section 5.6.1).
func TestHangupWhileDialling(t *testing.T) {
	w := upTo(t, "dialing", "dial-silence", nil)
	w.Until(10*time.Minute, func() bool { return w.Session.Dialed() != "" })
	w.Session.Hangup(w.Now, KindHangup, "told to")
	out := drained(w.Session)
	if count[Write](out) == 0 {
		t.Errorf("nothing is written to the modem: %v", out)
	}
}

// A modem that floods fills neither the screen nor the memory, and knak's own words come through.
func TestFlood(t *testing.T) {
	const seconds = 20
	junk := make([]byte, 0, 100<<10)
	for len(junk) < 50<<10 {
		junk = append(junk, "\r\nBUY MORE DATA NOW\r\n"...)
	}
	echo := hdlc.NewEncoder(hdlc.DefaultConfig())
	for len(junk) < 100<<10 {
		junk = echo.Append(junk, packet.LCP, []byte{packet.EchoRequest, 1, 0, 8, 1, 2, 3, 4})
	}
	for _, at := range []string{"up", "dialing"} {
		w := simulate.NewRig(Config{Resolve: call{}.resolve(t, mustScenario(t, "behaves"))}, nil, epoch, simulate.World{})
		if at == "up" {
			w = upTo(t, "up", "behaves", nil)
		} else {
			w.Session.Start(epoch) // nobody answers
		}
		s := w.Session
		events, octets, longest := 0, 0, 0
		for i := range seconds * 2 {
			now := w.Now.Add(time.Duration(i) * 500 * time.Millisecond)
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
			longest = max(longest, s.Buffered())
		}
		if events > ChatterBurst+seconds*(ChatterRate+1) {
			t.Errorf("state %s: %d events in %d s", at, events, seconds)
		}
		if longest > 1<<20 {
			t.Errorf("state %s: a buffer of %d", at, longest)
		}
		t.Logf("state %s: %d events, %d octets written", at, events, octets)
	}
}

// What a modem says in the middle of a call gives away neither who calls nor what knak keeps secret.
func TestTextHidesSecrets(t *testing.T) {
	w := upTo(t, "up", "behaves", func(c *Config) { c.PIN, c.Password = auth.NewSecret("4711"), auth.NewSecret("s3cret") })
	said := "\r\nAT+CPIN=\"4711\"\r\n\r\n+CLIP: \"+15551234567\",145\r\n\r\n001010123456789 s3cret\r\n"
	w.Receive([]byte(said))
	// RFC 1994 section 4.2: a peer that refuses may say why, and for whom.
	refusal := append([]byte{packet.CHAPFailure, 200, 0, 4 + 28}, "no subscriber 00101012345678"...)
	w.Receive(framed(packet.CHAP, append([]byte{packet.CHAPChallenge, 200, 0, 24, 16}, "0123456789abcdefsrv"...)))
	w.Receive(framed(packet.CHAP, refusal))
	texts := 0
	for _, o := range drained(w.Session) {
		e, ok := o.(Event)
		if !ok {
			continue
		}
		texts++
		shown := fmt.Sprintf("%+v", e.Event)
		for _, secret := range []string{"4711", "5551234567", "00101012345678", "s3cret"} {
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
			w := upTo(t, "up", "behaves", nil)
			s := w.Session
			s.Receive(w.Now, framed(packet.CHAP, challenge))
			if count[Write](drained(s)) != 1 {
				t.Fatal("no response")
			}
			s.Receive(w.Now, framed(packet.CHAP, c.answer))
			out := drained(s)
			if (s.State() == "up") != c.up || count[ClosePlane](out) != map[bool]int{true: 0, false: 1}[c.up] {
				t.Errorf("state %s, outputs %v", s.State(), out)
			}
			for _, o := range out {
				if e, ok := o.(Event); ok {
					if f, ok := e.Event.(event.Failure); ok && (Outcome{Kind: Kind(f.Cause), Phase: f.Phase}).ExitCode() != ExitAuth {
						t.Errorf("ended with %+v", f)
					}
				}
			}
		})
	}
}

// A peer that answers every IPv4 packet with a Protocol-Reject (RFC 1661 section 5.7) carries nothing, whatever IPCP says: the
// link is not up any more. Rejections of packets that came too early, or between others that pass, are harmless; and IPv6 may
// be given up alone.
func TestPeerThatRejectsIP(t *testing.T) {
	reject := func(w *simulate.Rig, protocol uint16) {
		p := packet.Packet{Code: packet.ProtocolReject, ID: 1, Data: []byte{byte(protocol >> 8), byte(protocol), 0x45, 0, 0, 20}}
		w.Receive(framed(packet.LCP, p.AppendTo(nil)))
		w.Settle()
	}
	for _, c := range []struct {
		name     string
		protocol uint16
		rejects  int
		every    time.Duration
		data     bool // the peer sends packets itself
		ends     bool
	}{
		{"all of them", packet.IP, 20, time.Second, false, true},
		{"a burst at the beginning", packet.IP, 50, time.Millisecond, false, false},
		{"two in a long time", packet.IP, 2, time.Minute, false, false},
		{"between packets that pass", packet.IP, 20, time.Second, true, false},
		{"IPv6 only", packet.IPv6, 20, time.Second, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := upTo(t, "up", "behaves", func(c *Config) { c.Prove = ProveNever })
			w.Session.NetworkUp6(w.Now, ppp.NetworkUp6{LocalID: [8]byte{2, 7: 1}, PeerID: [8]byte{2, 7: 2}})
			for range c.rejects {
				if w.Session.State() != "up" {
					break
				}
				if c.data {
					w.Receive(framed(packet.IP, ipv4Packet))
				}
				reject(w, c.protocol)
				w.Advance(w.Now.Add(c.every))
			}
			if ended := w.Session.State() != "up"; ended != c.ends {
				t.Fatalf("the link has ended: %v, want %v", ended, c.ends)
			}
			if six := w.Session.SpeaksIPv6(); !c.ends && six != (c.protocol == packet.IP) {
				t.Errorf("IPv6 packets are sent: %v", six)
			}
			if !c.ends {
				return
			}
			w.Until(time.Minute, func() bool { return w.Done })
			found := false
			for _, r := range w.Records {
				f, ok := r.Event.(event.Finding)
				found = found || ok && f.ID == "ip-rejected"
			}
			if !found || w.Outcome.ExitCode() != ExitNegotiation {
				t.Errorf("found: %v; %v", found, w.Outcome)
			}
		})
	}
}
