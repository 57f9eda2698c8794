package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/strict"
)

// defaults is what a file is read over. Words that are left out get their default in checker.word.
func defaults() Scenario {
	return Scenario{
		AT:           AT{Echo: true, CME: 1, Escape: "+++"},
		LCP:          LCP{Linger: Duration(300 * time.Millisecond)},
		SIM:          SIM{Tries: 3, Network: "00101"},
		Registration: Registration{Signal: 17, Operator: "Example"},
		Dial:         Dial{Connect: "CONNECT 7200000"},
		Identity:     Identity{Manufacturer: "Example", Model: "Simulated modem", Revision: "1.0"},
		IPCP: IPCP{
			Local: netip.MustParseAddr("192.0.2.1"),
			Peer:  netip.MustParseAddr("192.0.2.2"),
			DNS:   []netip.Addr{netip.MustParseAddr("198.51.100.53"), netip.MustParseAddr("198.51.100.54")},
		},
		Network: Network{Address: netip.MustParseAddr("192.0.2.80")},
	}
}

// checker finds mistakes in a decoded scenario, and fills in default words.
type checker struct {
	file   string
	places strict.Places
	errs   []error
}

// Bounds that keep a scenario from making the modem grow without limit.
const (
	maxChunk   = 1 << 16
	maxEntries = 256
	maxText    = 1024
	minEvery   = Duration(10 * time.Millisecond)
)

var (
	registrationStates = []string{"home", "roaming", "searching", "denied", "none", "unknown"}
	configureNames     = []string{"request", "ack", "nak", "reject", "terminate-request", "terminate-ack", "code-reject"}
	lcpNames           = append(slices.Clone(configureNames), "protocol-reject", "echo-request", "echo-reply",
		"discard-request", "identification", "time-remaining")
	methodNames  = names(auth.None, auth.PAP, auth.CHAPMD5, auth.MSCHAP, auth.MSCHAPv2, auth.EAP)
	commonVerbs  = []string{"behave", "drop", "silence", "hangup", "terminate-lcp", "garbage", "text", "protocol-reject"}
	controlVerbs = append(slices.Clone(commonVerbs), "ack", "nak", "reject", "terminate", "code-reject")
	authVerbs    = append(slices.Clone(commonVerbs), "failure", "challenge")
	trapVerbs    = []string{"crash", "restart", "deregister", "mute"}
	actionVerbs  = []string{"crash", "mute", "unplug", "long-packet", "hangup", "terminate-ipcp", "terminate-lcp", "silence", "text", "garbage", "discard", "request-ipcp", "request-lcp"}
)

func names(methods ...auth.Method) []string {
	var list []string
	for _, m := range methods {
		list = append(list, m.String())
	}
	return list
}

// ruleSet lists the conditions and actions that rules of one protocol may have.
type ruleSet struct {
	protocol uint16 // for the names of options; 0: it has none
	on       []string
	do       []string
}

var (
	lcpRules    = ruleSet{packet.LCP, lcpNames, controlVerbs}
	ipcpRules   = ruleSet{packet.IPCP, configureNames, controlVerbs}
	ipv6cpRules = ruleSet{packet.IPV6CP, configureNames, controlVerbs}
	authRules   = ruleSet{0, []string{"response"}, authVerbs}
)

func (c *checker) fail(path, format string, args ...any) {
	p := c.places.Find(path)
	c.errs = append(c.errs, &ParseError{File: c.file, Line: p.Line, Column: p.Column, Message: path + ": " + fmt.Sprintf(format, args...)})
}

// word holds a value to a list; an empty one becomes the first of the list.
func (c *checker) word(path string, v *string, allowed ...string) {
	if *v == "" {
		*v = allowed[0]
	}
	if !slices.Contains(allowed, *v) {
		c.fail(path, "%q is not known; allowed: %s", *v, strings.Join(allowed, ", "))
	}
}

func (c *checker) number(path string, v, low, high int64) {
	if v < low || v > high {
		c.fail(path, "%d is out of range; allowed: %d to %d", v, low, high)
	}
}

func (c *checker) chance(path string, v float64) {
	if !(v >= 0 && v <= 1) { // also catches NaN
		c.fail(path, "%v is not a probability; allowed: 0 to 1", v)
	}
}

func (c *checker) entries(path string, n int) {
	if n > maxEntries {
		c.fail(path, "%d entries; allowed: %d at most", n, maxEntries)
	}
}

func (c *checker) text(path, v string) {
	if len(v) > maxText {
		c.fail(path, "%d octets; allowed: %d at most", len(v), maxText)
	}
}

// line is a text that goes out as one line of the AT dialogue.
func (c *checker) line(path, v string) {
	c.text(path, v)
	if strings.ContainsAny(v, "\r\n") {
		c.fail(path, "holds a line end; give one line each")
	}
}

func (c *checker) ipv4(path string, a netip.Addr) {
	if !a.Is4() {
		c.fail(path, "%v is not an IPv4 address; write for example \"192.0.2.1\"", a)
	}
}

func (c *checker) scenario(s *Scenario) {
	if s.Schema != Schema {
		c.fail("schema", "%d is not supported; write schema = %d", s.Schema, Schema)
	}
	if s.Summary == "" {
		c.fail("summary", "is missing; write one line that says what the modem does")
	}
	c.line("summary", s.Summary)
	for _, f := range []struct{ path, v string }{
		{"identity.manufacturer", s.Identity.Manufacturer}, {"identity.model", s.Identity.Model},
		{"identity.revision", s.Identity.Revision}, {"registration.operator", s.Registration.Operator},
		{"dial.connect", s.Dial.Connect}, {"dial.cme", s.Dial.CME},
		{"dial.cause", s.Dial.Cause},
	} {
		c.line(f.path, f.v)
	}
	if u := s.Identity.USB; u != "" && !isUSB(u) {
		c.fail("identity.usb", "%q is not vid:pid in lower-case hex, for example \"12d1:1506\"", u)
	}
	c.at(&s.AT)
	c.card(&s.SIM)
	c.registration(&s.Registration)

	c.word("dial.result", &s.Dial.Result, "connect", "no-carrier", "error", "busy", "no-dialtone", "cme", "silence", "echo", "text")
	c.text("dial.text", s.Dial.Text)
	c.number("dial.times", int64(s.Dial.Times), 0, 1<<20)
	c.chance("dial.chance", s.Dial.Chance)
	c.entries("dial.number", len(s.Dial.Number))
	for i, n := range s.Dial.Number {
		c.line("dial.number."+strconv.Itoa(i), n)
	}

	c.linePart(&s.Line)
	c.ppp(s)

	c.word("network.dns", &s.Network.DNS, "answer", "refuse", "silent")
	c.ipv4("network.address", s.Network.Address)
	c.entries("network.reachable", len(s.Network.Reachable))
	c.entries("network.hosts", len(s.Network.Hosts))
	for name, a := range s.Network.Hosts {
		c.ipv4("network.hosts."+name, a)
		if name != strings.ToLower(name) || strings.HasSuffix(name, ".") {
			c.fail("network.hosts."+name, "write the name in lower case and without a final dot")
		}
	}
	c.expect(s)
	c.restricts(s)
	c.usb(s)
	c.entries("action", len(s.Actions))
	for i := range s.Actions {
		a, path := &s.Actions[i], "action."+strconv.Itoa(i)
		c.word(path+".since", &a.Since, "connect", "power-on", "lcp", "auth", "ipcp")
		if a.Do == "" {
			c.fail(path+".do", "is missing; allowed: %s", strings.Join(actionVerbs, ", "))
			continue
		}
		c.word(path+".do", &a.Do, actionVerbs...)
		c.text(path+".message", a.Message)
		c.unless(path, a.Unless)
		c.number(path+".call", int64(a.Call), 0, 1<<20)
		c.every(path+".every", a.Every)
	}
}

// every holds a repetition to a pace at which it cannot drown the virtual clock.
func (c *checker) every(path string, d Duration) {
	if d != 0 && d < minEvery {
		c.fail(path, "is too often; allowed: 10ms or more")
	}
}

func isUSB(s string) bool {
	vid, pid, ok := strings.Cut(s, ":")
	hex := func(s string) bool { return len(s) == 4 && strings.Trim(s, "0123456789abcdef") == "" }
	return ok && hex(vid) && hex(pid)
}

func (c *checker) at(a *AT) {
	c.word("at.dtr", &a.DTR, "hangup", "ignore", "as-set")
	c.word("at.escaped", &a.Escaped, "command", "mute")
	if a.Escape == "" || len(a.Escape) > 16 {
		c.fail("at.escape", "must be 1 to 16 characters, or \"none\"")
	}
	c.number("at.nonip", int64(a.NonIP), 0, 1<<20)
	c.entries("at.trap", len(a.Traps))
	for i := range a.Traps {
		t, path := &a.Traps[i], "at.trap."+strconv.Itoa(i)
		c.command(path+".command", t.Command)
		c.unless(path, t.Unless)
		c.word(path+".since", &t.Since, "power-on", "pin", "radio", "hangup")
		if t.Do == "" {
			c.fail(path+".do", "is missing; allowed: %s", strings.Join(trapVerbs, ", "))
		} else {
			c.word(path+".do", &t.Do, trapVerbs...)
		}
	}
	c.word("at.start", &a.Start, "command", "data")
	c.number("at.cme", int64(a.CME), 0, 2)
	c.number("at.chunk", int64(a.Chunk), 0, maxChunk)
	c.entries("at.reply", len(a.Replies))
	c.entries("at.urc", len(a.URCs))
	for i := range a.Replies {
		r, path := &a.Replies[i], "at.reply."+strconv.Itoa(i)
		c.command(path+".command", r.Command)
		c.unless(path, r.Unless)
		c.unless(path, r.Once)
		if r.Result == "" {
			r.Result = "OK"
		}
		c.line(path+".result", r.Result)
		c.entries(path+".lines", len(r.Lines))
		for j, l := range r.Lines {
			c.line(path+".lines."+strconv.Itoa(j), l)
		}
		c.number(path+".nth", int64(r.Nth), 0, 1<<20)
		c.number(path+".until", int64(r.Until), 0, 1<<20)
		if r.Since != "" {
			c.word(path+".since", &r.Since, "power-on", "pin", "radio", "hangup")
		} else if r.Within != 0 {
			c.fail(path+".within", "needs since: power-on, pin, radio or hangup")
		}
	}
	for i, u := range a.URCs {
		path := "at.urc." + strconv.Itoa(i)
		c.line(path+".text", u.Text)
		c.every(path+".every", u.Every)
	}
}

func (c *checker) command(path, command string) {
	if !strings.HasPrefix(command, "AT") || strings.ContainsAny(command, "\r\n") {
		c.fail(path, "%q is not a command; write it with AT in upper case, for example \"AT+CSQ\" or \"AT+CGDCONT=*\"", command)
	}
}

// unless is a command or nothing.
func (c *checker) unless(path, command string) {
	if command != "" {
		c.command(path+".unless", command)
	}
}

func (c *checker) card(s *SIM) {
	c.word("sim.state", &s.State, "ready", "pin", "puk", "none")
	c.number("sim.tries", int64(s.Tries), 1, 10)
	if n := len(s.Network); n < 5 || n > 6 || strings.Trim(s.Network, "0123456789") != "" {
		c.fail("sim.network", "must be five or six digits: country and network code")
	}
	c.number("sim.mnc_length", int64(s.MNCLength), 0, 3)
	if s.State == "pin" && (len(s.PIN) < 4 || len(s.PIN) > 8 || strings.Trim(s.PIN, "0123456789") != "") {
		c.fail("sim.pin", "must be 4 to 8 digits when the state is \"pin\"")
	}
}

func (c *checker) registration(r *Registration) {
	c.word("registration.state", &r.State, registrationStates...)
	c.word("registration.radio", &r.Radio, "on", "off")
	c.word("registration.attach", &r.Attach, "auto", "asked")
	c.number("registration.signal", int64(r.Signal), 0, 99)
	c.entries("registration.then", len(r.Then))
	for i := range r.Then {
		path := "registration.then." + strconv.Itoa(i)
		c.word(path+".state", &r.Then[i].State, registrationStates...)
		if i > 0 && r.Then[i].After < r.Then[i-1].After {
			c.fail(path+".after", "is earlier than the one before it")
		}
	}
}

func (c *checker) linePart(l *Line) {
	c.word("line.direction", &l.Direction, "both", "to-host", "from-host")
	c.word("line.escape", &l.Escape, "agreed", "never")
	c.word("line.compress", &l.Compress, "agreed", "unasked", "never")
	c.word("line.control", &l.Control, "pass", "lost")
	c.number("line.longest", int64(l.Longest), 0, 65535)
	c.chance("line.loss", l.Loss)
	c.chance("line.corrupt", l.Corrupt)
	c.chance("line.duplicate", l.Duplicate)
	c.chance("line.noise", l.Noise)
	c.number("line.chunk", int64(l.Chunk), 0, maxChunk)
}

func (c *checker) ppp(s *Scenario) {
	c.word("lcp.own_request", &s.LCP.OwnRequest, "send", "empty", "none")
	if s.LCP.MRU != 0 {
		c.number("lcp.mru", int64(s.LCP.MRU), 64, 65535)
	}
	c.number("lcp.accm", s.LCP.ACCM, -1, 0xffffffff)
	c.rules("lcp.rule", s.LCP.Rules, lcpRules)

	c.word("auth.demand", &s.Auth.Demand, methodNames...)
	c.entries("auth.also", len(s.Auth.Also))
	for i := range s.Auth.Also {
		c.word("auth.also."+strconv.Itoa(i), &s.Auth.Also[i], methodNames[1:]...)
	}
	c.text("auth.message", s.Auth.Message)
	c.every("auth.rechallenge", s.Auth.Rechallenge)
	c.word("auth.accept", &s.Auth.Accept, "any", "right", "none")
	for _, f := range []struct{ path, v string }{{"auth.name", s.Auth.Name}, {"auth.user", s.Auth.User}, {"auth.password", s.Auth.Password}} {
		if len(f.v) > 255 {
			c.fail(f.path, "%d octets; allowed: 255 at most", len(f.v))
		}
	}
	c.rules("auth.rule", s.Auth.Rules, authRules)

	c.word("ipcp.own_request", &s.IPCP.OwnRequest, "send", "empty", "none")
	c.ipv4("ipcp.local", s.IPCP.Local)
	c.ipv4("ipcp.peer", s.IPCP.Peer)
	for _, list := range []struct {
		path string
		a    []netip.Addr
	}{{"ipcp.dns", s.IPCP.DNS}, {"ipcp.nbns", s.IPCP.NBNS}} {
		if len(list.a) > 2 {
			c.fail(list.path, "%d addresses; allowed: 2 at most", len(list.a))
		}
		for i, a := range list.a {
			c.ipv4(list.path+"."+strconv.Itoa(i), a)
		}
	}
	c.rules("ipcp.rule", s.IPCP.Rules, ipcpRules)
	c.rules("ipv6cp.rule", s.IPV6CP.Rules, ipv6cpRules)
}

func (c *checker) rules(path string, rules []Rule, set ruleSet) {
	c.entries(path, len(rules))
	for i := range rules {
		r, path := &rules[i], path+"."+strconv.Itoa(i)
		c.word(path+".on", &r.On, append(slices.Clone(set.on), "any")...)
		if r.Do == "" {
			c.fail(path+".do", "is missing; allowed: %s", strings.Join(set.do, ", "))
		} else {
			c.word(path+".do", &r.Do, set.do...)
		}
		for j, name := range r.Asks {
			c.option(path+".asks."+strconv.Itoa(j), set.protocol, name)
		}
		for j, name := range r.Lacks {
			c.option(path+".lacks."+strconv.Itoa(j), set.protocol, name)
		}
		for name, v := range r.Value {
			c.option(path+".value."+name, set.protocol, name+"="+v)
		}
		c.entries(path+".options", len(r.Options))
		for j, text := range r.Options {
			c.option(path+".options."+strconv.Itoa(j), set.protocol, text)
		}
		c.text(path+".message", r.Message)
		c.unless(path, r.Unless)
		for j := range r.Method {
			c.word(path+".method_not."+strconv.Itoa(j), &r.Method[j], methodNames...)
		}
		for name, v := range map[string]int{"nth": r.Nth, "times": r.Times, "call": r.Call} {
			c.number(path+"."+name, int64(v), 0, 1<<20)
		}
	}
}

func (c *checker) option(path string, protocol uint16, text string) {
	if _, err := parseOption(protocol, text); err != nil {
		c.fail(path, "%v", err)
	}
}
