package hdlc

import (
	"bytes"
)

// Headroom is the number of octets in front of a frame's information that the receiver of an Item may overwrite, for example with
// the header that a TUN device needs.
const Headroom = 16

// DecoderConfig says how frames are read: by the settings that this side has asked the peer to use. Compressed fields are always
// accepted.
type DecoderConfig struct {
	// ACCM has bit n set when the peer was told to escape control character n. If such a character arrives unescaped, equipment on
	// the way has put it in, and the Decoder drops it (RFC 1662 section 4.2).
	ACCM uint32
	// FCS is the check sequence that ends each frame.
	FCS FCS
	// MRU is the greatest length of the information field, in octets, including any slack for peers that send more than was
	// agreed. Zero means DefaultMRU. It bounds the Decoder's memory.
	MRU int
	// Damaged hands out damaged frames too. It is for recording a line.
	Damaged bool
}

// DefaultDecoderConfig is the setting at the start of a link: every control character has to be escaped, FCS-16, an MRU of 1500.
func DefaultDecoderConfig() DecoderConfig {
	return DecoderConfig{ACCM: DefaultACCM, FCS: FCS16, MRU: DefaultMRU}
}

// Kind says what an Item is.
type Kind uint8

// The kinds of Item.
const (
	None    Kind = iota // nothing is complete: all input was taken, more is needed
	Frame               // a frame with a good FCS
	Text                // characters between frames: a modem's message or the echo of a command
	Damaged             // octets between two flags that are no good frame, if DecoderConfig.Damaged is set
)

// Item is something that a Decoder found. Its slices belong to the Decoder and are valid until the next call of any of its
// methods.
type Item struct {
	Kind Kind
	// Protocol is the frame's protocol number in full: 0x0021 for IP, whether it came in one octet or two.
	Protocol uint16
	// Info is the frame's information field. Padding is still in it.
	Info []byte
	// Room is Info with Headroom free octets in front of it, in one slice: Room[Headroom:] is Info.
	Room []byte
	// Frame is the frame as it was on the line, without escapes and FCS; the fields before Info may be compressed. For a Damaged
	// item it is the rest of the frame, with its FCS.
	Frame []byte
	// Text is the text between frames, usually with its line ends: for example "\r
	//
	// NO CARRIER\r
	//
	// ". It holds printable ASCII, CR, LF and TAB only, and at least one printable character.
	Text []byte
}

// Stats counts what a Decoder has seen since it was made. No counter is ever reset.
type Stats struct {
	Bytes     uint64 // octets of input
	Frames    uint64 // good frames handed out
	FCSErrors uint64 // frames with a wrong FCS
	Short     uint64 // frames too short for a protocol field and an FCS (RFC 1662 section 3.1)
	Oversize  uint64 // frames longer than the MRU
	Aborted   uint64 // frames that the peer took back with 7d 7e (RFC 1662 section 4.3)
	BadHeader uint64 // frames with a good FCS and no PPP header: an unknown Address or Control field, no whole protocol
	Controls  uint64 // control characters dropped because they are in the ACCM
	Unescaped uint64 // good frames, also counted in Frames, that a peer sent without escaping their control characters
	Noise     uint64 // octets before the first flag that were neither text nor a frame
	Text      uint64 // octets handed out as text
}

// Damaged is the number of frames that were lost: wrong FCS, short, oversize, aborted, or without a header.
func (s Stats) Damaged() uint64 { return s.FCSErrors + s.Short + s.Oversize + s.Aborted + s.BadHeader }

// Decoder reads frames, and the text between them, from a stream of octets. Make one with NewDecoder.
//
// Octets between two flags are a frame if their FCS is good. They are text if it is not and all of them are printable. A message
// such as NO CARRIER with no flag after it is handed out as soon as its line is complete, or by Flush. The Decoder also keeps its
// octets, so a frame that happens to begin like a line of text is not lost.
type Decoder struct {
	cfg   DecoderConfig
	stats Stats
	line  text

	// The octets since the last flag, unescaped, are buf[Headroom:][:n].
	buf      []byte
	n        int
	controls []dropped // what was taken out of them
	spare    []byte    // for the same frame with them
	raw      int       // how many they were on the line
	over     bool      // they were too many, and the rest is not kept
	escape   bool      // the last was a Control Escape
	synced   bool      // there has been a flag
}

// NewDecoder makes a Decoder with the given settings.
func NewDecoder(cfg DecoderConfig) *Decoder {
	d := &Decoder{}
	d.Set(cfg)
	d.Reset()
	return d
}

// Set changes the settings for the frames that follow. For a frame that has arrived in part, the new settings apply to the rest.
func (d *Decoder) Set(cfg DecoderConfig) {
	if cfg.MRU <= 0 {
		cfg.MRU = DefaultMRU
	}
	d.cfg = cfg
	if size := Headroom + maxHeader + cfg.MRU + cfg.FCS.Size(); size != len(d.buf) {
		buf := make([]byte, size)
		copy(buf, d.buf)
		d.buf = buf
		if d.n > size-Headroom {
			d.n, d.over, d.escape = size-Headroom, true, false
			d.line.until = min(d.line.until, d.n)
			d.line.from = min(d.line.from, d.n)
			d.controls = d.controls[:0]
		}
	}
}

// Config gives the settings of the last Set.
func (d *Decoder) Config() DecoderConfig { return d.cfg }

// Stats gives the counters.
func (d *Decoder) Stats() Stats { return d.stats }

// Reset forgets an unfinished frame or text, and that there has been a flag. The counters stay.
func (d *Decoder) Reset() {
	d.restart()
	d.synced = false
}

// restart begins a new frame.
func (d *Decoder) restart() {
	d.n, d.raw, d.over, d.escape = 0, 0, false, false
	d.controls = d.controls[:0]
	d.line.restart()
}

// Next takes octets from in until something is complete, and returns it with the octets not yet taken. Call it again
// with those until the kind is None; then all is taken and the Decoder waits for more input.
//
//	for item, rest := d.Next(in); item.Kind != hdlc.None; item, rest = d.Next(rest) {
//		…
//	}
//
// How the stream is cut into pieces makes no difference to what comes out.
func (d *Decoder) Next(in []byte) (Item, []byte) {
	item, rest := d.next(in)
	d.stats.Bytes += uint64(len(in) - len(rest))
	return item, rest
}

func (d *Decoder) next(in []byte) (Item, []byte) {
	for len(in) > 0 {
		if in[0] == flag {
			in = in[1:]
			if item := d.end(); item.Kind != None {
				return item, in
			}
			continue
		}
		if d.line.open {
			// Few frames get beyond the second octet here.
			c := in[0]
			whole := d.line.take(c)
			d.take(in[:1])
			in = in[1:]
			if whole {
				return d.text(d.line.cut(d.n)), in
			}
			continue
		}
		n := bytes.IndexByte(in, flag)
		if n < 0 {
			n = len(in)
		}
		taken, whole := d.take(in[:n])
		in = in[taken:]
		if whole {
			return d.text(d.line.cut(d.n)), in
		}
	}
	return Item{}, nil
}

// Flush hands out text that waits for its line end or for the next flag. Call it when the line has been quiet for a while (a
// second is enough). It returns kind Text or None. It loses no octet: a frame whose second half comes after Flush is still found.
// Flush also finds a whole line of text behind the beginning of a frame.
func (d *Decoder) Flush() Item {
	if d.line.open {
		if d.line.ink {
			return d.text(d.line.cut(d.n))
		}
		return Item{}
	}
	if t := lastLine(d.frame()[d.line.until:]); t != nil {
		d.line.until = d.n
		return d.text(t)
	}
	return Item{}
}

// Pending says whether Flush could hand out something: only then the caller needs a timer.
func (d *Decoder) Pending() bool {
	if d.line.open {
		return d.line.ink
	}
	return bytes.HasSuffix(d.frame()[d.line.until:], []byte("\r\n"))
}

func (d *Decoder) text(t []byte) Item {
	d.stats.Text += uint64(len(t))
	return Item{Kind: Text, Text: t}
}

// frame is what has arrived since the last flag, unescaped.
func (d *Decoder) frame() []byte { return d.buf[Headroom:][:d.n] }

// end judges what stands between the last flag and this one.
func (d *Decoder) end() Item {
	defer d.restart() // leaves what the slices of an Item point to
	synced := d.synced
	d.synced = true
	frame := d.frame()
	if d.raw == 0 {
		return Item{} // two flags in a row (RFC 1662 section 3.1)
	}
	if !d.over && !d.escape {
		for _, from := range [...]int{0, d.line.until} {
			// A frame may also stand behind text without a flag between them.
			if size := d.sound(frame[from:]); size > 0 {
				return d.open(Headroom+from, Headroom+d.n-size)
			}
		}
	}
	if !d.over && !d.escape && len(d.controls) > 0 {
		if item, ok := d.unescaped(); ok {
			return item // of kind None where its header is none
		}
	}
	switch {
	case d.line.open: // all of it is text, handed out already but for the rest
		if d.line.ink {
			return d.text(d.line.cut(d.n))
		}
		return Item{}
	case !synced:
		d.stats.Noise += uint64(d.raw)
	case d.escape: // RFC 1662 section 4.3
		d.stats.Aborted++
	case d.over:
		d.stats.Oversize++
	case d.n < minFrame+d.cfg.FCS.Size():
		d.stats.Short++
	default:
		d.stats.FCSErrors++
	}
	// A modem that drops the call in the middle of a frame says so there.
	if t := lastLine(frame[d.line.until:]); t != nil {
		return d.text(t)
	}
	if d.cfg.Damaged && synced {
		return Item{Kind: Damaged, Frame: frame}
	}
	return Item{}
}

// unescaped reads a frame again with the control characters that were taken out: only its FCS tells whether equipment on
// the way put them in or the peer does not escape what it was told to. Such peers exist, and pppd has receive-all for them.
func (d *Decoder) unescaped() (Item, bool) {
	n := d.kept()
	if n == 0 {
		return Item{}, false
	}
	size := d.sound(d.spare[Headroom:][:n])
	if size == 0 {
		return Item{}, false
	}
	d.buf, d.spare = d.spare, d.buf
	d.stats.Unescaped++
	d.stats.Controls -= uint64(len(d.controls))
	return d.open(Headroom, Headroom+n-size), true
}

// minFrame is how many octets a frame has at least before its FCS: with a 16-bit FCS fewer than four in all make no
// frame, with a 32-bit FCS fewer than six (RFC 1662 section 3.1).
const minFrame = 2

// maxHeader is the Address, the Control and a Protocol field of two octets.
const maxHeader = 4

// sound is the size of the FCS that frame ends with when it is a good one, and 0 otherwise.
func (d *Decoder) sound(frame []byte) int {
	kind := d.cfg.FCS
	if len(frame) >= minFrame+kind.Size() && goodFCS(kind, frame) {
		return kind.Size()
	}
	// A peer that starts anew while this side is up asks with the FCS that every link starts with (RFC 1570 section 2.1).
	if kind != FCS16 && bytes.HasPrefix(frame, configureRequest) && goodFCS(FCS16, frame) {
		return FCS16.Size()
	}
	return 0
}

var configureRequest = []byte{allStations, unnumbered, protocolLCP >> 8, protocolLCP & 0xff, 1}

// open takes the header off the frame in buf[from:to]. Address and Control may be left out and the Protocol may have one
// octet, agreed or not: there is no doubt which it is (RFC 1661 sections 6.5 and 6.6, RFC 1662 section 3.1).
func (d *Decoder) open(from, to int) Item {
	p := d.buf[from:to]
	if len(p) >= 2 && p[0] == allStations && p[1] == unnumbered {
		p = p[2:]
	}
	var protocol uint16
	switch {
	case len(p) >= 1 && p[0]&1 != 0 && p[0] != allStations: // ff is an Address with some other Control
		protocol = uint16(p[0])
		p = p[1:]
	case len(p) >= 2 && p[0]&1 == 0:
		protocol = uint16(p[0])<<8 | uint16(p[1])
		p = p[2:]
	default:
		d.stats.BadHeader++
		return Item{}
	}
	if len(p) > d.cfg.MRU {
		d.stats.Oversize++
		return Item{}
	}
	d.stats.Frames++
	room := d.buf[to-len(p)-Headroom : to : to]
	return Item{Kind: Frame, Protocol: protocol, Info: room[Headroom:], Room: room, Frame: d.buf[from:to]}
}
