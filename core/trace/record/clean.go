package record

import "github.com/knakppp/knak/core/trace"

// cleaner takes the secrets out of one direction of a line as it is on the wire.
type cleaner struct {
	secrets     bool // stay
	controlOnly bool
	dir         trace.Dir
	held        []byte
}

func (c *cleaner) append(dst, b []byte) []byte { return append(dst, b...) }
func (c *cleaner) end(dst []byte) []byte       { return dst }
func (c *cleaner) reset()                      {}
