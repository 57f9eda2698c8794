package compare

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
)

// outcome says in a few words how a call ended.
func outcome(c *call.Call) string {
	switch {
	case c.Worked() && !c.UpAt.IsZero() && c.UpAt.After(c.Begin):
		return fmt.Sprintf("works, up after %s", seconds(c.UpAt.Sub(c.Begin)))
	case c.Worked():
		return "works"
	case c.Cut():
		return "does not show how it ended; it stops in " + phase(c)
	}
	if c.Dial != nil && !c.PPP() && !strings.HasPrefix(c.Dial.Result, "CONNECT") {
		return "fails: the number is answered " + dialResult(c).text
	}
	if !c.PPP() && len(c.Failures) > 0 {
		f := c.Failures[len(c.Failures)-1]
		where := "before PPP"
		if c.Reached() != event.PhaseDial { // a log without packets
			where = "in " + phase(c)
		}
		return "fails " + where + ": " + cmp.Or(strings.Join(strings.Fields(f.Detail), " "), f.Cause)
	}
	if v, _ := c.Verdict(); v == call.Refused {
		return "fails: the name is refused"
	}
	text := "fails in " + phase(c)
	if naks := c.IPCP.Of(event.Rcvd, packet.ConfigureNak); len(naks) > 1 {
		empty := 0
		for _, s := range naks {
			if len(s.Options) == 0 {
				empty++
			}
		}
		if empty*2 > len(naks) {
			return fmt.Sprintf("%s after %d Naks without an option", text, empty)
		}
		text += fmt.Sprintf(" after %d Naks", len(naks))
	}
	if s, ok := c.Terminated(); ok && s.Dir == event.Rcvd {
		return text + ": the modem ends it"
	}
	if c.Lost != nil {
		return text + ": the modem hangs up"
	}
	return text
}

func phase(c *call.Call) string { return word(c.Reached()) }

// word gives a phase in words.
func word(phase string) string {
	switch r := phase; r {
	case event.PhaseLCP, event.PhaseIPCP:
		return strings.ToUpper(r)
	case event.PhaseAuth:
		return "authentication"
	case event.PhaseDial:
		return "the AT dialogue"
	default:
		return r
	}
}

// remarks lists what could not be compared.
func remarks(r *Result, g, b *call.Call) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	if r.Swapped {
		add("the recording given as the good one (%s) failed and the other one worked: they are exchanged here", r.Bad.Name)
	}
	good, bad := r.titles()
	switch {
	case g.Worked() && b.Worked():
		add("both recordings show a call that works")
	case !g.Worked() && !b.Worked():
		add("neither recording shows a call that works")
	}
	for _, s := range []struct {
		title string
		c     *call.Call
		other *call.Call
	}{{good, g, b}, {bad, b, g}} {
		if s.c.Cut() {
			add("the recording of the %s stops in %s: what came later is not compared", s.title, phase(s.c))
		}
		if !s.c.AT() && s.other.AT() {
			add("the recording of the %s shows no AT commands: the commands, the APN and the number are not compared", s.title)
		}
		if !s.c.Timed() && s.other.Timed() {
			add("the recording of the %s tells no times: times are not compared", s.title)
		}
		if n := s.c.LCP.More + s.c.IPCP.More + s.c.Auth.More + s.c.More; n > 0 {
			add("the recording of the %s is very long: %d packets and lines of the call are left out", s.title, n)
		}
	}
	return list
}

// titles gives the words for the two sides.
func (r *Result) titles() (good, bad string) {
	if r.Good.Worked && !r.Bad.Worked {
		return "working one", "failing one"
	}
	return "first one", "second one"
}

// The sentence names differences with at least this weight, and at most this many; if there is none, only the first difference.
const (
	telling = 75
	named   = 3
	// Below this weight, a difference between the dialers hardly explains a difference of the modem.
	slight = 35
)

// whats gives the subjects of the differences, three at most.
func whats(list []Difference) (out []string) {
	for _, d := range list[:min(len(list), named)] {
		out = append(out, d.What)
	}
	return out
}

// sentence gives the conclusion.
func (r *Result) sentence() string {
	good, bad := r.titles()
	switch {
	case r.compared == 0:
		return "The two recordings show nothing that could be compared: each has only what the other one lacks."
	case r.Same() && r.Good.Worked != r.Bad.Worked:
		return "Nothing that matters is different, as far as the recordings show it: what made one of them fail is not in them."
	case r.Same():
		return "Nothing that matters is different."
	case len(r.Host) > 0 && r.Host[0].Weight < slight && len(r.Modem) > 0 && r.Modem[0].Weight >= telling:
		d := r.Modem[0]
		return fmt.Sprintf("The dialers differ in little (%s). The modem does more: the %s %s; the %s %s.", and(whats(r.Host)), good, d.good, bad, d.bad)
	case len(r.Host) == 0:
		d := r.Modem[0]
		return fmt.Sprintf("Both dialers did the same, as far as the recordings show it. The modem did not: the %s %s; the %s %s.", good, d.good, bad, d.bad)
	}
	var a, b []string
	for _, d := range r.telling() {
		if d.good != "" && d.bad != "" {
			a, b = append(a, d.good), append(b, d.bad)
		}
	}
	if len(a) == 0 {
		return fmt.Sprintf("The two differ in the %s.", r.Host[0].What)
	}
	return fmt.Sprintf("The %s %s; the %s %s.", good, and(a), bad, and(b))
}

// telling gives the differences that the sentence names.
func (r *Result) telling() []Difference {
	n := 0
	for n < len(r.Host) && n < named && r.Host[n].Weight >= telling {
		n++
	}
	return r.Host[:min(max(n, 1), len(r.Host))]
}

// Advice introduces the settings with which knak does as the good side did, or says that none is needed or none exists.
func (r *Result) Advice() string {
	good, _ := r.titles()
	switch {
	case len(r.Host) == 0:
		return ""
	case len(r.Settings) > 0:
		return fmt.Sprintf("To do as the %s did:", good)
	case len(keysOf(r.Host[0].ID)) == 0:
		return "knak has no setting for that."
	}
	return fmt.Sprintf("knak does as the %s did by itself.", good)
}

// Command gives the dial command with the settings, quoted for a shell.
func (r *Result) Command() string {
	words := []string{"knak", "dial"}
	for _, s := range r.Settings {
		words = append(words, "--set", quote(s))
	}
	return strings.Join(words, " ")
}

// quote quotes a word for a shell, if needed.
func quote(s string) string {
	if !strings.ContainsAny(s, " \t\n\"'*?[]{}()<>|&;$#`\\!~") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// Story says what the modem of a call did, one line for each aspect, in the order of the table.
func Story(c *call.Call) (lines []string) {
	for _, a := range modemAspects() {
		if v := a.see(c); v.known {
			line := a.what + ": " + event.Printable(v.text)
			if p := v.pos.String(); p != "" {
				line += " (" + p + ")"
			}
			lines = append(lines, line)
		}
	}
	return append(lines, "the call "+outcome(c))
}
