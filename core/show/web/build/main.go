// The tool that builds the page for browsers (`make web`): it compiles the program for js/wasm and puts it into one HTML file.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/knakppp/knak"
	"github.com/knakppp/knak/core/show/web"
	"github.com/knakppp/knak/quirks"
)

func main() {
	out := flag.String("o", "out/web/knak.html", "write the page to this `file`")
	version := flag.String("version", "devel", "the version that the page says")
	flag.Parse()
	if err := build(*out, *version); err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

func build(out, version string) error {
	dir, err := os.MkdirTemp("", "knak-web-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	db, problems := quirks.Open(quirks.Sources{Builtin: knak.Files})
	if len(problems) > 0 {
		return problems[0]
	}
	program := filepath.Join(dir, "knak.wasm")
	// Without inlining the program is a seventh smaller (docs/decisions/0015-page.md).
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-gcflags=all=-l", "-o", program, "-ldflags",
		"-s -w -X main.version="+version+" -X main.profiles="+strings.Join(db.Profiles(), ","), "github.com/knakppp/knak/core/show/web/wasm")
	cmd.Env = append(os.Environ(), "GOOS=js", "GOARCH=wasm")
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the program does not compile: %w", err)
	}
	compiled, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	support, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return fmt.Errorf("%w: it comes with Go %s", err, runtime.Version())
	}
	page, err := web.Assemble(compiled, support, version)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	return os.WriteFile(out, page, 0o644)
}
