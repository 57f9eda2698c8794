package sentence

import (
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
)

func TestOf(t *testing.T) {
	for _, tt := range []struct{ program, text, words, value, by string }{
		{"pppd", "local  IP address 10.7.0.2", "local-address", "10.7.0.2", "pppd"},
		{"", "local IP address changed to 10.7.0.3", "new-address", "10.7.0.3", "pppd"},
		{"pppd", "Connect: ppp0 <--> /dev/ttyUSB0", "connect", "ppp0 /dev/ttyUSB0", "pppd"},
		{"pppd", "CHAP authentication succeeded: Welcome", "auth-ok", "CHAP", "pppd"},
		{"pppd", "CHAP peer authentication succeeded for x", "peer-auth-ok", "", "pppd"},
		{"pppd", "LCP terminated by peer (^@^@^BM-3)", "peer-terminated", "(^@^@^BM-3", ""},
		{"pppd", "Sent 3152 bytes, received 0 bytes.", "traffic", "3152 0", "pppd"},
		{"wvdial", "--> The PPP daemon has died: A modem hung up the phone (exit code = 16)", "hangup exits exit-status", "16", "wvdial"},
		{"", "0.0.0.0         10.0.0.1        0.0.0.0         UG    0      0        0 eth0", "route", "eth0", ""},
		{"", "default via 10.0.0.1 dev ppp0 proto static", "route", "ppp0 proto static", ""},
		{"pppd", "not replacing existing default route through wwan0", "default-route-kept", "through wwan0", "pppd"},
		{"pppd", "not replacing existing default route via 10.0.0.1", "default-route-kept", "", "pppd"},
		{"pppd", "  Network is unreachable", "no-route", "plain", ""},
		{"", "ntpd: sendto: Network is unreachable", "no-route", "", ""},
		{"", "lorem ipsum dolor", "", "", ""},
		{"", "", "", "", ""},
	} {
		m := Of(tt.program, tt.text)
		value := strings.TrimPrefix(tt.value, "(")
		if got := strings.Join(m.Words, " "); got != tt.words || m.Value != value || tt.by != "" && m.By != tt.by {
			t.Errorf("%q means %q %q by %q, want %q %q by %q", tt.text, got, m.Value, m.By, tt.words, value, tt.by)
		}
	}
}

// What is written in the files is what a line is compared with, and says something.
func TestFiles(t *testing.T) {
	programs, err := readPrograms(files)
	if err != nil || len(programs) < 5 {
		t.Fatal(err, len(programs))
	}
	check := func(where, text string) {
		if string(appendLower(nil, fold(text))) != text {
			t.Errorf("%s: %q never matches: a line is compared as %q", where, text, appendLower(nil, fold(text)))
		}
		if strings.Count(text, "*") > maxStars {
			t.Errorf("%s: %q has too many stars", where, text)
		}
	}
	for _, p := range programs {
		for _, s := range p.Said {
			check(p.Program, s.Text)
			if m := Of(p.Program, strings.ReplaceAll(s.Text, "*", "x")); !slices.Contains(m.Words, s.Means) {
				t.Errorf("%s: %q means %q, not %s", p.Program, s.Text, m.Words, s.Means)
			}
		}
		for _, k := range p.Known {
			check(p.Program, k)
		}
	}
	for _, c := range Causes() {
		for _, l := range c.Lines {
			check(c.ID, strings.ToLower(l.Text))
			if len(strings.ReplaceAll(l.Text, "*", "")) < 8 {
				t.Errorf("%s: pattern %q matches almost anything", c.ID, l.Text)
			}
		}
		if event.IsMeaning(c.ID) {
			t.Errorf("%s is a word of core/event, too", c.ID)
		}
	}
}

func TestPatterns(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"*", "", true}, {"a", "", false}, {"a*", "a", true}, {"*a", "ba", true}, {"*a*", "bab", true}, {"a*c", "abcabc", true},
		{"a*c", "abcab", false}, {"*ab*ab*", "ab", false}, {"**", "x", true}, {"a", "b", false}, {"*aab", "aaab", true}, {"ab*ba", "aba", false},
	} {
		p := compile(tt.pattern)
		if got := p.matches([]byte(tt.s)); got != tt.want {
			t.Errorf("%q matches %q: %v", tt.pattern, tt.s, got)
		}
	}
}

func FuzzOf(f *testing.F) {
	f.Add("pppd", "local  IP address 10.7.0.2")
	f.Add("", "0.0.0.0 1.2.3.4 0.0.0.0 UG 0 0 0 eth0")
	f.Fuzz(func(t *testing.T, program, text string) {
		m := Of(program, text)
		if len(m.Words) > 0 && !m.Known || len(m.Value) > len(text)+16 {
			t.Errorf("%+v", m)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	lines := []string{"local  IP address 10.7.0.2", "Nov 22 10:00:00 CRON (root) CMD (run-parts /etc/cron.hourly)", "usb 1-1: new high-speed USB device number 5 using xhci_hcd", "Script /etc/ppp/ip-up started (pid 1234)"}
	n := 0
	for i := 0; b.Loop(); i++ {
		n += len(lines[i%4])
		Of("", lines[i%4])
	}
	b.SetBytes(int64(n / max(b.N, 1)))
}
