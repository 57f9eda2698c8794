package sim

import (
	"strings"
	"testing"
	"time"
)

// dials gives the results of dials of these numbers, each so long after the one before.
func dials(t *testing.T, scenario string, pause time.Duration, numbers ...string) (results []string) {
	t.Helper()
	h := newHost(parse(t, "[at]\necho = false\n"+scenario))
	for _, n := range numbers {
		got := h.say("ATD"+n+"\r", 0)
		word := "CONNECT"
		if !strings.Contains(got, word) {
			word = strings.TrimSpace(got)
		}
		results = append(results, word)
		if word == "CONNECT" {
			h.m.SetDTR(h.now, false)
			h.m.SetDTR(h.now, true)
			h.take()
		}
		h.wait(pause)
	}
	return results
}

// Numbers, rest and chance decide a dial.
func TestWhatDecidesADial(t *testing.T) {
	for _, tt := range []struct {
		name, scenario string
		pause          time.Duration
		numbers        []string
		want           string
	}{
		{"dial.number", "[dial]\nresult = \"no-carrier\"\nnumber = [\"*98#\"]\n", time.Second, []string{"*99#", "*98#", "T*98#"}, "NO CARRIER CONNECT CONNECT"},
		{"dial.rest, too soon", "[dial]\nresult = \"no-carrier\"\nrest = \"5s\"\n", time.Second, []string{"*99#", "*99#"}, "CONNECT NO CARRIER"},
		{"dial.rest, in time", "[dial]\nresult = \"no-carrier\"\nrest = \"5s\"\n", 6 * time.Second, []string{"*99#", "*99#"}, "CONNECT CONNECT"},
		{"dial.chance, certain", "[dial]\nresult = \"busy\"\nchance = 1.0\n", time.Second, []string{"*99#", "*99#"}, "BUSY BUSY"},
	} {
		if got := strings.Join(dials(t, tt.scenario, tt.pause, tt.numbers...), " "); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	numbers := strings.Fields(strings.Repeat("*99# ", 200))
	up := 0
	for _, r := range dials(t, "[dial]\nresult = \"no-carrier\"\nchance = 0.25\n", time.Second, numbers...) {
		if r == "CONNECT" {
			up++
		}
	}
	if up < 120 || up > 180 {
		t.Errorf("%d of 200 connect where a quarter fails", up)
	}
}

// Requests that come too fast, a method that does not count, and a command that makes the modem deaf.
func TestOddRulesAndReplies(t *testing.T) {
	hasty := newDialer(t, parse(t, "[[ipcp.rule]]\nsooner = \"1s\"\ndo = \"hangup\"\n"), 1, nil)
	hasty.dial()
	hasty.run(time.Minute, func() bool { return hasty.isUp() || hasty.isEnded() || !hasty.lines.DCD })
	if hasty.isUp() {
		t.Error("a second request at once did no harm")
	}
	for _, tt := range []struct {
		counts string
		up     bool
	}{{"chap-md5", true}, {"pap", false}} {
		d := newDialer(t, parse(t, chapDemand+"[[ipcp.rule]]\nmethod_not = [\""+tt.counts+"\"]\ndo = \"drop\"\n"), 1, nil)
		d.dial()
		d.run(20*time.Second, d.isUp)
		if d.isUp() != tt.up {
			t.Errorf("where %s counts: up %v", tt.counts, d.isUp())
		}
	}
	h := newHost(parse(t, "[at]\necho = false\n[[at.reply]]\ncommand = \"AT+CSQ\"\nsilent = true\ndeaf = \"5s\"\n"))
	if got := h.say("AT+CSQ\r", time.Second) + h.say("AT\r", 3*time.Second); got != "" {
		t.Errorf("deaf, and yet %q", got)
	}
	if got := h.say("AT\r", 0); h.say("", time.Second) == "" && got == "" {
		h.wait(2 * time.Second)
		if got := h.say("AT\r", 0); got != "\r\nOK\r\n" {
			t.Errorf("after that %q", got)
		}
	}
}
