package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/knakppp/knak/cmd/knak/terminal"
)

// Every command of knak in an example of the pages is one that there is, with flags that there are.
func TestCommandsOfThePages(t *testing.T) {
	pages, err := filepath.Glob(filepath.Join("..", "..", "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`^ {0,4}(?:sudo |go run \./cmd/|\$ )*knak( [^#|;&>]*)?`)
	said := 0
	for _, page := range append(pages, filepath.Join("..", "..", "README.md")) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		fenced := ""
		for n, line := range strings.Split(string(text), "\n") {
			if mark, ok := strings.CutPrefix(line, "```"); ok {
				if fenced == "" {
					fenced = "fence " + mark
				} else {
					fenced = ""
				}
				continue
			}
			m := command.FindStringSubmatch(line)
			if m == nil || fenced != "fence sh" && !(fenced == "" && strings.HasPrefix(line, "    ")) {
				continue
			}
			said++
			if err := parse(strings.Fields(strings.Split(strings.TrimLeft(m[1], " "), "  ")[0])); err != nil {
				t.Errorf("%s:%d: %s: %v", page, n+1, strings.TrimSpace(line), err)
			}
		}
	}
	if said < 60 {
		t.Errorf("only %d commands were found", said)
	}
}

// parse says what is wrong with a command line, and runs nothing.
func parse(args []string) error {
	cmd, rest, err := rootCommand(&terminal.Terminal{}, nil).Find(args)
	if err != nil {
		return err
	}
	for i, a := range rest {
		rest[i] = strings.Trim(a, `'"`)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	return cmd.ValidateArgs(cmd.Flags().Args())
}
