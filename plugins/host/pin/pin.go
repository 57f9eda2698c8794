// Package pin finds plugins and decides which of them may run: in which directories they may be, who may own and write them, and
// which contents plugins.lock names. It starts nothing.
//
// A plugin is a file knak-plugin-NAME in one of a few fixed directories. It does not run just because it is there: the
// configuration must name it, and plugins.lock must hold the SHA-256 of its content.
package pin

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
)

// Prefix begins the name of every plugin's file.
const Prefix = "knak-plugin-"

// lockLimit is the greatest size of plugins.lock, in octets.
const lockLimit = 1 << 20

// maxName is the greatest length of a plugin's name, in characters.
const maxName = 40

// CheckName says whether a plugin may have this name: lower-case letters, digits and dashes, beginning with a letter.
func CheckName(name string) error {
	ok := name != "" && len(name) <= maxName && name[0] >= 'a' && name[0] <= 'z'
	for _, c := range []byte(name) {
		ok = ok && (c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-')
	}
	if !ok {
		return fmt.Errorf("plugin name %q: use 1 to %d lower-case letters, digits and dashes, beginning with a letter", name, maxName)
	}
	return nil
}

// Pin says that a plugin may have this content.
type Pin struct {
	Name      string    `toml:"name"`
	SHA256    string    `toml:"sha256"`              // 64 lower-case hexadecimal digits
	Source    string    `toml:"source,omitempty"`    // the file that was installed, for people
	Installed time.Time `toml:"installed,omitempty"` // the time of the installation
}

// Lock is the content of plugins.lock. Several pins may have the same name: one plugin for several processors, or two versions
// while a fleet changes from one to the other.
type Lock struct {
	Path string
	Pins []Pin
}

// Has says whether name may have the content with this SHA-256.
func (l *Lock) Has(name, sum string) bool {
	return slices.ContainsFunc(l.Pins, func(p Pin) bool { return p.Name == name && p.SHA256 == sum })
}

// Pinned says whether any content is pinned for name.
func (l *Lock) Pinned(name string) bool {
	return slices.ContainsFunc(l.Pins, func(p Pin) bool { return p.Name == name })
}

// Set makes p the only pin of its name.
func (l *Lock) Set(p Pin) {
	l.Remove(p.Name)
	l.Pins = append(l.Pins, p)
	slices.SortStableFunc(l.Pins, func(a, b Pin) int { return strings.Compare(a.Name, b.Name) })
}

// Remove removes the pins of a name and says whether there was one.
func (l *Lock) Remove(name string) bool {
	n := len(l.Pins)
	l.Pins = slices.DeleteFunc(l.Pins, func(p Pin) bool { return p.Name == name })
	return len(l.Pins) < n
}

// LockPath gives the path of plugins.lock: $KNAK_PLUGINS_LOCK; else in /etc/knak for root; else below the user's configuration
// directory.
func LockPath() (string, error) {
	if path := os.Getenv("KNAK_PLUGINS_LOCK"); path != "" {
		return path, nil
	}
	if os.Geteuid() == 0 {
		return "/etc/knak/plugins.lock", nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("plugins.lock: %w", err)
	}
	return filepath.Join(dir, "knak", "plugins.lock"), nil
}

type lockFile struct {
	Plugin []Pin `toml:"plugin"`
}

// ReadLock reads a plugins.lock strictly. A missing file counts as an empty one. A file that others may write is refused: the
// error is a *trust.Error.
func ReadLock(path string) (*Lock, error) {
	l := &Lock{Path: path}
	f, err := openSafe(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("plugins.lock: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, lockLimit+1))
	if err != nil {
		return nil, fmt.Errorf("plugins.lock: %w", err)
	}
	if len(text) > lockLimit {
		return nil, fmt.Errorf("%s is longer than %d octets", path, lockLimit)
	}
	if l.Pins, err = parseLock(text); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return l, nil
}

func parseLock(text []byte) ([]Pin, error) {
	var file lockFile
	if err := toml.NewDecoder(bytes.NewReader(text)).DisallowUnknownFields().Decode(&file); err != nil {
		var bad *toml.DecodeError
		var strict *toml.StrictMissingError
		switch {
		case errors.As(err, &strict) && len(strict.Errors) > 0:
			row, _ := strict.Errors[0].Position()
			return nil, fmt.Errorf("line %d: unknown key %q; a [[plugin]] has name, sha256, source and installed", row, strings.Join(strict.Errors[0].Key(), "."))
		case errors.As(err, &bad):
			row, _ := bad.Position()
			return nil, fmt.Errorf("line %d: %s", row, strings.TrimPrefix(bad.Error(), "toml: "))
		}
		return nil, err
	}
	for _, p := range file.Plugin {
		if err := CheckName(p.Name); err != nil {
			return nil, err
		}
		if err := CheckSum(p.SHA256); err != nil {
			return nil, fmt.Errorf("plugin %s: sha256 %w", p.Name, err)
		}
	}
	return file.Plugin, nil
}

// CheckSum says whether text is a SHA-256 in the form of plugins.lock and the configuration.
func CheckSum(text string) error {
	if len(text) != 64 || strings.Trim(text, "0123456789abcdef") != "" {
		return fmt.Errorf("must be 64 lower-case hexadecimal digits, as sha256sum prints them, and not %q", text)
	}
	return nil
}

// Write replaces the file. It makes its directory if that is missing.
func (l *Lock) Write() error {
	text, err := toml.Marshal(lockFile{Plugin: l.Pins})
	if err != nil {
		return fmt.Errorf("plugins.lock: %w", err)
	}
	head := "# The contents that plugins may have. `knak plugins install` and `knak plugins remove` write this file.\n\n"
	if err := os.MkdirAll(filepath.Dir(l.Path), 0o755); err != nil {
		return fmt.Errorf("plugins.lock: %w", err)
	}
	if err := replaceFile(l.Path, strings.NewReader(head+string(text)), 0o644, func() error { return nil }); err != nil {
		return fmt.Errorf("plugins.lock: %w", err)
	}
	return nil
}

// replaceFile writes a file beside its place and moves it there, so that nobody ever sees half of it. checked may
// refuse what was written.
func replaceFile(path string, r io.Reader, mode fs.FileMode, checked func() error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".knak-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // the first error is the one to tell
		}
	}()
	_, err = io.Copy(f, r)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close(), checked())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
