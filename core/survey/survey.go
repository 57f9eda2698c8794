// Package survey judges many recordings at once (files, directories, archives and mail boxes) on all processors. Its memory does not grow with their
// number. Results come in the order of the input.
package survey

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/read"
	"github.com/knakppp/knak/core/recording/unwrap"
)

// Result is the verdict on one recording.
type Result struct {
	Name    string
	Summary read.Summary
	Verdict diagnose.Verdict
	// Nothing is true if the recording holds no call: it is empty, or no recording at all.
	Nothing bool
	// Err is the error of reading. The other fields then describe the part before the error.
	Err error
}

// Options of Run.
type Options struct {
	Read    read.Options
	Limits  unwrap.Limits
	Workers int // how many recordings are judged at once; 0: as many as there are processors
}

// small is the size up to which a recording is read into memory and judged beside others. A larger one is judged while it is read.
const small = 1 << 20

// Run judges the recordings in files and directories; the name - is stdin. It calls each with every result, in order. An error of each ends the
// survey. Run returns that error, or that of ctx.
func Run(ctx context.Context, names []string, stdin io.Reader, o Options, each func(Result) error) error {
	if o.Workers == 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &surveyor{ctx: ctx, o: o, order: make(chan chan Result, 4*o.Workers), free: make(chan struct{}, o.Workers)}
	var walking sync.WaitGroup
	walking.Go(func() {
		defer close(s.order)
		for _, name := range names {
			s.name(name, stdin)
		}
	})
	defer walking.Wait()
	defer func() { // so that nobody waits for a place in order
		for range s.order {
		}
	}()
	defer stop()
	for result := range s.order {
		select {
		case r := <-result:
			if err := each(r); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return context.Cause(ctx)
}

type surveyor struct {
	ctx   context.Context
	o     Options
	order chan chan Result // of what is being judged, in order
	free  chan struct{}    // one for each worker that is busy
}

// name takes one name that was given.
func (s *surveyor) name(name string, stdin io.Reader) {
	if name == "-" {
		s.input(unwrap.Input{Name: "standard input", Reader: stdin})
		return
	}
	info, err := os.Stat(name)
	if err != nil {
		s.done(Result{Name: name, Err: err})
		return
	}
	if !info.IsDir() {
		s.file(name)
		return
	}
	err = filepath.WalkDir(name, func(path string, d fs.DirEntry, err error) error {
		switch {
		case s.ctx.Err() != nil:
			return fs.SkipAll
		case err != nil:
			s.done(Result{Name: path, Err: err})
			return nil
		case d.Type().IsRegular():
			s.file(path)
		case d.Type()&fs.ModeSymlink != 0:
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				s.file(path)
			}
		case !d.IsDir(): // a pipe or a device may have no end
			s.done(Result{Name: path, Err: errors.New("is left out: it is no file; name it by itself to read it")})
		}
		return nil
	})
	if err != nil {
		s.done(Result{Name: name, Err: err})
	}
}

func (s *surveyor) file(name string) {
	f, err := os.Open(name)
	if err != nil {
		s.done(Result{Name: name, Err: err})
		return
	}
	defer func() { _ = f.Close() }() // it was only read from
	in := unwrap.Input{Name: name, Reader: f}
	if info, err := f.Stat(); err == nil {
		in.Time = info.ModTime()
		if info.Mode().IsRegular() {
			in.At, in.Size = f, info.Size()
		}
	}
	s.input(in)
}

// input takes what may hold several recordings.
func (s *surveyor) input(in unwrap.Input) {
	err := unwrap.Walk(in, s.o.Limits, func(p unwrap.Part, err error) error {
		if s.ctx.Err() != nil {
			return s.ctx.Err()
		}
		if err != nil {
			s.done(Result{Name: p.Name, Err: err})
			return nil
		}
		return s.part(p)
	})
	if err != nil && s.ctx.Err() == nil {
		s.done(Result{Name: in.Name, Err: err})
	}
}

// part has a recording judged: beside others if it is small.
func (s *surveyor) part(p unwrap.Part) error {
	var head bytes.Buffer
	_, err := io.CopyN(&head, p, small)
	whole := errors.Is(err, io.EOF)
	if err != nil && !whole {
		s.done(Result{Name: p.Name, Err: err})
		return nil
	}
	o := s.o.Read
	o.Name = p.Name
	if o.Date.IsZero() {
		o.Date = p.Time
	}
	result := make(chan Result, 1)
	select {
	case s.order <- result:
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
	if !whole {
		r := judge(s.ctx, io.MultiReader(&head, p), o)
		if l, ok := p.Reader.(*io.LimitedReader); ok && l.N <= 0 && r.Err == nil {
			r.Err = fmt.Errorf("only its first part was read: it is longer than a recording may be (%d octets)", r.Summary.Bytes)
		}
		result <- r
		return nil
	}
	select {
	case s.free <- struct{}{}:
	case <-s.ctx.Done():
		result <- Result{Name: p.Name, Err: s.ctx.Err()}
		return s.ctx.Err()
	}
	go func() {
		defer func() { <-s.free }()
		result <- judge(s.ctx, &head, o)
	}()
	return nil
}

// done gives a result at once.
func (s *surveyor) done(r Result) {
	result := make(chan Result, 1)
	result <- r
	select {
	case s.order <- result:
	case <-s.ctx.Done():
	}
}

// judge reads a recording to its end and judges it. What ctx cuts off is judged as far as it was read.
func judge(ctx context.Context, in io.Reader, o read.Options) Result {
	out := Result{Name: o.Name}
	r, err := read.Open(in, o)
	var unknown *read.UnknownFormatError
	switch {
	case errors.As(err, &unknown) && unknown.Format == "":
		out.Nothing = true
		return out
	case err != nil:
		out.Err = err
		return out
	}
	c := diagnose.NewCase()
	for rec, err := range read.All(r) {
		if err != nil {
			out.Err = err
			break
		}
		if ctx.Err() != nil {
			out.Err = errors.New("was not read to its end")
			break
		}
		c.Record(rec)
	}
	out.Summary, out.Verdict = r.Summary(), c.Verdict()
	out.Nothing = out.Verdict.Told == 0
	return out
}

// Cause is a group of results with the same first finding.
type Cause struct {
	ID, Title string
	Count     int
	First     string // the name of the first recording in the group
}

// Groups counts results by cause.
type Groups struct {
	Causes  []Cause // in the order of their first recordings
	Up      int     // results without a finding
	Nothing int     // results without a call
	Failed  int     // results with an error
	index   map[string]int
}

// Add counts a result.
func (g *Groups) Add(r Result) {
	switch {
	case r.Err != nil && len(r.Verdict.Findings) == 0:
		g.Failed++
		return
	case r.Nothing:
		g.Nothing++
		return
	case len(r.Verdict.Findings) == 0:
		g.Up++
		return
	}
	if r.Err != nil {
		g.Failed++
	}
	f := r.Verdict.Findings[0]
	if g.index == nil {
		g.index = map[string]int{}
	}
	i, ok := g.index[f.ID]
	if !ok {
		i = len(g.Causes)
		g.index[f.ID] = i
		g.Causes = append(g.Causes, Cause{ID: f.ID, Title: f.Title, First: event.Printable(r.Name)})
	}
	g.Causes[i].Count++
}
