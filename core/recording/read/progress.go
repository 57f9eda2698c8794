package read

import (
	"bytes"
	"strings"

	"github.com/knakppp/knak/core/event"
)

// ownProgress gives what stands behind the time in a line of knak's own progress, "  0.002s  → AT+CGMM"; nil: it is none.
func ownProgress(msg []byte) []byte {
	b := bytes.TrimLeft(msg, " ")
	n := 0
	for n < len(b) && ('0' <= b[n] && b[n] <= '9' || b[n] == '.') {
		n++
	}
	if n < 3 || !bytes.HasPrefix(b[n:], []byte("s  ")) || bytes.IndexByte(b[:n], '.') < 0 {
		return nil
	}
	return b[n+3:]
}

// progress takes a line of knak's own progress that is no packet.
func (s *logSource) progress(msg []byte) {
	if command, ok := bytes.CutPrefix(msg, []byte("→ ")); ok {
		s.sends(string(command))
		return
	}
	if line, ok := bytes.CutPrefix(msg, []byte("← ")); ok {
		s.fromModem(line)
		return
	}
	if rest, ok := bytes.CutPrefix(msg, []byte("modem ")); ok {
		var d event.Device
		for part := range strings.SplitSeq(string(rest), ", ") {
			for _, f := range []struct {
				name string
				into *string
			}{{"firmware ", &d.Firmware}, {"usb ", &d.USB}, {"on ", &d.Port}, {"profile ", &d.Profile}} {
				if v, ok := strings.CutPrefix(part, f.name); ok {
					*f.into = printable(v)
				}
			}
		}
		s.emit(d)
	}
	if phase, ok := bytes.CutPrefix(msg, []byte("== ")); ok && string(phase) == "dial" {
		s.begins("the dialer begins again")
		s.enter(event.PhaseDial)
	}
	s.log("knak", msg)
}
