// Package completion is knak completion: the completion script of a shell.
package completion

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/terminal"
)

// Shells are the shells that completions/ has a file for, with the way to write it.
var Shells = []struct {
	Name  string
	write func(root *cobra.Command, w io.Writer) error
}{
	{"bash", func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
	{"zsh", func(root *cobra.Command, w io.Writer) error { return root.GenZshCompletion(w) }},
	{"fish", func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
	{"powershell", func(root *cobra.Command, w io.Writer) error { return root.GenPowerShellCompletionWithDesc(w) }},
}

// Command is knak completion.
func Command(t *terminal.Terminal) *cobra.Command {
	var names []string
	for _, s := range Shells {
		names = append(names, s.Name)
	}
	return &cobra.Command{
		Use:   "completion " + strings.Join(names, "|"),
		Short: "Print the completion script of a shell",
		Long: `Print the completion script of a shell. To try it in a running bash that
has its package bash-completion:

  source <(knak completion bash)

The packages install it for bash, zsh and fish.`,
		ValidArgs:             names,
		Args:                  cobra.ExactArgs(1),
		DisableFlagsInUseLine: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			i := slices.Index(names, args[0])
			if i < 0 {
				return exit.Usagef("no completion for shell %q: there are %s", args[0], strings.Join(names, ", "))
			}
			if err := Shells[i].write(cmd.Root(), t.Out); err != nil {
				return fmt.Errorf("completion: %w", err)
			}
			return nil
		},
	}
}
