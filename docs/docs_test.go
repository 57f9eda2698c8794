package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every topic has something to say, and every page for users is a topic.
func TestTopics(t *testing.T) {
	names := map[string]bool{}
	opened := map[string]bool{}
	for _, topic := range append(Topics, Findings()...) {
		if names[topic.Name] {
			t.Errorf("%s is there twice", topic.Name)
		}
		names[topic.Name], opened[topic.file] = true, true
		text := topic.Text()
		if !strings.HasPrefix(text, "# ") || strings.Count(text, "\n") < 4 || topic.About == "" {
			t.Errorf("%s: %q begins %.60q", topic.Name, topic.About, text)
		}
		if strings.Count(text, "```")%2 != 0 {
			t.Errorf("%s ends inside of an example", topic.Name)
		}
	}
	for _, maker := range []string{"architecture.md", "performance.md", "style.md", "devices.md"} { // for who works on knak; devices.md is `knak quirks list`
		opened[maker] = true
	}
	pages, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		if !opened[p] {
			t.Errorf("%s is no topic: add it to Topics", p)
		}
	}
}

func TestOf(t *testing.T) {
	for link, want := range map[string]string{"traces.md": "traces", "../diagnosis.md": "diagnosis", "docs/cli.md": "cli", "findings/no-sim.md": "no-sim", "no-sim.md": "no-sim", "quirks.md#a-profile": "quirks", "decisions/0003-authentication.md": ""} {
		if got, _ := Of(link); got.Name != want {
			t.Errorf("%s leads to %q, want %q", link, got.Name, want)
		}
	}
}

// Every variable that the program looks at by its name is in the table of cli.md.
func TestEnvironment(t *testing.T) {
	topic, _ := Find("environment")
	table := topic.Text()
	asked := regexp.MustCompile(`os\.(?:Getenv|LookupEnv)\("([A-Z_]+)"\)`)
	for _, top := range []string{"../cmd", "../core", "../quirks", "../plugins/host"} {
		err := filepath.WalkDir(top, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			for _, m := range asked.FindAllStringSubmatch(string(b), -1) {
				if !strings.Contains(table, "`"+m[1]+"`") {
					t.Errorf("%s asks for %s, which docs/cli.md does not know", name, m[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
