package read

import (
	"bytes"
	"strings"

	"github.com/knakppp/knak/core/event"
)

// ownProgress gives the part after the time in a line of knak's own progress, "  0.002s  → AT+CGMM"; nil: it is not such a line.
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

// progress takes a line of knak's own progress that is not a packet.
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
		parts := strings.Split(printable(string(rest)), ", ")
		understood := len(parts) > 1 && strings.Count(parts[0], " ") < 2
		for i, part := range parts[1:] {
			for _, f := range []struct {
				name string
				into *string
			}{{"firmware ", &d.Firmware}, {"usb ", &d.USB}, {"on ", &d.Port}, {"profile ", &d.Profile}} {
				if v, ok := strings.CutPrefix(part, f.name); ok {
					*f.into = v
				} else if i == 0 && f.into == &d.Profile && d == (event.Device{}) {
					understood = false // the maker's name has a comma, so it is not clear where the model begins
				}
			}
		}
		if understood {
			d.Vendor, d.Model, _ = strings.Cut(parts[0], " ")
		}
		s.emit(d)
	}
	if phase, ok := bytes.CutPrefix(msg, []byte("== ")); ok && string(phase) == "dial" {
		s.enter(event.PhaseDial)
	}
	// Without -v, progress does not show the dialogue itself.
	if number, ok := bytes.CutPrefix(msg, []byte("dialling ")); ok && s.talk.last == "" {
		s.sends("ATD" + string(number))
	} else if bytes.HasPrefix(msg, []byte("connected; ")) && !s.talk.connected {
		s.fromModem([]byte("CONNECT"))
	}
	s.log("knak", msg)
}
