package ppp

import (
	"bytes"

	"github.com/knakppp/knak/core/ppp/packet"
)

// Bounds on requestedOptions: a Configure-Request of ours never exceeds them. Nak'ed values beyond them are ignored.
const (
	maxRequested      = 10
	maxRequestedValue = 8 // the longest value that we ask for, IPV6CP's Interface-Identifier and IPCP's IP-Addresses
)

// requestedOption is one option of our Configure-Request, and the peer's reaction to it.
type requestedOption struct {
	typ   uint8
	len   uint8
	same  uint8 // Naks in a row that held for it just what we had proposed, counted up to Settings' limit
	value [maxRequestedValue]byte
}

func (w *requestedOption) data() []byte { return w.value[:w.len] }

// option is it as a Configuration Option, good as long as it stays as it is.
func (w *requestedOption) option() packet.Option { return packet.Option{Type: w.typ, Data: w.data()} }

func (w *requestedOption) set(data []byte) { w.len = uint8(copy(w.value[:], data)) }

// holds says whether the value is that one.
func (w *requestedOption) holds(data []byte) bool { return bytes.Equal(w.data(), data) }

// requestedOptions are the options of our Configure-Request, in order. It is a value: a copy keeps the state of its time.
type requestedOptions struct {
	list [maxRequested]requestedOption
	n    int
	// refused holds the types below 256 that the peer has rejected, so that they are not asked for again by ourselves.
	refused [4]uint64
}

func (w *requestedOptions) all() []requestedOption { return w.list[:w.n] }

// find gives the option of that type, or nil.
func (w *requestedOptions) find(typ uint8) *requestedOption {
	for i := range w.all() {
		if w.list[i].typ == typ {
			return &w.list[i]
		}
	}
	return nil
}

// add puts an option at the end. One that is there already, too long, or one too many is left out.
func (w *requestedOptions) add(typ uint8, data []byte) {
	if w.find(typ) != nil || w.n == maxRequested || len(data) > maxRequestedValue {
		return
	}
	w.list[w.n] = requestedOption{typ: typ}
	w.list[w.n].set(data)
	w.n++
}

// remove takes an option out and says whether it was there.
func (w *requestedOptions) remove(typ uint8) bool {
	for i := range w.all() {
		if w.list[i].typ == typ {
			w.n--
			copy(w.list[i:w.n], w.list[i+1:])
			return true
		}
	}
	return false
}

// refuse notes that the peer has rejected the type.
func (w *requestedOptions) refuse(typ uint8) { w.refused[typ/64] |= 1 << (typ % 64) }

func (w *requestedOptions) wasRefused(typ uint8) bool { return w.refused[typ/64]&(1<<(typ%64)) != 0 }

// replace makes the list hold these options instead.
func (w *requestedOptions) replace(options []packet.Option) {
	w.n = 0
	for _, o := range options {
		w.add(o.Type, o.Data)
	}
}

// appendTo appends the options in wire form (RFC 1661 section 6).
func (w *requestedOptions) appendTo(dst []byte) []byte {
	for i := range w.all() {
		dst = w.list[i].option().AppendTo(dst)
	}
	return dst
}

// review collects the answer to a peer's Configure-Request. RFC 1661 sections 5.2 to 5.4: whatever cannot be negotiated
// is rejected first; otherwise what has a wrong value is Nak'ed; otherwise all is acknowledged.
type review struct {
	rejects, naks []byte
	// stubborn rejects what would be Nak'ed: Max-Failure is reached (RFC 1661 section 4.6).
	stubborn bool
	// limit is how many octets of options a Reject may have, from the peer's MRU.
	limit int
}

func (r *review) reset(stubborn bool, limit int) {
	r.rejects, r.naks = r.rejects[:0], r.naks[:0]
	r.stubborn, r.limit = stubborn, limit
}

// reject says that the option o is unknown, or is not to be negotiated.
func (r *review) reject(o packet.Option) {
	if len(r.rejects)+2+len(o.Data) <= r.limit {
		r.rejects = o.AppendTo(r.rejects)
	}
}

// nak says that o should have had this value.
func (r *review) nak(o packet.Option, value []byte) {
	if r.stubborn {
		r.reject(o)
		return
	}
	// One for each type that is known, at most: that fits into any MRU.
	r.naks = packet.Option{Type: o.Type, Data: value}.AppendTo(r.naks)
}

// reply is what to send: its options point into r.
func (r *review) reply() reply {
	switch {
	case len(r.rejects) > 0:
		return reply{action: Reject, options: r.rejects}
	case len(r.naks) > 0:
		return reply{action: Nak, options: r.naks}
	}
	return reply{action: Ack}
}

// repeated says whether options[i] has the type of one before it. Two options of one type contradict each other unless
// they are the same, and nobody could tell which one an Ack would mean.
func repeated(options []packet.Option, i int) bool {
	for _, o := range options[:i] {
		if o.Type == options[i].Type {
			return true
		}
	}
	return false
}
