package module

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A program outside of this module dials a simulated modem, and fetches a page by name from the host behind it.
func TestFetchThroughTheSimulator(t *testing.T) {
	program := Fetch(t)
	fetch := exec.Command(program, "http://example.com/")
	var said bytes.Buffer
	fetch.Stderr = &said
	state := t.TempDir()
	fetch.Env = append(os.Environ(), "KNAK_STATE_DIR="+state, "KNAK_RUNTIME_DIR="+t.TempDir())
	page, err := fetch.Output()
	if err != nil || string(page) != "Hello from behind the simulated modem.\n" {
		t.Errorf("%v: %q\n%s", err, page, said.String())
	}
	t.Log(said.String())
	if kept, err := os.ReadDir(state); err != nil || len(kept) > 0 {
		t.Errorf("a simulated modem is remembered: %v, %v", kept, err)
	}
}

// The program in the documentation is one that can be built.
func TestDocumentation(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root(t), "docs", "library.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, code, found := bytes.Cut(page, []byte("```go\n"))
	code, _, ended := bytes.Cut(code, []byte("```"))
	if !found || !ended {
		t.Fatal("no program in docs/library.md")
	}
	outside(t, t.TempDir(), code, "vet")
}
