package read

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/knakppp/knak/core/recording/unwrap"
)

// ErrPacked means that an input has a compression that knak does not read.
var ErrPacked = errors.New("is packed with xz, which knak does not read; unpack it first (xz -dc FILE | knak … -)")

// ErrArchive means that an input is an archive of several files.
var ErrArchive = errors.New("is an archive of files: unpack it and name the recording in it (in a bundle of knak report, that is events.jsonl)")

// packed reads the contents of a compressed input. If the compression is damaged or cut off, the contents end there, and damaged
// says why. An error of reading the input is returned as an error.
type packed struct {
	io.Reader
	in      *underneath
	damaged error
}

func (p *packed) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if err != nil && !errors.Is(err, io.EOF) && p.in.err == nil {
		p.damaged, err = err, io.EOF
	}
	return n, err
}

// underneath remembers the error of a reader, if it is not io.EOF.
type underneath struct {
	io.Reader
	err error
}

func (f *underneath) Read(b []byte) (int, error) {
	n, err := f.Reader.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// unpack gives r without the compression that its first octets show.
func unpack(r io.Reader, follow bool) (plain io.Reader, compression string, closer io.Closer, err error) {
	in := &underneath{Reader: r}
	b := bufio.NewReaderSize(in, 64<<10)
	magic, err := b.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) && len(magic) == 0 {
		return nil, "", nil, err
	}
	if p := unwrap.PackingOf(magic); p != nil {
		z, err := p.Open(b)
		if err != nil {
			return nil, "", nil, err
		}
		return &packed{Reader: z, in: in}, p.Name, z, nil
	}
	switch {
	case bytes.HasPrefix(magic, []byte("\xfd7zXZ\x00")):
		return nil, "", nil, ErrPacked
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")): // .ZIP file format specification section 4.3.7
		return nil, "", nil, ErrArchive
	}
	return b, "", nil, nil
}
