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

// maxLoose bounds what is kept of a frame without flags that goes on in the next block.
const maxLoose = 4096

// Block takes octets that a log or a dump shows together. Other than in Receive, frames may stand there without their flags,
// with escapes or without, one behind another, with an FCS or without; what is none of that is Receive's.
func (l *Line) Block(now time.Time, dir event.Dir, b []byte) {
	w := &l.ways[dir]
	if _, ok := control(b); ok && len(bytes.TrimSpace(w.held)) == 0 { // a line end that was left over
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
	if b[1] == escape { // as on the line, but for the flags
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
		if n < len(b) && b[n] == flag { // of a stream, whose first flag stands elsewhere
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

// EndBlock hands out a frame of Block that waits for its rest.
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

// looseFrame gives how many octets the frame has with which b begins, its FCS with it where there is one; 0: b is no frame.
// short says that there is more of it.
func looseFrame(b []byte) (n int, short bool) {
	at, ok := control(b)
	if !ok {
		return len(b), false // of data: nothing tells where it ends
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

// sound says whether a frame ends with its FCS. Where Address and Control fields are not shown, they may have been there.
func sound(frame []byte) bool {
	return hdlc.Sound(frame) || frame[0] != 0xff && hdlc.Sound(append([]byte{0xff, 0x03}, frame...))
}

// withoutFCS takes the FCS off a frame that ends with one.
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

// Frame is as Packet, for captures whose frames may have their FCS at the end, as those have that were made from pppd's records
// by other programs.
func (l *Line) Frame(now time.Time, dir event.Dir, frame []byte, missing int) {
	if missing == 0 && len(frame) > 4 && sound(frame) {
		frame = frame[:len(frame)-2]
	}
	l.Packet(now, dir, frame, missing)
}
