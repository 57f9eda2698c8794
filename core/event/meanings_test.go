package event

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"
)

// Every constant of means.go is in the list that formats of logs are checked with.
func TestMeanings(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "means.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		v, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(v.Names[0].Name, "Means") {
			return true
		}
		n++
		word, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil || !IsMeaning(word) {
			t.Errorf("%s is not in meanings", v.Names[0].Name)
		}
		return true
	})
	if n < 40 || n != len(Meanings()) {
		t.Errorf("%d constants, %d words", n, len(Meanings()))
	}
}
