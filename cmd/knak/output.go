package main

import (
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/knakppp/knak/core/trace"
)

// sinks gives where the events of a dial go: JSON Lines to standard output with --json, progress to standard error.
// The function flushes them and gives the first error of writing.
func (a *app) sinks(start time.Time) (trace.Sink, func() error) {
	var all trace.Fanout
	var finish []func() error
	if a.global.JSON {
		w := trace.NewJSONWriter(a.stdout)
		all, finish = append(all, w), append(finish, w.Err)
	}
	switch {
	case a.global.LogFormat == "json":
		w := trace.NewJSONWriter(a.stderr)
		all, finish = append(all, w), append(finish, w.Err)
	case !a.global.JSON || a.global.Verbose:
		level := trace.Normal
		if a.global.Verbose {
			level = trace.Verbose
		}
		if a.global.Quiet {
			level = trace.Quiet
		}
		o := trace.ProgressOptions{Level: level, Color: a.color(a.stderr), Start: start}
		var w io.Writer = a.stderr
		if a.global.LogFormat == "journal" {
			o.Color = false
			w = &journalWriter{w: a.stderr}
		}
		p := trace.NewProgress(w, o)
		all = append(all, p)
		finish = append(finish, func() error { p.Flush(); return p.Err() })
	}
	return all, func() error {
		var first error
		for _, f := range finish {
			if err := f(); err != nil && first == nil {
				first = err
			}
		}
		return first
	}
}

// color says whether a writer gets colour: a terminal does, unless the user says otherwise (no-color.org).
func (a *app) color(w io.Writer) bool {
	switch a.global.Color {
	case "always":
		return true
	case "never":
		return false
	}
	f, ok := w.(*os.File)
	return ok && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd()))
}

// journalWriter puts the priority in front of each line that the journal reads off standard error (sd-daemon(3)): 6,
// informational.
type journalWriter struct {
	w   io.Writer
	mid bool // in the middle of a line
}

func (j *journalWriter) Write(p []byte) (int, error) {
	out := make([]byte, 0, len(p)+16)
	for _, c := range p {
		if !j.mid {
			out = append(out, "<6>"...)
		}
		out = append(out, c)
		j.mid = c != '\n'
	}
	if _, err := j.w.Write(out); err != nil {
		return 0, err
	}
	return len(p), nil
}
