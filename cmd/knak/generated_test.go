package main

import (
	"bytes"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knakppp/knak/cmd/knak/completion"
)

var update = flag.Bool("update", false, "write the generated files instead of comparing them")

// TestGenerated holds completions/ against the commands: `make generate` writes it.
func TestGenerated(t *testing.T) {
	files := map[string]string{"bash": "knak.bash", "zsh": "knak.zsh", "fish": "knak.fish", "powershell": "knak.ps1"}
	for _, shell := range completion.Shells {
		t.Run(shell.Name, func(t *testing.T) {
			var out, errs bytes.Buffer
			if code := run(context.Background(), []string{"completion", shell.Name}, strings.NewReader(""), &out, &errs); code != 0 {
				t.Fatalf("exit status %d: %s", code, errs.String())
			}
			path := filepath.Join("..", "..", "completions", files[shell.Name])
			if *update {
				if err := os.WriteFile(path, out.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, out.Bytes()) {
				t.Errorf("%s is not what the commands give now: make generate", path)
			}
		})
	}
}

// The build that writes the man pages is made by nobody but a release: it must build all the same.
func TestManPagesBuild(t *testing.T) {
	if out, err := exec.Command("go", "vet", "-tags", "man", ".").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}
