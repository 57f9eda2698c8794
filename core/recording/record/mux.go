package record

import (
	"bytes"
	"errors"

	"github.com/knakppp/knak/core/cmux"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// maxMuxInfo bounds a frame of the multiplexer, as in core/recording/wire.
const maxMuxInfo = 4096

// channels hides secrets in the octets of a line that may be multiplexed (3GPP TS 27.010, basic option). Each channel has its own
// dialogue or PPP frames and is cleaned on its own; the multiplexer's frames around them are written anew. A line without
// multiplexer is cleaned as a single channel.
type channels struct {
	line    *private.Stream
	channel func() *private.Stream // makes a Stream for a channel
	scouted [2][]byte              // octets that may be the multiplexer's first frame
	decoder [2]*cmux.Decoder       // nil: the line is not multiplexed
	streams [64]*private.Stream
	buf     []byte
}

// Append appends the octets b without their secrets.
func (c *channels) Append(dst []byte, dir event.Dir, b []byte) []byte {
	if c.decoder[0] == nil {
		var begun bool
		if dst, b, begun = c.scout(dst, dir, b); !begun {
			return dst
		}
	}
	d := c.decoder[dir]
	d.Write(b)
	for f, other, ok := d.Next(); ok; f, other, ok = d.Next() {
		if other != nil { // the multiplexer has ended, or there is noise
			dst = c.line.Append(dst, dir, bytes.TrimLeft(other, "\xf9"))
			continue
		}
		if f.DLCI != 0 && (f.Type == cmux.UIH || f.Type == cmux.UI) {
			c.buf = c.stream(f.DLCI).Append(c.buf[:0], dir, f.Info)
			if f.Info = c.buf; len(f.Info) == 0 {
				continue // held back until its frame or line is complete
			}
		}
		dst = cmux.Append(dst, cmux.Basic, f)
	}
	return dst
}

// scout looks for the multiplexer's first frame at the beginning of a line of the dialogue. If the multiplexer has begun, rest
// holds its octets.
func (c *channels) scout(dst []byte, dir event.Dir, b []byte) (out, rest []byte, begun bool) {
	const flag = 0xf9
	if held := c.scouted[dir]; len(held) > 0 { // this is rare: packets are not copied here
		b = append(held, b...)
		c.scouted[dir] = nil
	}
	i := bytes.IndexByte(b, flag)
	if i < 0 || i > 0 && b[i-1] != '\r' && b[i-1] != '\n' {
		return c.line.Append(dst, dir, b), nil, false
	}
	_, _, err := cmux.Parse(cmux.Basic, b[i:], maxMuxInfo)
	switch {
	case err == nil:
		dst = c.line.Append(dst, dir, b[:i])
		for d := range c.decoder {
			c.decoder[d] = cmux.NewDecoder(cmux.Basic, maxMuxInfo)
		}
		if held := c.scouted[1-dir]; len(held) > 0 { // the same for the other direction
			c.scouted[1-dir] = nil
			dst = c.Append(dst, 1-dir, held)
		}
		return dst, b[i:], true
	case errors.Is(err, cmux.ErrShort):
		dst = c.line.Append(dst, dir, b[:i])
		c.scouted[dir] = bytes.Clone(b[i:])
		return dst, nil, false
	}
	return c.line.Append(dst, dir, b), nil, false
}

func (c *channels) stream(dlci uint8) *private.Stream {
	if c.streams[dlci] == nil {
		c.streams[dlci] = c.channel()
	}
	return c.streams[dlci]
}

// End appends the octets of a direction that are held back.
func (c *channels) End(dst []byte, dir event.Dir) []byte {
	if held := c.scouted[dir]; len(held) > 0 {
		c.scouted[dir] = nil
		dst = c.line.Append(dst, dir, held)
	}
	for dlci, s := range c.streams {
		if s == nil {
			continue
		}
		if c.buf = s.End(c.buf[:0], dir); len(c.buf) > 0 {
			dst = cmux.Append(dst, cmux.Basic, cmux.Frame{DLCI: uint8(dlci), Type: cmux.UIH, Info: c.buf})
		}
	}
	return c.line.End(dst, dir)
}

// Reset drops the octets that are held back, because the next octets do not continue them.
func (c *channels) Reset() {
	c.line.Reset()
	c.scouted, c.decoder, c.streams = [2][]byte{}, [2]*cmux.Decoder{}, [64]*private.Stream{}
}
