package survey

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/read"
)

// No log gets two verdicts: who judges it, who sorts it into calls and the reader count the same attempts, and agree on
// whether the one that is judged came up.
func TestOneVerdict(t *testing.T) {
	logs := map[string]string{}
	for _, pattern := range []string{"testdata/*.log", "../diagnose/testdata/field/*"} {
		files, _ := filepath.Glob(pattern)
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			logs[f] = string(text)
		}
	}
	for _, f := range []string{"../diagnose/testdata/logs.txtar", "../diagnose/testdata/public.txtar"} {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range txtar.Parse(text).Files {
			logs[f+"#"+a.Name] = string(a.Data)
		}
	}
	if dir := os.Getenv("KNAK_CORPUS"); dir != "" {
		files, _ := filepath.Glob(dir + "/*.log")
		for _, f := range files {
			text, _ := os.ReadFile(f)
			logs[f] = string(text)
		}
	}
	for name, log := range logs {
		r, err := read.Open(strings.NewReader(log), read.Options{})
		if err != nil {
			continue // it is none, and that is said
		}
		c, told := diagnose.NewCase(), 1
		var calls call.Collector
		for rec, err := range read.All(r) {
			if err != nil {
				t.Fatal(err)
			}
			if a, ok := rec.Event.(event.Attempt); ok {
				told = a.Number
			}
			c.Record(rec)
			calls.Record(rec)
		}
		v, up := c.Verdict(), false
		for _, k := range calls.Calls() {
			up = up || k.Worked() && k.Number == v.Attempt
		}
		if v.Told > 0 && v.Attempts != told {
			t.Errorf("%s: the reader counts %d attempts, the judgement %d", name, told, v.Attempts)
		}
		if v.Told > 0 && up != v.Up {
			t.Errorf("%s: the judgement says up %v, the call %v (attempt %d of %d)", name, v.Up, up, v.Attempt, v.Attempts)
		}
	}
}
