package diagnose

import (
	"slices"
	"testing"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sentence"
)

// What a program says in words of its own is a possible finding, where nothing else is known of a call; and no more once the
// program says that it is over, or the log shows a call by itself.
func TestHints(t *testing.T) {
	unread := func(lines ...string) (all []event.Event) {
		for _, l := range lines {
			all = append(all, event.Unread{Text: l, Bytes: len(l)})
		}
		return all
	}
	for _, tt := range []struct {
		name   string
		events []event.Event
		want   string
	}{
		{"the first, for the others follow from it", unread("gw: no modem was found", "gw: attach timeout"), "no-modem"},
		{"a line of a known program without a meaning", []event.Event{event.Log{Program: "gw", Text: "SIM card absent"}}, "no-sim"},
		{"over", unread("gw: not registered", "gw: registered on network", "gw: attach failed"), "not-registered"},
		{"all over", unread("gw: not registered", "gw: PPP connected"), "log-ends-here"},
		{"what keeps the port from being used comes first", unread("gw: attach timeout", "gw: could not open port COM7"), "port-open"},
		{"nothing", unread("gw: hello"), ""},
		{"a fifth of it", unread("a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "ppp installed", "ppp configured", "ppp removed"), "log-ends-here"},
		{"hardly a word of a modem in it", unread(append(slices.Repeat([]string{"dpkg: status"}, 20), "ppp installed", "ppp configured", "ppp removed")...), ""},
		{"a log of a modem in words that nobody knows", unread("cellular: NetWait", "sim: is checked", "cellular: NetStart"), "log-ends-here"},
		{"a call", append([]event.Event{event.AT{Text: "AT"}, event.AT{Dir: event.Rcvd, Text: "OK"}}, unread("gw: modem not ready")...), "log-ends-here"},
	} {
		c := NewCase()
		for _, e := range tt.events {
			c.Record(event.Record{Event: e})
		}
		v := c.Verdict()
		got := ""
		if len(v.Findings) > 0 {
			got = v.Findings[0].ID
			if v.Findings[0].Confidence != "possible" {
				t.Errorf("%s: %s is %s", tt.name, got, v.Findings[0].Confidence)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	for _, id := range sentence.HintFindings() {
		if ruleOf(id).title == "" {
			t.Errorf("hints.toml names %s, which is no finding", id)
		}
	}
}
