package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/format"
	"github.com/knakppp/knak/core/recording/read"
)

// readOptions gives what a command that reads recordings reads with: the user's own formats, and the one that --format names or
// whose file it is. A file of formats.d that is wrong is left out, and said.
func (a *app) readOptions(chosen string) (read.Options, error) {
	o := read.Options{Format: chosen}
	dirs := []string{"/etc/knak/formats.d"}
	if dir, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(dir, "knak", "formats.d"))
	}
	for i := len(dirs) - 1; i >= 0; i-- { // the user's before the system's
		if _, err := os.Stat(dirs[i]); err != nil {
			continue // there is none, or nobody may read it
		}
		all, errs := format.Load(os.DirFS(dirs[i]), dirs[i])
		for _, f := range all {
			if err := read.CheckFormat(f); err != nil {
				errs = append(errs, err)
				continue
			}
			o.Formats = append(o.Formats, f)
		}
		for _, err := range errs {
			fmt.Fprintf(a.stderr, "knak: a format is left out: %s\n", printableLines(err.Error()))
		}
	}
	if !isFormatFile(chosen) {
		return o, nil
	}
	text, err := os.ReadFile(chosen)
	if err != nil {
		return o, &usageError{fmt.Errorf("--format: %w", err)}
	}
	f, err := format.Parse(chosen, text)
	if err == nil {
		err = read.CheckFormat(f)
	}
	if err != nil {
		return o, &usageError{fmt.Errorf("--format: %s", printableLines(err.Error()))}
	}
	o.Format = f.Name
	o.Formats = append([]*format.Format{f}, o.Formats...)
	return o, nil
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

// printableLines makes each line of a text one that a terminal cannot obey.
func printableLines(text string) string {
	var lines []string
	for l := range strings.SplitSeq(text, "\n") {
		lines = append(lines, event.Printable(l))
	}
	return strings.Join(lines, "\n")
}
