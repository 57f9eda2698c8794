package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each thing that irritated newcomers has a script, where the table of testdata/script/README.md says.
func TestNewcomers(t *testing.T) {
	const dir = "testdata/script"
	table, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(table)) {
		f := strings.Split(line, " | ")
		if len(f) != 3 || !strings.HasSuffix(f[1], ".txtar") {
			continue
		}
		number, _, _ := strings.Cut(strings.TrimPrefix(f[0], "| "), " ")
		seen[number] = true
		heading := "# " + strings.TrimSuffix(strings.TrimSpace(f[2]), " |")
		script, err := os.ReadFile(filepath.Join(dir, f[1]))
		if err != nil || !strings.Contains("\n"+string(script), "\n"+heading) {
			t.Errorf("%s: %v, or no comment %q", f[1], err, heading)
		}
	}
	if len(seen) != 20 {
		t.Errorf("the table has %d of the twenty", len(seen))
	}
}
