package terminal

import (
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/show/progress"
)

// Sinks gives where the events of a dial go: JSON Lines to standard output with --json, progress to standard error, at
// the given level unless the user asks for less or more. limit is how long the dial may take; 0: that is not shown.
// The function flushes them and gives the first error of writing.
func (t *Terminal) Sinks(start time.Time, level progress.Level, limit time.Duration) (event.Sink, func() error) {
	var all event.Fanout
	var finish []func() error
	if t.Style.JSON {
		w := event.NewJSONWriter(t.Out)
		all, finish = append(all, w), append(finish, w.Err)
	}
	switch {
	case t.Style.LogFormat == "json":
		w := event.NewJSONWriter(t.Err)
		var to event.Sink = w
		if t.Style.Quiet {
			to = quietSink(w)
		}
		all, finish = append(all, to), append(finish, w.Err)
	case !t.Style.JSON || t.Style.Verbose:
		switch {
		case t.Style.Quiet:
			level = progress.Quiet
		case t.Style.Everything:
			level = progress.Verbose
		case t.Style.Verbose:
			level = max(level, progress.Detail)
		}
		o := progress.Options{Level: level, Color: t.Color(t.Err), Width: Width(t.Err), Start: start, Limit: limit}
		if t.Style.LogFormat == "journal" {
			o.Color, o.Journal = false, true
		}
		o.Live = level == progress.Normal && !o.Journal && IsTerminal(t.Err)
		p := progress.New(t.Err, o)
		switch level {
		case progress.Quiet:
			all = append(all, p)
		case progress.Normal:
			all = append(all, &reminder{next: p, attempts: true})
		default:
			all = append(all, &reminder{next: p})
		}
		stop := func() {}
		if o.Live {
			c := &clock{progress: p}
			all, stop = append(all, c), c.stop
			c.start()
		}
		finish = append(finish, func() error { stop(); p.Flush(); return p.Err() })
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

// clock makes progress show the time once a second while it waits for something. It does not run while the link is up, so that an
// idle link causes no wake-ups. It starts again when the link has ended.
type clock struct {
	progress interface{ Tick(now time.Time) bool }

	mu      sync.Mutex
	end     chan struct{} // nil: it does not run
	running sync.WaitGroup
}

// Record starts the clock when a link has ended and something is waited for again.
func (c *clock) Record(r event.Record) {
	switch r.Event.(type) {
	case event.Attempt, event.Notice, event.Phase:
		if p, ok := r.Event.(event.Phase); !ok || p.Phase != event.PhaseUp {
			c.start()
		}
	}
}

func (c *clock) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.end != nil {
		return
	}
	end := make(chan struct{})
	c.end = end
	c.running.Go(func() { c.run(end) })
}

func (c *clock) run(end chan struct{}) {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case now := <-second.C:
			if c.progress.Tick(now) {
				continue
			}
			c.mu.Lock()
			defer c.mu.Unlock()
			if c.end == end {
				c.end = nil
			}
			return
		case <-end:
			return
		}
	}
}

func (c *clock) stop() {
	c.mu.Lock()
	if c.end != nil {
		close(c.end)
	}
	c.end = make(chan struct{}) // it does not start any more
	c.mu.Unlock()
	c.running.Wait()
}

// quietSink passes what -q shows.
func quietSink(next event.Sink) event.Sink {
	return event.SinkFunc(func(r event.Record) {
		switch e := r.Event.(type) {
		case event.Up, event.Down, event.Finding, event.Failure:
			next.Record(r)
		case event.Notice:
			if e.Level == "warning" {
				next.Record(r)
			}
		}
	})
}

// file gives the file behind a writer, and whether there is one.
func file(w io.Writer) (*os.File, bool) {
	if k, ok := w.(*ErrorKeeper); ok {
		w = k.w
	}
	f, ok := w.(*os.File)
	return f, ok
}

// File gives the file behind a writer for a program that is started to write there; nil where it is none.
func File(w io.Writer) *os.File {
	f, _ := file(w)
	return f
}

// IsTerminal says whether a writer is one that a line can be rewritten on.
func IsTerminal(w io.Writer) bool {
	f, ok := file(w)
	return ok && os.Getenv("TERM") != "dumb" && term.IsTerminal(int(f.Fd())) && takesEscapes(f)
}

// Width gives the columns of a terminal, 0 for anything else.
func Width(w io.Writer) int {
	f, ok := file(w)
	if !ok {
		return 0
	}
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return columns
}

// screenful is how many events after a finding scroll it off the screen.
const screenful = 15

// reminder is a Sink that shows the last finding once more at the end if many events came after it, so that the last lines say
// what went wrong. Findings from before a link came up are not repeated.
type reminder struct {
	next     event.Sink
	attempts bool // only attempts count: of the rest little is shown

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
	case event.Attempt:
		m.since += screenful
	default:
		if !m.attempts {
			m.since++
		}
	}
	m.next.Record(r)
}

// ErrorKeeper is a Writer that remembers its first error, so that a command whose output is lost does not end with 0.
type ErrorKeeper struct {
	w   io.Writer
	err error
}

// Keep makes an ErrorKeeper before w.
func Keep(w io.Writer) *ErrorKeeper { return &ErrorKeeper{w: w} }

func (k *ErrorKeeper) Write(p []byte) (int, error) {
	n, err := k.w.Write(p)
	if k.err == nil {
		k.err = err
	}
	return n, err
}

// Err is the first error.
func (k *ErrorKeeper) Err() error { return k.err }

// Color says whether a writer gets colour: a terminal does, unless the user says otherwise (no-color.org).
func (t *Terminal) Color(w io.Writer) bool {
	switch t.Style.Color {
	case "always":
		return true
	case "never":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && IsTerminal(w)
}
