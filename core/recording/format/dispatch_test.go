package format

import (
	"strings"
	"testing"
)

// Going by a line's first octet finds the pattern that trying all of them in the order of the file finds.
func FuzzChoices(f *testing.F) {
	for _, format := range Shipped() {
		for _, e := range format.Examples {
			f.Add(e.Log)
		}
	}
	f.Add("sent LCP ConfReq id=1\n\tRX: +CSQ: 1,99\n (tx) x\n.1 -2 +3\nAT\n^RSSI: 3\n  7e ff\n<- OK\n[rcvd] IPCP x")
	f.Fuzz(func(t *testing.T, log string) {
		if len(log) > 8000 {
			return
		}
		for _, format := range Shipped() {
			r := format.NewReader(noStamp)
			for line := range strings.Lines(log) {
				b := []byte(strings.TrimRight(line, "\r\n"))
				prefixed := -1
				for i := range format.prefixes {
					if r.m.match(&format.prefixes[i], b) {
						prefixed = i
						break
					}
				}
				l := r.Line(b)
				if l.Bare != (prefixed < 0) {
					t.Fatalf("%s: %q has a prefix: %v", format.Name, b, !l.Bare)
				}
				var want *Rule
			rules:
				for _, rule := range format.rules {
					if rule.bare && !l.Bare || len(rule.tags) > 0 && !rule.tagged(l.Tag) {
						continue
					}
					for i := range rule.is {
						if r.m.match(&rule.is[i], l.Message) {
							want = rule
							break rules
						}
					}
				}
				if got := r.Match(l); got != want {
					t.Fatalf("%s: %q is %+v, want %+v", format.Name, l.Message, got, want)
				}
			}
		}
	})
}

// The fields that have a constant stand where it says.
func TestFieldIndices(t *testing.T) {
	if fieldOf("tag") != fieldTag || fieldOf("message") != fieldMessage {
		t.Errorf("tag is %d, message %d", fieldOf("tag"), fieldOf("message"))
	}
}
