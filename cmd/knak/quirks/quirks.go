// Package quirks is the command knak quirks: it shows, explains, tests and updates the quirk database, and begins new profiles.
package quirks

import (
	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/quirks"
)

// quirkDB is the part of the database that the commands need.
type quirkDB interface {
	Resolve(facts quirks.Facts, chosen string, set []string) (*quirks.Resolution, error)
}

// Command is knak quirks.
func Command(t *terminal.Terminal) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quirks",
		Short: "The quirk database: which modem needs which setting, and why",
		Example: `  knak quirks list --vendor huawei
  knak quirks show huawei/e398
  knak quirks explain /dev/ttyUSB0`,
	}
	cmd.AddCommand(listCommand(t), showCommand(t), explainCommand(t))
	cmd.AddCommand(testCommand(t), validateCommand(t), diffCommand(t), newCommand(t))
	cmd.AddCommand(updateCommand(t), bundleCommand(t), learnedCommand(t), forgetCommand(t))
	return cmd
}
