package link_test

import (
	"testing"
	"time"

	. "github.com/knakppp/knak/core/link"
)

// TestTable is the table of what a modem may do and what must come of it, without a profile: the built-in policy gets
// through all of it.
func TestTable(t *testing.T) {
	user := []string{"auth.user=user"}
	for _, c := range []struct {
		call
		up      time.Duration // must be up within this; 0: must never be announced as up
		code    ExitCode      // where it must not come up
		finding string
	}{
		// behaves
		{call: call{scenario: "behaves"}, up: time.Second},
		{call: call{scenario: "behaves-none"}, up: time.Second},
		{call: call{scenario: "behaves-pap", set: user, password: "password"}, up: time.Second},
		{call: call{scenario: "behaves-chap-md5", set: user, password: "password"}, up: time.Second},
		{call: call{scenario: "behaves-ms-chapv2", set: user, password: "password"}, up: time.Second},
		{call: call{scenario: "behaves-eap", set: user, password: "password"}, up: time.Second},
		{call: call{scenario: "pap-only", set: user, password: "password"}, up: time.Second},

		// E398: provisional success, empty Naks until DNS is asked for and the user name is empty
		{call: call{scenario: "huawei/e398"}, up: 5 * time.Second},
		{call: call{scenario: "huawei/e398", profile: "-"}, up: 15 * time.Second, finding: "ipcp-empty-nak"},
		{call: call{scenario: "empty-naks"}, code: ExitAuth, finding: "ipcp-empty-nak"},

		// naks empty for 4 s, then answers: within 0.5 s of its settling
		{call: call{scenario: "empty-naks-4s"}, up: 4500 * time.Millisecond},
		// wants WINS asked for as well
		{call: call{scenario: "wants-wins"}, up: 5 * time.Second},

		// refuses by a bogus default address: never announced as up
		{call: call{scenario: "bogus-address"}, code: ExitCarriesNoData, finding: "link-carries-nothing"},
		{call: call{scenario: "bogus-address-known"}, code: ExitCarriesNoData, finding: "bogus-address"},
		{call: call{scenario: "bogus-address-zero"}, code: ExitCarriesNoData, finding: "bogus-address"},
		{call: call{scenario: "bogus-address-link-local"}, code: ExitCarriesNoData, finding: "bogus-address"},
		{call: call{scenario: "bogus-address-equal"}, code: ExitCarriesNoData, finding: "bogus-address"},

		// never says yes or no to our authentication
		{call: call{scenario: "auth-silence"}, code: ExitAuth, finding: "auth-no-answer"},
		{call: call{scenario: "pap-silence"}, code: ExitAuth, finding: "auth-no-answer"},

		// refuses by hanging up, terminating IPCP, terminating LCP, garbage
		{call: call{scenario: "refuse-hangup"}, code: ExitAuth, finding: "ipcp-hangup-after-auth"},
		{call: call{scenario: "refuse-terminate-ipcp"}, code: ExitAuth, finding: "ipcp-terminated-by-peer"},
		{call: call{scenario: "refuse-terminate-lcp"}, code: ExitAuth, finding: "lcp-terminated-by-peer-after-auth"},
		{call: call{scenario: "refuse-garbage"}, code: ExitAuth, finding: "ipcp-garbage"},

		// offers DNS placeholders until its context is up
		{call: call{scenario: "dns-placeholders-then-real"}, up: 15 * time.Second},

		// answers no echo … rejects DNS
		{call: call{scenario: "no-echo-reply"}, up: time.Second},
		{call: call{scenario: "no-own-request"}, up: 5 * time.Second},
		{call: call{scenario: "no-own-request-lcp"}, up: 10 * time.Second},
		{call: call{scenario: "no-peer-address"}, up: time.Second},
		{call: call{scenario: "lcp-before-connect"}, up: time.Second},
		{call: call{scenario: "compressed-unasked"}, up: time.Second},
		{call: call{scenario: "one-byte-at-a-time"}, up: 10 * time.Second},
		{call: call{scenario: "corrupt-5"}, up: 30 * time.Second},
		{call: call{scenario: "loss-20"}, up: time.Minute},
		{call: call{scenario: "changes-dns-in-last-round"}, up: time.Second},
		{call: call{scenario: "rejects-dns"}, up: time.Second},

		// not registered, denied, PIN needed, wrong PIN, NO CARRIER inside PPP, dial refused
		{call: call{scenario: "not-registered"}, code: ExitRegistration, finding: "not-registered"},
		{call: call{scenario: "registration-denied"}, code: ExitRegistration, finding: "registration-denied"},
		{call: call{scenario: "pin-needed"}, code: ExitSIM, finding: "pin-needed"},
		{call: call{scenario: "pin-needed", pin: "1234"}, up: 5 * time.Second},
		{call: call{scenario: "pin-needed", pin: "0000"}, code: ExitSIM, finding: "pin-wrong"},
		{call: call{scenario: "puk-needed"}, code: ExitSIM, finding: "puk-needed"},
		{call: call{scenario: "no-sim"}, code: ExitSIM, finding: "no-sim"},
		{call: call{scenario: "no-carrier-inside-ppp"}, code: ExitAuth, finding: "ipcp-hangup-after-auth"},
		{call: call{scenario: "dial-no-carrier"}, code: ExitDial, finding: "no-carrier"},
		{call: call{scenario: "dial-busy"}, code: ExitDial, finding: "no-carrier"},
		{call: call{scenario: "dial-error"}, code: ExitDial, finding: "dial-error"},
		{call: call{scenario: "dial-cme"}, code: ExitDial, finding: "dial-error"},
		{call: call{scenario: "dial-silence", set: []string{"dial.timeout=5s"}}, code: ExitDial},
		{call: call{scenario: "modem-silent"}, code: ExitDial, finding: "modem-not-answering"},

		// and others that the library of scenarios has
		{call: call{scenario: "auth-failure-chap"}, code: ExitAuth, finding: "auth-rejected"},
		{call: call{scenario: "auth-failure-pap"}, code: ExitAuth, finding: "auth-rejected"},
		{call: call{scenario: "looped-back"}, code: ExitLoopback, finding: "line-looped-back"},
		{call: call{scenario: "data-mode-stuck"}, up: 15 * time.Second},
		{call: call{scenario: "endless-same-nak"}, code: ExitAuth},
		{call: call{scenario: "changing-nak"}, code: ExitAuth},
		{call: call{scenario: "mru-1440"}, up: time.Second},
		{call: call{scenario: "rechallenge"}, up: time.Second},
	} {
		t.Run(c.scenario, func(t *testing.T) {
			s := c.run(t)
			u, at, up := s.up()
			switch {
			case c.up > 0 && (!up || at > c.up || s.Outcome.ExitCode() != ExitOK):
				s.dump(t)
				t.Errorf("up %v after %v (%+v), exit code %d; want it within %v", up, at, u, s.Outcome.ExitCode(), c.up)
			case c.up == 0 && (up || s.Outcome.ExitCode() != c.code):
				s.dump(t)
				t.Errorf("up %v, exit code %d; want never up, and %d", up, s.Outcome.ExitCode(), c.code)
			}
			if c.finding != "" {
				if _, _, ok := s.finding(c.finding); !ok {
					s.dump(t)
					t.Errorf("no finding %s", c.finding)
				}
			}
		})
	}
}
