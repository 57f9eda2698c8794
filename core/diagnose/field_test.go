package diagnose_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/sim"
)

// Small logs on which a first version said nothing, or something false. want is the first finding, "" for none; never is
// what the log does not show.
func TestField(t *testing.T) {
	for _, tt := range []struct {
		file, want, never string
		up                bool
	}{
		{"R1-min", "ipcp-silent-after-answer", "", false},
		{"R1a-ipcp-reject-then-silence", "ipcp-silent-after-answer", "", false},
		{"R1b-ours-acked-peer-never-asks", "ipcp-peer-never-asks", "ipcp-no-answer", false},
		{"R1c-ipcp-nak-then-silence", "ipcp-silent-after-answer", "", false},
		{"R1e-termreq-log-starts-in-session", "peer-ended-session", "", false},
		{"R2-lcp-one-way", "line-one-way", "lcp-no-answer", false},
		{"R3-disconnect-script-judged-as-dial", "", "ppp-instead-of-answers", true},
		{"R3-min", "", "ppp-instead-of-answers", true},
		{"R4-esp-modem-at-dialogue", "dial-error", "lcp-no-answer", false},
		{"R4-min", "dial-error", "", false},
		{"R5-unspaced-hex", "log-ends-here", "auth-method-unacceptable", false},
		{"R6-mikrotik", "no-carrier-in-ppp", "", false},
		{"R6-userppp", "host-address-not-set", "", true},
		{"R6-zephyr", "lcp-ended-by-peer", "", false},
		{"R7-peer-gave-way-on-auth", "ipcp-no-answer", "auth-method-unacceptable", false},
	} {
		text, err := os.ReadFile(filepath.Join("testdata", "field", tt.file+".log"))
		if err != nil {
			t.Fatal(err)
		}
		v := verdict(t, string(text))
		got := ""
		if len(v.Findings) > 0 {
			got = v.Findings[0].ID
		}
		if got != tt.want || v.Up != tt.up {
			t.Errorf("%s: judged %q, up %v, want %q, %v", tt.file, got, v.Up, tt.want, tt.up)
		}
		if slices.ContainsFunc(v.Findings, func(f event.Finding) bool { return f.ID == tt.never }) {
			t.Errorf("%s: %s is claimed, which the log does not show", tt.file, tt.never)
		}
	}
}

// No failure without a name: a log that tells anything of a call and shows no working link has a finding, wherever it is
// cut off.
func TestNoFailureWithoutAName(t *testing.T) {
	check := func(name, text string) {
		v := verdict(t, text)
		if v.Told > 0 && !v.Up && len(v.Findings) == 0 {
			t.Errorf("%s: no link came up, and nothing is said of it:\n%s", name, text)
		}
		for _, f := range v.Findings {
			if f.Title == "" || f.Meaning == "" || len(f.Cure) == 0 {
				t.Errorf("%s: incomplete: %+v", name, f)
			}
		}
	}
	cut := func(name, text string) {
		lines := strings.SplitAfter(text, "\n")
		for i := 0; i < len(lines); i += 1 + len(lines)/10 {
			check(name, strings.Join(lines[:i], ""))
			check(name, strings.Join(lines[i:], ""))
		}
	}
	logs, err := os.ReadFile("testdata/logs.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse(logs).Files {
		cut(f.Name, string(f.Data))
	}
	field, err := filepath.Glob("testdata/field/*.log")
	if err != nil || len(field) == 0 {
		t.Fatal(err, "no logs")
	}
	for _, name := range field {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		cut(name, string(text))
	}
}

// live judges a dial of a simulated modem as the dial itself does, and the same events again as those of a recording.
func live(t *testing.T, scenario string, set ...string) (now, later []event.Finding, up bool, down event.Down) {
	t.Helper()
	w, c := diagnose.New(), diagnose.NewCase()
	for _, r := range (linktest.Call{Scenario: scenario, Set: set}).Records(t) {
		switch e := r.Event.(type) {
		case event.Finding:
			continue // what the dial itself made of it
		case event.Up:
			up = true
		case event.Down:
			down = e
		}
		w.Record(r)
		c.Record(r)
	}
	v := c.Verdict()
	return w.Findings(), append(v.Findings, v.Notes...), up, down
}

// The same on a live call: whatever modem is dialled, a call that does not come up has a name, and the recording of it
// gets the same one.
func TestEveryScenarioHasAName(t *testing.T) {
	sets := [][]string{{"ipcp.request=address", "auth.user=", "prove.mode=always"}, {"retry.attempts=1", "lcp.request=[]"}}
	for i, name := range sim.Names(knak.Files) {
		if i%3 > 0 && (testing.Short() || strings.Contains(name, "/")) { // a third of those of single modems
			continue
		}
		for _, set := range [][]string{nil, sets[i%2]} {
			now, later, up, down := live(t, name, set...)
			if !up && down.ExitCode != 0 && len(now) == 0 {
				t.Errorf("%s %v: it ends with %+v, and nothing is said of it", name, set, down)
			}
			first := func(all []event.Finding) string {
				if len(all) == 0 {
					return ""
				}
				return all[0].ID
			}
			if len(set) == 0 && first(now) != first(later) {
				t.Errorf("%s: live %q, recorded %q", name, first(now), first(later))
			}
		}
	}
}

func TestFieldLive(t *testing.T) {
	for file, want := range map[string]string{
		"b5-sim800-silent.sim.toml": "ipcp-silent-after-answer", "b5b-nak-silent.sim.toml": "ipcp-silent-after-answer", "b9-oneway.sim.toml": "line-one-way",
		"R1d-live.sim.toml": "ipcp-silent-after-answer",
	} {
		now, _, up, down := live(t, filepath.Join("testdata", "field", file))
		if len(now) == 0 || now[0].ID != want || up {
			t.Errorf("%s: %v, up %v, %+v", file, now, up, down)
		}
	}
}

// What people have posted: the first finding must be right, and nothing may be claimed that the log does not show.
func TestPublicCases(t *testing.T) {
	text, err := os.ReadFile("testdata/public.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range txtar.Parse(text).Files {
		source, log, _ := strings.Cut(string(f.Data), "\n")
		want, never, _ := strings.Cut(f.Name, "/")
		v, got := verdict(t, log), ""
		if len(v.Findings) > 0 {
			got = v.Findings[0].ID
		}
		if !slices.Contains(strings.Split(want, "|"), got) {
			t.Errorf("%s: %q, want %q", source, got, want)
		}
		if slices.ContainsFunc(v.Findings, func(f event.Finding) bool { return f.ID == never && f.Confidence != "possible" }) {
			t.Errorf("%s: %s is claimed", source, never)
		}
	}
}
