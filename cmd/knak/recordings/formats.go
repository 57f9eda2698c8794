package recordings

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/files"
	"github.com/knakppp/knak/core/foreign"
	"github.com/knakppp/knak/core/recording/format"
	"github.com/knakppp/knak/core/recording/read"
)

// Options gives what a command that reads recordings reads with: the user's own formats, and the one that --format names or
// whose file it is. A file of formats.d that is wrong is left out, and said.
func Options(t *terminal.Terminal, chosen string) (read.Options, error) {
	o := read.Options{Format: chosen}
	var dirs []string
	if dir := files.System(); dir != "" {
		dirs = append(dirs, filepath.Join(dir, "formats.d"))
	}
	if dir, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(dir, "knak", "formats.d"))
	}
	for i := len(dirs) - 1; i >= 0; i-- { // the user's before the system's
		entries, err := os.ReadDir(dirs[i])
		if err != nil {
			continue // there is none, or nobody may read it
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".toml") || strings.HasPrefix(e.Name(), ".") {
				continue
			}
			f, err := readFormat(filepath.Join(dirs[i], e.Name()), foreign.Rules{Limit: format.MaxFile, Links: true})
			if err != nil {
				fmt.Fprintf(t.Err, "knak: a format is left out: %s\n", terminal.PrintableLines(err.Error()))
				continue
			}
			o.Formats = append(o.Formats, f)
		}
	}
	if !isFormatFile(chosen) {
		return o, nil
	}
	f, err := readFormat(chosen, foreign.Rules{Limit: format.MaxFile, Named: true})
	if err != nil {
		return o, exit.Usage(fmt.Errorf("--format: %s", terminal.PrintableLines(err.Error())))
	}
	o.Format = f.Name
	o.Formats = append([]*format.Format{f}, o.Formats...)
	return o, nil
}

// readFormat reads a format and its examples.
func readFormat(name string, r foreign.Rules) (*format.Format, error) {
	text, err := foreign.Read(name, r)
	if err != nil {
		return nil, err
	}
	f, err := format.Parse(name, text)
	if err != nil {
		return nil, err
	}
	return f, read.CheckFormat(f)
}

// isFormatFile says whether --format names a file in place of a format: it is a path, or ends as one does.
func isFormatFile(s string) bool {
	if s == "" {
		return false
	}
	if strings.ContainsRune(s, os.PathSeparator) || strings.HasSuffix(s, ".toml") {
		return true
	}
	return false
}
