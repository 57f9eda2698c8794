package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/ppp/packet"
)

// maxLoose is the most octets that are kept of a frame without flags that continues in the next block.
const maxLoose = 4096

// Block takes octets that a log or a dump shows together. Unlike for Receive, the frames may lack their flags, escapes or FCS,
// and stand directly one after another. Octets that are not such frames go to Receive.
func (l *Line) Block(now time.Time, dir event.Dir, b []byte) {
	w := &l.ways[dir]
	if _, ok := control(b); ok && len(bytes.TrimSpace(w.held)) == 0 { // a line end that was left before
		w.held = w.held[:0]
	}
	if len(w.loose) == 0 && (l.mux != nil || len(w.held)+len(w.scouted) > 0 || !begins(b) || w.frames && bytes.IndexByte(b, flag) >= 0) {
		l.Receive(now, dir, b)
		return
	}
	l.Advance(now)
	w.last = now
	b = append(w.loose, b...)
	w.loose = nil
	if b[1] == escape { // as on the line, except for the flags
		l.Receive(now, dir, slices.Concat(oneFlag, b, oneFlag))
		return
	}
	for begins(b) {
		n, short := looseFrame(b)
		if short && len(b) < maxLoose {
			w.loose = slices.Clone(b)
			return
		}
		if n == 0 {
			break
		}
		if n < len(b) && b[n] == flag { // it is part of a stream, whose first flag came earlier
			l.Receive(now, dir, slices.Concat(oneFlag, b))
			return
		}
		l.Packet(now, dir, withoutFCS(b[:n]), 0)
		b = b[n:]
	}
	if len(b) > 0 {
		l.Receive(now, dir, b)
	}
}

// EndBlock hands out a frame of Block that still waits for its end.
func (l *Line) EndBlock(now time.Time, dir event.Dir) {
	w := &l.ways[dir]
	b := w.loose
	if len(b) == 0 {
		return
	}
	w.loose = nil
	missing := 0
	if at, ok := control(b); ok && len(b) >= at+packet.HeaderLen {
		missing = max(int(binary.BigEndian.Uint16(b[at+2:]))+at-len(b), 0)
	}
	l.Packet(now, dir, b, missing)
}

// begins says whether octets are the beginning of a PPP frame without its flag: an Address and a Control field, or a control
// protocol.
func begins(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	if b[0] == 0xff && (b[1] == 0x03 || b[1] == escape && b[2] == 0x23) {
		return true
	}
	_, ok := control(b)
	return ok
}

// control finds where the packet of a control protocol begins.
func control(b []byte) (at int, ok bool) {
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 {
		at = 2
	}
	if len(b) < at+2 {
		return at, false
	}
	switch binary.BigEndian.Uint16(b[at:]) {
	case packet.LCP, packet.PAP, packet.CHAP, packet.EAP, packet.LQR, packet.IPCP, packet.IPV6CP, packet.CCP, packet.ECP, packet.CBCP, packet.IPXCP, packet.MPLSCP:
		return at + 2, true
	}
	return at, false
}

// looseFrame gives the length of the frame at the beginning of b, including its FCS if there is one; 0: b does not begin with a
// frame. short means that the frame continues after b.
func looseFrame(b []byte) (n int, short bool) {
	at, ok := control(b)
	if !ok {
		return len(b), false // a data packet: its end is not marked
	}
	if len(b) < at+packet.HeaderLen {
		return 0, true
	}
	n = at + int(binary.BigEndian.Uint16(b[at+2:]))
	switch {
	case n < at+packet.HeaderLen || n > at+maxMRU:
		return 0, false
	case len(b) < n:
		return n, true
	case len(b) >= n+2 && sound(b[:n+2]):
		n += 2
	}
	return n, false
}

// sound says whether a frame ends with its FCS. If the Address and Control fields are missing, the FCS may have been computed
// with them.
func sound(frame []byte) bool {
	return hdlc.Sound(frame) || frame[0] != 0xff && hdlc.Sound(append([]byte{0xff, 0x03}, frame...))
}

// withoutFCS removes the FCS from a frame that ends with one.
func withoutFCS(frame []byte) []byte {
	at, ok := control(frame)
	n := len(frame)
	if ok && n >= at+packet.HeaderLen {
		if size := at + int(binary.BigEndian.Uint16(frame[at+2:])); size+2 == n {
			return frame[:size]
		}
		return frame
	}
	if n > 4 && sound(frame) {
		return frame[:n-2]
	}
	return frame
}

// Frame is Packet for captures whose frames may end with their FCS. Programs that convert pppd's records make such captures.
func (l *Line) Frame(now time.Time, dir event.Dir, frame []byte, missing int) {
	if missing == 0 && len(frame) > 4 && sound(frame) {
		frame = frame[:len(frame)-2]
	}
	l.Packet(now, dir, frame, missing)
}
