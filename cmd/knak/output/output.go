// Package output writes the files that commands make.
package output

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/knakppp/knak/cmd/knak/exit"
)

// File is a file that is to be written.
type File struct{ Name, Text string }

// All writes files that are not there yet, all of them, or, where one is there already, none. An error of that kind is a mistake of the
// user's.
func All(files []File) error {
	for _, f := range files {
		switch _, err := os.Lstat(f.Name); {
		case err == nil:
			return exit.Usagef("%s is there already; nothing was written", f.Name)
		case !errors.Is(err, fs.ErrNotExist):
			return exit.Usagef("%w; nothing was written", err)
		}
	}
	for _, f := range files {
		if err := create(f.Name, f.Text); err != nil {
			return err
		}
	}
	return nil
}

func create(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}

// Whole writes a file as a whole or not at all: what stood there before stays until the new one is complete.
func Whole(name string, write func(io.Writer) error) error {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return exit.Usagef("%s is no file", name)
	}
	err := os.MkdirAll(filepath.Dir(name), 0o755)
	var f *os.File
	if err == nil {
		f, err = os.CreateTemp(filepath.Dir(name), ".knak-*")
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return exit.Usagef("%s cannot be written: %w", name, path.Err)
	}
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Chmod(0o644)
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}
