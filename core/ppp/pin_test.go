package ppp

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// demandOf is the option by which the peer demands a method; none for auth.None.
func demandOf(m auth.Method) []packet.Option {
	if m == auth.None {
		return nil
	}
	return []packet.Option{{Type: packet.LCPAuth, Data: m.AppendOption(nil)}}
}

// renegotiate lets the peer negotiate LCP anew with that demand, insisting on it, until it is agreed to or refused. A request
// that only leaves options out is acknowledged a few times without a negotiation (Negotiation.AckUnchanged).
func (s *script) renegotiate(id uint8, m auth.Method) {
	for n := range 8 {
		open := s.lcp.state == StateOpened
		sends := s.give(packet.LCP, packet.ConfigureRequest, id+uint8(n), demandOf(m)...)
		acked := slices.ContainsFunc(sends, func(x Send) bool { return x.Protocol == packet.LCP && x.Info[0] == packet.ConfigureAck })
		if acked && !(open && s.lcp.state == StateOpened) || len(s.finished) > 0 || s.phase == phaseTerminate {
			break
		}
		s.now = s.now.Add(2 * time.Second)
	}
	if s.phase == phaseEstablish {
		s.ack(packet.LCP)
	}
}

// authenticated plays the authenticator of m to its success.
func (s *script) authenticated(t *testing.T, m auth.Method, inner auth.Method) {
	t.Helper()
	config := auth.ServerConfig{Name: "srv", Rand: newChance(3), Lookup: func(string) (auth.Secret, bool) { return auth.NewSecret("test secret"), true }}
	if m == auth.EAP {
		config.Inner = []auth.Method{inner}
	}
	server, err := auth.NewServer(m, config)
	if err != nil {
		t.Fatal(err)
	}
	server.Start(s.now)
	seen := len(s.sent)
	if m == auth.PAP { // the request was sent when LCP opened
		seen = max(0, seen-2)
	}
	for range 10 {
		for o, ok := server.Next(); ok; o, ok = server.Next() {
			if o, ok := o.(auth.Send); ok {
				s.Receive(s.now, m.Protocol(), bytes.Clone(o.Info))
				s.drain(s.now)
			}
		}
		for ; seen < len(s.sent); seen++ {
			if x := s.sent[seen]; x.Protocol == m.Protocol() {
				server.Receive(s.now, x.Info)
			}
		}
	}
}

// TestDowngrade is what becomes of a peer that has authenticated us by one method and then negotiates another: nothing
// weaker is accepted than what was agreed first, unless it is allowed.
func TestDowngrade(t *testing.T) {
	const refused = KindAuthDowngrade
	for _, c := range []struct {
		name  string
		first auth.Method
		inner auth.Method // inside first, where that is EAP
		then  auth.Method
		set   func(*Settings)
		ends  string // the kind of failure; "" where the link goes on
	}{
		{name: "CHAP, then PAP (the attack)", first: auth.CHAPMD5, then: auth.PAP, ends: refused},
		{name: "CHAP, then nothing", first: auth.CHAPMD5, then: auth.None, ends: refused},
		{name: "PAP, then nothing", first: auth.PAP, then: auth.None, ends: refused},
		{name: "MS-CHAP, then PAP", first: auth.MSCHAP, then: auth.PAP, ends: refused},
		{name: "MS-CHAPv2, then CHAP", first: auth.MSCHAPv2, then: auth.CHAPMD5, ends: refused},
		{name: "MS-CHAPv2, then MS-CHAP", first: auth.MSCHAPv2, then: auth.MSCHAP, ends: refused},
		{name: "MS-CHAPv2, then PAP", first: auth.MSCHAPv2, then: auth.PAP, ends: refused},
		{name: "EAP-MSCHAPv2, then CHAP", first: auth.EAP, inner: auth.MSCHAPv2, then: auth.CHAPMD5, ends: refused},
		{name: "EAP-MD5, then PAP", first: auth.EAP, inner: auth.CHAPMD5, then: auth.PAP, ends: refused},
		{name: "the same again", first: auth.CHAPMD5, then: auth.CHAPMD5},
		{name: "PAP again", first: auth.PAP, then: auth.PAP},
		{name: "another of the same strength", first: auth.CHAPMD5, then: auth.MSCHAP},
		{name: "EAP-MD5, then CHAP", first: auth.EAP, inner: auth.CHAPMD5, then: auth.CHAPMD5},
		{name: "stronger", first: auth.PAP, then: auth.CHAPMD5},
		{name: "nothing, then PAP", first: auth.None, then: auth.PAP},
		{name: "nothing, then nothing", first: auth.None, then: auth.None},
		{name: "allowed: CHAP, then PAP", first: auth.CHAPMD5, then: auth.PAP, set: func(s *Settings) { s.Auth.AllowDowngrade = true }},
		{name: "allowed: CHAP, then nothing", first: auth.CHAPMD5, then: auth.None, set: func(s *Settings) { s.Auth.AllowDowngrade = true }},
		{name: "a profile that wants PAP", first: auth.PAP, then: auth.PAP, set: func(s *Settings) { s.Auth.Allow = []auth.Method{auth.PAP} }},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := dialer()
			if c.set != nil {
				c.set(&set)
			}
			s := newScript(t, set)
			s.openLCP(demandOf(c.first)...)
			if c.first != auth.None {
				s.authenticated(t, c.first, c.inner)
			}
			s.openIPCP(ipOpt(packet.IPCPAddress, "192.0.2.1"))
			before := s.count(packet.PAP, packet.PAPRequest)
			s.renegotiate(10, c.then)
			got := ""
			if len(s.closing) > 0 {
				got = s.closing[0].Failure.Kind
			}
			if got != c.ends {
				s.log()
				t.Fatalf("ends with %q, want %q", got, c.ends)
			}
			if c.ends != "" && s.count(packet.PAP, packet.PAPRequest) != before {
				t.Error("the password was sent in clear")
			}
			if c.ends == "" && s.lcp.state != StateOpened {
				s.log()
				t.Errorf("LCP is %s", s.lcp.state)
			}
		})
	}
}

// TestDowngradeBeforeSuccess: what was offered and found good counts, also where the authentication never came to its end
// and where LCP was not yet agreed.
func TestDowngradeBeforeSuccess(t *testing.T) {
	t.Run("offered with an option that is rejected", func(t *testing.T) {
		s := newScript(t, dialer())
		s.Open(s.now)
		s.drain(s.now)
		s.give(packet.LCP, packet.ConfigureRequest, 1, append(demandOf(auth.CHAPMD5), opt(packet.LCPCallback, 6))...)
		s.renegotiate(2, auth.PAP)
		if n := s.count(packet.PAP, packet.PAPRequest); n != 0 || len(s.closing) != 1 || s.closing[0].Failure.Kind != KindAuthDowngrade {
			s.log()
			t.Errorf("%d requests, %+v", n, s.closing)
		}
	})
	t.Run("agreed, and no challenge", func(t *testing.T) {
		s := newScript(t, dialer())
		s.openLCP(demandOf(auth.CHAPMD5)...)
		s.renegotiate(2, auth.PAP)
		if n := s.count(packet.PAP, packet.PAPRequest); n != 0 || len(s.closing) != 1 {
			t.Errorf("%d requests, %+v", n, s.closing)
		}
	})
	t.Run("EAP agreed, an identity asked for, and no method", func(t *testing.T) {
		s := newScript(t, dialer())
		s.openLCP(demandOf(auth.EAP)...)
		s.giveData(packet.EAP, packet.EAPRequest, 1, []byte{packet.EAPIdentity})
		s.must(packet.EAP, packet.EAPResponse)
		s.renegotiate(2, auth.PAP)
		if n := s.count(packet.PAP, packet.PAPRequest); n != 0 || len(s.closing) != 1 || s.closing[0].Failure.Kind != KindAuthDowngrade {
			s.log()
			t.Errorf("%d requests, %+v", n, s.closing)
		}
	})
	t.Run("a peer that comes back to what it had", func(t *testing.T) {
		s := newScript(t, dialer())
		s.openLCP(demandOf(auth.CHAPMD5)...)
		nak := s.give(packet.LCP, packet.ConfigureRequest, 2, demandOf(auth.PAP)...)
		if !slices.ContainsFunc(nak, func(x Send) bool {
			return x.Info[0] == packet.ConfigureNak && strings.HasSuffix(string(x.Info), "\x03\x05\xc2\x23\x05")
		}) {
			t.Errorf("answered % x", nak)
		}
		s.renegotiate(3, auth.CHAPMD5)
		if s.lcp.state != StateOpened || len(s.closing) > 0 {
			t.Errorf("LCP is %s, %+v", s.lcp.state, s.closing)
		}
	})
}

// TestAPersonWantsPAP: the peer offers CHAP first, and PAP after our Nak, because a person or a profile asked for PAP.
func TestAPersonWantsPAP(t *testing.T) {
	set := dialer()
	set.Auth.Allow = []auth.Method{auth.PAP}
	s := newScript(t, set)
	s.Open(s.now)
	s.drain(s.now)
	s.give(packet.LCP, packet.ConfigureRequest, 1, demandOf(auth.CHAPMD5)...)
	s.must(packet.LCP, packet.ConfigureNak)
	s.give(packet.LCP, packet.ConfigureRequest, 2, demandOf(auth.PAP)...)
	s.ack(packet.LCP)
	if s.count(packet.PAP, packet.PAPRequest) != 1 {
		s.log()
		t.Error("PAP was not used")
	}
}

// TestAuthAtLeast is what an earlier call of this run has pinned: nothing weaker is met, and nothing at all is.
func TestAuthAtLeast(t *testing.T) {
	for _, c := range []struct {
		demand  auth.Method
		atLeast auth.Strength
		require bool
		ends    string
	}{
		{auth.PAP, auth.Response, false, KindAuthDowngrade},
		{auth.CHAPMD5, auth.Response, false, ""},
		{auth.CHAPMD5, auth.Mutual, false, KindAuthDowngrade},
		{auth.MSCHAPv2, auth.Mutual, false, ""},
		{auth.None, auth.Mutual, false, ""},
		{auth.None, auth.NoProof, true, KindAuthMethod},
		{auth.PAP, auth.NoProof, true, ""},
	} {
		set := dialer()
		set.Auth.AtLeast, set.Auth.Require = c.atLeast, c.require
		s := newScript(t, set)
		s.Open(s.now)
		s.drain(s.now)
		s.renegotiate(1, c.demand)
		got := ""
		if len(s.closing) > 0 {
			got = s.closing[0].Failure.Kind
		}
		if got != c.ends {
			t.Errorf("%v with at least %v, require %v: ends with %q, want %q", c.demand, c.atLeast, c.require, got, c.ends)
		}
	}
}

// TestAVerdictDoesNotUnpin: who decides about packets may not make the password go out in clear either.
func TestAVerdictDoesNotUnpin(t *testing.T) {
	set := dialer()
	set.Points = PointPeerRequest
	s := newScript(t, set)
	s.decide = func(_ time.Time, d Decision) Verdict { return Verdict{Action: Ack} }
	s.openLCP(demandOf(auth.CHAPMD5)...)
	s.give(packet.LCP, packet.ConfigureRequest, 2, demandOf(auth.PAP)...)
	s.ack(packet.LCP)
	if s.count(packet.PAP, packet.PAPRequest) != 0 || len(s.closing) != 1 || s.closing[0].Failure.Kind != KindAuthDowngrade {
		t.Errorf("%+v", s.closing)
	}
}

// TestEAPInsideIsPinned: after MS-CHAPv2 EAP may be agreed on, but not MD5-Challenge inside it.
func TestEAPInsideIsPinned(t *testing.T) {
	s := newScript(t, dialer())
	s.openLCP(demandOf(auth.MSCHAPv2)...)
	s.authenticated(t, auth.MSCHAPv2, 0)
	s.renegotiate(2, auth.EAP)
	s.giveData(packet.EAP, packet.EAPRequest, 1, append([]byte{packet.EAPMD5, 16}, make([]byte, 16)...))
	p := s.must(packet.EAP, packet.EAPResponse)
	if len(p.Data) != 2 || p.Data[0] != packet.EAPNak || p.Data[1] != packet.EAPMSCHAPv2 {
		t.Errorf("answered % x", p.Data)
	}
}

// TestPinHoldsWhateverComes is the property: however a peer renegotiates, with whatever results, each method that is used is
// worth at least what was used before it, and the password goes out in clear only where nothing better was used.
func TestPinHoldsWhateverComes(t *testing.T) {
	methods := []auth.Method{auth.None, auth.PAP, auth.CHAPMD5, auth.MSCHAP, auth.MSCHAPv2, auth.EAP}
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 2))
		s := newScript(t, dialer())
		s.Open(s.now)
		s.drain(s.now)
		floor := auth.NoProof
		for id := uint8(1); id < 200 && len(s.closing) == 0 && len(s.finished) == 0; id += 9 {
			m := methods[r.IntN(len(methods))]
			inner := []auth.Method{auth.CHAPMD5, auth.MSCHAPv2}[r.IntN(2)]
			papBefore := s.count(packet.PAP, packet.PAPRequest)
			s.renegotiate(id, m)
			if s.lcp.state == StateOpened && len(s.closing) == 0 {
				worth := m.Strength()
				if m == auth.EAP {
					worth = inner.Strength()
				}
				if m != auth.EAP && worth < floor {
					s.log()
					t.Fatalf("seed %d: %v was agreed below %v", seed, m, floor)
				}
				if m != auth.None && r.IntN(4) > 0 {
					s.authenticated(t, m, inner)
					if a := &s.Engine.auth; a.client != nil && a.clientDone {
						if a.done.Method.Strength() < floor {
							t.Fatalf("seed %d: %v succeeded below %v", seed, a.done.Method, floor)
						}
						floor = max(floor, a.done.Method.Strength())
					}
				}
				if m != auth.EAP {
					floor = max(floor, worth)
				}
			}
			if floor > auth.Clear && s.count(packet.PAP, packet.PAPRequest) > papBefore {
				t.Fatalf("seed %d: the password in clear at floor %v", seed, floor)
			}
			s.wait(time.Duration(r.IntN(3000)) * time.Millisecond)
		}
	}
}

// TestChallengeFlood: of a thousand challenges in a second few are answered, of those of an honest server all.
func TestChallengeFlood(t *testing.T) {
	challenge := func(s *script, id uint8, n int) {
		value := append([]byte{16}, bytes.Repeat([]byte{byte(n), byte(n >> 8)}, 8)...)
		s.giveData(packet.CHAP, packet.CHAPChallenge, id, value)
	}
	for _, c := range []struct {
		name     string
		times    int
		every    time.Duration
		accepted bool // the server says Success to each
		from, to int  // responses
	}{
		{"a flood before the success", 1000, time.Millisecond, false, 10, 10},
		{"a flood after the success", 1000, time.Millisecond, true, 10, 10},
		{"an hour of one a second", 3600, time.Second, true, 360, 372},
		{"an honest server, each minute", 60, time.Minute, true, 60, 60},
		{"an honest server, every ten seconds", 100, 10 * time.Second, true, 100, 100},
		{"ten at once", 10, 0, true, 10, 10},
	} {
		set := dialer()
		set.Auth.Client.Limit = -1
		s := newScript(t, set)
		s.openLCP(demandOf(auth.CHAPMD5)...)
		for n := range c.times {
			challenge(s, uint8(n), n)
			if c.accepted {
				s.giveData(packet.CHAP, packet.CHAPSuccess, uint8(n), nil)
			}
			s.now = s.now.Add(c.every)
		}
		if n := s.count(packet.CHAP, packet.CHAPResponse); n < c.from || n > c.to {
			t.Errorf("%s: %d responses, want %d to %d", c.name, n, c.from, c.to)
		}
		warned := 0
		for _, n := range s.notices() {
			if strings.Contains(n, "challenges again and again") {
				warned++
			}
		}
		if flood := c.to < c.times; warned > 1 || flood != (warned == 1) {
			t.Errorf("%s: told %d times", c.name, warned)
		}
	}
}

// TestImpostor: a server that does not know the password is named as such, whatever its Success holds (RFC 2759 section 8.7).
func TestImpostor(t *testing.T) {
	for name, message := range map[string]string{
		"wrong":   "S=0123456789ABCDEF0123456789ABCDEF01234567 M=Welcome",
		"missing": "Welcome",
		"empty":   "",
		"short":   "S=0123 M=Welcome",
	} {
		s := newScript(t, dialer())
		s.openLCP(demandOf(auth.MSCHAPv2)...)
		s.giveData(packet.CHAP, packet.CHAPChallenge, 1, append([]byte{16}, make([]byte, 16)...))
		s.giveData(packet.CHAP, packet.CHAPSuccess, 1, []byte(message))
		if len(s.closing) != 1 || s.closing[0].Failure.Kind != KindAuthImpostor {
			t.Errorf("%s: %+v", name, s.closing)
		}
	}
}

// TestEAPRefusedAndTerminated: a server whose MSCHAPv2 says no and that ends the link at once, without an EAP Failure, has
// refused the password (draft-kamath-pppext-eap-mschapv2 section 2.4).
func TestEAPRefusedAndTerminated(t *testing.T) {
	failure := []byte("\x1a\x04\x01\x00\x1dE=691 R=0 V=3 M=No")
	for name, end := range map[string]func(*script){
		"Terminate-Request": func(s *script) { s.giveData(packet.LCP, packet.TerminateRequest, 9, nil) },
		"the carrier drops": func(s *script) { s.LowerDown(s.now); s.drain(s.now) },
		"silence":           func(s *script) { s.wait(2 * time.Minute) },
		"EAP Failure":       func(s *script) { s.giveData(packet.EAP, packet.EAPFailure, 3, nil); s.wait(10 * time.Second) },
	} {
		s := newScript(t, dialer())
		s.openLCP(demandOf(auth.EAP)...)
		s.giveData(packet.EAP, packet.EAPRequest, 1, append([]byte{packet.EAPMSCHAPv2, packet.MSCHAPv2Challenge, 1, 0, 24, 16}, append(make([]byte, 16), "srv"...)...))
		s.giveData(packet.EAP, packet.EAPRequest, 2, failure)
		end(s)
		if len(s.finished) != 1 || s.finished[0].Failure.Kind != KindAuthRejected || s.finished[0].Failure.Phase != "auth" || !strings.Contains(s.finished[0].Failure.Detail, "No") {
			s.log()
			t.Errorf("%s: %+v", name, s.finished)
		}
	}
}

// TestEAPChallengeFlood: what holds for CHAP holds for the challenges inside EAP; an identity is told as often as it is asked.
func TestEAPChallengeFlood(t *testing.T) {
	for name, c := range map[string]struct {
		request   func(n int) []byte
		responses int
	}{
		"MD5-Challenge": {func(n int) []byte {
			return append([]byte{packet.EAPMD5, 16, byte(n), byte(n >> 8)}, make([]byte, 14)...)
		}, 10},
		"MSCHAPv2": {func(n int) []byte {
			return append([]byte{packet.EAPMSCHAPv2, packet.MSCHAPv2Challenge, 1, 0, 21, 16, byte(n), byte(n >> 8)}, make([]byte, 14)...)
		}, 10},
		"Identity": {func(n int) []byte { return []byte{packet.EAPIdentity} }, 100},
	} {
		s := newScript(t, dialer())
		s.openLCP(demandOf(auth.EAP)...)
		for n := range 100 {
			s.giveData(packet.EAP, packet.EAPRequest, uint8(n), c.request(n))
			s.now = s.now.Add(time.Millisecond)
		}
		if got := s.count(packet.EAP, packet.EAPResponse); got != c.responses {
			t.Errorf("%s: %d responses, want %d", name, got, c.responses)
		}
	}
}

// TestChallengeFloodByNegotiatingAnew: another negotiation of the same call begins no new count of challenges.
func TestChallengeFloodByNegotiatingAnew(t *testing.T) {
	for _, m := range []auth.Method{auth.CHAPMD5, auth.EAP} {
		s := newScript(t, dialer())
		s.openLCP(demandOf(m)...)
		for n := range uint8(20) {
			for i := range uint8(5) {
				id := 5*n + i
				value := append([]byte{16}, bytes.Repeat([]byte{id}, 16)...)
				if m == auth.EAP {
					s.giveData(packet.EAP, packet.EAPRequest, id, append([]byte{packet.EAPMD5}, value...))
					s.giveData(packet.EAP, packet.EAPSuccess, id, nil)
				} else {
					s.giveData(packet.CHAP, packet.CHAPChallenge, id, value)
					s.giveData(packet.CHAP, packet.CHAPSuccess, id, nil)
				}
			}
			if n == 0 {
				s.openIPCP(ipOpt(packet.IPCPAddress, "192.0.2.1"))
			}
			s.give(packet.LCP, packet.ConfigureRequest, 100+n, append(demandOf(m), opt(packet.LCPMRU, 5, n))...)
			if s.phase == phaseEstablish {
				s.ack(packet.LCP)
			}
		}
		if got := s.count(packet.CHAP, packet.CHAPResponse) + s.count(packet.EAP, packet.EAPResponse); got > 10 {
			t.Errorf("%v: %d responses", m, got)
		}
	}
}

// TestImpostorThatSkipsTheProof: who does not know the password cannot pass for the server by leaving out what would show
// that, neither by going on to the network nor by EAP's own Success.
func TestImpostorThatSkipsTheProof(t *testing.T) {
	chap := func(s *script) {
		s.openLCP(demandOf(auth.MSCHAPv2)...)
		s.giveData(packet.CHAP, packet.CHAPChallenge, 1, append([]byte{16}, make([]byte, 16)...))
	}
	eap := func(s *script) {
		s.openLCP(demandOf(auth.EAP)...)
		s.giveData(packet.EAP, packet.EAPRequest, 1, append([]byte{packet.EAPMSCHAPv2, packet.MSCHAPv2Challenge, 1, 0, 24, 16}, append(make([]byte, 16), "srv"...)...))
	}
	early := func(s *script) {
		for id := range uint8(3) {
			s.give(packet.IPCP, packet.ConfigureRequest, id, ipOpt(packet.IPCPAddress, "192.0.2.1"))
			s.wait(time.Second)
		}
	}
	network := func(s *script) {
		early(s)
		s.wait(2 * time.Minute)
	}
	for _, c := range []struct {
		name  string
		set   func(*Settings)
		begin func(*script)
		then  func(*script)
		kind  string // "": the link goes on
	}{
		{"MS-CHAPv2, then the network", nil, chap, network, KindAuthTimeout},
		{"EAP-MSCHAPv2, then the network", nil, eap, network, KindAuthTimeout},
		{"MS-CHAPv2, then the network, tolerated", func(s *Settings) { s.Auth.Client.TolerateImpostor = true }, chap, early, ""},
		{"EAP Success for nothing, after an earlier call's MS-CHAPv2", func(s *Settings) { s.Auth.AtLeast = auth.Mutual },
			func(s *script) { s.openLCP(demandOf(auth.EAP)...) }, func(s *script) { s.giveData(packet.EAP, packet.EAPSuccess, 1, nil) }, KindAuthImpostor},
		{"the same after an identity", func(s *Settings) { s.Auth.AtLeast = auth.Mutual }, func(s *script) {
			s.openLCP(demandOf(auth.EAP)...)
			s.giveData(packet.EAP, packet.EAPRequest, 1, []byte{packet.EAPIdentity})
		}, early, KindAuthImpostor},
		{"EAP Success for nothing, and nothing pinned", nil, func(s *script) { s.openLCP(demandOf(auth.EAP)...) },
			func(s *script) { s.giveData(packet.EAP, packet.EAPSuccess, 1, nil) }, ""},
	} {
		set := dialer()
		if c.set != nil {
			c.set(&set)
		}
		s := newScript(t, set)
		c.begin(s)
		c.then(s)
		got := ""
		if len(s.closing) > 0 {
			got = s.closing[0].Failure.Kind
		}
		if got != c.kind || (c.kind == "") != (len(s.end.auth) == 1) {
			s.log()
			t.Errorf("%s: ends with %q, want %q; auth %+v", c.name, got, c.kind, s.end.auth)
		}
	}
}

// A Success of MS-CHAPv2 that was lost comes again when the response does (RFC 1994 section 4.2).
func TestLostProof(t *testing.T) {
	s := newScript(t, dialer())
	server, err := auth.NewServer(auth.MSCHAPv2, auth.ServerConfig{Name: "srv", Rand: newChance(3), Lookup: func(string) (auth.Secret, bool) { return auth.NewSecret("test secret"), true }})
	if err != nil {
		t.Fatal(err)
	}
	s.openLCP(demandOf(auth.MSCHAPv2)...)
	server.Start(s.now)
	seen, lost := len(s.sent), false
	for id := range uint8(6) {
		for o, ok := server.Next(); ok; o, ok = server.Next() {
			x, ok := o.(auth.Send)
			if ok && x.Info[0] == packet.CHAPSuccess && !lost {
				lost, ok = true, false
			}
			if ok {
				s.Receive(s.now, packet.CHAP, bytes.Clone(x.Info))
				s.drain(s.now)
			}
		}
		if lost {
			s.give(packet.IPCP, packet.ConfigureRequest, id, ipOpt(packet.IPCPAddress, "192.0.2.1"))
		}
		for ; seen < len(s.sent); seen++ {
			if x := s.sent[seen]; x.Protocol == packet.CHAP {
				server.Receive(s.now, x.Info)
			}
		}
	}
	if !lost || len(s.end.auth) != 1 || len(s.closing) > 0 {
		s.log()
		t.Errorf("lost %v, auth %+v, %+v", lost, s.end.auth, s.closing)
	}
}
