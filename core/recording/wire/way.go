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

// Bounds on what is kept of one direction.
const (
	maxMRU  = 16384                 // octets of information in one frame
	maxSpan = 2*(maxMRU+8) + 2*1024 // octets on the line between two flags
	maxLine = 1024                  // octets of a line of the AT dialogue
)

// minFrame is the shortest frame: a Protocol of one octet, a code or the like, and an FCS-16 (RFC 1662 section 3.1).
const minFrame = 4

// minInk is how many printable characters a message has at least that no flag and no line end closes. A frame may begin
// with one or two.
const minInk = 3

// way is one direction of a Line.
type way struct {
	frames bool      // the data state
	synced bool      // a flag has passed since the data state began
	held   []byte    // octets that wait for the rest of their line or frame
	mark   int       // command state: held[mark:] stands behind a flag and may be a frame; 0: there is none
	last   time.Time // when octets came last

	loose   []byte // of Block: a frame without flags that goes on in the next block
	scouted []byte // command state: octets behind the multiplexer's flag, which may be a frame of it

	decoders [len(readings)]*hdlc.Decoder
	best     int // the reading that the last sound frame had
}

// readings are the ways to read a frame, for nobody tells what the two ends agreed. With an ACCM of 0 nothing that
// arrives unescaped is dropped, which is right unless equipment on the way has put characters in; those are taken out
// by the others (RFC 1662 section 4.2). The last is what FCS-Alternatives may agree (RFC 1570 section 2.1).
var readings = [...]hdlc.DecoderConfig{
	{ACCM: 0, MRU: maxMRU},
	{ACCM: 0x000a0000, MRU: maxMRU},
	{ACCM: hdlc.DefaultACCM, MRU: maxMRU},
	{ACCM: 0, MRU: maxMRU, FCS: hdlc.FCS32},
}

// decode reads what stood between two flags. The slices of the item hold until the next call.
func (w *way) decode(span []byte) (hdlc.Item, bool) {
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

func (w *way) decodeAs(i int, span []byte) (hdlc.Item, bool) {
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
		// The frame may stand behind a line of text: that is taken off first.
		if _, size := lead(span, false); size > 0 {
			return item, false
		}
	}
	return item, true
}

func isControl(r rune) bool { return r < ' ' }

// waits says whether the direction holds text that is whole if nothing follows it for a while.
func (w *way) waits() bool {
	if !w.frames || len(w.held) == 0 {
		return false
	}
	if isText(w.held) {
		return ink(w.held) >= minInk
	}
	_, ok := lastResult(w.held)
	return ok
}

// hold keeps octets up to the limit and says how many it took.
func (w *way) hold(p []byte, limit int) int {
	n := min(len(p), limit-len(w.held))
	w.held = append(w.held, p[:n]...)
	return n
}

// drop takes octets off the front of what is held.
func (w *way) drop(n int) { w.held = append(w.held[:0], w.held[n:]...) }
