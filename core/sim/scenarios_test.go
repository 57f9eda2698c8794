package sim

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// expectation is what a plain host meets when it dials a scenario.
type expectation struct {
	set   func(*ppp.Settings) // the host, where it is not the default
	limit time.Duration       // how long to watch; 30 s by default
	up    bool                // the link comes up within the limit
	check func(t *testing.T, d *dialer)
}

func emptyName(s *ppp.Settings) { s.Auth.Client = auth.ClientConfig{} }

func addressOnly(s *ppp.Settings) { // a host that asks for the address only, and never for more
	s.IPCP.Request = []uint8{packet.IPCPAddress}
	s.IPCP.Widen = nil
}

func noWiden(s *ppp.Settings) { s.IPCP.Widen = nil }

// noWidenNoNBNS is a host that does not take up what is pushed to it.
func noWidenNoNBNS(s *ppp.Settings) {
	noWiden(s)
	s.Points = ppp.PointRequest
	s.IPCP.PlaceholderPatience = 2 * time.Minute
}

// atLeast checks that so many packets were seen that hold all the words.
func atLeast(n int, words ...string) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		if got := d.count(words...); got < n {
			t.Errorf("%d packets with %q, want at least %d", got, words, n)
		}
	}
}

func none(words ...string) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		if got := d.count(words...); got > 0 {
			t.Errorf("%d packets with %q, want none", got, words)
		}
	}
}

func all(checks ...func(*testing.T, *dialer)) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		for _, c := range checks {
			c(t, d)
		}
	}
}

func method(m auth.Method) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		if d.auth == nil || d.auth.Method != m {
			t.Errorf("authenticated by %+v, want %v", d.auth, m)
		}
	}
}

func endsWith(kind string) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		if d.end == nil || d.end.Kind != kind {
			t.Errorf("ended with %+v, want %s", d.end, kind)
		}
	}
}

func servers(want ...string) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		if d.up == nil {
			return
		}
		var got []string
		for _, a := range d.up.DNS {
			got = append(got, a.String())
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("name servers %v, want %v", got, want)
		}
	}
}

func local(want string) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		if d.up != nil && d.up.Local != netip.MustParseAddr(want) {
			t.Errorf("the address is %v, want %s", d.up.Local, want)
		}
	}
}

func upBetween(low, high time.Duration) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		if d.upAt < low || d.upAt > high {
			t.Errorf("up after %v, want %v to %v", d.upAt, low, high)
		}
	}
}

// carries checks that the network behind answers a ping and a question.
func carries(t *testing.T, d *dialer) {
	t.Helper()
	if d.up == nil {
		return
	}
	if !d.ping("203.0.113.9") {
		t.Error("no answer to a ping")
	}
	if len(d.up.DNS) > 0 && d.ask(d.up.DNS[0]) != netip.MustParseAddr("192.0.2.80") {
		t.Error("no answer to a question")
	}
}

// deaf checks that nothing answers.
func deaf(t *testing.T, d *dialer) {
	t.Helper()
	if d.up != nil && (d.ping("203.0.113.9") || d.ping(d.m.Scenario().IPCP.Local.String())) {
		t.Error("something answers")
	}
	if d.m.Counters().PacketsOut > 0 {
		t.Error("packets came out")
	}
}

const (
	empty        = "IPCP ConfNak id="
	placeholders = "10.11.12.13"
)

// emptyNaks counts Naks that hold no option.
func emptyNaks(low, high int) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		n := 0
		for _, line := range d.seen {
			if strings.Contains(line, "rcvd [IPCP ConfNak") && !strings.Contains(line, "<") {
				n++
			}
		}
		if n < low || n > high {
			t.Errorf("%d empty Naks, want %d to %d", n, low, high)
		}
	}
}

// onPPP are the scenarios that reach CONNECT at the first dial. What a modem does before is in at_test.go.
var onPPP = map[string]expectation{
	"behaves":           {up: true, check: all(method(auth.CHAPMD5), servers("198.51.100.53", "198.51.100.54"), local("192.0.2.2"), carries)},
	"behaves-none":      {up: true, check: all(method(auth.None), carries)},
	"behaves-pap":       {up: true, check: all(method(auth.PAP), atLeast(1, "PAP AuthAck", "Greetings!!"), carries)},
	"behaves-chap-md5":  {up: true, check: all(method(auth.CHAPMD5), carries)},
	"behaves-ms-chapv2": {up: true, check: all(method(auth.MSCHAPv2), carries)},
	"behaves-eap":       {up: true, check: all(atLeast(1, "rcvd", "EAP"), carries)},
	"behaves-ipv6": {up: true, set: func(s *ppp.Settings) { s.IPV6CP.Enabled = true },
		check: all(atLeast(1, "rcvd", "IPV6CP ConfAck"), carries)},

	"empty-naks":      {set: noWiden, check: emptyNaks(20, 31)},
	"empty-naks-4s":   {up: true, check: all(emptyNaks(3, 41), upBetween(4*time.Second, 5*time.Second), carries)},
	"empty-naks-user": {check: emptyNaks(20, 31)},
	"empty-naks-dns":  {set: addressOnly, check: emptyNaks(20, 31)},
	"huawei/e398": {check: all(emptyNaks(20, 31), atLeast(1, "rcvd [LCP DiscReq"), atLeast(1, "UMTS_CHAP_SRVR"),
		atLeast(1, "rcvd [CHAP Success"))},

	"huawei/e220": {set: noWidenNoNBNS, check: all(atLeast(5, "rcvd [IPCP ConfNak", placeholders), none("198.51.100.53"))},
	"ublox/sara-r4": {check: all(endsWith(ppp.KindCarrierLost), noCarrier, none("rcvd [IPCP ConfNak"), func(t *testing.T, d *dialer) {
		d.end, d.texts = nil, ""
		d.m.Receive(d.now, []byte("AT+CGATT=0\rAT+CGATT=1\r"))
		d.pump()
		d.dial()
		d.run(10*time.Second, d.isUp)
		if !d.isUp() {
			t.Fatalf("the second call is not up: %+v", d.end)
		}
		d.run(50*time.Second, never)
		if d.count("rcvd [IPCP ConfReq id=0xff]") != 1 || d.count("rcvd [IPCP ConfReq id=0xfe]") != 1 || !d.isUp() {
			t.Error("no empty Configure-Requests while it is open, or they took it down")
		}
		carries(t, d)
	})},
	"quectel/eg91": {check: all(none("rcvd [CHAP"), atLeast(1, "rcvd [LCP ConfReq", "chap MD5"), endsWith(ppp.KindAuthTimeout)), limit: 2 * time.Minute},
	"request-when-open": {up: true, check: func(t *testing.T, d *dialer) {
		d.run(35*time.Second, never)
		if n := d.count("rcvd [IPCP ConfReq id=0xf"); n != 3 {
			t.Errorf("%d empty Configure-Requests", n)
		}
		carries(t, d)
	}},

	"wants-wins":              {set: noWiden, check: emptyNaks(20, 200)},
	"wants-wins-placeholders": {up: true, set: noWiden, check: all(atLeast(1, "rcvd [IPCP ConfNak", placeholders), servers("198.51.100.53", "198.51.100.54"), carries)},

	"bogus-address":            {up: true, check: all(local("203.0.113.77"), deaf)},
	"bogus-address-known":      {check: all(atLeast(1, "addr "+placeholders), deaf)},
	"bogus-address-link-local": {check: all(atLeast(1, "addr 169.254.10.20"), deaf)},
	"bogus-address-equal":      {check: all(atLeast(1, "rcvd", "addr 192.0.2.1>"), deaf)},
	"bogus-address-zero":       {check: all(atLeast(1, "rcvd [IPCP ConfAck", "addr 0.0.0.0"), deaf)},
	"carries-nothing":          {up: true, check: deaf},

	"refuse-hangup":             {check: all(endsWith(ppp.KindCarrierLost), none("rcvd [IPCP ConfAck"))},
	"refuse-placeholder-hangup": {check: all(endsWith(ppp.KindCarrierLost), atLeast(1, "rcvd [IPCP ConfNak", placeholders))},
	"refuse-terminate-ipcp":     {check: atLeast(1, "rcvd [IPCP TermReq")},
	"refuse-terminate-lcp":      {check: all(atLeast(1, "rcvd [LCP TermReq"), atLeast(1, "sent [IPCP ConfReq"), endsWith(ppp.KindTerminated))},
	"refuse-terminate-lcp-pap":  {check: all(atLeast(1, "rcvd [PAP AuthAck"), atLeast(1, "rcvd [LCP TermReq"), endsWith(ppp.KindTerminated))},
	"refuse-garbage": {check: all(none("rcvd [IPCP ConfAck"), none("rcvd [IPCP ConfNak"), func(t *testing.T, d *dialer) {
		if d.dec.Stats().Damaged() < 2 {
			t.Errorf("%+v", d.dec.Stats())
		}
	})},
	"refuse-silence":         {check: all(none("rcvd [IPCP ConfAck"), none("rcvd [IPCP ConfNak"), atLeast(3, "sent [IPCP ConfReq"))},
	"refuse-protocol-reject": {check: all(atLeast(1, "rcvd [LCP ProtRej"), endsWith(ppp.KindProtocolRejected))},

	"endless-same-nak":    {set: noWiden, check: atLeast(10, "rcvd [IPCP ConfNak", placeholders)},
	"endless-address-nak": {check: atLeast(10, "rcvd [IPCP ConfNak", "addr 203.0.113.77")},
	"changing-nak": {check: all(atLeast(10, "rcvd [IPCP ConfNak"), func(t *testing.T, d *dialer) {
		values := map[string]bool{}
		for _, line := range d.seen {
			if _, v, ok := strings.Cut(line, "rcvd [IPCP ConfNak"); ok {
				_, v, _ = strings.Cut(v, "<")
				values[v] = true
			}
		}
		if len(values) < 10 {
			t.Errorf("only %d different Naks", len(values))
		}
	})},
	"dns-placeholders-then-real": {up: true, check: all(atLeast(2, "rcvd [IPCP ConfNak", placeholders), servers("198.51.100.53", "198.51.100.54"), upBetween(3*time.Second, 5*time.Second), carries)},
	"dns-placeholders-acked":     {up: true, check: all(atLeast(1, "rcvd [IPCP ConfNak", placeholders), carries)},
	"dns-zero":                   {up: true, check: all(servers(), carries)},

	"no-echo-reply": {up: true, set: func(s *ppp.Settings) { s.LCP.EchoInterval = time.Second }, check: all(func(t *testing.T, d *dialer) { d.run(10*time.Second, never) },
		atLeast(3, "sent [LCP EchoReq"), none("rcvd [LCP EchoRep"))},
	"no-own-request":     {up: true, check: all(none("rcvd [IPCP ConfReq"), carries)},
	"no-own-request-lcp": {up: true, check: all(none("rcvd [IPCP ConfReq"), none("rcvd [LCP ConfReq"), carries)},
	"no-peer-address": {up: true, check: all(none("rcvd [IPCP ConfReq", "addr"), carries, func(t *testing.T, d *dialer) {
		if !d.up.PeerAssumed {
			t.Errorf("the peer's address is %v", d.up.Peer)
		}
	})},
	"lcp-before-connect": {up: true, check: all(carries, func(t *testing.T, d *dialer) {
		i, j := strings.IndexByte(string(d.wire), '~'), strings.Index(string(d.wire), "CONNECT")
		if i < 0 || i > j {
			t.Errorf("the first flag is at %d, CONNECT at %d", i, j)
		}
	})},
	"compressed-unasked": {up: true, check: all(carries, none("rcvd [LCP ConfAck", "pcomp"), atLeast(1, "rcvd [LCP ConfRej", "pcomp", "accomp"), compressed)},
	"one-byte-at-a-time": {up: true, check: all(carries, func(t *testing.T, d *dialer) {
		for _, f := range d.frames {
			if len(f) > 1 {
				t.Fatalf("%d octets at once", len(f))
			}
		}
	})},
	"corrupt-5":                 {up: true, limit: time.Minute},
	"loss-20":                   {up: true, limit: time.Minute},
	"duplicate-noise":           {up: true, check: carries},
	"changes-dns-in-last-round": {up: true, check: all(atLeast(1, "rcvd [IPCP ConfNak", "198.51.100.1>"), atLeast(1, "sent [IPCP ConfReq", "198.51.100.1>"), servers("198.51.100.53", "198.51.100.54"), carries)},
	"rejects-dns":               {up: true, check: all(atLeast(1, "rcvd [IPCP ConfRej", "dns"), servers(), carries)},
	"rejects-address":           {check: atLeast(1, "rcvd [IPCP ConfRej", "addr 0.0.0.0")},
	"stray-options":             {up: true, check: all(atLeast(1, "rcvd [IPCP ConfNak", "198.51.100.137", "90"), carries)},
	"mru-1440":                  {up: true, check: all(atLeast(1, "rcvd [LCP ConfNak", "mru 1440"), carries)},
	"xon-xoff":                  {up: true, check: all(atLeast(1, "rcvd [LCP ConfReq", "mru 1400", "asyncmap 0xa0000"), carries)},
	"pap-only": {up: true, set: func(s *ppp.Settings) { s.Auth.Allow = []auth.Method{auth.PAP} },
		check: all(atLeast(1, "sent [LCP ConfNak", "pap"), method(auth.PAP), carries)},

	"searching-then-home":   {up: true, check: carries},
	"denied-then-roaming":   {up: true, check: carries},
	"sim-late":              {up: true, check: carries},
	"at-slow":               {up: true, check: carries},
	"atz-error":             {up: true, check: carries},
	"no-carrier-inside-ppp": {check: all(endsWith(ppp.KindCarrierLost), noCarrier, atLeast(1, "rcvd [IPCP ConfNak"))},
	"no-carrier-text-only": {check: all(noCarrier, func(t *testing.T, d *dialer) {
		if !d.lines.DCD {
			t.Error("the carrier line went down")
		}
	})},
	"hangup-after-60s":       {up: true, check: all(goesDown(60*time.Second), endsWith(ppp.KindCarrierLost), noCarrier)},
	"terminate-after-60s":    {up: true, check: all(goesDown(60*time.Second), endsWith(ppp.KindTerminated), atLeast(1, "rcvd [LCP TermReq", "session limit"))},
	"silent-after-60s":       {up: true, check: silentAfter(60 * time.Second)},
	"wrong-port":             {check: endsWith(ppp.KindLoopedBack)},
	"looped-back":            {check: all(endsWith(ppp.KindLoopedBack), atLeast(3, "rcvd [LCP ConfReq"))},
	"wrong-port-text":        {check: func(t *testing.T, d *dialer) { textSeen(t, d, "login:") }},
	"silent-after-connect":   {check: none("rcvd")},
	"auth-failure-pap":       {check: all(atLeast(1, "rcvd [PAP AuthNak", "Login incorrect"), endsWith(ppp.KindAuthRejected))},
	"auth-failure-chap":      {check: all(atLeast(1, "rcvd [CHAP Failure", "Access denied"), endsWith(ppp.KindAuthRejected))},
	"auth-failure-ms-chapv2": {check: all(atLeast(1, "rcvd [CHAP Failure", "E=691"), endsWith(ppp.KindAuthRejected))},
	"auth-silence":           {check: all(atLeast(1, "sent [CHAP Response"), none("CHAP Success"), none("CHAP Failure"))},
	"pap-silence":            {check: all(atLeast(3, "sent [PAP AuthReq"), none("PAP AuthAck"))},
	"repeated-challenge":     {up: true, check: all(atLeast(4, "rcvd [CHAP Challenge"), atLeast(4, "sent [CHAP Response"), carries)},
	"rechallenge": {up: true, check: func(t *testing.T, d *dialer) {
		d.run(50*time.Second, never)
		atLeast(3, "rcvd [CHAP Challenge")(t, d)
		carries(t, d)
	}},
}

func compressed(t *testing.T, d *dialer) {
	t.Helper()
	// The answers came without FF 03, and IP with one octet of protocol.
	for i := len(d.frames) - 1; i >= 0; i-- {
		if f := d.frames[i]; len(f) > 2 && f[0] == 0x7e {
			if f[1] != 0x21 {
				t.Errorf("the last frame begins with %x", f[:3])
			}
			return
		}
	}
	t.Error("no frame")
}

func textSeen(t *testing.T, d *dialer, want string) {
	t.Helper()
	if !strings.Contains(string(d.wire), want) {
		t.Errorf("%q was not said", want)
	}
}

func noCarrier(t *testing.T, d *dialer) { textSeen(t, d, "\r\nNO CARRIER\r\n") }

// goesDown checks that the link is up until that long after it came up, and is then over.
func goesDown(after time.Duration) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		carries(t, d)
		d.run(2*after, d.isEnded)
		if d.end == nil || d.endAt < after || d.endAt > after+10*time.Second {
			t.Errorf("over after %v: %+v", d.endAt, d.end)
		}
		d.run(5*time.Second, never)
		if d.lines.DCD {
			t.Error("the carrier is still there")
		}
	}
}

func silentAfter(after time.Duration) func(*testing.T, *dialer) {
	return func(t *testing.T, d *dialer) {
		t.Helper()
		carries(t, d)
		d.run(after, never)
		if d.up == nil || d.ping("203.0.113.9") {
			t.Error("still answers")
		}
	}
}

func TestScenariosOnPPP(t *testing.T) {
	for name, want := range onPPP {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDialer(t, load(t, name), 1, want.set)
			d.run(10*time.Second, never) // for those that first search for a network
			d.dial()
			limit := want.limit
			if limit == 0 {
				limit = 30 * time.Second
			}
			done := func() bool { return d.isUp() || d.isEnded() }
			if !want.up {
				done = d.isEnded
			}
			d.run(limit, done)
			if d.isUp() != want.up {
				t.Errorf("up: %v (%+v)", d.isUp(), d.up)
			}
			if want.check != nil && (d.isUp() || !want.up) {
				want.check(t, d)
			}
			if t.Failed() {
				t.Logf("end: %+v\n%s\n%q", d.end, strings.Join(d.seen[:min(len(d.seen), 60)], "\n"), d.wire[:min(len(d.wire), 200)])
			}
		})
	}
}

// offPPP are the scenarios that never get to CONNECT at the first dial, with what the dial or another command says.
var offPPP = map[string]struct{ say, want string }{
	"not-registered":      {"AT+CREG?\rATD*99#\r", "\r\n+CREG: 0,2\r\n\r\nOK\r\n\r\nNO CARRIER\r\n"},
	"registration-denied": {"AT+CREG?\rATD*99#\r", "\r\n+CREG: 0,3\r\n\r\nOK\r\n\r\nNO CARRIER\r\n"},
	"pin-needed":          {"AT+CPIN?\r", "\r\n+CPIN: SIM PIN\r\n\r\nOK\r\n"},
	"pin-one-try":         {"AT+CPIN=0000\rAT+CPIN?\r", "\r\n+CME ERROR: 12\r\n\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"},
	"puk-needed":          {"AT+CPIN?\r", "\r\n+CPIN: SIM PUK\r\n\r\nOK\r\n"},
	"no-sim":              {"AT+CPIN?\rATD*99#\r", "\r\n+CME ERROR: 10\r\n\r\nNO CARRIER\r\n"},
	"apn-no-carrier":      {"AT+CIMI\rATD*99***1#\rAT+CGDCONT=1,\"IP\",\"Right.example\"\rATD*99***2#\r", "\r\n999990000000000\r\n\r\nOK\r\n\r\nNO CARRIER\r\n\r\nOK\r\n\r\nNO CARRIER\r\n"},
	"apn-stored":          {"AT+CGDCONT?\rAT+CRSM=176,28589,0,0,4\r", "\r\n+CGDCONT: 1,\"IPV4V6\",\"RIGHT.example\",\"\",0,0\r\n\r\nOK\r\n\r\n+CME ERROR: 3\r\n"},
	"dial-no-carrier":     {"ATD*99#\r", "\r\nNO CARRIER\r\n"},
	"dial-error":          {"ATD*99#\r", "\r\nERROR\r\n"},
	"dial-cme":            {"ATD*99#\r", "\r\n+CME ERROR: 30\r\n"},
	"dial-busy":           {"ATD*99#\r", "\r\nBUSY\r\n"},
	"dial-no-dialtone":    {"ATD*99#\r", "\r\nNO DIALTONE\r\n"},
	"dial-silence":        {"ATD*99#\r", ""},
	"dial-second-time":    {"ATD*99#\r", "\r\nNO CARRIER\r\n"},
	"modem-silent":        {"AT\rATI\rATD*99#\r", ""},
	"at-only-ok":          {"ATI\rATD*99#\r", "\r\nOK\r\n\r\nOK\r\n"},
}

func TestScenariosBeforePPP(t *testing.T) {
	for name, c := range offPPP {
		t.Run(name, func(t *testing.T) {
			h := newHost(load(t, name))
			h.say("ATE0\r", 0)
			if got := h.say(c.say, 20*time.Second); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

// elsewhere are the scenarios with a test of their own.
var elsewhere = []string{"data-mode-stuck", "apn-empty-naks", "apn-hangup"} // the last two in core/link TestAccess

func TestEveryScenarioIsTested(t *testing.T) {
	tested := map[string]bool{}
	for _, name := range elsewhere {
		tested[name] = true
	}
	for name := range onPPP {
		tested[name] = true
	}
	for name := range offPPP {
		tested[name] = true
	}
	for _, name := range Names(deviceFS) {
		// What says itself what to expect is tested by core/vectors.
		if !tested[name] && load(t, name).Expect == nil {
			t.Errorf("%s has no test", name)
		}
		delete(tested, name)
	}
	for name := range tested {
		t.Errorf("%s is tested, but there is none", name)
	}
}
