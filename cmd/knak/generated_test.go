package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/cmd/knak/completion"
	"github.com/knakppp/knak/cmd/knak/man"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/golden"
	"github.com/knakppp/knak/core/link"
)

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
			golden.Same(t, path, out.Bytes(), "make generate")
		})
	}
}

// The build that writes the man pages is made by nobody but a release: it must build all the same.
func TestManPagesBuild(t *testing.T) {
	if out, err := exec.Command("go", "vet", "-tags", "man", ".").CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

// TestGeneratedStatuses holds the table of docs/cli.md against the one in the code: `make generate` writes it.
func TestGeneratedStatuses(t *testing.T) {
	path := filepath.Join("..", "..", "docs", "cli.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), "| status | meaning |\n| --- | --- |\n")
	_, after, ended := strings.Cut(rest, "\n\n")
	if !found || !ended {
		t.Fatalf("%s has no table of statuses", path)
	}
	var table strings.Builder
	for _, m := range link.ExitMeanings {
		fmt.Fprintf(&table, "| %d | %s |\n", m.Code, m.Meaning)
	}
	want := before + "| status | meaning |\n| --- | --- |\n" + table.String() + "\n" + after
	golden.Same(t, path, []byte(want), "make generate")
}

// Every command has a page, and all that may be typed at it has an example.
func TestManPages(t *testing.T) {
	root := rootCommand(&terminal.Terminal{}, nil)
	for _, cmd := range man.Commands(root) {
		page := man.Page(cmd, time.Unix(0, 0))
		if !strings.Contains(page, ".SH EXIT STATUS\n.TP\n\\fB0\\fR\n") || !strings.Contains(page, ".SH ENVIRONMENT\n") {
			t.Errorf("%s: %s", cmd.CommandPath(), page)
		}
		if cmd.Runnable() && cmd.HasParent() && !cmd.HasSubCommands() && cmd.Example == "" && !strings.Contains(cmd.Long, "\n  ") {
			t.Errorf("%s has no example", cmd.CommandPath())
		}
	}
}

// The example that the packages bring is a configuration, also with what is commented out in it.
func TestExampleConfiguration(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "packaging", "config.toml"))
	if err != nil {
		t.Fatal(err)
	}
	options := regexp.MustCompile(`(?m)^# ([a-z-]+ = )`).ReplaceAll(text, []byte("$1"))
	if bytes.Equal(options, text) {
		t.Error("nothing is commented out")
	}
	path := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(path, options, 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(context.Background(), []string{"config", "check", path}, strings.NewReader(""), &out, &errs); code != 0 || !strings.Contains(out.String(), "connections cell") {
		t.Errorf("exit status %d: %s%s", code, out.String(), errs.String())
	}
}
