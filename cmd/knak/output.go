package main

import (
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/show/progress"
)

// sinks gives where the events of a dial go: JSON Lines to standard output with --json, progress to standard error.
// The function flushes them and gives the first error of writing.
func (a *app) sinks(start time.Time) (event.Sink, func() error) {
	var all event.Fanout
	var finish []func() error
	if a.global.JSON {
		w := event.NewJSONWriter(a.stdout)
		all, finish = append(all, w), append(finish, w.Err)
	}
	switch {
	case a.global.LogFormat == "json":
		w := event.NewJSONWriter(a.stderr)
		all, finish = append(all, w), append(finish, w.Err)
	case !a.global.JSON || a.global.Verbose:
		level := progress.Normal
		if a.global.Verbose {
			level = progress.Verbose
		}
		if a.global.Quiet {
			level = progress.Quiet
		}
		o := progress.Options{Level: level, Color: a.color(a.stderr), Start: start}
		var w io.Writer = a.stderr
		if a.global.LogFormat == "journal" {
			o.Color = false
			w = &journalWriter{w: a.stderr}
		}
		p := progress.New(w, o)
		if level == progress.Quiet {
			all = append(all, p)
		} else {
			all = append(all, &reminder{next: p})
		}
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

// screenful is how many events after a finding push it out of a person's sight.
const screenful = 15

// reminder is a Sink that tells the last finding once more at the end, where much has happened since it was told: what
// went wrong must stand in the last lines. A link that came up has left its findings behind.
type reminder struct {
	next event.Sink

	mu      sync.Mutex
	finding *event.Finding
	since   int // events after it
}

// Record hands r on, after the finding if r is the end.
func (m *reminder) Record(r event.Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch e := r.Event.(type) {
	case event.Finding:
		m.finding, m.since = &e, 0
	case event.Up:
		m.finding = nil
	case event.Down:
		if m.finding != nil && m.since >= screenful {
			m.next.Record(event.Record{Time: r.Time, Link: r.Link, Event: *m.finding})
		}
		m.finding = nil
	default:
		m.since++
	}
	m.next.Record(r)
}

// errorKeeper is a Writer that remembers its first error, so that a command whose output is lost does not end with 0.
type errorKeeper struct {
	w   io.Writer
	err error
}

func (k *errorKeeper) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	if k.err == nil {
		k.err = err
	}
	return n, err
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
