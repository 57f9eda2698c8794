package read

import (
	"bytes"

	"github.com/knakppp/knak/core/recording/source"
)

// sniffLog scores a prefix by its lines of known programs.
func sniffLog(prefix []byte) int {
	if len(prefix) == 0 {
		return source.Weak
	}
	if !isText(prefix) {
		return source.No
	}
	var k clock
	hits, timed, lines := 0, 0, 0
	for line := range bytes.Lines(prefix) {
		line = bytes.TrimRight(line, "\r\n")
		if lines++; lines > 400 {
			break
		}
		d := k.split(relayed(unquoted(untypeset(line))))
		if d.headed {
			timed++
		}
		switch {
		case isPacketStart(d.msg), isWvdial(d.msg), isChat(d.msg), d.program == "pppd", d.program == "chat", isModemManager(d.msg), isPPPD(d.msg), packetInside(d.msg) >= 0, ownProgress(d.msg) != nil:
			hits++
		}
	}
	switch {
	case hits >= 3 || hits > 0 && hits*4 >= lines:
		return source.Sure
	case hits > 0:
		return source.Likely
	case timed*2 > lines:
		return dated
	}
	return source.Weak
}

// dated is how sure sniffLog is of a text whose lines begin with a time, and that tells of no program that is known.
const dated = 30

// isText says whether b has almost no octets that logs do not have.
func isText(b []byte) bool {
	odd := 0
	for _, c := range b {
		if c == 0 {
			return false
		}
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != 0x1b {
			odd++
		}
	}
	return odd*50 <= len(b)
}
