// Package cmux implements the framing of the multiplexer protocol of 3GPP TS 27.010, with which a modem carries several channels
// on one serial line. It turns frames into octets and back, in the basic and the advanced option. It keeps no state of channels.
package cmux

import "errors"

// Option is one of the two ways to frame (sections 5.2.1 and 5.2.2). The command AT+CMUX selects it.
type Option uint8

// The options.
const (
	Basic    Option = iota // a flag of f9 and a length; AT+CMUX=0
	Advanced               // a flag of 7e and escapes, as in HDLC; AT+CMUX=1
)

// String gives the word of the standard.
func (o Option) String() string {
	if o == Advanced {
		return "advanced"
	}
	return "basic"
}

// Type is the kind of a frame: the Control field without its P/F bit (section 5.2.1.3).
type Type uint8

// The types of frames.
const (
	SABM Type = 0x2f // opens a channel
	UA   Type = 0x63 // agrees
	DM   Type = 0x0f // refuses: the channel is not open
	DISC Type = 0x43 // closes a channel
	UIH  Type = 0xef // data; the FCS does not cover them
	UI   Type = 0x03 // data; the FCS covers them
)

// String gives the name of the standard, or "" for an unknown type.
func (t Type) String() string {
	switch t {
	case SABM:
		return "SABM"
	case UA:
		return "UA"
	case DM:
		return "DM"
	case DISC:
		return "DISC"
	case UIH:
		return "UIH"
	case UI:
		return "UI"
	}
	return ""
}

// Frame is one frame. DLCI 0 is the control channel (section 5.4.6).
type Frame struct {
	DLCI uint8 // 0 to 63
	CR   bool  // the C/R bit: set in commands of the side that opened the multiplexer, and in responses of the other side
	Type Type
	PF   bool // the P/F bit
	Info []byte
}

const (
	basicFlag    = 0xf9
	advancedFlag = 0x7e
	escape       = 0x7d
	escapeBit    = 0x20

	ea = 1 // extension: no further octet of this field follows
	cr = 2
	pf = 0x10

	// MaxInfo is the greatest number of octets of information in a frame of the basic option: a length has 15 bits.
	MaxInfo = 1<<15 - 1
)

// Append appends a frame with both its flags to dst. Info beyond MaxInfo is cut off.
func Append(dst []byte, o Option, f Frame) []byte {
	info := f.Info[:min(len(f.Info), MaxInfo)]
	address, control := f.DLCI<<2|ea, byte(f.Type)
	if f.CR {
		address |= cr
	}
	if f.PF {
		control |= pf
	}
	if o == Advanced {
		sum := add(add(fcsStart, address), control)
		if f.Type != UIH {
			sum = add(sum, info...)
		}
		dst = append(dst, advancedFlag)
		dst = stuff(dst, address, control)
		dst = stuff(dst, info...)
		return append(stuff(dst, ^sum), advancedFlag)
	}
	head := [5]byte{basicFlag, address, control, byte(len(info))<<1 | ea}
	n := 4
	if len(info) > 127 {
		head[3], head[4] = byte(len(info))<<1, byte(len(info)>>7)
		n = 5
	}
	sum := add(fcsStart, head[1:n]...)
	if f.Type != UIH {
		sum = add(sum, info...)
	}
	dst = append(dst, head[:n]...)
	dst = append(dst, info...)
	return append(dst, ^sum, basicFlag)
}

func stuff(dst []byte, octets ...byte) []byte {
	for _, c := range octets {
		if c == advancedFlag || c == escape {
			dst = append(dst, escape)
			c ^= escapeBit
		}
		dst = append(dst, c)
	}
	return dst
}

// Errors of Parse.
var (
	ErrShort = errors.New("the frame is not whole yet")
	ErrFrame = errors.New("no frame of 3GPP TS 27.010")
)

// Parse reads the frame at the beginning of b, flags included. n is its number of octets up to the closing flag; the closing flag
// is not counted, because it may be the opening flag of the next frame. In the basic option the information is a part of b; in the
// advanced option it is in a slice of its own. If the information has more than limit octets, the error is ErrFrame.
func Parse(o Option, b []byte, limit int) (f Frame, n int, err error) {
	if o == Advanced {
		return parseAdvanced(b, limit)
	}
	start := 0
	for start < len(b) && b[start] == basicFlag { // several flags may fill the time between frames
		start++
	}
	if start == 0 && len(b) > 0 {
		return Frame{}, 0, ErrFrame
	}
	head := b[max(start-1, 0):]
	if len(head) > 1 && head[1]&ea == 0 || len(head) > 2 && !known(head[2]) {
		return Frame{}, 0, ErrFrame
	}
	if len(head) < 4 {
		return Frame{}, 0, ErrShort
	}
	size, at := int(head[3]>>1), 4
	if head[3]&ea == 0 {
		if len(head) < 5 {
			return Frame{}, 0, ErrShort
		}
		size, at = size|int(head[4])<<7, 5
	}
	if size > limit {
		return Frame{}, 0, ErrFrame
	}
	if len(head) < at+size+2 {
		return Frame{}, 0, ErrShort
	}
	f = frame(head[1], head[2])
	f.Info = head[at : at+size : at+size]
	sum := add(fcsStart, head[1:at]...)
	if f.Type != UIH {
		sum = add(sum, f.Info...)
	}
	if add(sum, head[at+size]) != fcsGood || head[at+size+1] != basicFlag {
		return Frame{}, 0, ErrFrame
	}
	return f, start - 1 + at + size + 1, nil
}

func parseAdvanced(b []byte, limit int) (f Frame, n int, err error) {
	start := 0
	for start < len(b) && b[start] == advancedFlag {
		start++
	}
	if start == 0 && len(b) > 0 {
		return Frame{}, 0, ErrFrame
	}
	end := start
	for end < len(b) && b[end] != advancedFlag {
		end++
	}
	if end-start > 2*(limit+3) {
		return Frame{}, 0, ErrFrame
	}
	if end == len(b) {
		return Frame{}, 0, ErrShort
	}
	plain := make([]byte, 0, end-start)
	for i := start; i < end; i++ {
		c := b[i]
		if c == escape {
			if i++; i == end {
				return Frame{}, 0, ErrFrame
			}
			c = b[i] ^ escapeBit
		}
		plain = append(plain, c)
	}
	if len(plain) < 3 || len(plain) > limit+3 || plain[0]&ea == 0 || !known(plain[1]) {
		return Frame{}, 0, ErrFrame
	}
	f = frame(plain[0], plain[1])
	f.Info = plain[2 : len(plain)-1]
	sum := add(fcsStart, plain[:2]...)
	if f.Type != UIH {
		sum = add(sum, f.Info...)
	}
	if add(sum, plain[len(plain)-1]) != fcsGood {
		return Frame{}, 0, ErrFrame
	}
	return f, end, nil
}

func frame(address, control byte) Frame {
	return Frame{DLCI: address >> 2, CR: address&cr != 0, Type: Type(control &^ pf), PF: control&pf != 0}
}

func known(control byte) bool { return Type(control&^pf).String() != "" }

// Decoder takes the octets of one direction of a line and gives its frames. Make one with NewDecoder.
type Decoder struct {
	option Option
	limit  int
	buf    []byte
	taken  int // of buf
}

// NewDecoder makes a Decoder. limit is the greatest number of octets of information in a frame; it bounds the Decoder's memory.
func NewDecoder(o Option, limit int) *Decoder { return &Decoder{option: o, limit: min(limit, MaxInfo)} }

// Write adds octets. Before the next Write, the caller must take everything that Next gives.
func (d *Decoder) Write(b []byte) {
	d.buf = append(d.buf[:copy(d.buf, d.buf[d.taken:])], b...)
	d.taken = 0
}

// Next gives the next frame, or octets that belong to no frame, such as the text of a modem that has left the multiplexer. ok is
// false if neither is complete. The result is valid until the next Write.
func (d *Decoder) Next() (f Frame, other []byte, ok bool) {
	flag := byte(basicFlag)
	if d.option == Advanced {
		flag = advancedFlag
	}
	b := d.buf[d.taken:]
	for len(b) > 1 && b[0] == flag && b[1] == flag { // flags that fill the time between frames are not kept: it may be long
		b = b[1:]
		d.taken++
	}
	if len(b) == 0 {
		return Frame{}, nil, false
	}
	f, n, err := Parse(d.option, b, d.limit)
	switch {
	case err == nil:
		d.taken += n
		return f, nil, true
	case errors.Is(err, ErrShort):
		return Frame{}, nil, false
	}
	n = 1
	for n < len(b) && b[n] != flag {
		n++
	}
	d.taken += n
	return Frame{}, b[:n], true
}

// Rest gives the octets of an unfinished frame, and forgets them.
func (d *Decoder) Rest() []byte {
	b := d.buf[d.taken:]
	d.buf, d.taken = nil, 0
	return b
}
