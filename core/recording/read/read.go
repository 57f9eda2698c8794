// Package read turns a recording or log of a PPP call, by whatever program, into the event stream. It recognises the format by
// the content, decompresses it, and gives records one by one in constant memory.
//
// The direction is always from the host's view: sent is from the host to the modem. What cannot be understood is given as
// event.Unread; nothing is dropped silently.
package read

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
	"github.com/knakppp/knak/core/recording/format"
	"github.com/knakppp/knak/core/recording/source"
	"github.com/knakppp/knak/core/recording/unwrap"
)

// Options says how to read. With the zero value everything is found out from the content.
type Options struct {
	Format string    // the name of a format; "": recognise it by the content
	Name   string    // the file's name, for errors
	Link   string    // for Record.Link
	Date   time.Time // the day for times without a date, and the year for dates without a year: for example the file's time of change. Zero: not known
	Raw    bool      // keep secrets and identities
	Follow bool      // the input is still growing: recognise the format by what one Read gives
	// Formats are the user's own formats. If two formats are equally sure of a log, these come first.
	Formats []*format.Format
}

// own gives the table's entries for the user's formats.
func (o Options) own() []source.Format {
	var list []source.Format
	for _, f := range o.Formats {
		list = append(list, ofFormat(f))
	}
	return list
}

// Reader gives the records of one recording or log.
type Reader struct {
	in     *source.Input
	src    source.Source
	link   string
	hider  *private.Hider // hides secrets in every record, even if the format says that they are hidden already; nil: Options.Raw
	sum    Summary
	packed *packed   // nil: the input is not compressed
	closer io.Closer // closes the decompression
	err    error
}

// Summary counts what was read so far.
type Summary struct {
	Format      string // the format's name
	Title       string // the format's name for people
	Compression string // compressions and forms that were removed: "gzip", "zstd", "bzip2", "UTF-16", "web page" …, separated by commas; "": none
	Damaged     bool   // the compressed file is cut off or damaged: the rest could not be read
	Bytes       int64  // octets after decompression
	Lines       int64  // 0 for a recording that is not text
	Records     int64
	Packets     int64 // control packets and data packets
	ATLines     int64 // lines of the AT dialogue
	Sentences   int64 // lines of programs with a known meaning for a call
	Others      int64 // lines of programs without a meaning for a call
	UnreadLines int64 // lines that were not understood: of unknown kind, or about PPP in words that knak does not know
	UnreadBytes int64 // octets that were not understood
	First, Last time.Time
}

// Understood says whether enough was understood for a judgement: the input has something about a call, and most of what seems to
// be about a call was understood. Events without content do not count.
func (s Summary) Understood() bool {
	content := s.Packets + s.ATLines + s.Sentences
	return s.Records == 0 || content > 0 && s.UnreadLines <= 9*content
}

// String says in a few words what was read and how much of it was not understood.
func (s Summary) String() string {
	text := s.Title
	if !s.Understood() {
		text = "Only a few lines of this are understood. " + text
	}
	if s.Compression != "" {
		text += " (" + s.Compression + ")"
	}
	if s.Lines > 0 {
		text += ", " + plural(s.Lines, "line")
	} else {
		text += ", " + plural(s.Bytes, "octet")
	}
	text += ", " + plural(s.Packets, "packet")
	if s.ATLines > 0 {
		text += ", " + plural(s.ATLines, "AT line")
	}
	if s.Sentences > 0 {
		text += ", " + plural(s.Sentences, "sentence")
	}
	switch {
	case s.UnreadLines > 0:
		text += "; not understood: " + plural(s.UnreadLines, "line")
	case s.UnreadBytes > 0:
		text += "; not understood: " + plural(s.UnreadBytes, "octet")
	}
	if s.Damaged {
		text += "; cut off or damaged: the rest could not be read"
	}
	return text
}

// plural gives a number with its noun: "1 line", "2 lines".
func plural(n int64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// UnknownFormatError means that no format was recognised in an input or, if Format is not "", that there is no format of that
// name.
type UnknownFormatError struct {
	Name   string // the file's name
	Format string // what Options.Format asked for, or ""
	Tried  []string
}

func (e *UnknownFormatError) Error() string {
	if e.Format != "" {
		return fmt.Sprintf("there is no format %q: use one of %s", e.Format, strings.Join(e.Tried, ", "))
	}
	name := e.Name
	if name == "" {
		name = "the input"
	}
	return fmt.Sprintf("%s is not a recording or log that knak can read (tried %s); if it is one, name its format with --format", name, strings.Join(e.Tried, ", "))
}

// Open recognises the format of input and gives a reader. An empty input is a log without lines. The error is
// *UnknownFormatError, ErrPacked, ErrArchive, or that of reading.
func Open(input io.Reader, o Options) (*Reader, error) {
	plain, compression, closer, err := unpack(input, o.Follow)
	if err != nil {
		return nil, named(o.Name, err)
	}
	text, form := plain, ""
	if !o.Follow {
		text, form = unwrap.Text(plain)
	}
	in := source.NewInput(text)
	prefix, err := begin(in, o.Follow)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, named(o.Name, err)
	}
	if form != "" {
		compression = strings.TrimPrefix(compression+", "+form, ", ")
	}
	f, ok := choose(prefix, o)
	if !ok {
		return nil, &UnknownFormatError{Name: o.Name, Format: o.Format, Tried: Names()}
	}
	c := source.Config{Name: o.Name, Link: o.Link, Date: o.Date, Raw: o.Raw}
	p, _ := plain.(*packed)
	r := &Reader{in: in, src: f.Open(in, c), link: o.Link, packed: p, closer: closer, sum: Summary{Format: f.Name, Title: f.Title, Compression: compression}}
	if !o.Raw {
		r.hider = private.NewHider()
	}
	return r, nil
}

func named(name string, err error) error {
	if name == "" {
		return err
	}
	return fmt.Errorf("%s: %w", name, err)
}

func begin(in *source.Input, follow bool) ([]byte, error) {
	if follow {
		return in.Begin()
	}
	return in.Peek(source.PrefixLen)
}

// choose gives the format with the highest score for the prefix; among equals, the first in the table.
func choose(prefix []byte, o Options) (source.Format, bool) {
	var best source.Format
	score := 0
	for _, f := range slices.Concat(o.own(), Formats()) {
		if o.Format != "" {
			if f.Name == o.Format {
				return f, true
			}
			continue
		}
		if f.Most != 0 && f.Most <= score {
			continue
		}
		if s := f.Sniff(prefix); s > score {
			best, score = f, s
		}
	}
	return best, score > 0
}

// Next gives the next record, io.EOF at the end.
func (r *Reader) Next() (event.Record, error) {
	if r.err != nil {
		return event.Record{}, r.err
	}
	rec, err := r.src.Next()
	if errors.Is(err, io.EOF) && r.packed != nil && r.packed.damaged != nil && !r.sum.Damaged {
		r.sum.Damaged = true
		rec, err = event.Record{Time: r.sum.Last, Event: event.Notice{Level: "warning",
			Text: fmt.Sprintf("the recording ends here, because its compression (%s) is cut off or damaged: %v", r.sum.Compression, r.packed.damaged)}}, nil
	}
	if err != nil {
		r.err = err
		if r.closer != nil {
			_ = r.closer.Close() // only read from, so an error of Close does not matter
			r.closer = nil
		}
		return event.Record{}, err
	}
	if rec.Link == "" {
		rec.Link = r.link
	}
	if r.hider != nil {
		rec = r.hider.Record(rec)
	}
	r.count(rec)
	return rec, nil
}

func (r *Reader) count(rec event.Record) {
	s := &r.sum
	s.Records++
	switch e := rec.Event.(type) {
	case event.Packet, event.Described, event.Data:
		s.Packets++
	case event.AT:
		s.ATLines++
	case event.Log:
		switch {
		case len(e.Means) > 0:
			s.Sentences++
		case isOfPPP(e):
			s.UnreadLines++
		default:
			s.Others++
		}
	case event.Unread:
		s.UnreadBytes += int64(e.Bytes)
		if rec.Pos.Line > 0 {
			s.UnreadLines++
		}
	}
	if !rec.Time.IsZero() {
		if s.First.IsZero() {
			s.First = rec.Time
		}
		s.Last = rec.Time
	}
}

// isOfPPP says whether a line without a known meaning seems to be about a call: it names no program, or it mentions PPP and comes
// from a program whose sentences are not known.
func isOfPPP(e event.Log) bool {
	switch e.Program {
	case "":
		return true
	case "pppd", "chat", "wvdial", "kernel", "NetworkManager", "ModemManager":
		return false
	}
	return strings.Contains(e.Program, "ppp") || strings.Contains(e.Text, "ppp") || strings.Contains(e.Text, "PPP")
}

// Summary gives the counts so far.
func (r *Reader) Summary() Summary {
	s := r.sum
	s.Bytes, s.Lines = r.in.Offset(), r.in.Lines()
	return s
}

// All gives the records of r in order, up to the end of the input. If there is an error, it comes last.
func All(r *Reader) iter.Seq2[event.Record, error] {
	return func(yield func(event.Record, error) bool) {
		for {
			rec, err := r.Next()
			if errors.Is(err, io.EOF) || !yield(rec, err) || err != nil {
				return
			}
		}
	}
}
