// Command targets type-checks knak for the systems that it is released for besides Linux, and the half that reads, judges
// and draws recordings for a browser.
//
//	go run ./test/targets
//
// A build would compile the standard library and all modules for each target, which takes minutes on a fresh machine. What
// can be wrong here is a name that a system does not have, or a file that is left out: the type checker finds both, and needs
// of other people's packages no more than their declarations.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"
)

// analysis is what the page in a browser is made of.
var analysis = []string{
	"./core/event", "./core/sentence", "./core/notation", "./core/private", "./core/cmux", "./core/at", "./core/call/...", "./core/recording/...",
	"./core/diagnose", "./core/compare", "./core/mimic", "./core/survey", "./core/inspect", "./core/share", "./core/show/progress", "./core/show/decode",
	"./core/show/report", "./core/show/web/wasm", "./core/sim", "./quirks",
}

// targets are the systems, each with what must build there.
var targets = []struct {
	system, arch string
	packages     []string
}{
	{"js", "wasm", analysis},
	{"windows", "amd64", []string{"./cmd/knak"}},
	{"windows", "arm64", []string{"./cmd/knak"}},
	{"darwin", "amd64", []string{"./cmd/knak"}},
	{"darwin", "arm64", []string{"./cmd/knak"}},
}

func main() {
	c := checker{files: token.NewFileSet(), parsed: map[string]*parsedFile{}}
	bad := false
	var mu sync.Mutex
	var group sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for _, t := range targets {
		group.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			begun := time.Now()
			n, err := c.check(t.system, t.arch, t.packages)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				bad = true
				fmt.Printf("%s/%s: %v\n", t.system, t.arch, err)
				return
			}
			fmt.Printf("%s/%s: %d packages of knak are right (%.1f s)\n", t.system, t.arch, n, time.Since(begun).Seconds())
		})
	}
	group.Wait()
	if bad {
		os.Exit(1)
	}
}

// checker keeps what is parsed, which most targets share.
type checker struct {
	files  *token.FileSet
	mu     sync.Mutex
	parsed map[string]*parsedFile
}

type parsedFile struct {
	once sync.Once
	file *ast.File
	err  error
}

func (c *checker) parse(path string) (*ast.File, error) {
	c.mu.Lock()
	p := c.parsed[path]
	if p == nil {
		p = &parsedFile{}
		c.parsed[path] = p
	}
	c.mu.Unlock()
	p.once.Do(func() { p.file, p.err = parser.ParseFile(c.files, path, nil, parser.SkipObjectResolution) })
	return p.file, p.err
}

// listed is a package as `go list -json` gives it.
type listed struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	ImportMap  map[string]string
	Module     *struct {
		Main      bool
		GoVersion string
	}
}

// check checks packages for one target and says how many of them are knak's.
func (c *checker) check(system, arch string, packages []string) (ours int, err error) {
	list := exec.Command("go", append([]string{"list", "-deps", "-json=ImportPath,Dir,GoFiles,ImportMap,Module"}, packages...)...)
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+arch, "CGO_ENABLED=0")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return 0, fmt.Errorf("go list: %w", err)
	}
	known := map[string]*types.Package{"unsafe": types.Unsafe}
	var wrong []error
	for d := json.NewDecoder(strings.NewReader(string(out))); ; { // each comes after those that it imports
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return ours, errors.Join(wrong...)
		} else if err != nil {
			return 0, err
		}
		if p.ImportPath == "unsafe" {
			continue
		}
		var files []*ast.File
		for _, name := range p.GoFiles {
			f, err := c.parse(filepath.Join(p.Dir, name))
			if err != nil {
				return 0, err
			}
			files = append(files, f)
		}
		own := p.Module != nil && p.Module.Main
		config := types.Config{
			IgnoreFuncBodies: !own,
			Sizes:            types.SizesFor("gc", arch),
			Importer: importer(func(path string) (*types.Package, error) {
				if mapped := p.ImportMap[path]; mapped != "" {
					path = mapped
				}
				if known[path] == nil {
					return nil, fmt.Errorf("%s is not there on %s", path, system)
				}
				return known[path], nil
			}),
			Error: func(err error) {
				if own { // of others only the declarations are looked at, some of which need what is not
					wrong = append(wrong, err)
				}
			},
		}
		if p.Module != nil && p.Module.GoVersion != "" {
			config.GoVersion = "go" + p.Module.GoVersion
		}
		known[p.ImportPath], _ = config.Check(p.ImportPath, c.files, files, nil) // its errors went to Error
		if own {
			ours++
		}
	}
}

type importer func(path string) (*types.Package, error)

func (f importer) Import(path string) (*types.Package, error) { return f(path) }
