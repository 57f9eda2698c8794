package quirks

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/quirks/bundle"
)

// bundleOptions are the flags of knak quirks bundle.
type bundleOptions struct {
	manifest bundle.Manifest
	days     int // how long it may be installed
	out      string
	dir      string
}

// bundleCommand is knak quirks bundle.
func bundleCommand(t *terminal.Terminal) *cobra.Command {
	var o bundleOptions
	cmd := &cobra.Command{
		Use:   "bundle DIR",
		Short: "Pack profiles and device entries for quirks update",
		Long: `Pack devices.toml and quirks/<vendor>/<model>.toml of DIR into a file for "knak quirks update". It is checked as an update
will be. Sign it with minisign -S -m FILE; who trusts the key installs it with --key.`,
		Example: `  knak quirks bundle --serial 12 --days 90 --out acme.tar ./acme
  minisign -S -s acme.key -m acme.tar`,
		Args: cobra.ExactArgs(1),
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := settings.ReadGlobal(t, cmd); err != nil {
				return err
			}
			o.dir = args[0]
			return pack(t, o)
		},
	}
	f := cmd.Flags()
	f.Int64Var(&o.manifest.Serial, "serial", 0, "`number` of the bundle, higher than that of every earlier one")
	f.IntVar(&o.days, "days", 90, "how many `days` it may be installed")
	f.StringVar(&o.out, "out", "", "write the bundle to this `file`")
	return cmd
}

// pack packs a bundle.
func pack(t *terminal.Terminal, o bundleOptions) error {
	if o.manifest.Serial < 1 || o.days < 1 || o.days > 3660 || o.out == "" {
		return exit.Usagef("--serial (1 or more), --days (1 to 3660) and --out are needed")
	}
	packed, err := bundleFiles(o.dir)
	if err != nil {
		return fmt.Errorf("quirks bundle: %w", err)
	}
	o.manifest.Created = time.Now()
	o.manifest.Expires = o.manifest.Created.AddDate(0, 0, o.days)
	data, err := bundle.Make(o.manifest, packed)
	if err != nil {
		return fmt.Errorf("quirks bundle: %w", err)
	}
	b, err := bundle.Parse(data)
	if err != nil {
		return fmt.Errorf("quirks bundle: %w", err)
	}
	if _, err := b.Changes(files.Quirks()); err != nil {
		return fmt.Errorf("quirks bundle: %w", err)
	}
	if err := os.WriteFile(o.out, data, 0o644); err != nil {
		return fmt.Errorf("quirks bundle: %w", err)
	}
	if !t.Style.JSON {
		fmt.Fprintf(t.Out, "%s: %d files, serial %d; sign it: minisign -S -m %s\n", o.out, len(packed), o.manifest.Serial, o.out)
	}
	return nil
}

// bundleFiles reads the files that a bundle can hold.
func bundleFiles(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	tree := os.DirFS(dir)
	names, err := fs.Glob(tree, "quirks/*/*.toml")
	if err != nil {
		return nil, err
	}
	if _, err := fs.Stat(tree, "devices.toml"); err == nil {
		names = append(names, "devices.toml")
	}
	for _, name := range names {
		if strings.HasSuffix(name, ".sim.toml") {
			continue
		}
		if files[name], err = bundle.ReadFile(path.Join(dir, name), bundle.MaxBundle); err != nil {
			return nil, err
		}
	}
	if len(files) == 0 {
		return nil, errors.New(dir + " has neither devices.toml nor quirks/<vendor>/<model>.toml")
	}
	return files, nil
}
