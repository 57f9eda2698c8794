package diagnose_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/recording/read"
)

func verdict(t *testing.T, text string) diagnose.Verdict {
	t.Helper()
	r, err := read.Open(strings.NewReader(text), read.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := diagnose.NewCase()
	for rec, err := range read.All(r) {
		if err != nil {
			t.Fatal(err)
		}
		c.Record(rec)
	}
	return c.Verdict()
}

func says(v diagnose.Verdict) string {
	if len(v.Findings) == 0 {
		return "none"
	}
	return v.Findings[0].Category
}

// dresses are ways in which the same lines are logged.
var dresses = []struct {
	name string
	wear func(lines []string) []string
}{
	{"as it is", slices.Clone[[]string]},
	{"quoted", each("> ")},
	{"with line ends of Windows", func(l []string) []string {
		out := slices.Clone(l)
		for i := range out {
			out[i] = strings.TrimSuffix(out[i], "\n") + "\r\n"
		}
		return out
	}},
	{"among others", func(l []string) []string {
		var out []string
		for _, line := range l {
			out = append(out, line, "Nov 22 10:00:00 host CRON[5512]: (root) CMD (run-parts /etc/cron.hourly)\n")
		}
		return out
	}},
}

func each(front string) func([]string) []string {
	return func(l []string) []string {
		out := slices.Clone(l)
		for i := range out {
			out[i] = front + out[i]
		}
		return out
	}
}

// Each log is judged by its category, whatever it wears.
func TestLogs(t *testing.T) {
	text, err := os.ReadFile("testdata/logs.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse(text).Files {
		want, _, _ := strings.Cut(f.Name, "/")
		lines := slices.Collect(strings.Lines(string(f.Data)))
		for _, d := range dresses {
			if d.name == "among others" && !strings.Contains(lines[0], " pppd[") && !strings.Contains(lines[0], " chat[") {
				continue // lines without a time stand alone
			}
			v := verdict(t, strings.Join(d.wear(lines), ""))
			if got := says(v); got != want {
				t.Errorf("%s, %s: judged %s %v", f.Name, d.name, got, v.Findings)
			}
		}
	}
}
