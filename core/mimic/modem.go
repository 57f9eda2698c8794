package mimic

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/quirks"
)

// maxModelled is the most connected calls of a recording that get rules of their own in a scenario.
const maxModelled = 8

// Modem writes a simulator scenario (docs/sim.md) that behaves as the modem of the recording did, if the host behaves as in the
// recording. source names the recording; simulate makes a simulated modem. Addresses, numbers and identities are replaced by
// invented ones.
func Modem(calls []*call.Call, source string, simulate Simulate) (text string, cannot []Cannot) {
	return Begin(calls, Head{
		Comments: []string{"Made by knak mimic --modem from " + source + ": it behaves as that modem did, if the host behaves as in the recording.",
			"docs/sim.md explains the format. Addresses, numbers and identities are invented."},
		Summary: "Behaves as the modem in " + source + " did",
	}, simulate)
}

// Simulate makes a simulated modem of a scenario's text and gives how it is asked, as core/sim's Asking does: what it answers
// by itself need not be written down.
type Simulate func(scenario string, begin time.Time) (ask func(now time.Time, command string) []byte, err error)

// Head is the beginning of a scenario.
type Head struct {
	Comments []string
	Summary  string
	// Source and StandsFor say where the behaviour is known from, and what it stands for; empty for a recording, which is its
	// own source.
	Source    []string
	StandsFor string
	Facts     *quirks.Facts // who the modem is; nil: as in the recording
	End       []string      // comments at the end, before the table [expect]
}

// Begin is Modem with head as the scenario's beginning.
func Begin(calls []*call.Call, head Head, simulate Simulate) (text string, cannot []Cannot) {
	m := modem{calls: calls, pool: newPool(), head: head, simulate: simulate}
	m.begin()
	m.identity()
	m.card()
	m.registration()
	m.dial()
	for _, c := range calls {
		if connected(c) && len(m.models) < maxModelled {
			m.models = append(m.models, m.model(c))
		}
	}
	m.replies() // last, because only answers are written that do not follow from the keys above
	return m.write(), m.cannot
}

// Facts gives who the modem of a recording is, as far as the recording shows it.
func Facts(calls []*call.Call) quirks.Facts {
	m := modem{calls: calls}
	m.identity()
	return quirks.Facts{Manufacturer: m.id[0][1], Model: m.id[1][1], Revision: m.id[2][1], USB: m.id[3][1]}
}

// modem collects the parts of a scenario.
type modem struct {
	calls    []*call.Call
	head     Head
	cannot   []Cannot
	pool     *pool
	simulate Simulate
	power    time.Time // when the recording begins, which counts as power-on

	id       [4][2]string // manufacturer, model, revision, usb
	silent   bool
	boot     time.Duration
	simState string
	reg      string // registration.state
	then     []step
	radioOff bool
	attach   string
	traps    []string // commands that make the modem crash (traps)
	mutes    []string // commands after which the modem says nothing more
	reply    []reply
	urcs     []urc

	dialKeys []string // lines of [dial]
	models   []model
}

type step struct {
	after time.Duration
	state string
}

type urc struct {
	after time.Duration
	text  string
}

func (m *modem) cant(pos event.Pos, format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	if !slices.ContainsFunc(m.cannot, func(c Cannot) bool { return c.What == what }) {
		m.cannot = append(m.cannot, Cannot{what, pos})
	}
}

func connected(c *call.Call) bool {
	return c.PPP() || c.Dial != nil && strings.HasPrefix(c.Dial.Result, "CONNECT")
}

func (m *modem) begin() {
	for _, c := range m.calls {
		if !c.Begin.IsZero() {
			m.power = c.Begin
			return
		}
	}
}

// since gives the time from power-on.
func (m *modem) since(t time.Time) time.Duration {
	if t.IsZero() || m.power.IsZero() {
		return 0
	}
	return max(t.Sub(m.power), 0)
}

// commands gives all commands of the recording in order, dial commands included.
func (m *modem) commands() (all []*call.Command) {
	for _, c := range m.calls {
		for i := range c.Commands {
			all = append(all, &c.Commands[i])
		}
		if c.Dial != nil {
			all = append(all, c.Dial)
		}
	}
	return all
}

// identity reads who the modem says it is.
func (m *modem) identity() {
	for _, c := range m.calls {
		d := c.Device
		for i, v := range []string{d.Vendor, d.Model, d.Firmware, d.USB} {
			if v != "" && !strings.Contains(v, hidden) {
				m.id[i][1] = v
			}
		}
	}
	for _, cmd := range m.commands() {
		for i, names := range [][]string{{"+CGMI", "+GMI"}, {"+CGMM", "+GMM"}, {"+CGMR", "+GMR"}} {
			parts := v250.Split(cmd.Text)
			if len(parts) == 1 && slices.Contains(names, parts[0]) && cmd.Result == "OK" && len(cmd.Lines) == 1 && m.id[i][1] == "" && !strings.Contains(cmd.Lines[0], hidden) {
				m.id[i][1] = strings.TrimSpace(cmd.Lines[0])
			}
		}
	}
	for _, cmd := range answers(m.commands(), "I") { // labelled lines of ATI (ITU-T V.250 section 6.1.3)
		for i, label := range []string{"Manufacturer:", "Model:", "Revision:"} {
			if v := valueOf(cmd, label); v != "" && m.id[i][1] == "" && !strings.Contains(v, hidden) {
				m.id[i][1] = v
			}
		}
	}
	if f := m.head.Facts; f != nil {
		for i, v := range []string{f.Manufacturer, f.Model, f.Revision, f.USB} {
			m.id[i][1] = v
		}
	}
	for i, name := range []string{"manufacturer", "model", "revision", "usb"} {
		m.id[i][0] = name
	}
}

// answers gives all answers to a command that was alone in its line.
func answers(all []*call.Command, command string) (list []*call.Command) {
	for _, c := range all {
		if parts := v250.Split(c.Text); len(parts) == 1 && parts[0] == command {
			list = append(list, c)
		}
	}
	return list
}

// valueOf gives the text after name in the last line with it: an unsolicited line may come before the answer.
func valueOf(c *call.Command, name string) (value string) {
	for _, l := range c.Lines {
		if v, ok := strings.CutPrefix(l, name); ok {
			value = strings.TrimSpace(v)
		}
	}
	return value
}

// card reads the last state of the SIM. The states before it are in the replies.
func (m *modem) card() {
	for _, c := range answers(m.commands(), "+CPIN?") {
		switch v := valueOf(c, "+CPIN:"); {
		case v == "READY":
			m.simState = ""
		case v == "SIM PIN":
			m.simState = "pin"
		case v == "SIM PUK":
			m.simState = "puk"
		case c.Result == "+CME ERROR: 10" || strings.HasSuffix(c.Result, "SIM not inserted"):
			m.simState = "none"
		}
	}
	if m.simState == "pin" {
		for _, c := range m.commands() {
			if strings.HasPrefix(strings.ToUpper(c.Text), "AT+CPIN=") && c.Result == "OK" {
				m.simState = ""
			}
		}
	}
}

// states are the words of registration.state by <stat> (3GPP TS 27.007 section 10.1.20).
var states = map[string]string{"0": "none", "1": "home", "2": "searching", "3": "denied", "4": "unknown", "5": "roaming"}

// registration reads the registration over time, from answers and from unsolicited lines.
func (m *modem) registration() {
	type sight struct {
		at    time.Time
		state string
		asked bool
	}
	var all []sight
	note := func(at time.Time, value string, asked bool) {
		f := strings.Split(value, ",")
		if asked && len(f) > 1 {
			f = f[1:]
		}
		if s, ok := states[strings.TrimSpace(f[0])]; ok {
			all = append(all, sight{at, s, asked})
		}
	}
	for _, name := range []string{"+CREG", "+CGREG", "+CEREG"} {
		before := len(all)
		for _, c := range answers(m.commands(), name+"?") {
			if v := valueOf(c, name+":"); v != "" {
				note(c.Answered, v, true)
			}
		}
		for _, c := range m.calls {
			for _, l := range c.Loose {
				if v, ok := strings.CutPrefix(l.Text, name+":"); ok {
					note(l.Time, v, false)
				}
			}
		}
		if len(all) > before && slices.ContainsFunc(all[before:], func(s sight) bool { return s.state == "home" || s.state == "roaming" }) {
			all = all[before:] // this answer is about the network that counts
			break
		}
	}
	slices.SortStableFunc(all, func(a, b sight) int { return a.at.Compare(b.at) })
	for i, s := range all {
		switch {
		case i == 0:
			m.reg = s.state
		case s.state != all[i-1].state:
			after := m.since(s.at)
			if s.asked { // the state changed between two questions
				after = (after + m.since(all[i-1].at)) / 2
			}
			m.then = append(m.then, step{after.Round(10 * time.Millisecond), s.state})
		}
	}
	if m.reg == "home" {
		m.reg = ""
	}
	if f := answers(m.commands(), "+CFUN?"); len(f) > 0 && (valueOf(f[0], "+CFUN:") == "4" || valueOf(f[0], "+CFUN:") == "0") {
		m.radioOff, m.reg, m.then = true, "", nil
	}
	if g := answers(m.commands(), "+CGATT?"); len(g) > 0 && valueOf(g[0], "+CGATT:") == "0" && m.reg == "" && len(m.then) == 0 {
		asked := slices.ContainsFunc(m.commands(), func(c *call.Command) bool {
			return slices.Contains(v250.Split(c.Text), "+CGATT=1") && c.Result == "OK"
		})
		switch {
		case asked:
			m.attach = `attach = "asked"`
		default:
			for i, c := range g {
				if i > 0 && valueOf(c, "+CGATT:") == "1" {
					m.attach = fmt.Sprintf("attach_after = %s", duration((m.since(c.Answered)+m.since(g[i-1].Answered))/2))
					break
				}
			}
		}
	}
}

// dial reads how dial commands were answered.
func (m *modem) dial() {
	var dials []*call.Command
	for _, c := range m.calls {
		if c.Dial != nil {
			dials = append(dials, c.Dial)
		}
	}
	key := func(format string, args ...any) { m.dialKeys = append(m.dialKeys, fmt.Sprintf(format, args...)) }
	var failed, worked []*call.Command
	for _, d := range dials {
		if strings.HasPrefix(d.Result, "CONNECT") {
			worked = append(worked, d)
		} else {
			failed = append(failed, d)
		}
	}
	if len(worked) > 0 && worked[0].Result != "CONNECT 7200000" {
		key("connect = %s", Quote(worked[0].Result))
	}
	registered := m.simState == "" && (m.reg == "" || m.reg == "roaming" || len(m.then) > 0)
	if len(failed) > 0 && registered {
		f := failed[0]
		word := map[string]string{"NO CARRIER": "no-carrier", "BUSY": "busy", "NO DIALTONE": "no-dialtone", "NO DIAL TONE": "no-dialtone", "ERROR": "error", "": "silence"}[f.Result]
		if n, ok := strings.CutPrefix(f.Result, "+CME ERROR: "); ok {
			word = "cme"
			key("cme = %s", Quote(n))
		}
		if word == "" { // the simulator has no such answer for a number, only for a command
			m.reply = append(m.reply, reply{command: "ATD*", result: f.Result})
			word = "connect"
		}
		key("result = %s", Quote(word))
		apns := m.apns(true)
		switch {
		case len(worked) == 0:
		case len(apns) > 0 && !overlap(apns, m.apns(false)):
			key("apn = %s", List(apns))
		case dials[0] == f:
			n := slices.Index(dials, worked[0])
			key("times = %d", n)
			if n < len(failed) {
				m.cant(f.Pos, "its answer to the number changes more than once; only the first change is copied")
			}
		default:
			m.cant(f.Pos, "it connects at first and refuses later; only the refusal is copied")
		}
	}
	for _, d := range dials {
		if delay := d.Answered.Sub(d.Sent); !d.Answered.IsZero() && !d.Sent.IsZero() && delay >= 100*time.Millisecond && delay < time.Minute && d.Result != "NO CARRIER" {
			key("delay = %s", duration(delay))
			break
		}
	}
	m.instead()
}

// apns gives the APNs with which the modem connected, or did not connect, in lower case. An APN that looks private is replaced.
func (m *modem) apns(connects bool) (list []string) {
	for _, c := range m.calls {
		if c.Dial == nil || strings.HasPrefix(c.Dial.Result, "CONNECT") != connects {
			continue
		}
		k, _, ok := c.Context()
		if !ok || k.APN == "" || isPrivate(k.APN) {
			return nil
		}
		if a := strings.ToLower(k.APN); !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// instead reads what the modem sent after CONNECT if it was not PPP.
func (m *modem) instead() {
	for _, c := range m.calls {
		if !connected(c) || c.Dial == nil {
			continue
		}
		rcvd, own, texts := 0, 0, c.Texts
		for _, p := range []*call.Protocol{&c.LCP, &c.Auth, &c.IPCP, &c.IPV6CP, &c.CCP, &c.Other} {
			for _, s := range p.Steps {
				if s.Dir == event.Rcvd {
					rcvd++
					if sentSame(p, &s) {
						own++
					}
				}
			}
		}
		switch {
		case rcvd > 0 && own == rcvd:
			m.dialKeys = append(m.dialKeys, `result = "echo"`)
		case rcvd == 0 && len(c.LCP.Steps) > 0 && c.Unread == 0:
			m.dialKeys = append(m.dialKeys, `result = "text"`)
			var all []string
			for _, t := range texts {
				if !strings.Contains(t.Text, "NO CARRIER") {
					all = append(all, unescape.Replace(t.Text))
				}
			}
			if len(all) > 0 {
				m.dialKeys = append(m.dialKeys, "text = "+quoteText(strings.Join(all, "\r\n")))
			}
		}
		return
	}
}

// unescape puts the line ends back into a text that was made printable.
var unescape = strings.NewReplacer(`\r`, "\r", `\n`, "\n")

// quoteText is Quote for a text that may contain line ends.
func quoteText(s string) string {
	r := strings.NewReplacer("\r", "\x00", "\n", "\x01").Replace(s)
	var b strings.Builder
	for _, part := range strings.SplitAfter(r, "") {
		switch part {
		case "\x00":
			b.WriteString(`\r`)
		case "\x01":
			b.WriteString(`\n`)
		default:
			q := Quote(part)
			b.WriteString(q[1 : len(q)-1])
		}
	}
	return `"` + b.String() + `"`
}

// sentSame says whether the host sent the same packet before.
func sentSame(p *call.Protocol, s *call.Step) bool {
	return slices.ContainsFunc(p.Steps, func(o call.Step) bool {
		return o.Dir == event.Sent && o.Code == s.Code && o.ID == s.ID && string(o.Data) == string(s.Data) && len(s.Data) > 0
	})
}

// duration writes a time for a scenario.
func duration(d time.Duration) string {
	switch {
	case d >= 100*time.Millisecond:
		d = d.Round(10 * time.Millisecond)
	default:
		d = d.Round(time.Millisecond)
	}
	return Quote(d.String())
}
