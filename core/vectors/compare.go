package vectors

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/sim"
)

// The smallest values that count as a difference.
const (
	slowerShare   = 0.10
	slowerTime    = 200 * time.Millisecond
	packetsShare  = 0.20
	packetsNumber = 1
)

// placeholders are addresses that modems announce if they have no name server.
var placeholders = []netip.Prefix{netip.MustParsePrefix("10.11.12.13/32"), netip.MustParsePrefix("10.11.12.14/32"), netip.MustParsePrefix("0.0.0.0/8")}

// realDNS counts the announced name servers that can be ones.
func (r *Run) realDNS() (n int) {
	for _, text := range r.DNS {
		a, err := netip.ParseAddr(text)
		if err == nil && !slices.ContainsFunc(placeholders, func(p netip.Prefix) bool { return p.Contains(a) }) {
			n++
		}
	}
	return n
}

// unlike says in what the run is not what expect.with asks for, or "".
func (r *Run) unlike(s *sim.Scenario) string {
	e := s.Expect
	if e == nil {
		e = &sim.Expect{}
	}
	w := &e.With
	switch {
	case !r.Up:
		return "the link does not come up: " + r.Outcome
	case !r.Held:
		return "the link does not stay up: " + r.Outcome
	case w.Within > 0 && r.up > time.Duration(w.Within):
		return fmt.Sprintf("up after %s, expected within %s", seconds(r.up), seconds(time.Duration(w.Within)))
	case w.MTU != 0 && r.MTU != w.MTU:
		return fmt.Sprintf("the MTU is %d, expected %d", r.MTU, w.MTU)
	case w.Proved != nil && r.Proved != *w.Proved:
		return fmt.Sprintf("proved: %v, expected %v", r.Proved, *w.Proved)
	}
	for _, pattern := range w.Sent {
		if !slices.ContainsFunc(r.sent, func(c string) bool { return sim.Fits(pattern, c) }) {
			return pattern + " is not sent"
		}
	}
	if w.DNS != nil {
		want := make([]string, len(w.DNS))
		for i, a := range w.DNS {
			want[i] = a.String()
		}
		if !slices.Equal(want, r.DNS) {
			return fmt.Sprintf("the name servers are %s, expected %s", orNone(r.DNS), orNone(want))
		}
	}
	return ""
}

func orNone(list []string) string {
	if len(list) == 0 {
		return "none"
	}
	return strings.Join(list, ", ")
}

// notShort says in what a run without the profile is not what expect.without asks for, or "".
func (r *Run) notShort(e *sim.Expect, with *Run) string {
	w := e.Without
	if w.Finding != "" && !slices.Contains(r.Findings, w.Finding) {
		return fmt.Sprintf("diagnosis finds %s, expected %s; the dial ended with %d: %s", orNone(r.Findings), w.Finding, r.Exit, r.Outcome)
	}
	if w.Exit != nil && r.Exit != *w.Exit {
		return fmt.Sprintf("the dial ends with %d (%s), expected %d", r.Exit, r.Outcome, *w.Exit)
	}
	if w.Slower > 0 {
		if !r.Up {
			return "the link does not come up (" + r.Outcome + "), expected it only later"
		}
		if later := r.up - with.up; later < time.Duration(w.Slower) {
			return fmt.Sprintf("up after %s, with the profile after %s: expected %s later", seconds(r.up), seconds(with.up), seconds(time.Duration(w.Slower)))
		}
	}
	if w.Worse == "" {
		return ""
	}
	if !r.Up {
		return "the link does not come up (" + r.Outcome + "), expected it to be up but worse: " + w.Worse
	}
	for _, d := range differences(with, r) {
		if d.word == w.Worse {
			return ""
		}
	}
	return "the link is up and not worse in the expected way: " + w.Worse
}

// difference is one way in which a link that is up is worse than another.
type difference struct{ word, text string }

// differences lists what is worse in b than in a; both came up. The words are those of expect.without.worse, and "slower".
func differences(a, b *Run) (list []difference) {
	add := func(word, format string, args ...any) {
		list = append(list, difference{word, fmt.Sprintf(format, args...)})
	}
	if a.Held && !b.Held {
		add("dropped", "the link does not stay up: %s", b.Outcome)
	}
	if a.Proved && !b.Proved {
		add("unproved", "nothing proves that the link carries data")
	}
	if b.realDNS() < a.realDNS() || len(b.DNS)-b.realDNS() > len(a.DNS)-a.realDNS() {
		add("dns", "the name servers are %s instead of %s", orNone(b.DNS), orNone(a.DNS))
	}
	if a.HungUp && !b.HungUp {
		add("hangup", "the call is not seen to end")
	} else if much(a.hangup, b.hangup) {
		add("hangup", "the hang-up takes %s instead of %s", seconds(b.hangup), seconds(a.hangup))
	}
	if much(a.up, b.up) {
		add("slower", "up after %s instead of %s", seconds(b.up), seconds(a.up))
	}
	if more := b.Packets - a.Packets; more >= packetsNumber && float64(more) >= packetsShare*float64(a.Packets) {
		add("packets", "%d packets instead of %d", b.Packets, a.Packets)
	}
	return list
}

func much(a, b time.Duration) bool {
	return b-a >= slowerTime && float64(b-a) >= slowerShare*float64(a)
}

// worse says what is worse in runs without a quirk than in those with it, or "". There are as many of both.
func worse(s *sim.Scenario, with, without []Run) string {
	if s.Expect == nil {
		s = &sim.Scenario{Expect: &sim.Expect{}}
	}
	var a, b Run // the means of what chance can change
	n := 0
	for i := range without {
		w, o := &with[i], &without[i]
		if w.unlike(s) != "" {
			continue // it is reported as such
		}
		if why := o.unlike(s); why != "" {
			return why
		}
		for _, d := range differences(w, o) {
			if d.word != "slower" && d.word != "packets" && d.word != "hangup" || d.word == "hangup" && !o.HungUp {
				return d.text
			}
		}
		n++
		a.up, b.up, a.hangup, b.hangup = a.up+w.up, b.up+o.up, a.hangup+w.hangup, b.hangup+o.hangup
		a.Packets, b.Packets = a.Packets+w.Packets, b.Packets+o.Packets
	}
	if n == 0 {
		return ""
	}
	for _, r := range []*Run{&a, &b} {
		r.up, r.hangup, r.HungUp = r.up/time.Duration(n), r.hangup/time.Duration(n), true
	}
	if d := differences(&a, &b); len(d) > 0 {
		return d[0].text
	}
	return ""
}
