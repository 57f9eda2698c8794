package format

import (
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
)

//go:embed formats/*.toml
var shipped embed.FS

// Names gives the names of the formats that knak has, without reading them: a file has the name of its format.
func Names() []string {
	entries, err := shipped.ReadDir("formats")
	if err != nil {
		return nil // they are compiled in
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".toml"))
	}
	return names
}

// Shipped gives the formats that knak has. They are read once, when the first log is.
var Shipped = sync.OnceValue(func() []*Format {
	entries, _ := shipped.ReadDir("formats") // they are compiled in
	var all []*Format
	for _, e := range entries {
		text, _ := shipped.ReadFile("formats/" + e.Name())
		f, err := Parse(e.Name(), text)
		if err != nil {
			panic("a format that knak has itself: " + err.Error()) // a test reads all of them
		}
		all = append(all, f)
	}
	return all
})

// Load reads all formats of a directory: *.toml. What is wrong with one is an error each, which names file, line and column; the
// others are used. A directory that is not there is empty. name is what the directory is called in errors.
func Load(dir fs.FS, name string) (all []*Format, errs []error) {
	entries, err := fs.ReadDir(dir, ".")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, []error{fmt.Errorf("%s: %w", name, err)}
	}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(e.Name(), ".toml") || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		text, err := readSome(dir, e.Name())
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		f, err := Parse(path.Join(name, e.Name()), text)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		all = append(all, f)
	}
	return all, errs
}

// readSome reads a file, at most one octet more than Parse takes.
func readSome(dir fs.FS, name string) ([]byte, error) {
	f, err := dir.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read from
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%s is no file", name))
	}
	return io.ReadAll(io.LimitReader(f, MaxFile+1))
}
