package quirks

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"
)

// Layer is the origin of a value. A later layer beats an earlier one, key by key.
type Layer uint8

// The layers, weakest first.
const (
	Default     Layer = iota // the key's own default
	Builtin                  // compiled into the program
	Update                   // a signed update
	Learned                  // found by experiment on this machine
	System                   // /etc/knak
	Plugin                   // a plugin
	User                     // ~/.config/knak
	CommandLine              // --set, and flags that stand for a key
)

// tunes says that the layer may set tuning keys only.
func (l Layer) tunes() bool { return l == Update || l == Plugin }

// String gives the word that explain and errors use.
func (l Layer) String() string {
	return [...]string{"default", "built-in", "update", "learned", "system", "plugin", "user", "command line"}[l]
}

// MarshalText makes JSON carry String.
func (l Layer) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// Schema is the version of the file format that this program reads.
const Schema = 1

// Sources says where the files are. System and User are directories that hold quirks.d/<vendor>/<model>.toml and
// devices.d/*.toml; an empty or missing one is an empty layer, as is an empty or missing Update.
type Sources struct {
	Builtin fs.FS  // devices.toml and quirks/<vendor>/<model>.toml: knak.Files
	Update  string // an installed update with the layout of Builtin: bundle.Store.Current
	System  string // usually /etc/knak
	User    string // usually ~/.config/knak
	Root    bool   // the program has root's rights: it refuses files and directories that others may write

	trust func(fs.FileInfo) error // takes the place of the check that Root asks for; for tests
}

// Problem is a mistake in a file: where it is, what it is, and what is allowed. A profile with a Problem is not used at all. In a
// file of device entries, the entries without one are used.
type Problem struct {
	Layer  Layer  `json:"layer"`
	File   string `json:"file"` // a path on disk, or one within the built-in files
	Line   int    `json:"line"` // from 1; 0: the mistake has no single place
	Column int    `json:"column"`
	Text   string `json:"text"`
}

// newProblem makes a problem. What a file has in it can get into the text, so nothing stays that a terminal would obey.
func newProblem(layer Layer, file string, p pos, format string, args ...any) *Problem {
	text := strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, fmt.Sprintf(format, args...))
	return &Problem{Layer: layer, File: file, Line: p.line, Column: p.col, Text: text}
}

// Error gives file:line:column: text.
func (p *Problem) Error() string {
	switch {
	case p.File == "":
		return p.Text
	case p.Line == 0:
		return fmt.Sprintf("%s: %s", p.File, p.Text)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Text)
}
