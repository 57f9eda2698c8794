package pin

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/knakppp/knak/core/trust"
)

// Found is a plugin's file.
type Found struct {
	Name string
	Path string
}

// Dirs gives the directories of plugins, the strongest first: extra if it is not empty, the user's own (not for root, whose
// plugins run as root), and the two of the system.
func Dirs(extra string) []string {
	var dirs []string
	if extra != "" {
		if abs, err := filepath.Abs(extra); err == nil {
			dirs = append(dirs, abs)
		}
	}
	if home, err := os.UserHomeDir(); err == nil && os.Geteuid() != 0 && filepath.IsAbs(home) {
		dirs = append(dirs, filepath.Join(home, ".local/share/knak/plugins"))
	}
	return append(dirs, "/usr/local/libexec/knak/plugins", "/usr/libexec/knak/plugins")
}

// NotFoundError says that no directory has the plugin's file.
type NotFoundError struct {
	Name string
	Dirs []string
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("no file %s%s in %s", Prefix, e.Name, strings.Join(e.Dirs, ", "))
}

// Find gives the path of a plugin's file, from the first directory that has one. The error is a *NotFoundError.
func Find(dirs []string, name string) (string, error) {
	for _, dir := range dirs {
		path := filepath.Join(dir, Prefix+name)
		if _, err := os.Lstat(path); err == nil {
			return path, nil
		}
	}
	return "", &NotFoundError{Name: name, Dirs: dirs}
}

// List gives every plugin's file, sorted by name. If several have the same name, it gives the one that Find gives.
func List(dirs []string) []Found {
	var all []Found
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir) // a directory that is missing or closed to us has no plugin for us
		for _, e := range entries {
			name, ok := NameOf(e.Name())
			if ok && !e.IsDir() && !slices.ContainsFunc(all, func(f Found) bool { return f.Name == name }) {
				all = append(all, Found{Name: name, Path: filepath.Join(dir, e.Name())})
			}
		}
	}
	slices.SortFunc(all, func(a, b Found) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// NameOf gives the plugin's name from the name of its file.
func NameOf(path string) (string, bool) {
	name, ok := strings.CutPrefix(filepath.Base(path), Prefix)
	return name, ok && CheckName(name) == nil
}

// Install copies a file into dir as the plugin of this name. It gives the new path and the SHA-256 of the content. It makes the
// directory if it is missing. If want is not "", a content with another SHA-256 is refused.
func Install(file, dir, name, want string) (path, sum string, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", "", err
	}
	defer f.Close()
	st, err := f.Stat()
	switch {
	case err != nil:
		return "", "", err
	case !st.Mode().IsRegular():
		return "", "", &fs.PathError{Op: "install", Path: file, Err: fmt.Errorf("is no regular file")}
	case st.Size() > sizeLimit:
		return "", "", &fs.PathError{Op: "install", Path: file, Err: fmt.Errorf("is larger than %d MiB", sizeLimit>>20)}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", "", err
	}
	if err := trust.Path(dir); err != nil {
		return "", "", err
	}
	path = filepath.Join(dir, Prefix+name)
	h := sha256.New()
	checked := func() error {
		if sum = hex.EncodeToString(h.Sum(nil)); want != "" && sum != want {
			return fmt.Errorf("%s has the SHA-256 %s, not %s", file, sum, want)
		}
		return nil
	}
	if err := replaceFile(path, io.TeeReader(f, h), 0o755, checked); err != nil {
		return "", "", err
	}
	return path, sum, nil
}
