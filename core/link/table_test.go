package link

import (
	"testing"
	"time"
)

// TestTable is the table of what a modem may do and what must come of it, without a profile: the built-in policy gets
// through all of it.
func TestTable(t *testing.T) {
	for _, c := range []struct {
		call
		up      time.Duration // must be up within this; 0: must never be announced as up
		code    ExitCode      // where it must not come up
		finding string
	}{
		{call: call{scenario: "behaves"}, up: time.Second},
		{call: call{scenario: "behaves-none"}, up: time.Second},
		{call: call{scenario: "behaves-pap"}, up: time.Second},
		{call: call{scenario: "behaves-chap-md5"}, up: time.Second},
		{call: call{scenario: "behaves-ms-chapv2"}, up: time.Second},
		{call: call{scenario: "behaves-eap"}, up: time.Second},
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
