package sdk_test

import (
	"go/ast"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// No type of gRPC, protobuf, go-plugin or knak's engine is in what authors see: each of them may change without a change in
// plugins. Only the standard library and this package are.
func TestNothingShowsThrough(t *testing.T) {
	paths := []string{"github.com/knakppp/knak/plugins/sdk", "github.com/knakppp/knak/plugins/sdk/sdktest"}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", exportData(t, paths))
	for _, path := range paths {
		pkg, err := imports.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[types.Type]bool{}
		exported := 0
		for _, name := range pkg.Scope().Names() {
			if !ast.IsExported(name) {
				continue
			}
			exported++
			object := pkg.Scope().Lookup(name)
			walk(t, path+"."+name, object.Type(), seen)
		}
		if exported < 10 {
			t.Errorf("%s exports %d names", path, exported)
		}
	}
}

// exportData gives what the compiler wrote of the packages and of all below them.
func exportData(t *testing.T, paths []string) importer.Lookup {
	t.Helper()
	list := exec.Command("go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}"}, paths...)...)
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		files[path] = file
	}
	return func(path string) (io.ReadCloser, error) { return os.Open(files[path]) }
}

var allowed = map[string]bool{
	"github.com/knakppp/knak/plugins/sdk": true, "github.com/knakppp/knak/plugins/sdk/sdktest": true,
	"context": true, "log/slog": true, "net/netip": true, "time": true, "testing": true,
}

// walk goes through what a person who reads the documentation can reach from a type.
func walk(t *testing.T, where string, typ types.Type, seen map[types.Type]bool) {
	if seen[typ] {
		return
	}
	seen[typ] = true
	switch typ := typ.(type) {
	case *types.Alias:
		walk(t, where, types.Unalias(typ), seen)
	case *types.Named:
		pkg := typ.Obj().Pkg()
		if pkg == nil { // error
			return
		}
		if !allowed[pkg.Path()] {
			t.Errorf("%s shows %s", where, typ)
			return
		}
		if pkg.Path() != "github.com/knakppp/knak/plugins/sdk" && pkg.Path() != "github.com/knakppp/knak/plugins/sdk/sdktest" {
			return // the standard library's affair
		}
		for m := range typ.Methods() {
			if m.Exported() {
				walk(t, where+"."+m.Name(), m.Type(), seen)
			}
		}
		walk(t, where, typ.Underlying(), seen)
	case *types.Struct:
		for f := range typ.Fields() {
			if f.Exported() {
				walk(t, where+"."+f.Name(), f.Type(), seen)
			}
		}
	case *types.Interface:
		for m := range typ.Methods() {
			walk(t, where+"."+m.Name(), m.Type(), seen)
		}
	case *types.Signature:
		walk(t, where, typ.Params(), seen)
		walk(t, where, typ.Results(), seen)
	case *types.Tuple:
		for v := range typ.Variables() {
			walk(t, where, v.Type(), seen)
		}
	case *types.Map:
		walk(t, where, typ.Key(), seen)
		walk(t, where, typ.Elem(), seen)
	case interface{ Elem() types.Type }: // pointers, slices, arrays, channels
		walk(t, where, typ.Elem(), seen)
	}
}
