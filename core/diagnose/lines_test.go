package diagnose

import (
	"slices"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/event"
)

// Each data rule judges its own example first and leaves its near misses alone.
func TestLineRules(t *testing.T) {
	all, err := readLineRules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all {
		t.Run(r.ID, func(t *testing.T) {
			if len(r.Example) == 0 || len(r.NearMiss) == 0 {
				t.Error("a rule without an example or without a near miss")
			}
			if r.Title == "" || r.Meaning == "" || len(r.Cure) == 0 || len(r.Lines) == 0 {
				t.Error("a rule without a title, a meaning, a cure or a line")
			}
			if !slices.Contains(stages, r.Stage) || confidenceOf(r.Confidence) == 0 || !slices.Contains([]string{"", "always", "up", "failed", "first", "silent", "refused"}, r.When) {
				t.Errorf("stage %q, confidence %q, when %q", r.Stage, r.Confidence, r.When)
			}
			for _, e := range r.Example {
				if got := ids(judge(logs(e)).Findings()); len(got) == 0 || got[0] != r.ID {
					t.Errorf("%q is judged %v", e, got)
				}
			}
			for _, e := range r.NearMiss {
				if got := ids(judge(logs(e)).Findings()); slices.Contains(got, r.ID) {
					t.Errorf("the near miss %q is judged %v", e, got)
				}
			}
			for _, l := range r.Lines {
				if words(l.Text) != l.Text {
					t.Errorf("pattern %q never matches: a line is compared as %q", l.Text, words(l.Text))
				}
				if len(strings.ReplaceAll(l.Text, "*", "")) < 8 {
					t.Errorf("pattern %q matches almost anything", l.Text)
				}
			}
		})
	}
}

// Two rules of one id would be one finding with two meanings.
func TestIDsAreUnique(t *testing.T) {
	all := IDs()
	slices.Sort(all)
	if got := len(slices.Compact(slices.Clone(all))); got != len(all) {
		t.Errorf("%d ids, %d different", len(all), got)
	}
}

func TestMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"*", "", true}, {"a", "", false}, {"a*", "a", true}, {"*a", "ba", true}, {"*a*", "bab", true}, {"a*c", "abcabc", true},
		{"a*c", "abcab", false}, {"*ab*ab*", "ab", false}, {"**", "x", true}, {"a", "b", false}, {"*aab", "aaab", true}, {"ab*ba", "aba", false},
	} {
		if got := matches(tt.pattern, tt.s); got != tt.want {
			t.Errorf("matches(%q, %q) = %v", tt.pattern, tt.s, got)
		}
	}
}

// The patterns of the facts are written as a line is compared.
func TestFactsCanMatch(t *testing.T) {
	for _, f := range logFacts() {
		if words(f.text) != f.text {
			t.Errorf("pattern %q never matches: a line is compared as %q", f.text, words(f.text))
		}
	}
}

func TestUnprint(t *testing.T) {
	for text, want := range map[string]string{"abc": "abc", "^@^@^BM-3": "\x00\x00\x02\xb3", `\000\000\002\263`: "\x00\x00\x02\xb3", "M-^A": "\x81", "M-": "M-", "^": "^", `\9`: `\9`} {
		if got := string(unprint(text)); got != want {
			t.Errorf("unprint(%q) = %q, want %q", text, got, want)
		}
	}
}

// Where a line stands goes into the evidence and into the places.
func TestPlaces(t *testing.T) {
	c := NewCase()
	c.Record(event.Record{Pos: event.Pos{Line: 12}, Event: event.Log{Program: "pppd", Text: "Couldn't set tty to PPP discipline: Invalid argument"}})
	v := c.Verdict()
	if len(v.Findings) != 1 || v.Findings[0].Evidence[0] != "line 12: Couldn't set tty to PPP discipline: Invalid argument" ||
		!slices.Equal(v.Findings[0].Places, []event.Pos{{Line: 12}}) {
		t.Errorf("%+v", v)
	}
}
