package core_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Turns of phrase that docs/style.md rules out, because a reader has to guess what they stand for.
var riddles = regexp.MustCompile(`\b(TODO|FIXME|XXX|is told of|are told of|what it is that|the one of which|as it were|so to speak|hereby|thereof|simply)\b`)

// maxSentence is the most words of one sentence in a comment.
const maxSentence = 50

// The rules of docs/style.md that a program can check: an exported name has a comment that begins with it, no comment has a word from the
// list of riddles, and no sentence is endless. What needs judgement is for readers.
func TestStyle(t *testing.T) {
	files := token.NewFileSet()
	err := filepath.WalkDir("..", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && d.Name() != ".."):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".pb.go"):
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(files, name, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		if ast.IsGenerated(f) {
			return nil
		}
		if strings.HasSuffix(name, "_test.go") {
			return nil
		}
		named(t, files, f)
		for _, g := range f.Comments {
			plain(t, files.Position(g.Pos()), g.Text())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// named checks that the comments of exported declarations begin with their names.
func named(t *testing.T, files *token.FileSet, f *ast.File) {
	check := func(doc *ast.CommentGroup, name *ast.Ident) {
		if doc.Text() == "" {
			t.Errorf("%s: %s has no comment", files.Position(name.Pos()), name.Name)
		} else if first, _, _ := strings.Cut(strings.NewReplacer("\n", " ", "'", " ", ",", " ").Replace(doc.Text()), " "); first != name.Name {
			t.Errorf("%s: the comment of %s begins with %q", files.Position(name.Pos()), name.Name, first)
		}
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && (d.Recv == nil || exported(d.Recv.List[0].Type)) && !wellKnown[d.Name.Name] {
				check(d.Doc, d.Name)
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if s, ok := s.(*ast.TypeSpec); ok && s.Name.IsExported() {
					if doc := s.Doc; doc != nil || d.Lparen.IsValid() {
						if doc != nil {
							check(doc, s.Name)
						}
					} else {
						check(d.Doc, s.Name)
					}
				}
			}
		}
	}
}

// wellKnown are methods of interfaces, mostly of the standard library: the interface says what they do.
var wellKnown = map[string]bool{"Kind": true, "Error": true, "Unwrap": true, "Is": true, "String": true, "Len": true, "Less": true, "Swap": true, "Close": true, "Read": true, "Write": true, "MarshalText": true, "UnmarshalText": true, "MarshalJSON": true, "UnmarshalJSON": true}

// exported says whether a receiver's type is exported.
func exported(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.StarExpr:
		return exported(e.X)
	case *ast.IndexExpr:
		return exported(e.X)
	case *ast.Ident:
		return e.IsExported()
	}
	return false
}

// plain checks the words and the sentences of a comment. Lines that are set apart, such as drawings and examples, are not sentences.
func plain(t *testing.T, at token.Position, text string) {
	if m := riddles.FindString(text); m != "" {
		t.Errorf("%s: %q says too little: docs/style.md", at, m)
	}
	var words int
	for _, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == ' ' || line[0] == '\t' {
			words = 0
			continue
		}
		for _, w := range strings.Fields(line) {
			words++
			if words > maxSentence {
				t.Errorf("%s: a sentence of more than %d words", at, maxSentence)
				words = -1 << 20
			}
			if strings.HasSuffix(w, ".") || strings.HasSuffix(w, ":") || strings.HasSuffix(w, ";") || strings.HasSuffix(w, "?") {
				words = 0
			}
		}
	}
}
