package auth

import (
	"crypto/rand"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/private"
)

const (
	maxName  = 255 // the limit of the protocols' length octets, or a sensible one
	maxNotes = 32  // how many invalid packets of a peer are reported
	maxText  = 256 // how much of a peer's text is shown
)

// base holds the parts that all machines have: a queue of outputs, one timer, and a bound on Notes.
type base struct {
	first    [2]Output // most calls give no more
	out      []Output
	taken    int
	deadline time.Time
	notes    int
}

func (b *base) put(o Output) {
	if b.out == nil {
		b.out = b.first[:0]
	}
	b.out = append(b.out, o)
}

// Next implements Machine.
func (b *base) Next() (Output, bool) {
	if b.taken == len(b.out) {
		return nil, false
	}
	o := b.out[b.taken]
	b.out[b.taken] = nil
	if b.taken++; b.taken == len(b.out) {
		b.out, b.taken = b.out[:0], 0
	}
	return o, true
}

// Deadline implements Machine.
func (b *base) Deadline() time.Time { return b.deadline }

func (b *base) due(now time.Time) bool { return !b.deadline.IsZero() && !now.Before(b.deadline) }

func (b *base) arm(now time.Time, d time.Duration) {
	b.deadline = time.Time{}
	if d > 0 {
		b.deadline = now.Add(d)
	}
}

func (b *base) disarm() { b.deadline = time.Time{} }

func (b *base) note(level, format string, args ...any) {
	if b.notes >= maxNotes {
		return
	}
	b.notes++
	b.put(Note{event.Notice{Level: level, Text: fmt.Sprintf(format, args...)}})
}

// The two levels of event.Notice.
const (
	info    = "info"
	warning = "warning"
)

// header splits a packet of any of the protocols. Octets behind the Length are padding (RFC 1994 section 4). ok is
// false when there is no header or the Length does not fit; body is then what can be had of the packet, for those
// packets whose code alone says all that matters.
func header(p []byte) (code, id byte, body []byte, ok bool) {
	if len(p) < packet.HeaderLen {
		return 0, 0, nil, false
	}
	if parsed, err := packet.Parse(p); err == nil {
		return parsed.Code, parsed.ID, parsed.Data, true
	}
	return p[0], p[1], p[packet.HeaderLen:], false
}

// begin appends a header whose length finish fills in.
func begin(b []byte, code, id byte) []byte { return append(b[:0], code, id, 0, 0) }

func finish(b []byte) []byte {
	b[2], b[3] = byte(len(b)>>8), byte(len(b))
	return b
}

// printable makes a peer's text fit to be shown: control characters and what is not UTF-8 become spelled-out octets, and
// the text is cut at maxText octets. A number that may be a subscriber's is hidden.
func printable[T string | []byte](text T) string {
	s := private.Numbers(string(text))
	clean := true
	for _, r := range s {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			clean = false
			break
		}
	}
	if clean && len(s) <= maxText {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		if b.Len() >= maxText {
			b.WriteString("...")
			break
		}
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n <= 1 || !unicode.IsPrint(r) {
			for i := range n {
				fmt.Fprintf(&b, `\x%02x`, s[i])
			}
		} else {
			b.WriteString(s[:n])
		}
		s = s[n:]
	}
	return b.String()
}

// fill reads random octets.
func fill(r io.Reader, b []byte) error {
	if r == nil {
		r = rand.Reader
	}
	if _, err := io.ReadFull(r, b); err != nil {
		return fmt.Errorf("no random numbers: %w", err)
	}
	return nil
}

// firstID gives a random identifier to begin with; a machine without random numbers begins with 1.
func firstID(r io.Reader) byte {
	var b [1]byte
	if fill(r, b[:]) != nil {
		return 1
	}
	return b[0]
}

// or gives value, or fallback when value is zero.
func or[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
