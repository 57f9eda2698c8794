package mimic

import (
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/at/v250"
	"github.com/knakppp/knak/core/call"
)

// reply is an answer that the simulator does not give by default.
type reply struct {
	command string
	lines   []string
	result  string // "": no answer
	nth     int    // 0: always
	until   int
}

func (r *reply) same(o *reply) bool {
	return r.command == o.command && r.result == o.result && slices.Equal(r.lines, o.lines)
}

// replies finds the answers that differ from those of a simulated modem with the keys found so far. For this, the simulated modem
// is given the same commands at the same times.
func (m *modem) replies() {
	all := m.commands()
	m.silences(all)
	text := m.write()
	now := m.power
	if now.IsZero() {
		now = time.Unix(0, 0)
	}
	ask, err := m.simulate(text, now)
	if err != nil { // its own writing: a mistake of this package, which the tests would show
		return
	}
	seen := map[string]int{}
	byCommand := map[string][]reply{}
	var order []string
	answered := map[string]int{}
	for _, c := range all {
		parts := v250.Split(c.Text)
		if len(parts) == 0 && !strings.EqualFold(strings.TrimSpace(c.Text), "AT") {
			continue
		}
		if v250.Dials(c.Text) {
			continue
		}
		if t := c.Sent; t.After(now) {
			now = t
		}
		lines, result := talk(ask(now, c.Text), c.Text)
		name := "AT"
		if len(parts) > 0 {
			name += parts[len(parts)-1]
		}
		if i := strings.Index(strings.ToLower(name), hidden); i >= 0 || strings.HasPrefix(name, "AT+CPIN=") {
			name, _, _ = strings.Cut(name, "=")
			name += "=*"
		}
		if strings.HasPrefix(name, "AT+CGDCONT=") { // an APN may be private
			name = "AT+CGDCONT=*"
		}
		if seen[name]++; seen[name] == 1 {
			order = append(order, name)
		}
		answered[name]++
		if c.Result == "" && m.lost(c) {
			continue
		}
		if result == c.Result && alike(lines, c.Lines) {
			continue
		}
		byCommand[name] = append(byCommand[name], reply{command: name, lines: visibleLines(c.Lines), result: c.Result, nth: seen[name]})
	}
	for _, name := range order {
		m.reply = append(m.reply, compact(byCommand[name], seen[name])...)
	}
	if len(m.reply) > 60 {
		m.reply = m.reply[:60]
	}
}

// talk cuts an answer into its lines and the result, without the echo.
func talk(b []byte, command string) (lines []string, result string) {
	for _, l := range strings.FieldsFunc(string(b), func(r rune) bool { return r == '\r' || r == '\n' }) {
		l = strings.TrimSpace(l)
		switch {
		case l == "" || l == command:
		case v250.EndsCommand(l):
			return lines, l
		default:
			lines = append(lines, l)
		}
	}
	return lines, ""
}

// alike says whether two answers are equal in their visible parts.
func alike(a, b []string) bool {
	a, b = asked(a), asked(b)
	return slices.EqualFunc(a, b, func(x, y string) bool { return x == y || strings.Contains(y, hidden) || strings.Contains(x, hidden) })
}

// asked gives an answer without unsolicited lines about a changed registration. By 3GPP TS 27.007 section 10.1.20, those have one
// value, and answers have two or more.
func asked(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool {
		name, value, ok := strings.Cut(l, ":")
		return ok && slices.Contains([]string{"+CREG", "+CGREG", "+CEREG"}, name) && !strings.Contains(value, ",")
	})
}

// visibleLines gives lines for a scenario: hidden digits, and digits that should be hidden, become zeros, which are nobody's
// number.
func visibleLines(lines []string) (list []string) {
	for _, l := range lines {
		for {
			head, tail, ok := strings.Cut(l, hidden)
			number, rest, closed := strings.Cut(tail, ">")
			if !ok || !closed || strings.Trim(number, " 0123456789") != "" {
				break
			}
			l = head + "000000000000000" + rest
		}
		list = append(list, l)
	}
	return list
}

// compact merges the replies to one command, which was given n times.
func compact(list []reply, n int) []reply {
	if len(list) == 0 {
		return nil
	}
	uniform := !slices.ContainsFunc(list, func(r reply) bool { return !r.same(&list[0]) })
	first := list[0]
	switch {
	case uniform && len(list) == n: // the same answer always
		first.nth = 0
		return []reply{first}
	case uniform && list[len(list)-1].nth == len(list): // the first answers are alike
		first.nth, first.until = 0, len(list)
		return []reply{first}
	}
	if last := &list[len(list)-1]; last.nth == n && n > 1 && !uniform { // the last answer stays
		last.nth = 0
	}
	return list
}

// lost says whether a command without an answer is explained already: the modem was starting, or had crashed.
func (m *modem) lost(c *call.Command) bool {
	return m.silent || m.boot > 0 && m.since(c.Sent) < m.boot || len(m.traps)+len(m.mutes) > 0 && m.trapped(c)
}

// trapped says whether a command made the modem crash, or came while the modem was restarting.
func (m *modem) trapped(c *call.Command) bool {
	all := m.commands()
	for i := slices.Index(all, c); i >= 0; i-- {
		if all[i].Result != "" {
			return false
		}
		name := "AT" + strings.Join(v250.Split(all[i].Text), "")
		if slices.Contains(m.traps, name) || slices.Contains(m.mutes, name) {
			return true
		}
	}
	return false
}

// silences finds why commands were not answered: the modem never answers, it is starting, or a command made it crash.
func (m *modem) silences(all []*call.Command) {
	var asked []*call.Command
	for _, c := range all {
		if !v250.Dials(c.Text) && len(c.Text) >= 2 && strings.EqualFold(c.Text[:2], "AT") {
			asked = append(asked, c)
		}
	}
	if len(asked) < 2 {
		return
	}
	first := slices.IndexFunc(asked, func(c *call.Command) bool { return c.Result != "" })
	switch {
	case first < 0:
		m.silent = true
		return
	case first > 0:
		m.boot = m.since(asked[first].Sent) - 10*time.Millisecond
	}
	for i := max(first, 1); i < len(asked); i++ {
		if asked[i].Result != "" || asked[i-1].Result == "" {
			continue
		}
		end := i
		for end < len(asked) && asked[end].Result == "" {
			end++
		}
		name := "AT" + strings.Join(v250.Split(asked[i].Text), "")
		survived := slices.ContainsFunc(asked, func(c *call.Command) bool {
			return c.Result != "" && "AT"+strings.Join(v250.Split(c.Text), "") == name
		})
		switch {
		case end == i+1 && end < len(asked) || survived || name == "AT" || strings.Contains(strings.ToLower(name), hidden): // only this one command is not answered
		case end == len(asked) && end-i > 1:
			m.mutes = append(m.mutes, name)
		case end < len(asked):
			m.traps = append(m.traps, name)
			if d := m.since(asked[end].Sent) - m.since(asked[i].Sent); m.boot == 0 {
				m.boot = max(d-50*time.Millisecond, 0)
			}
		}
		i = end
	}
}
