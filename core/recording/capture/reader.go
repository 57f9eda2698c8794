package capture

import (
	"fmt"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
	"github.com/knakppp/knak/core/recording/wire"
)

// format is what differs from one format to another: step takes a piece of the input and gives what is in it to the
// reader. It returns io.EOF at the end of the input; end is called once then.
type format interface {
	step(r *reader) error
	end(r *reader)
}

// reader is the source.Source of every format.
type reader struct {
	in    *source.Input
	c     source.Config
	f     format
	line  *wire.Line // of the formats that have one line only
	pos   event.Pos
	last  time.Time
	out   []event.Record
	taken int
	ended error // io.EOF, or the input's
	buf   []byte
}

// opener gives Format.Open for a format.
func opener(begin func(r *reader) format) func(*source.Input, source.Config) source.Source {
	return func(in *source.Input, c source.Config) source.Source {
		r := &reader{in: in, c: c}
		r.line = r.newLine()
		r.f = begin(r)
		return r
	}
}

func (r *reader) newLine() *wire.Line { return wire.New(wire.Options{Link: r.c.Link, Raw: r.c.Raw}) }

func (r *reader) Next() (event.Record, error) {
	for {
		if r.taken < len(r.out) {
			rec := r.out[r.taken]
			r.taken++
			return rec, nil
		}
		r.out, r.taken = r.out[:0], 0
		if r.ended != nil {
			return event.Record{}, r.ended
		}
		if r.ended = r.f.step(r); r.ended != nil {
			r.f.end(r) // also of an input that fails, such as a packed file that is cut off: what there was is told first
			r.close()
		}
	}
}

// octets gives octets of the one line.
func (r *reader) octets(now time.Time, dir event.Dir, b []byte) {
	r.last = now
	r.line.Receive(now, dir, b)
	r.drain(r.line)
}

// close ends a session of the one line.
func (r *reader) close() {
	r.line.Close(r.last)
	r.drain(r.line)
}

// drain takes the records of a line.
func (r *reader) drain(l *wire.Line) {
	for rec, ok := l.Next(); ok; rec, ok = l.Next() {
		rec.Pos = r.pos
		r.out = append(r.out, rec)
	}
}

func (r *reader) add(now time.Time, e event.Event) {
	r.out = append(r.out, event.Record{Time: now, Link: r.c.Link, Pos: r.pos, Event: e})
}

func (r *reader) notice(format string, a ...any) {
	r.add(r.last, event.Notice{Level: "info", Text: fmt.Sprintf(format, a...)})
}

func (r *reader) warning(format string, a ...any) {
	r.add(r.last, event.Notice{Level: "warning", Text: fmt.Sprintf(format, a...)})
}

// unread says that octets of the recording were not understood. What they are is not shown: they may hold anything.
func (r *reader) unread(n int, reason string) {
	if n > 0 {
		r.add(r.last, event.Unread{Bytes: n, Reason: reason})
	}
}

// lost reads the input to its end and says that it was not understood from here on, or n octets before.
func (r *reader) lost(n int, reason string) error {
	for {
		b, err := r.in.Peek(source.PrefixLen)
		if err != nil {
			r.unread(n, reason)
			return err
		}
		r.in.Skip(len(b))
		n += len(b)
	}
}

// full takes n octets into the reader's buffer; they hold until the next call. Where the input ends before, got is what
// there was, and the error io.EOF.
func (r *reader) full(n int) (got []byte, err error) {
	if cap(r.buf) < n {
		r.buf = make([]byte, n, max(n, 2*cap(r.buf), 4096))
	}
	b := r.buf[:n]
	for have := 0; have < n; {
		m, err := r.in.Read(b[have:])
		have += m
		if err != nil {
			return b[:have], err
		}
	}
	return b, nil
}

// pass takes n octets that are understood to be of no use.
func (r *reader) pass(n int64) error {
	for n > 0 {
		b, err := r.in.Peek(int(min(n, source.PrefixLen)))
		if err != nil {
			return err
		}
		r.in.Skip(len(b))
		n -= int64(len(b))
	}
	return nil
}
