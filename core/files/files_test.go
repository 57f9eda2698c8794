package files

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What a person has said counts before what the system has, and that before home.
func TestState(t *testing.T) {
	t.Setenv("KNAK_STATE_DIR", "/said")
	if got := State(); got != "/said" {
		t.Error(got)
	}
	if os.Geteuid() == 0 {
		t.Setenv("KNAK_STATE_DIR", "")
		if got := State(); got != systemStateDir {
			t.Error(got)
		}
	}
	if got := SimulatedState("/said"); got != filepath.FromSlash("/said/sim") {
		t.Error(got)
	}
}

// A scenario of one's own counts before the program's; a name that there is not gets a suggestion, and what is no file of a moderate
// size is not read.
func TestScenario(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("HOME", home)
	dir, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(dir, "knak", "quirks.d", "huawei")
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	if s, err := Scenario("huawei/e398"); err != nil || s.Summary == "mine" {
		t.Errorf("%+v, %v", s.Summary, err)
	}
	text := []byte("schema = 1\nsummary = \"mine\"\n")
	for _, name := range []string{"e398.sim.toml", "own.sim.toml"} {
		if err := os.WriteFile(filepath.Join(own, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"huawei/e398", "huawei/own", filepath.Join(own, "own.sim.toml")} {
		if s, err := Scenario(name); err != nil || s.Summary != "mine" {
			t.Errorf("%s: %q, %v", name, s.Summary, err)
		}
	}
	if names := Scenarios(); !slices.Contains(names, "huawei/own") || !slices.Contains(names, "behaves") || !slices.IsSorted(names) {
		t.Errorf("%q", names)
	}
	if _, err := Scenario("behavse"); err == nil || !strings.Contains(err.Error(), "did you mean behaves?") {
		t.Error(err)
	}
	big := filepath.Join(home, "big.toml")
	if err := os.WriteFile(big, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(big, scenarioLimit+1); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{big, home} {
		if _, err := Scenario(name); err == nil || !strings.Contains(err.Error(), "must be a file of at most") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
