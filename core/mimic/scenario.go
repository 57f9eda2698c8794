package mimic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/knakppp/knak/quirks"
)

// write writes the scenario.
func (m *modem) write() string {
	var t writer
	for _, c := range m.head.Comments {
		t.comment(c)
	}
	for _, c := range m.cannot {
		t.line("#")
		t.comment(c.String())
	}
	t.line("schema = 1")
	t.line("summary = %s", Quote(m.head.Summary))
	if len(m.head.Source) > 0 {
		t.line("source = %s", List(m.head.Source))
	}
	if m.head.StandsFor != "" {
		t.line("stands_for = %s", Quote(m.head.StandsFor))
	}
	m.writeIdentity(&t)
	m.writeAT(&t)
	switch m.simState {
	case "":
	case "pin":
		t.table("sim", `state = "pin"`, `pin = "0000"`)
	default:
		t.table("sim", "state = "+Quote(m.simState))
	}
	m.writeRegistration(&t)
	t.table("dial", latest(m.dialKeys)...)
	m.writeModels(&t)
	for i, c := range m.head.End {
		if i == 0 {
			t.line("")
		}
		t.comment(c)
	}
	m.writeExpect(&t)
	return t.String()
}

// table writes a table, unless it is empty.
func (t *writer) table(name string, lines ...string) {
	if len(lines) == 0 {
		return
	}
	t.line("")
	t.line("[%s]", name)
	for _, l := range lines {
		t.line("%s", l)
	}
}

// array writes one element of an array of tables.
func (t *writer) array(name string, lines ...string) {
	t.line("")
	t.line("[[%s]]", name)
	for _, l := range lines {
		t.line("%s", l)
	}
}

// latest keeps the last of several lines that set the same key.
func latest(lines []string) (list []string) {
	for i, l := range lines {
		key, _, _ := strings.Cut(l, " =")
		if !slices.ContainsFunc(lines[i+1:], func(o string) bool { return strings.HasPrefix(o, key+" =") }) {
			list = append(list, l)
		}
	}
	return list
}

func (m *modem) writeIdentity(t *writer) {
	var lines []string
	for _, f := range m.id {
		if f[1] != "" && (f[1] != quirks.None && (f[0] != "usb" || quirks.CheckPattern("usb", f[1]) == nil)) {
			lines = append(lines, f[0]+" = "+Quote(f[1]))
		}
	}
	t.table("identity", lines...)
}

func (m *modem) writeAT(t *writer) {
	var lines []string
	if m.silent {
		lines = append(lines, "silent = true")
	}
	if m.boot > 0 && !m.silent {
		lines = append(lines, "boot = "+duration(m.boot))
	}
	t.table("at", lines...)
	for _, r := range m.reply {
		lines := []string{"command = " + Quote(r.command)}
		if r.nth > 0 {
			lines = append(lines, fmt.Sprintf("nth = %d", r.nth))
		}
		if r.until > 0 {
			lines = append(lines, fmt.Sprintf("until = %d", r.until))
		}
		switch {
		case r.result == "":
			lines = append(lines, "silent = true")
		default:
			if len(r.lines) > 0 {
				lines = append(lines, "lines = "+List(r.lines))
			}
			if r.result != "OK" {
				lines = append(lines, "result = "+Quote(r.result))
			}
		}
		t.array("at.reply", lines...)
	}
	for _, c := range m.traps {
		t.array("at.trap", "command = "+Quote(c), `do = "crash"`)
	}
	for _, c := range m.mutes {
		t.array("at.trap", "command = "+Quote(c), `do = "mute"`)
	}
	for _, u := range m.urcs {
		t.array("at.urc", "after = "+duration(u.after), "text = "+Quote(u.text))
	}
}

func (m *modem) writeRegistration(t *writer) {
	var lines []string
	if m.reg != "" {
		lines = append(lines, "state = "+Quote(m.reg))
	}
	if len(m.then) > 0 {
		var steps []string
		for _, s := range m.then {
			steps = append(steps, fmt.Sprintf("{ after = %s, state = %s }", duration(s.after), Quote(s.state)))
		}
		lines = append(lines, "then = ["+strings.Join(steps, ", ")+"]")
	}
	if m.radioOff {
		lines = append(lines, `radio = "off"`)
	}
	if m.attach != "" {
		lines = append(lines, m.attach)
	}
	t.table("registration", lines...)
}

// part is one protocol's table with its rules.
type part struct {
	name  string
	lines func(*model) []string
	rules func(*model) []rule
}

var parts = []part{
	{"lcp", func(k *model) []string { return k.lcp }, func(k *model) []rule { return k.lcpRules }},
	{"auth", func(k *model) []string { return k.auth }, func(k *model) []rule { return k.authRules }},
	{"ipcp", func(k *model) []string { return k.ipcp }, func(k *model) []rule { return k.ipcpRules }},
	{"ipv6cp", func(k *model) []string { return k.ipv6cp }, func(*model) []rule { return nil }},
	{"network", func(k *model) []string { return k.network }, func(*model) []rule { return nil }},
}

// writeModels writes what the modem does in its calls. Rules for a single call get a condition.
func (m *modem) writeModels(t *writer) {
	for _, p := range parts {
		var lines []string
		for i := range m.models {
			lines = append(lines, p.lines(&m.models[i])...)
		}
		if p.name == "auth" {
			lines = m.refusals(lines)
		}
		t.table(p.name, latest(lines)...)
		m.writeRules(t, p.name+".rule", p.rules)
	}
	m.writeRules(t, "action", func(k *model) []rule { return k.actions })
}

// refusals removes auth.accept from the table if only some calls are refused; then rules decide.
func (m *modem) refusals(lines []string) []string {
	n := 0
	for i := range m.models {
		if slices.Contains(m.models[i].auth, `accept = "none"`) {
			n++
		}
	}
	if n == 0 || n == len(m.models) {
		return lines
	}
	for i := range m.models {
		if slices.Contains(m.models[i].auth, `accept = "none"`) && len(m.models[i].authRules) == 0 {
			m.models[i].authRules = []rule{{`on = "response"`, `do = "failure"`}}
		}
	}
	return slices.DeleteFunc(lines, func(s string) bool { return s == `accept = "none"` })
}

// writeRules writes the rules once if all calls have the same; otherwise for each call. The condition is the call's user name if
// the names differ, because the name may be the reason; else the call's number.
func (m *modem) writeRules(t *writer, name string, of func(*model) []rule) {
	if len(m.models) == 0 {
		return
	}
	same := true
	users := map[string]bool{}
	for i := range m.models {
		same = same && slices.EqualFunc(of(&m.models[i]), of(&m.models[0]), slices.Equal)
		if u := m.models[i].user; u != nil {
			users[*u] = true
		}
	}
	byName := len(users) == len(m.models) && name != "action" && name != "lcp.rule"
	for i := range m.models {
		if same && i > 0 {
			return
		}
		for _, r := range of(&m.models[i]) {
			switch {
			case same:
			case byName:
				r = append(rule{"user_is = " + Quote(*m.models[i].user)}, r...)
			default:
				r = append(rule{fmt.Sprintf("call = %d", i+1)}, r...)
			}
			t.array(name, r...)
		}
	}
}

// writeExpect writes what goes wrong with the defaults of all keys, if the recording shows it.
func (m *modem) writeExpect(t *writer) {
	if len(m.calls) == 0 {
		return
	}
	c := m.calls[len(m.calls)-1]
	if c.Worked() || len(c.Findings) == 0 {
		return
	}
	lines := []string{"finding = " + Quote(c.Findings[len(c.Findings)-1].ID)}
	if d := c.Down; d != nil && d.ExitCode > 0 && d.ExitCode < 256 {
		lines = append(lines, fmt.Sprintf("exit = %d", d.ExitCode))
	}
	t.table("expect.without", lines...)
}
