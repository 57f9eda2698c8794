package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/pflag"

	"github.com/knakppp/knak/core/foreign"
)

// Own gives the path of the configuration file that this user may write: the system's for root, otherwise the user's
// own.
func Own() string {
	paths, _ := Files("")
	switch {
	case len(paths) == 0:
		return "config.toml"
	case os.Geteuid() == 0:
		return paths[0]
	}
	return paths[len(paths)-1]
}

// Append adds a section to a configuration file, which need not exist. The rest of the file and its mode stay unchanged; the file
// is replaced in one step.
func Append(path, section string) error {
	mode := fs.FileMode(0o644)
	old, err := foreign.Read(path, foreign.Rules{Limit: configLimit, Links: true, Named: true, Trusted: os.Geteuid() == 0})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("configuration: %w", err)
		}
	case err != nil:
		return fmt.Errorf("configuration: %w", err)
	default:
		if path, err = filepath.EvalSymlinks(path); err != nil { // the link stays one
			return fmt.Errorf("configuration: %w", err)
		}
		info, err := os.Stat(path)
		if err != nil {
			return fmt.Errorf("configuration: %w", err)
		}
		mode = info.Mode().Perm()
	}
	if len(old) > 0 {
		old = append(bytes.TrimRight(old, "\n"), "\n\n"...)
	}
	if err := foreign.Replace(path, append(old, section...), mode); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	return nil
}

// WriteSecret writes a file that only its owner may read. It is an error if the file exists.
func WriteSecret(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("%w: remove it, or name it with the flag", err)
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// ShowOnly leaves all other flags out of a command's help, because they matter little for it.
func ShowOnly(f *pflag.FlagSet, names ...string) {
	f.VisitAll(func(flag *pflag.Flag) { flag.Hidden = flag.Hidden || !slices.Contains(names, flag.Name) })
}
