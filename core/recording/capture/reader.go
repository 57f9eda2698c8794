package capture

import (
	"fmt"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
	"github.com/knakppp/knak/core/recording/wire"
)

// format is the part that differs between formats. step takes a piece of the input and gives its contents to the reader; it
// returns io.EOF at the end of the input. Then end is called once.
type format interface {
	step(r *reader) error
	end(r *reader)
}

// reader is the source.Source for all formats.
type reader struct {
	in    *source.Input
	c     source.Config
	f     format
	line  *wire.Line // for formats with a single line
	pos   event.Pos
	last  time.Time
	out   []event.Record
	taken int
	ended error // io.EOF, or the error of the input
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
			r.f.end(r) // also if reading fails, as for a compressed file that is cut off: its readable part comes first
			r.close()
		}
	}
}

// octets takes octets of the single line.
func (r *reader) octets(now time.Time, dir event.Dir, b []byte) {
	r.last = now
	r.line.Receive(now, dir, b)
	r.drain(r.line)
}

// close ends a session on the single line.
func (r *reader) close() {
	r.line.Close(r.last)
	r.drain(r.line)
}

// drain moves the records of a line to the reader.
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

// unread makes an Unread for n octets that were not understood. The octets are not shown, because they may hold secrets.
func (r *reader) unread(n int, reason string) {
	if n > 0 {
		r.add(r.last, event.Unread{Bytes: n, Reason: reason})
	}
}

// lost reads the input to its end, and makes an Unread for all octets from here on and for the n octets before.
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

// full takes n octets into the reader's buffer; they are valid until the next call. If the input ends before, got holds the
// octets there were, and the error is io.EOF.
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

// pass skips n octets that are not needed.
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
