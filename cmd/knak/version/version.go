// Package version is knak version.
package version

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/build"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
)

// Command is knak version.
func Command(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  knak version --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			v := build.Version()
			if t.Style.JSON {
				return json.NewEncoder(t.Out).Encode(v)
			}
			_, err := fmt.Fprintln(t.Out, v)
			return err
		},
	}
}
