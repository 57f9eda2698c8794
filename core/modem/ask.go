package modem

import (
	"bytes"
	"time"
)

// Said is what a tty is, judged by its answers or by what it sends by itself.
type Said uint8

// The kinds of ttys.
const (
	SaysNothing Said = iota // not a sensible octet
	TakesAT                 // a final result code: it takes AT commands (ITU-T V.250)
	SpeaksNMEA              // NMEA 0183 sentences
	SpeaksDiag              // frames of a chip maker's diagnosis (HDLC-like, but not PPP)
	SendsPPP                // PPP frames: a modem that still is in the data state
	OnlyEchoes              // only what was sent: there is no modem, or TX and RX are joined
	IsConsole               // a login prompt or a shell: a computer's console
	SaysGarbage             // octets that are not text: the speed is wrong
)

// The times of asking. A command channel that sleeps or has rubbish in its buffer needs a second AT; no modem needs more than two
// seconds for OK.
const (
	askAgain = 600 * time.Millisecond
	askTimes = 3
	askLimit = 2 * time.Second
)

// Asker asks one tty whether it takes AT commands. It sends nothing but "AT" and a carriage return, three times at most, and
// nothing more once the tty speaks of itself. It is a machine: the time and the octets are its arguments.
type Asker struct {
	until, next time.Time
	again       time.Duration // between two questions
	sent        int
	due         bool
	heard       []byte
	said        Said
	done        bool
}

// NewAsker begins at now.
func NewAsker(now time.Time) *Asker {
	return &Asker{until: now.Add(askLimit), next: now, again: askAgain}
}

// Within makes it ask twice within d, for a port on which several speeds are tried.
func (a *Asker) Within(d time.Duration) {
	a.until = a.next.Add(d)
	a.again = d / 2
}

// maxHeard is the most octets that are kept from a tty that sends much.
const maxHeard = 4096

// Receive takes octets from the tty.
func (a *Asker) Receive(_ time.Time, b []byte) {
	if a.done {
		return
	}
	a.heard = append(a.heard, b...)
	if n := len(a.heard) - maxHeard; n > 0 {
		a.heard = a.heard[n:]
	}
	switch a.said = classify(a.heard); a.said {
	case TakesAT, SpeaksNMEA, SendsPPP, IsConsole:
		a.done = true
	}
}

// Advance says that the time is now.
func (a *Asker) Advance(now time.Time) {
	if a.done {
		return
	}
	if !now.Before(a.until) {
		a.done = true
		return
	}
	if a.sent < askTimes && !now.Before(a.next) && a.said != SpeaksDiag {
		a.due, a.next = true, now.Add(a.again)
		a.sent++
	}
}

// Deadline is when Advance must be called next; the zero time: never.
func (a *Asker) Deadline() time.Time {
	switch {
	case a.done:
		return time.Time{}
	case a.sent < askTimes && a.said != SpeaksDiag && a.next.Before(a.until):
		return a.next
	}
	return a.until
}

// Next gives the octets to send, if there are any.
func (a *Asker) Next() ([]byte, bool) {
	if !a.due || a.done {
		return nil, false
	}
	a.due = false
	return []byte("AT\r"), true
}

// Done says whether the answer is known, and gives it.
func (a *Asker) Done() (Said, bool) { return a.said, a.done }

// finals are the result codes that show a command channel (V.250 section 5.7.1); in numeric form, where ATV0 is in force, a digit
// between carriage returns.
var finals = [][]byte{[]byte("OK"), []byte("ERROR"), []byte("+CME ERROR"), []byte("COMMAND NOT SUPPORT"), []byte("NO CARRIER"), []byte("0"), []byte("4")}

// classify says what the octets heard so far are.
func classify(b []byte) Said {
	if inData(b) {
		return SendsPPP
	}
	printable, other, asked := 0, 0, 0
	said := SaysNothing
	for line := range bytes.FieldsFuncSeq(b, func(r rune) bool { return r == '\r' || r == '\n' }) {
		text := bytes.TrimSpace(line)
		switch {
		case len(text) == 0:
			continue
		case sentence(text):
			return SpeaksNMEA
		}
		for _, f := range finals {
			if bytes.Equal(text, f) || len(f) > 4 && bytes.HasPrefix(text, f) {
				return TakesAT
			}
		}
		if bytes.EqualFold(text, []byte("AT")) {
			asked++
			continue
		}
		lower := bytes.ToLower(text)
		if bytes.HasSuffix(lower, []byte("login:")) || bytes.HasSuffix(lower, []byte("password:")) ||
			bytes.Contains(lower, []byte("command not found")) || bytes.Contains(lower, []byte(": not found")) || bytes.Contains(lower, []byte("u-boot")) {
			said = IsConsole
		}
	}
	for _, c := range b {
		switch {
		case c >= ' ' && c < 0x7f || c == '\r' || c == '\n' || c == '\t':
			printable++
		default:
			other++
		}
	}
	switch {
	case said == IsConsole:
		return IsConsole
	case frames(b):
		return SpeaksDiag
	case other > 0 && other*4 >= len(b):
		return SaysGarbage
	case asked > 0 && printable <= asked*5:
		return OnlyEchoes
	}
	return said
}

// sentence says whether a line is an NMEA 0183 sentence with a right checksum. A line without a checksum is not enough, because
// replies of some modems begin with "$" too.
func sentence(line []byte) bool {
	if len(line) < 9 || line[0] != '$' && line[0] != '!' {
		return false
	}
	star := bytes.LastIndexByte(line, '*')
	if star < 0 || len(line) < star+3 {
		return false
	}
	var sum byte
	for _, c := range line[1:star] {
		sum ^= c
	}
	const digits = "0123456789ABCDEF"
	up := bytes.ToUpper(line[star+1 : star+3])
	return up[0] == digits[sum>>4] && up[1] == digits[sum&15]
}

// inData says whether a PPP frame of LCP, IPCP or another control protocol begins somewhere (RFC 1662 section 3.1), escaped
// or not, with or without address and control octets.
func inData(b []byte) bool {
	for {
		i := bytes.IndexByte(b, 0x7e)
		if i < 0 {
			return false
		}
		b = b[i+1:]
		rest := bytes.TrimPrefix(b, []byte{0xff, 0x7d, 0x23})
		rest = bytes.TrimPrefix(rest, []byte{0xff, 0x03})
		if len(rest) >= 2 && (rest[0] == 0xc0 || rest[0] == 0x80) && (rest[1] == 0x21 || rest[1] == 0x23 || rest[1] == 0x57 || rest[1] == 0xfd) ||
			len(rest) >= 2 && rest[0] == 0xc2 && rest[1] == 0x23 {
			return true
		}
	}
}

// frames says whether the octets are HDLC-like frames of something else: a flag at their end and octets that are no text
// before it, as a diagnosis port of Qualcomm sends.
func frames(b []byte) bool {
	end := bytes.LastIndexByte(b, 0x7e)
	if end < 3 {
		return false
	}
	start := bytes.LastIndexByte(b[:end], 0x7e) + 1
	body := b[start:end]
	if len(body) < 3 {
		return false
	}
	for _, c := range body {
		if c < ' ' && c != '\r' && c != '\n' || c > 0x7e {
			return true
		}
	}
	return false
}
