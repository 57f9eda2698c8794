package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/read"
)

// recording is a file that is being read as the event stream.
type recording struct {
	*read.Reader
	name string
	file io.Closer
}

// openRecording opens a recording or log of any format that core/recording/read knows; - is standard input. What is wrong
// with the name or with what is in it is a mistake of the user's.
func (a *app) openRecording(name string, o read.Options) (*recording, error) {
	own, err := a.readOptions(o.Format)
	if err != nil {
		return nil, err
	}
	o.Format, o.Formats = own.Format, own.Formats
	if name == "-" {
		o.Name = "standard input"
		r, err := read.Open(a.stdin, o)
		if err != nil {
			return nil, &usageError{err}
		}
		return &recording{Reader: r, name: o.Name}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &usageError{err}
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
		return nil, &usageError{err}
	}
	return &recording{Reader: r, name: name, file: f}, nil
}

// Close closes the file.
func (r *recording) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}

// each gives every record to the sinks, in order.
func (r *recording) each(sinks ...event.Sink) error {
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

// source says in a few words what was read and how much of it was not understood.
func (r *recording) source() string { return r.Summary().String() }

// tells is an error where nothing that was read tells of a call.
func (r *recording) tells(told bool) error {
	switch {
	case told:
		return nil
	case r.Summary().Bytes == 0:
		return usagef("%s is empty", r.name)
	}
	return nothingTells(r.name, r.source())
}

func nothingTells(name, source string) error {
	return usagef("%s: nothing in it tells of a call (%s); --format says what it is, where that was found out wrongly: %s", name, source, strings.Join(read.Names(), ", "))
}

// addFormatFlag adds --format to a command that reads recordings.
func addFormatFlag(cmd *cobra.Command, into *string) {
	cmd.Flags().StringVar(into, "format", "", "what the recording is, where it cannot be told by its content: a `name` of "+strings.Join(read.Names(), ", ")+", or the file of a format")
	complete(cmd, "format", cobra.FixedCompletions(read.Names(), cobra.ShellCompDirectiveDefault))
}
