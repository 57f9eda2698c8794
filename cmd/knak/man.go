//go:build man

package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/knakppp/knak/cmd/knak/terminal"
)

// The man pages are made by a build with the tag "man", so that the program itself does not carry their renderer.
func init() {
	extraCommands = append(extraCommands, func(*terminal.Terminal) *cobra.Command {
		return &cobra.Command{
			Use:    "man DIR",
			Short:  "Write the man pages",
			Hidden: true,
			Args:   cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				if err := os.MkdirAll(args[0], 0o755); err != nil {
					return fmt.Errorf("man: %w", err)
				}
				root := cmd.Root()
				root.DisableAutoGenTag = true
				return doc.GenManTree(root, &doc.GenManHeader{Title: "KNAK", Section: "1", Source: "knak", Manual: "knak"}, args[0])
			},
		}
	})
}
