package quirks

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/quirks"
	"github.com/knakppp/knak/quirks/bundle"
)

// updateOptions are the flags of knak quirks update.
type updateOptions struct {
	keys   []string // files of public keys
	dryRun bool
	from   string // a file or an address
}

// updateCommand is knak quirks update.
func updateCommand(t *terminal.Terminal) *cobra.Command {
	var o updateOptions
	cmd := &cobra.Command{
		Use:   "update FILE|URL",
		Short: "Install a signed update of the quirk database",
		Long: `Install a signed update of the quirk database from a file or an https URL. Beside it lies its signature, with ".minisig"
behind the name. The update is refused if its signature does not fit a trusted key, if it has expired, if it is not newer
than the installed one, or if it says anything but tuning keys of devices: no AT command comes by this way. It is installed
as a whole or not at all, below /var/lib/knak (or $KNAK_STATE_DIR), and counts from the next dial on; knak never looks
for updates by itself.

This build trusts no key of its own yet (see SECURITY.md): name your organisation's with --key.`,
		Example: `  knak quirks update --key /etc/knak/acme.pub https://quirks.example.com/acme.tar
  knak quirks update --key acme.pub --dry-run acme.tar`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.from = args[0]
			return update(cmd.Context(), t, o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.keys, "key", nil, "trust the minisign public key in this `file` too; may be repeated")
	f.BoolVar(&o.dryRun, "dry-run", false, "check everything, show which modems would get other settings, and install nothing")
	return cmd
}

// trustedKeys gives the keys of this build and those in the files.
func trustedKeys(files []string) ([]bundle.Key, error) {
	keys, err := bundle.BuiltinKeys()
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		k, err := bundle.ReadKey(name)
		if err != nil {
			return nil, exit.Usagef("--key: %w", err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// update installs an update.
func update(ctx context.Context, t *terminal.Terminal, o updateOptions) error {
	keys, err := trustedKeys(o.keys)
	if err != nil {
		return err
	}
	u, err := files.Updates().Update(ctx, o.from, keys, files.Quirks(), o.dryRun)
	if err != nil {
		return fmt.Errorf("quirks update: %w", err)
	}
	return printUpdate(t, u)
}

func printUpdate(t *terminal.Terminal, r bundle.Update) error {
	if t.Style.JSON {
		if r.Changes == nil {
			r.Changes = []quirks.Change{}
		}
		if err := json.NewEncoder(t.Out).Encode(r); err != nil {
			return fmt.Errorf("quirks update: %w", err)
		}
		return nil
	}
	for _, c := range r.Changes {
		if err := printChange(t, c); err != nil {
			return err
		}
	}
	if len(r.Changes) == 0 {
		fmt.Fprintln(t.Out, "no modem gets other settings")
	}
	what := "installed"
	if !r.Installed {
		what = "would be installed"
	}
	before := "no update was installed before"
	if r.Before > 0 {
		before = fmt.Sprintf("in place of %d", r.Before)
	}
	fmt.Fprintf(t.Out, "update %d of %s (key %s, %q) %s, %s\n", r.Serial, r.Created.UTC().Format(time.DateOnly), r.Key, r.Comment, what, before)
	return nil
}
