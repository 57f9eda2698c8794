package read

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/knakppp/knak/core/recording/format"
)

// Every format that knak has gives what its own examples say, and is found out by the content of each of them.
func TestShippedFormats(t *testing.T) {
	for _, f := range format.Shipped() {
		t.Run(f.Name, func(t *testing.T) {
			if err := CheckFormat(f); err != nil {
				t.Error(err)
			}
			for i, e := range f.Examples {
				r := open(t, bytes.TrimPrefix([]byte(e.Log), []byte("\n")), Options{})
				if got := r.Summary().Format; got != f.Name {
					t.Errorf("example %d is taken for %s", i+1, got)
				}
			}
		})
	}
}

// The format that docs/formats.md explains is one that works.
func TestDocumentedFormat(t *testing.T) {
	doc, err := os.ReadFile("../../../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(doc), "```toml\n")
	text, _, ok2 := strings.Cut(text, "```\n")
	if !ok || !ok2 {
		t.Fatal("no format in the page")
	}
	f, err := format.Parse("docs/formats.md", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckFormat(f); err != nil {
		t.Error(err)
	}
	for _, name := range format.Names() {
		if !strings.Contains(string(doc), "`"+name+"`") {
			t.Errorf("docs/formats.md does not name %s", name)
		}
	}
}

// Whatever a log of a format holds, nothing breaks and nothing is lost without a word.
func FuzzFormats(f *testing.F) {
	all := format.Shipped()
	for i, s := range all {
		for _, e := range s.Examples {
			f.Add(uint8(i), []byte(e.Log))
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, text []byte) {
		r := open(t, text, Options{Format: all[int(n)%len(all)].Name, Raw: n > 127})
		for _, rec := range collect(t, r) {
			if u := essence(rec.Event); strings.ContainsAny(u, "\x1b\x07") {
				t.Fatalf("%q", u)
			}
		}
	})
}
