package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/terminal"
)

// A command that stands alone in the tree is called as the table says, and all below it shows the help that it has in the whole tree.
func TestOneCommand(t *testing.T) {
	help := func(root *cobra.Command, args []string) string {
		var out bytes.Buffer
		root.SetArgs(append(args, "--help"))
		root.SetOut(&out)
		if err := root.ExecuteContext(context.Background()); err != nil {
			t.Errorf("%s: %v", args, err)
		}
		return out.String()
	}
	whole := func() *cobra.Command { return rootCommand(&terminal.Terminal{}, nil) }
	if n := len(whole().Commands()); n < len(commands) {
		t.Errorf("the whole tree has %d commands, the table %d", n, len(commands))
	}
	for _, c := range commands {
		alone := func() *cobra.Command { return rootCommand(&terminal.Terminal{}, []string{c.name}) }
		cmd, _, err := alone().Find([]string{c.name})
		if err != nil || cmd.Name() != c.name || len(alone().Commands()) != 1+len(extraCommands) {
			t.Errorf("%s: %v, %d commands", c.name, err, len(alone().Commands()))
			continue
		}
		paths := [][]string{{c.name}}
		for _, sub := range cmd.Commands() {
			paths = append(paths, []string{c.name, sub.Name()})
		}
		for _, args := range paths {
			got, want := help(alone(), args), help(whole(), args)
			if got != want || !strings.Contains(got, "Usage:\n  knak "+strings.Join(args, " ")) {
				t.Errorf("%s: alone\n%s\nin the whole tree\n%s", args, got, want)
			}
		}
	}
}
