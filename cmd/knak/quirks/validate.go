package quirks

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/vectors"
)

// validateCommand is knak quirks validate.
func validateCommand(t *terminal.Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "validate [DIR]",
		Short: "Check profiles, device entries and scenarios strictly",
		Long: `Check profiles, device entries and scenarios strictly: those of DIR, or all of this machine. DIR is laid out as /etc/knak
(quirks.d/<vendor>/<model>.toml, devices.d/*.toml), or as the source tree (quirks/, devices.toml), where reasons and
sources are demanded too. Each problem is told as file:line:column: what is wrong and what is allowed. A profile without a
scenario is a problem, for nobody can test it; so is a TODO that quirks new has left. Exit status 2: there are problems.`,
		Example: `  knak quirks validate
  knak quirks validate ~/.config/knak`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			return validate(t, args)
		},
	}
}

// validate checks files.
func validate(t *terminal.Terminal, args []string) error {
	c := vectors.Everything(files.Quirks())
	if len(args) == 1 {
		var err error
		if c, err = vectors.Dir(args[0]); err != nil {
			return exit.Usage(err)
		}
	}
	problems := c.Problems()
	for _, p := range problems {
		if t.Style.JSON {
			if err := json.NewEncoder(t.Out).Encode(p); err != nil {
				return fmt.Errorf("quirks validate: %w", err)
			}
			continue
		}
		fmt.Fprintln(t.Out, p.Error())
	}
	if len(problems) > 0 {
		return &exit.StatusError{Code: link.ExitUsage, Text: terminal.Plural(len(problems), "problem")}
	}
	if !t.Style.JSON {
		fmt.Fprintf(t.Out, "no problems in %s\n", c.Name)
	}
	return nil
}
