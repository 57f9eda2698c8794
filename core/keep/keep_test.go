package keep

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type pair struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

func named(name string) func(pair) bool { return func(p pair) bool { return p.Name == name } }

func TestList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "pairs.json")
	l := Open[pair](path, "what is paired", func(text string) { t.Error(text) })
	if l.All() != nil || l.Drop(named("a")) {
		t.Error("a list that is not there has something")
	}
	for i, name := range []string{"a", "b", "a"} {
		l.Put(pair{name, i}, named(name))
	}
	if got := fmt.Sprint(l.All()); got != "[{a 2} {b 1}]" {
		t.Error(got)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	for i := range 100 {
		l.Put(pair{fmt.Sprint(i), i}, named(fmt.Sprint(i)))
	}
	if n := len(l.All()); n != maxEntries || l.All()[0].N != 99 {
		t.Errorf("%d entries", n)
	}
	if !l.Drop(named("99")) || l.All()[0].N != 98 {
		t.Error("an entry that was dropped is there")
	}
	if err := l.Clear(); err != nil || l.All() != nil {
		t.Errorf("cleared: %v", err)
	}
	if err := l.Clear(); err != nil {
		t.Errorf("cleared again: %v", err)
	}
}

// What somebody else has put there is told, and replaced by what is kept next.
func TestAFileThatIsNoList(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pairs.json")
	for _, content := range []string{"{", `{"name":"a"}`, `[{"name":1}]`, strings.Repeat("x", maxOctets+1)} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		told := 0
		l := Open[pair](path, "what is paired", func(string) { told++ })
		if l.All() != nil || told != 1 {
			t.Errorf("%.20s: %v, told %d times", content, l.All(), told)
		}
		l.Put(pair{"a", 1}, named("a"))
		if got := fmt.Sprint(l.All()); got != "[{a 1}]" {
			t.Errorf("%.20s: %s", content, got)
		}
	}
}

// A disk that takes nothing is told and is no error.
func TestAPlaceThatTakesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	told := ""
	l := Open[pair](filepath.Join(file, "pairs.json"), "what is paired", func(text string) { told = text })
	l.Put(pair{"a", 1}, named("a"))
	if !strings.Contains(told, "what is paired is not remembered") {
		t.Errorf("told %q", told)
	}
}

// A list without a path remembers nothing and tells nothing.
func TestNoPath(t *testing.T) {
	l := Open[pair]("", "what is paired", func(text string) { t.Error(text) })
	l.Put(pair{"a", 1}, named("a"))
	if l.All() != nil || l.Drop(named("a")) || l.Clear() != nil {
		t.Error("something is remembered")
	}
}
