// Package unwrap finds the recordings in files that hold several: archives (zip, tar, compressed or not), mail boxes, mails with
// attachments, knak's own bundles, also one inside another. Everything is read as a stream and has limits, so that a malicious
// archive cannot use memory or time without end; what is left out is reported.
package unwrap

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
)

// Limits are the limits of unwrapping. A zero field stands for its default.
type Limits struct {
	Depth  int   // how many archives may be nested; default 4
	Parts  int   // recordings in one input; default 1,000,000
	Part   int64 // octets of one recording; default 2 GiB
	Total  int64 // octets of all recordings of one input; default 64 GiB
	Nested int64 // octets of a zip inside another file, which must be held in memory; default 64 MiB
}

func (l Limits) filled() Limits {
	fill := func(v *int64, to int64) {
		if *v == 0 {
			*v = to
		}
	}
	if l.Depth == 0 {
		l.Depth = 4
	}
	if l.Parts == 0 {
		l.Parts = 1_000_000
	}
	fill(&l.Part, 2<<30)
	fill(&l.Total, 64<<30)
	fill(&l.Nested, 64<<20)
	return l
}

// Part is one recording.
type Part struct {
	Name string // name of the input and, after a colon, the name inside it
	Time time.Time
	io.Reader
}

// Each is called for each recording, in order; it must read what it needs from Part before it returns. If it returns an error,
// the walk ends. If a part cannot be read, or is left out because of a limit, err says why and Part has only its name.
type Each func(p Part, err error) error

// LimitError means that a limit was reached, and says which.
type LimitError struct{ What string }

func (e *LimitError) Error() string { return e.What }

// Input is a file or stream that may hold recordings.
type Input struct {
	Name   string
	Time   time.Time
	Reader io.Reader
	// At reads anywhere in the input, for zips; nil if that is not possible, as for standard input.
	At   io.ReaderAt
	Size int64 // length of At, in octets
}

// Walk gives the recordings in an input: the input itself, if it is one.
func Walk(in Input, l Limits, each Each) error {
	w := &walker{limits: l.filled(), each: each}
	w.left = w.limits.Total
	return w.walk(in, 0)
}

type walker struct {
	limits Limits
	each   Each
	parts  int
	left   int64 // octets of the total
}

// begin is how many octets are examined to recognise what something is.
const begin = 4096

func (w *walker) walk(in Input, depth int) error {
	r := bufio.NewReaderSize(in.Reader, 64<<10)
	head, err := r.Peek(begin)
	if err != nil && !errors.Is(err, io.EOF) && len(head) == 0 {
		return w.each(Part{Name: in.Name}, err)
	}
	kind := kindOf(head)
	if kind != plain && depth >= w.limits.Depth {
		return w.each(Part{Name: in.Name}, &LimitError{fmt.Sprintf("is packed more than %d times, one in another: unpack it first", w.limits.Depth)})
	}
	switch kind {
	case zipped:
		return w.zip(in, r, depth)
	case tarred:
		return w.tar(in, r, depth)
	case packed:
		return w.packed(in, r, head, depth)
	case mailed:
		return w.mail(in, r, depth)
	}
	return w.part(Part{Name: in.Name, Time: in.Time, Reader: r})
}

// part gives one recording.
func (w *walker) part(p Part) error {
	if w.parts++; w.parts > w.limits.Parts {
		if w.parts == w.limits.Parts+1 {
			return w.each(Part{Name: p.Name}, &LimitError{fmt.Sprintf("the rest is left out: there are more than %d files in it", w.limits.Parts)})
		}
		return nil
	}
	if w.left <= 0 {
		return w.each(Part{Name: p.Name}, &LimitError{fmt.Sprintf("is left out: the files before it have %d octets unpacked, which is the limit", w.limits.Total)})
	}
	limited := &io.LimitedReader{R: p.Reader, N: min(w.limits.Part, w.left)}
	before := limited.N
	p.Reader = limited
	err := w.each(p, nil)
	w.left -= before - limited.N
	return err
}

// kind is what something is that may hold recordings.
type kind uint8

const (
	plain kind = iota
	zipped
	tarred
	packed
	mailed
)

func kindOf(head []byte) kind {
	switch {
	case bytes.HasPrefix(head, []byte("PK\x03\x04")), bytes.HasPrefix(head, []byte("PK\x05\x06")): // .ZIP file format specification section 4.3.7
		return zipped
	case len(head) > 262 && string(head[257:262]) == "ustar": // POSIX.1 pax interchange format
		return tarred
	case PackingOf(head) != nil:
		return packed
	case isMail(head):
		return mailed
	}
	return plain
}

// packed removes one compression; inside may be an archive.
func (w *walker) packed(in Input, r *bufio.Reader, head []byte, depth int) error {
	inner, err := PackingOf(head).Open(r)
	if err != nil {
		return w.each(Part{Name: in.Name}, err)
	}
	defer func() { _ = inner.Close() }() // only read from, so an error of Close does not matter
	return w.walk(Input{Name: in.Name, Time: in.Time, Reader: &patient{r: inner, left: w.limits.Total}}, depth+1)
}

// patient ends a damaged stream at the damage, and an endless one at its limit, so that what stood before is read.
type patient struct {
	r    io.Reader
	left int64
}

func (p *patient) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, io.EOF
	}
	n, err := p.r.Read(b[:min(int64(len(b)), p.left)])
	p.left -= int64(n)
	if err != nil {
		err = io.EOF
	}
	return n, err
}

func (w *walker) tar(in Input, r io.Reader, depth int) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return w.each(Part{Name: in.Name}, fmt.Errorf("the archive is damaged: %w", err))
		}
		if h.Typeflag != tar.TypeReg || !wanted(h.Name) {
			continue
		}
		if err := w.walk(Input{Name: inside(in.Name, h.Name), Time: h.ModTime, Reader: t}, depth+1); err != nil {
			return err
		}
		if w.parts > w.limits.Parts {
			return nil
		}
	}
}

func (w *walker) zip(in Input, r io.Reader, depth int) error {
	at, size := in.At, in.Size
	if at == nil {
		b, err := io.ReadAll(io.LimitReader(r, w.limits.Nested+1))
		if err != nil {
			return w.each(Part{Name: in.Name}, err)
		}
		if int64(len(b)) > w.limits.Nested {
			return w.each(Part{Name: in.Name}, &LimitError{fmt.Sprintf("is a zip of more than %d octets inside another file: unpack it first", w.limits.Nested)})
		}
		at, size = bytes.NewReader(b), int64(len(b))
	}
	z, err := zip.NewReader(at, size)
	if err != nil {
		return w.each(Part{Name: in.Name}, fmt.Errorf("the archive is damaged: %w", err))
	}
	bundle := isBundle(z)
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !f.Mode().IsRegular() || !wanted(f.Name) || bundle && f.Name != "events.jsonl" {
			continue
		}
		name := inside(in.Name, f.Name)
		if bundle {
			name = in.Name
		}
		inner, err := f.Open()
		if err != nil {
			if err := w.each(Part{Name: name}, err); err != nil {
				return err
			}
			continue
		}
		err = w.walk(Input{Name: name, Time: f.Modified, Reader: &patient{r: inner, left: w.limits.Total}}, depth+1)
		_ = inner.Close() // only read from, so an error of Close does not matter
		if err != nil {
			return err
		}
		if w.parts > w.limits.Parts {
			return nil
		}
	}
	return nil
}

// isBundle says whether a zip is a bundle made by knak report. Then only its events are read, because its other files repeat
// them.
func isBundle(z *zip.Reader) bool {
	found := 0
	for _, f := range z.File {
		switch f.Name {
		case "events.jsonl", "facts.json", "report.html":
			found++
		}
	}
	return found == 3
}

// wanted leaves out what editors and systems put into archives.
func wanted(name string) bool {
	base := path.Base(strings.ReplaceAll(name, `\`, "/"))
	return !strings.HasPrefix(base, "._") && base != ".DS_Store" && base != "Thumbs.db" && !strings.Contains(name, "__MACOSX/")
}

func inside(outer, name string) string { return outer + ":" + strings.TrimPrefix(name, "./") }
