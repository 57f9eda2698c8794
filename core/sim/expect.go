package sim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Expect says what must happen when the scenario is dialled: what goes wrong without the profile under test, and what is right
// with it. The modem ignores it; core/vectors checks it.
type Expect struct {
	User     *string   `toml:"user"`     // the user name to dial with; if it is left out, the profile's
	Password string    `toml:"password"` // test values only
	PIN      string    `toml:"pin"`      // the same
	Set      []string  `toml:"set"`      // settings in the form of --set, with and without the profile
	Hold     Duration  `toml:"hold"`     // how long the link must stay up; 0: it is hung up at once
	Without  *Shortage `toml:"without"`  // nil: the scenario only shows that the profile does no harm
	With     Success   `toml:"with"`
}

// Shortage says what happens without the profile. At least one field is set, and all fields that are set must be true.
type Shortage struct {
	Finding string   `toml:"finding"` // diagnosis finds this cause, by its id
	Exit    *int     `toml:"exit"`    // the exit status of the dial
	Slower  Duration `toml:"slower"`  // the link is up, but at least so much later than with the profile
	Worse   string   `toml:"worse"`   // the link is up, but: "unproved", "dns", "dropped", "hangup", "packets"
}

// Success says what happens with the profile. The link is up in any case.
type Success struct {
	Within Duration     `toml:"within"` // the time until the link is up; 0: two minutes
	DNS    []netip.Addr `toml:"dns"`    // these name servers are announced
	MTU    int          `toml:"mtu"`    // this MTU is announced; 0: any
	Sent   []string     `toml:"sent"`   // these commands were sent; as in a reply, a final * matches any rest
	Proved *bool        `toml:"proved"` // whether a packet came back first; left out: the settings decide
}

// Ports says which tty of the modem does what, by USB interface numbers. The zero value: there is one tty, and it is right.
type Ports struct {
	PPP   int   `toml:"ppp"`   // carries PPP
	AT    []int `toml:"at"`    // take commands, and answer CONNECT, but then only echo the host's octets
	First int   `toml:"first"` // the one that a host finds first
}

// Shortages are the words of expect.without.worse: the link is up without a proof; it announces fewer name servers, or
// placeholders; it does not stay up for expect.hold; the end of the call is not seen, or later; more packets are needed.
var Shortages = []string{"unproved", "dns", "dropped", "hangup", "packets"}

// maxHold bounds expect.hold: tests of the whole database run in seconds.
const maxHold = Duration(2 * 60 * 60 * 1e9)

// OnPort gives the scenario in the form that a host meets at the port of a USB interface: complete on the interface that carries
// PPP, with an echo behind CONNECT on those that take commands, and without any answer on others. A negative number stands for
// Ports.First.
func (s Scenario) OnPort(number int) Scenario {
	if s.Ports == nil {
		return s
	}
	if number < 0 {
		number = s.Ports.First
	}
	switch {
	case number == s.Ports.PPP:
	case slices.Contains(s.Ports.AT, number):
		s.Dial.Result, s.Dial.Times = "echo", 0
	default:
		s.AT.Silent = true
	}
	return s
}

func (c *checker) expect(s *Scenario) {
	if p := s.Ports; p != nil {
		c.number("ports.ppp", int64(p.PPP), 0, 255)
		c.number("ports.first", int64(p.First), 0, 255)
		c.entries("ports.at", len(p.AT))
		for i, n := range p.AT {
			c.number("ports.at."+strconv.Itoa(i), int64(n), 0, 255)
			if n == p.PPP {
				c.fail("ports.at."+strconv.Itoa(i), "%d carries PPP", n)
			}
		}
	}
	e := s.Expect
	if e == nil {
		return
	}
	if e.User != nil {
		c.line("expect.user", *e.User)
	}
	c.line("expect.password", e.Password)
	if len(e.PIN) > 8 || strings.Trim(e.PIN, "0123456789") != "" {
		c.fail("expect.pin", "must be at most 8 digits")
	}
	c.entries("expect.set", len(e.Set))
	for i, text := range e.Set {
		path := "expect.set." + strconv.Itoa(i)
		c.line(path, text)
		if !strings.Contains(text, "=") {
			c.fail(path, "%q is not KEY=VALUE", text)
		}
	}
	if e.Hold > maxHold {
		c.fail("expect.hold", "is too long; allowed: 2h at most")
	}
	if w := e.Without; w != nil {
		if w.Finding == "" && w.Exit == nil && w.Slower == 0 && w.Worse == "" {
			c.fail("expect.without", "says nothing; allowed: finding, exit, slower, worse")
		}
		c.line("expect.without.finding", w.Finding)
		if w.Exit != nil {
			c.number("expect.without.exit", int64(*w.Exit), 0, 255)
		}
		if w.Worse != "" {
			c.word("expect.without.worse", &w.Worse, Shortages...)
		}
		if w.Worse == "dropped" && e.Hold == 0 {
			c.fail("expect.hold", "is missing: how long the link must stay up")
		}
	}
	if len(e.With.DNS) > 2 {
		c.fail("expect.with.dns", "%d addresses; allowed: 2 at most", len(e.With.DNS))
	}
	for i, a := range e.With.DNS {
		c.ipv4("expect.with.dns."+strconv.Itoa(i), a)
	}
	c.entries("expect.with.sent", len(e.With.Sent))
	for i, s := range e.With.Sent {
		c.command("expect.with.sent."+strconv.Itoa(i), s)
	}
	if e.With.MTU != 0 {
		c.number("expect.with.mtu", int64(e.With.MTU), 64, 65535)
	}
}
