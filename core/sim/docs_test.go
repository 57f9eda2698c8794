package sim

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// The guide must know every key, word and option that a scenario can use.
func TestGuideIsComplete(t *testing.T) {
	text, err := os.ReadFile("../../docs/sim.md")
	if err != nil {
		t.Fatal(err)
	}
	guide := string(text)
	want := func(what, word string) {
		if !strings.Contains(guide, "`"+word+"`") && !strings.Contains(guide, "["+word+"]") {
			t.Errorf("docs/sim.md does not mention the %s %s", what, word)
		}
	}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(s reflect.Type) {
		for s.Kind() == reflect.Slice || s.Kind() == reflect.Pointer {
			s = s.Elem()
		}
		if s.Kind() != reflect.Struct || seen[s] || s.PkgPath() != reflect.TypeFor[Scenario]().PkgPath() {
			return
		}
		seen[s] = true
		for i := range s.NumField() {
			f := s.Field(i)
			if tag := f.Tag.Get("toml"); tag != "-" && tag != "" && tag != "rule" && tag != "reply" && tag != "urc" && tag != "trap" {
				want("key", tag)
			}
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[Scenario]())
	for _, words := range [][]string{controlVerbs, authVerbs, actionVerbs, trapVerbs, lcpNames, registrationStates, methodNames} {
		for _, w := range words {
			want("word", w)
		}
	}
	for _, o := range optionNames() {
		want("option", o.name)
	}
}

// The examples in the guide are scenarios.
func TestGuidesExamplesParse(t *testing.T) {
	text, err := os.ReadFile("../../docs/sim.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "```toml\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("%d examples", len(blocks))
	}
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "```")
		if !strings.Contains(b, "schema") {
			b = "schema = 1\nsummary = \"s\"\n" + b
		}
		if _, err := Parse("docs/sim.md", []byte(b)); err != nil {
			t.Errorf("%v\n%s", err, b)
		}
	}
}
