package share

import (
	"io"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/recording/record"
)

// scratch is a file, or memory, that is written once and then read.
type scratch interface {
	io.ReadWriteSeeker
	io.Closer
}

// captureFile writes the masked records into a pcapng file of its own, because a ZIP archive takes one file after the other.
type captureFile struct {
	file   scratch
	encode record.Encoder
	frames *hdlc.Encoder
	last   time.Time
	line   []byte
	buf    []byte
	err    error
}

func newCaptureFile() (*captureFile, error) {
	f, err := newScratch()
	if err != nil {
		return nil, err
	}
	return &captureFile{file: f, encode: record.NewEncoder(record.Options{Format: record.Pcapng, Program: "knak"}), frames: hdlc.NewEncoder(hdlc.DefaultConfig())}, nil
}

// Record writes one masked record. It frames a packet anew, because masking has changed the octets.
func (c *captureFile) Record(r event.Record) {
	if c.err != nil {
		return
	}
	c.last, c.buf = r.Time, c.buf[:0]
	if p, ok := r.Event.(event.Packet); ok {
		c.line = c.frames.Append(c.line[:0], p.Protocol, p.Data)
		c.buf = c.encode.AppendBytes(c.buf, r.Time, p.Dir, c.line)
	} else {
		c.buf = c.encode.AppendRecord(c.buf, r)
	}
	_, c.err = c.file.Write(c.buf)
}

// copyTo gives the whole file to w.
func (c *captureFile) copyTo(w io.Writer) error {
	if c.err != nil {
		return c.err
	}
	if _, err := c.file.Write(c.encode.AppendEnd(nil, c.last)); err != nil {
		return err
	}
	if _, err := c.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err := io.Copy(w, c.file)
	return err
}
