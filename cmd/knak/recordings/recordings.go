// Package recordings opens the recordings and logs that commands name.
package recordings

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/cmd/knak/complete"
	"github.com/knakppp/knak/cmd/knak/exit"
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/read"
)

// Recording is a file that is being read as the event stream.
type Recording struct {
	*read.Reader
	Name string
	file io.Closer
}

// Open opens a recording or log of any format that core/recording/read knows; - is standard input. What is wrong
// with the name or with what is in it is a mistake of the user's.
func Open(t *terminal.Terminal, name string, o read.Options) (*Recording, error) {
	own, err := Options(t, o.Format)
	if err != nil {
		return nil, err
	}
	o.Format, o.Formats = own.Format, own.Formats
	if name == "-" {
		o.Name = "standard input"
		r, err := read.Open(t.In, o)
		if err != nil {
			return nil, exit.Usage(err)
		}
		return &Recording{Reader: r, Name: o.Name}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, exit.Usage(err)
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fmt.Errorf("%s is a directory: name a recording or a log in it", name)
	}
	var r *read.Reader
	if err == nil {
		if o.Date.IsZero() {
			o.Date = info.ModTime()
		}
		o.Name = name
		r, err = read.Open(f, o)
	}
	if err != nil {
		_ = f.Close() // it was only read from
		return nil, exit.Usage(err)
	}
	return &Recording{Reader: r, Name: name, file: f}, nil
}

// Close closes the file.
func (r *Recording) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// Each gives every record to the sinks, in order.
func (r *Recording) Each(sinks ...event.Sink) error {
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, s := range sinks {
			s.Record(rec)
		}
	}
}

// Source says in a few words what was read and how much of it was not understood.
func (r *Recording) Source() string { return r.Summary().String() }

// Tells gives an error if nothing that was read is about a call.
func (r *Recording) Tells(told bool) error {
	switch {
	case told:
		return nil
	case r.Summary().Bytes == 0:
		return exit.Usagef("%s is empty", r.Name)
	}
	return NothingTells(r.Name, r.Source())
}

// NothingTells makes the error for a recording that has nothing about a call; source says what was read.
func NothingTells(name, source string) error {
	return exit.Usagef("%s: nothing in it tells of a call (%s); if the format was recognised wrongly, name the right one with --format: %s", name, source, strings.Join(read.Names(), ", "))
}

// AddFormatFlag adds --format to a command that reads recordings.
func AddFormatFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "format", "", "format of the recording, if it is not recognised by its content: a `name` of "+strings.Join(read.Names(), ", ")+", or the file of a format")
	complete.Flag(cmd, "format", cobra.FixedCompletions(read.Names(), cobra.ShellCompDirectiveDefault))
}
