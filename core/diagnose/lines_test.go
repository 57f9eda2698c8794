package diagnose

import (
	"slices"
	"testing"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sentence"
)

// Each data rule judges its own example first and leaves its near misses alone.
func TestLineRules(t *testing.T) {
	for _, r := range sentence.Causes() {
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
	c.Record(event.Record{Pos: event.Pos{Line: 12}, Event: logs("Couldn't set tty to PPP discipline: Invalid argument")[0]})
	v := c.Verdict()
	if len(v.Findings) != 1 || v.Findings[0].Evidence[0] != "line 12: Couldn't set tty to PPP discipline: Invalid argument" ||
		!slices.Equal(v.Findings[0].Places, []event.Pos{{Line: 12}}) {
		t.Errorf("%+v", v)
	}
}

// What call takes for a refusal is a finding that a line names by itself, of an authentication or of IPCP.
func TestRefusals(t *testing.T) {
	for _, id := range call.Refusals {
		i := slices.IndexFunc(sentence.Causes(), func(c sentence.Cause) bool { return c.ID == id })
		if i < 0 {
			t.Errorf("%s is no finding", id)
			continue
		}
		if c := sentence.Causes()[i]; c.Stage != "auth" && c.Stage != "ipcp" {
			t.Errorf("%s is a matter of the %s stage", id, c.Stage)
		}
	}
}
