package hdlc

// Headroom is the number of octets in front of a frame's information that the receiver of an Item may overwrite, for
// example with the header that a TUN device wants.
const Headroom = 16

// DecoderConfig says how frames are read: what this side asked the peer to send. Compressed fields are always taken.
type DecoderConfig struct {
	// ACCM has bit n set when the peer was told to escape control character n. Such a character that arrives unescaped
	// was put in by equipment on the way and is dropped (RFC 1662 section 4.2).
	ACCM uint32
	// FCS is the check sequence that ends each frame.
	FCS FCS
	// MRU is the greatest length of the information field that is taken, with whatever slack the caller wants to give
	// a peer that does not keep to what was agreed. Zero means DefaultMRU. It bounds the Decoder's memory.
	MRU int
}

// DefaultDecoderConfig is what a link starts with: every control character had to be escaped, FCS-16, an MRU of 1500.
func DefaultDecoderConfig() DecoderConfig {
	return DecoderConfig{ACCM: DefaultACCM, FCS: FCS16, MRU: DefaultMRU}
}

// Kind says what an Item is.
type Kind uint8

// The kinds of Item.
const (
	None  Kind = iota // nothing yet: all input was taken, more is needed
	Frame             // a frame with a good FCS
	Text              // characters between frames: a modem's message or the echo of a command
)

// Item is what a Decoder found. Its slices belong to the Decoder and hold until the next call of any of its methods.
type Item struct {
	Kind Kind
	// Protocol is the frame's protocol number, always in full: 0x0021 for IP whether it came in one octet or two.
	Protocol uint16
	// Info is the frame's information field, without padding taken off.
	Info []byte
	// Room is Info with Headroom free octets in front of it, in one slice: Room[Headroom:] is Info.
	Room []byte
	// Text is what stood between frames, with its line ends: for example "\r\nNO CARRIER\r\n". It holds printable ASCII,
	// CR, LF and TAB only, and at least one printable character.
	Text []byte
}

// Stats counts what a Decoder has seen since it was made. No counter is ever set back.
type Stats struct {
	Bytes     uint64 // octets of input
	Frames    uint64 // good frames handed out
	FCSErrors uint64 // frames with a wrong FCS
	Short     uint64 // frames too short for a protocol field and an FCS (RFC 1662 section 3.1)
	Oversize  uint64 // frames longer than the MRU
	Aborted   uint64 // frames that the peer took back with 7d 7e (RFC 1662 section 4.3)
	BadHeader uint64 // frames with a good FCS and no PPP header: an unknown Address or Control field, no whole protocol
	Controls  uint64 // control characters dropped because they are in the ACCM
	Noise     uint64 // octets before the first flag that were neither text nor a frame
	Text      uint64 // octets handed out as text
}

// Damaged is the number of frames that were lost: wrong FCS, short, oversize, aborted, or without a header.
func (s Stats) Damaged() uint64 { return s.FCSErrors + s.Short + s.Oversize + s.Aborted + s.BadHeader }

// Decoder reads frames, and text between them, from a stream of octets. Make one with NewDecoder.
//
// What stands between two flags is a frame when its FCS is good and text when it is not and all of it is printable. A
// message such as NO CARRIER that no flag follows is still handed out, as soon as its line is complete, and by Flush
// when it is not; its octets are kept as well, so that a frame which happens to begin like a line of text is not lost.
type Decoder struct {
	cfg DecoderConfig
}

// NewDecoder makes a Decoder with the given settings.
func NewDecoder(cfg DecoderConfig) *Decoder {
	d := &Decoder{}
	d.Set(cfg)
	return d
}

// Set changes the settings for the frames that follow. A frame of which a part has arrived goes by the new settings from
// here on.
func (d *Decoder) Set(cfg DecoderConfig) { d.cfg = cfg }

// Config is what Set got last.
func (d *Decoder) Config() DecoderConfig { return d.cfg }

// Next takes octets from in until something is complete, and returns it with the octets not yet taken. Call it again
// with those until the kind is None; then all is taken and the Decoder waits for more input.
//
//	for item, rest := d.Next(in); item.Kind != hdlc.None; item, rest = d.Next(rest) {
//		…
//	}
//
// How the stream is cut into pieces makes no difference to what comes out.
func (d *Decoder) Next(in []byte) (Item, []byte) { panic("hdlc: not written yet") }

// Flush hands out text that waits for its line end or for the next flag. Call it when the line has been quiet for a
// while (a second is plenty). It returns kind Text or None. No octet is lost by it: a frame whose second half comes
// after Flush is still taken.
func (d *Decoder) Flush() Item { panic("hdlc: not written yet") }

// Reset forgets what has arrived of an unfinished frame and waits for the next flag. The counters stay.
func (d *Decoder) Reset() {}

// Stats gives the counters.
func (d *Decoder) Stats() Stats { return Stats{} }
