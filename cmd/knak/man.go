//go:build man

package main

import (
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/man"
	"github.com/knakppp/knak/cmd/knak/terminal"
)

// The man pages are made by a build with the tag "man", so that the program itself does not carry their renderer.
func init() {
	extraCommands = append(extraCommands, func(*terminal.Terminal) *cobra.Command {
		return &cobra.Command{
			Use:    "man DIR [SECONDS]",
			Short:  "Write the man pages, with a date in seconds since 1970 or that of today",
			Hidden: true,
			Args:   cobra.RangeArgs(1, 2),
			RunE: func(cmd *cobra.Command, args []string) error {
				date := time.Now()
				if len(args) > 1 {
					seconds, err := strconv.ParseInt(args[1], 10, 64)
					if err != nil {
						return exit.Usagef("SECONDS: %w", err)
					}
					date = time.Unix(seconds, 0)
				}
				return man.Write(cmd.Root(), args[0], date)
			},
		}
	})
}
