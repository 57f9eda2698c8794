package link_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
	. "github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/show/progress"
)

// ways makes a Selection.Access for tests: the APNs by what the SIM's home network is, and whether its length is asked.
func ways(unsure bool, asked *[]modem.Home, list ...modem.Access) func(modem.Home) ([]Access, bool) {
	return func(h modem.Home) (out []Access, _ bool) {
		*asked = append(*asked, h)
		for _, a := range list {
			out = append(out, Access{Access: a, Network: "999-99", Source: "test table"})
		}
		return out, unsure && h.MNCLength == 0
	}
}

// apns gives what the events say of the APN, in order.
func (s told) apns() (list []string) {
	for _, r := range s.Records {
		if q, ok := r.Event.(event.Quirk); ok && q.Key == "context.apn" {
			list = append(list, q.Value)
		}
	}
	return list
}

func (s told) sent(prefix string) (n int) {
	for _, r := range s.Records {
		if a, ok := r.Event.(event.AT); ok && a.Dir == event.Sent && strings.HasPrefix(a.Text, prefix) {
			n++
		}
	}
	return n
}

// A network that does not know the APN says so late, in one of the ways of AUTH-02, or by NO CARRIER.
func TestAccess(t *testing.T) {
	wrong, right := modem.Access{APN: "wrong.example"}, modem.Access{APN: "right.example"}
	login := modem.Access{APN: "right.example", Login: true, User: "carrier", Password: "known to all", Method: "pap"}
	many := slices.Repeat([]modem.Access{wrong}, 7)
	for _, tt := range []struct {
		name string
		call
		list   []modem.Access
		unsure bool
		up     time.Duration // 0: never
		apns   string
		cimi   int // how often the SIM is asked
		asked  int // how often the table is
		user   string
		last   string // the last definition of the context
	}{
		{name: "the first is right", call: call{scenario: "apn-empty-naks"}, list: []modem.Access{right, wrong},
			up: time.Second, apns: "right.example", cimi: 1, asked: 1, user: "guest"},
		{name: "with credentials", call: call{scenario: "apn-empty-naks"}, list: []modem.Access{login},
			up: time.Second, apns: "right.example", cimi: 1, asked: 1, user: "carrier"},
		{name: "the user's name beats the table's", call: call{scenario: "apn-empty-naks", set: []string{"auth.user=mine"}}, list: []modem.Access{login},
			up: time.Second, apns: "right.example", cimi: 1, asked: 1, user: "mine"},
		{name: "the user's password beats the table's login", call: call{scenario: "apn-empty-naks", password: "mine"}, list: []modem.Access{login},
			up: time.Second, apns: "right.example", cimi: 1, asked: 1, user: "guest"},
		{name: "empty Naks, then the next; first an empty name", call: call{scenario: "apn-empty-naks"}, list: []modem.Access{wrong, right},
			up: 40 * time.Second, apns: "wrong.example wrong.example right.example", cimi: 3, asked: 1, user: "guest"},
		{name: "empty Naks where the table has a name: no empty one is tried", call: call{scenario: "apn-empty-naks"},
			list: []modem.Access{{APN: "wrong.example", Login: true, User: "carrier"}, login},
			up:   20 * time.Second, apns: "wrong.example right.example", cimi: 2, asked: 1, user: "carrier"},
		{name: "hang-up, three digits that the SIM tells", call: call{scenario: "apn-hangup", set: []string{"auth.user=mine"}}, list: []modem.Access{wrong, right}, unsure: true,
			up: 10 * time.Second, apns: "wrong.example right.example", cimi: 2, asked: 2, user: "mine"},
		{name: "the modem's own fails, then the first of the table, then the next", call: call{scenario: "apn-no-carrier"}, list: []modem.Access{wrong, right},
			up: 10 * time.Second, apns: "wrong.example right.example", cimi: 3, asked: 1},
		{name: "none is right, and seven are known", call: call{scenario: "apn-no-carrier"}, list: many,
			apns: "wrong.example wrong.example wrong.example wrong.example wrong.example", cimi: 7, asked: 1, last: `AT+CGDCONT=1,"IP","old.example"`},
		{name: "a limit of attempts holds", call: call{scenario: "apn-hangup", set: []string{"auth.user=mine"}, config: func(c *Config) { c.MaxAttempts = 1 }}, list: []modem.Access{wrong, right},
			apns: "wrong.example", cimi: 1, asked: 1},
		{name: "the modem has the carrier's already: it is first, with its credentials, and not written again", call: call{scenario: "apn-stored"}, list: []modem.Access{wrong, login},
			up: time.Second, apns: "right.example", cimi: 1, asked: 1, user: "carrier"},
		{name: "nothing is known", call: call{scenario: "behaves"}, up: time.Second, cimi: 1, asked: 1},
		{name: "the user names one", call: call{scenario: "apn-hangup", set: []string{"context.apn=right.example"}}, list: []modem.Access{wrong},
			up: time.Second, apns: "right.example"},
		{name: "never", call: call{scenario: "behaves", set: []string{"context.apn_lookup=never"}}, list: []modem.Access{wrong}, up: time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked []modem.Home
			inner := tt.config
			tt.config = func(c *Config) {
				resolve := c.Resolve
				c.Resolve = func(id Facts) (Selection, error) {
					sel, err := resolve(id)
					sel.Access = ways(tt.unsure, &asked, tt.list...)
					return sel, err
				}
				if inner != nil {
					inner(c)
				}
			}
			s := tt.run(t)
			_, at, up := s.up()
			if up != (tt.up > 0) || at > tt.up {
				t.Errorf("up %v after %v, want within %v", up, at, tt.up)
			}
			if got := strings.Join(s.apns(), " "); got != tt.apns {
				t.Errorf("APNs: %s, want %s", got, tt.apns)
			}
			if got := s.sent("AT+CIMI"); got != tt.cimi || len(asked) != tt.asked {
				t.Errorf("the SIM was asked %d times and the table %v; want %d and %d", got, asked, tt.cimi, tt.asked)
			}
			if tt.unsure && (len(asked) < 2 || asked[1].MNCLength != 3) {
				t.Errorf("asked %v: the card says three digits", asked)
			}
			if tt.scenario == "apn-stored" && s.sent("AT+CGDCONT=") > 0 {
				t.Error("the context is written again, with another type")
			}
			if tt.last != "" {
				last := ""
				for _, r := range s.Records {
					if e, ok := r.Event.(event.AT); ok && e.Dir == event.Sent && strings.HasPrefix(e.Text, "AT+CGDCONT=") {
						last = e.Text
					}
				}
				if last != tt.last {
					t.Errorf("the modem is left with %s, want %s", last, tt.last)
				}
			}
			if tt.user != "" {
				said := ""
				for _, line := range strings.Split(s.text(t), "\n") {
					if strings.Contains(line, "[CHAP Response") || strings.Contains(line, "[PAP AuthReq") {
						said = line
					}
				}
				if !strings.Contains(said, `"`+tt.user+`"`) {
					t.Errorf("authenticated by %s, want the name %q", said, tt.user)
				}
			}
			for _, secret := range []string{"999990000000000", "9999900000", "known to all"} {
				if strings.Contains(s.text(t), secret) {
					t.Errorf("%q is shown", secret)
				}
			}
			if t.Failed() {
				s.dump(t)
			}
		})
	}
}

// text is everything that a person may get to see, in every form.
func (s told) text(t *testing.T) string {
	var b strings.Builder
	p := progress.New(&b, progress.Options{Level: progress.Verbose, Start: epoch})
	for _, r := range s.Records {
		p.Record(r)
		j, err := json.Marshal(r.Event)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s\n%+v\n", j, r.Event)
	}
	p.Flush()
	return b.String() + s.Outcome.String()
}

// What worked stays: a link that was up and is lost is dialled again with the same APN, whatever the redial says.
func TestAccessThatWorkedStays(t *testing.T) {
	var asked []modem.Home
	c := call{scenario: "hangup-after-60s", limit: 10 * time.Minute, config: func(c *Config) {
		resolve := c.Resolve
		c.Once, c.Persist, c.Timeout = false, true, 0
		c.Resolve = func(id Facts) (Selection, error) {
			sel, err := resolve(id)
			sel.Access = ways(false, &asked, modem.Access{APN: "one.example"}, modem.Access{APN: "two.example"})
			return sel, err
		}
	}}
	s := c.run(t)
	list := s.apns()
	if len(list) < 3 || slices.Contains(list, "two.example") {
		t.Errorf("APNs: %v", list)
	}
}

// Commands that carry the APN beside the credentials name it also where the context has it already.
func TestAccessInCommands(t *testing.T) {
	var asked []modem.Home
	c := call{scenario: "apn-stored", set: []string{"context.auth_command=+QICSGP"}, config: func(c *Config) {
		resolve := c.Resolve
		c.Resolve = func(id Facts) (Selection, error) {
			sel, err := resolve(id)
			sel.Access = ways(false, &asked, modem.Access{APN: "right.example", Login: true, User: "carrier", Password: "known to all"})
			return sel, err
		}
	}}
	s := c.run(t)
	if s.sent(`AT+QICSGP=1,1,"right.example","carrier",`) == 0 {
		s.dump(t)
		t.Error("the command does not name the APN and the user")
	}
}
