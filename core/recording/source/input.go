package source

import (
	"bytes"
	"errors"
	"io"
)

// MaxLine is the most octets that Line gives at once.
const MaxLine = 64 << 10

// bufferLen is twice MaxLine, so that a line is always contiguous in the buffer.
const bufferLen = 2 * MaxLine

// Input reads a file in order and counts what was taken. It calls Read of the reader below only when it needs more, once at a
// time, so that a file that is still growing can be followed.
type Input struct {
	r          io.Reader
	buf        []byte
	start, end int
	offset     int64 // of buf[start] in the file
	lines      int64
	err        error // the reader's error, returned when the buffer is empty
	within     bool  // the last call of Line gave only a part of a line
}

// NewInput makes an Input of r.
func NewInput(r io.Reader) *Input { return &Input{r: r, buf: make([]byte, bufferLen)} }

// Offset gives how many octets were taken.
func (in *Input) Offset() int64 { return in.offset }

// Lines gives how many lines were begun by Line.
func (in *Input) Lines() int64 { return in.lines }

// fill calls Read once. It is false if nothing came, the buffer is full or the reader ended.
func (in *Input) fill() bool {
	if in.err != nil {
		return false
	}
	if in.start > 0 && in.end == len(in.buf) {
		in.end = copy(in.buf, in.buf[in.start:in.end])
		in.start = 0
	}
	if in.end == len(in.buf) {
		return false
	}
	for range 100 {
		n, err := in.r.Read(in.buf[in.end:])
		in.end += n
		if err != nil {
			in.err = err
		}
		if n > 0 {
			return true
		}
		if err != nil {
			return false
		}
	}
	in.err = io.ErrNoProgress
	return false
}

// Peek gives the next n octets without taking them, at most MaxLine; fewer at the end of the file, with no error unless
// there are none. They are valid until the next call.
func (in *Input) Peek(n int) ([]byte, error) {
	n = min(n, MaxLine)
	for in.end-in.start < n && in.fill() {
	}
	return in.some(n)
}

// Begin gives the beginning of the file without taking it, so that its format can be recognised: what is buffered, and more only
// until there are 512 octets or a line end. It does not wait for more, because the file may still be growing.
func (in *Input) Begin() ([]byte, error) {
	for bytes.IndexByte(in.buf[in.start:in.end], '\n') < 0 && in.end-in.start < 512 && in.fill() {
	}
	return in.some(PrefixLen)
}

func (in *Input) some(n int) ([]byte, error) {
	b := in.buf[in.start:in.end]
	if len(b) > n {
		b = b[:n]
	}
	if len(b) == 0 && n > 0 {
		return nil, in.failure()
	}
	return b, nil
}

func (in *Input) failure() error {
	if in.err == nil {
		return io.EOF
	}
	return in.err
}

// Skip takes n octets that Peek gave.
func (in *Input) Skip(n int) {
	n = min(n, in.end-in.start)
	in.start += n
	in.offset += int64(n)
}

// Read takes octets, as io.Reader says.
func (in *Input) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if in.start == in.end && !in.fill() {
		return 0, in.failure()
	}
	n := copy(p, in.buf[in.start:in.end])
	in.Skip(n)
	return n, nil
}

// Full takes exactly len(p) octets, as io.ReadFull does. The error is io.EOF if no octet is left, io.ErrUnexpectedEOF if there
// are fewer than len(p).
func (in *Input) Full(p []byte) error {
	_, err := io.ReadFull(in, p)
	return err
}

// Line takes the next line and gives it without its line end (a line feed, or a carriage return and a line feed). It is valid
// until the next call. A line longer than MaxLine comes in parts; Part tells. size is the number of octets taken, the line end
// included. If the file ends without a line end, the rest is a line.
func (in *Input) Line() (line []byte, size int, err error) {
	scanned := 0
	for {
		b := in.buf[in.start:in.end]
		if i := bytes.IndexByte(b[scanned:], '\n'); i >= 0 && scanned+i <= MaxLine {
			return in.take(b[:scanned+i], scanned+i+1, false)
		}
		if len(b) > MaxLine {
			return in.take(b[:MaxLine], MaxLine, true)
		}
		scanned = len(b)
		if in.fill() {
			continue
		}
		if len(b) == 0 || in.err != nil && !errors.Is(in.err, io.EOF) {
			if len(b) > 0 {
				return in.take(b, len(b), false)
			}
			return nil, 0, in.failure()
		}
		return in.take(in.buf[in.start:in.end], in.end-in.start, false)
	}
}

// Part says whether the last call of Line gave only a part of a line longer than MaxLine. The next call goes on with the same
// line.
func (in *Input) Part() bool { return in.within }

func (in *Input) take(line []byte, size int, part bool) ([]byte, int, error) {
	if !in.within {
		in.lines++
	}
	in.within = part
	in.start += size
	in.offset += int64(size)
	if n := len(line); n > 0 && line[n-1] == '\r' && size > n {
		line = line[:n-1]
	}
	return line, size, nil
}
