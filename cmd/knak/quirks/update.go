package quirks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/quirks"
	"github.com/knakppp/knak/quirks/bundle"
)

// signatureSuffix is what minisign -S adds to a file's name.
const signatureSuffix = ".minisig"

// maxKeyFile bounds key and signature files.
const maxKeyFile = 4096

// updateOptions are what knak quirks update can be told.
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
			return runUpdate(cmd.Context(), t, o)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&o.keys, "key", nil, "trust the minisign public key in this `file` too; may be repeated")
	f.BoolVar(&o.dryRun, "dry-run", false, "check everything, show which modems would get other settings, and install nothing")
	return cmd
}

// runUpdate installs an update.
func runUpdate(ctx context.Context, t *terminal.Terminal, o updateOptions) error {
	trusted, err := trustedKeys(o.keys)
	if err != nil {
		return err
	}
	return update(ctx, t, o.from, trusted, o.dryRun)
}

// trustedKeys gives the keys of this build and those in the files.
func trustedKeys(files []string) ([]bundle.Key, error) {
	keys, err := bundle.BuiltinKeys()
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := readSmall(name, maxKeyFile)
		if err != nil {
			return nil, exit.Usagef("--key: %w", err)
		}
		k, err := bundle.ParseKey(text)
		if err != nil {
			return nil, exit.Usagef("--key %s: %w", name, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// readSmall reads a regular file of at most limit octets.
func readSmall(name string, limit int64) ([]byte, error) {
	return foreign.Read(name, foreign.Rules{Limit: limit, Links: true})
}

// fetchBundle reads a bundle and its signature.
func fetchBundle(ctx context.Context, from string) (data, signature []byte, err error) {
	read := func(name string, limit int64) ([]byte, error) { return readSmall(name, limit) }
	if strings.Contains(from, "://") {
		client := bundle.Client(nil)
		read = func(address string, limit int64) ([]byte, error) { return bundle.Fetch(ctx, client, address, limit) }
	}
	if signature, err = read(from+signatureSuffix, maxKeyFile); err != nil {
		return nil, nil, fmt.Errorf("the signature: %w", err)
	}
	data, err = read(from, bundle.MaxBundle)
	return data, signature, err
}

// updateResult is what quirks update says.
type updateResult struct {
	Serial    int64           `json:"serial"`
	Before    int64           `json:"before"` // the serial that was installed; 0: none
	Created   time.Time       `json:"created"`
	Expires   time.Time       `json:"expires"`
	Key       string          `json:"key"`
	Comment   string          `json:"comment"`
	Installed bool            `json:"installed"`
	Changes   []quirks.Change `json:"changes"`
}

func update(ctx context.Context, t *terminal.Terminal, from string, keys []bundle.Key, dryRun bool) error {
	if len(keys) == 0 { // say it before anything is fetched
		return errors.New("quirks update: this build trusts no key: give the signer's public key with --key FILE (see SECURITY.md)")
	}
	data, text, err := fetchBundle(ctx, from)
	if err != nil {
		return fmt.Errorf("quirks update: %w", err)
	}
	signature, err := bundle.ParseSignature(text)
	if err != nil {
		return fmt.Errorf("quirks update: %w", err)
	}
	// Nothing of the bundle is looked at before its signature was found right.
	comment, err := signature.Verify(keys, data)
	if err != nil {
		return fmt.Errorf("quirks update: %w", err)
	}
	b, err := bundle.Parse(data)
	if err != nil {
		return fmt.Errorf("quirks update: %w", err)
	}
	store := files.Updates()
	if !dryRun {
		release, err := store.Lock()
		if err != nil {
			return fmt.Errorf("quirks update: %w", err)
		}
		defer release()
	}
	old, _, err := store.Installed()
	if err != nil {
		return fmt.Errorf("quirks update: %w", err)
	}
	if err := b.Manifest.Check(time.Now(), old.Serial); err != nil {
		return fmt.Errorf("quirks update: %w", err)
	}
	changes, err := updateChanges(t, b)
	if err != nil {
		return fmt.Errorf("quirks update: %w", err)
	}
	if !dryRun {
		if err := store.Install(b); err != nil {
			return fmt.Errorf("quirks update: %w", err)
		}
	}
	m := b.Manifest
	return printUpdate(t, updateResult{m.Serial, old.Serial, m.Created, m.Expires, signature.KeyID(), comment, !dryRun, changes})
}

// updateChanges reads a bundle as the update layer of this machine, refuses it if anything in it is not right, and says
// which modems get other settings by it.
func updateChanges(t *terminal.Terminal, b *bundle.Bundle) ([]quirks.Change, error) {
	dir, err := os.MkdirTemp("", "knak-update-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := b.Unpack(dir); err != nil {
		return nil, err
	}
	from := files.Quirks()
	to := from
	to.Update = dir
	before, _ := quirks.Open(from)
	after, problems := quirks.Open(to)
	var errs []error
	for _, p := range problems {
		if p.Layer == quirks.Update {
			if name, err := filepath.Rel(dir, p.File); err == nil {
				p.File = name
			}
			errs = append(errs, p)
		}
	}
	if len(errs) > 0 {
		return nil, fmt.Errorf("the bundle is refused: %w", errors.Join(errs...))
	}
	list := quirks.Diff(before, after)
	for i := range list {
		for j := range list[i].Keys {
			k := &list[i].Keys[j]
			k.ToSource = strings.TrimPrefix(k.ToSource, dir+"/")
		}
	}
	return list, nil
}

func printUpdate(t *terminal.Terminal, r updateResult) error {
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
