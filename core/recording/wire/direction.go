package wire

import (
	"bytes"
	"time"

	"github.com/knakppp/knak/core/hdlc"
)

// flag is the Flag Sequence and escape the Control Escape (RFC 1662 sections 3.1 and 4.2).
const (
	flag   = 0x7e
	escape = 0x7d
)

var oneFlag = []byte{flag}

// Limits of what is kept for one direction.
const (
	maxMRU  = 16384                 // octets of information in one frame
	maxSpan = 2*(maxMRU+8) + 2*1024 // octets on the line between two flags
	maxLine = 1024                  // octets of a line of the AT dialogue
)

// minFrame is the shortest frame: a Protocol of one octet, a code or the like, and an FCS-16 (RFC 1662 section 3.1).
const minFrame = 4

// minInk is the least number of visible characters in a message that ends with neither a flag nor a line end. A frame may begin
// with one or two visible characters.
const minInk = 3

// direction is the state of one direction of a Line.
type direction struct {
	frames bool      // the data state
	synced bool      // a flag has passed since the data state began
	held   []byte    // octets of a line or frame that is not complete
	mark   int       // command state: held[mark:] follows a flag and may be a frame; 0: no flag has come
	last   time.Time // time of the last octets

	loose   []byte // for Block: a frame without flags that continues in the next block
	scouted []byte // command state: octets after the multiplexer's flag, perhaps one of its frames

	decoders [len(readings)]*hdlc.Decoder
	best     int // the index in readings that decoded the last correct frame
}

// readings are the ways to decode a frame; all are tried, because the recording need not show what the two ends agreed. With an
// ACCM of 0 no unescaped control character is dropped. That is right unless equipment between the two ends has inserted some; the
// other readings drop those (RFC 1662 section 4.2). The last is for an FCS that was agreed by FCS-Alternatives (RFC 1570 section
// 2.1).
var readings = [...]hdlc.DecoderConfig{
	{ACCM: 0, MRU: maxMRU},
	{ACCM: 0x000a0000, MRU: maxMRU},
	{ACCM: hdlc.DefaultACCM, MRU: maxMRU},
	{ACCM: 0, MRU: maxMRU, FCS: hdlc.FCS32},
}

// decode decodes the octets between two flags. The slices of the item are valid until the next call.
func (w *direction) decode(span []byte) (hdlc.Item, bool) {
	if len(span) < minFrame {
		return hdlc.Item{}, false
	}
	if item, ok := w.decodeAs(w.best, span); ok {
		return item, true
	}
	for i := range readings {
		if i == w.best || readings[i].ACCM != 0 && bytes.IndexFunc(span, isControl) < 0 {
			continue
		}
		if item, ok := w.decodeAs(i, span); ok {
			w.best = i
			return item, true
		}
	}
	return hdlc.Item{}, false
}

func (w *direction) decodeAs(i int, span []byte) (hdlc.Item, bool) {
	d := w.decoders[i]
	if d == nil {
		d = hdlc.NewDecoder(readings[i])
		w.decoders[i] = d
	}
	d.Reset()
	text := false
	for item, rest := d.Next(span); item.Kind != hdlc.None; item, rest = d.Next(rest) {
		text = true
	}
	item, _ := d.Next(oneFlag)
	if item.Kind != hdlc.Frame {
		return item, false
	}
	if text {
		// A line of text may stand before the frame: it is removed first.
		if _, size := lead(span, false); size > 0 {
			return item, false
		}
	}
	return item, true
}

func isControl(r rune) bool { return r < ' ' }

// waits says whether the direction holds text that counts as complete if nothing follows for a while.
func (w *direction) waits() bool {
	if !w.frames || len(w.held) == 0 {
		return false
	}
	if isText(w.held) {
		return ink(w.held) >= minInk
	}
	_, ok := lastResult(w.held)
	return ok
}

// hold keeps octets up to limit, and says how many it took.
func (w *direction) hold(p []byte, limit int) int {
	n := min(len(p), limit-len(w.held))
	w.held = append(w.held, p[:n]...)
	return n
}

// drop removes n octets from the front of held.
func (w *direction) drop(n int) { w.held = append(w.held[:0], w.held[n:]...) }
