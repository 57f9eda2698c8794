// Package output writes the files that commands make.
package output

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/knakppp/knak/cmd/knak/exit"
)

func New(name, text string) error {
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
