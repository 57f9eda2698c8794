// Package terminal is the connection of a command to the person who called it: input, output and style.
package terminal

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Style holds the flags that every command has.
type Style struct {
	JSON       bool   `mapstructure:"json"`
	Verbose    bool   `mapstructure:"verbose"`
	Everything bool   `mapstructure:"-"` // -vv
	Quiet      bool   `mapstructure:"quiet"`
	Color      string `mapstructure:"color"`
	LogFormat  string `mapstructure:"log-format"`
}

// Attended says whether r is a terminal, so that a person can answer a question.
func Attended(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Say tells a person that something was done.
func (t *Terminal) Say(format string, args ...any) {
	if !t.Style.Quiet && !t.Style.JSON {
		fmt.Fprintf(t.Err, format+"\n", args...)
	}
}

// Terminal holds what every command needs: input, output and style.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	Style    Style
}
