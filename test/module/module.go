// Package module builds a Go program that stands outside of this module and dials by its library.
package module

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Fetch builds testdata/fetch as a module of its own, and gives the program's path.
func Fetch(t testing.TB) string {
	t.Helper()
	dir, program := t.TempDir(), ""
	program = filepath.Join(dir, "fetch")
	code, err := os.ReadFile(filepath.Join(root(t), "test", "module", "testdata", "fetch", "main.go"))
	if err != nil {
		t.Fatal(err)
	}
	outside(t, dir, code, "build", "-ldflags=-s -w", "-o", program)
	return program
}

// root is the directory of this module.
func root(t testing.TB) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	if !filepath.IsAbs(here) { // built with -trimpath
		dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
		if err != nil {
			t.Fatal(err)
		}
		return string(dir[:len(dir)-1])
	}
	return filepath.Join(filepath.Dir(here), "..", "..")
}

// outside makes a module of a main package in dir, and lets go do something with it.
func outside(t testing.TB, dir string, code []byte, args ...string) {
	t.Helper()
	root := root(t)
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod := fmt.Sprintf("module example.com/fetch\n\ngo 1.26.3\n\nrequire github.com/knakppp/knak v0.0.0\n\nreplace github.com/knakppp/knak => %s\n", root)
	for name, text := range map[string][]byte{"main.go": code, "go.sum": sums, "go.mod": []byte(mod)} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tool := exec.Command("go", append(args, ".")...)
	tool.Dir = dir
	tool.Env = append(os.Environ(), "GOWORK=off", "GOPROXY=off", "GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=mod") // what this module needs is all that it needs
	if out, err := tool.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}
