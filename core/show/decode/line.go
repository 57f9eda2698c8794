package decode

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/call/lint"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
)

// line appends the record as text: its place, its time and what it says.
func (d *Writer) line(dst []byte, r event.Record, faults []lint.Fault) []byte {
	dst = d.place(dst, r)
	color := ""
	if d.o.Color {
		color = colorOf(r.Event)
	}
	dst = append(dst, color...)
	switch e := r.Event.(type) {
	case event.Packet:
		dst = appendPacket(dst, e)
		dst = d.appendFaults(dst, faults)
		if d.o.Hex {
			dst = appendHex(append(dst, '\n'), e.Data)
			return dst
		}
	case event.Described:
		dst = append(dst, event.Printable(e.Line())...)
	case event.Data:
		dst = append(append(append(dst, e.Dir.String()...), " ["...), packet.ProtocolName(e.Protocol)...)
		dst = strconv.AppendInt(append(dst, " data, "...), int64(e.Length), 10)
		dst = d.appendFaults(append(dst, " octets]"...), faults)
	case event.AT:
		arrow := "→ "
		if e.Dir == event.Rcvd {
			arrow = "← "
		}
		dst = append(append(dst, arrow...), event.Printable(e.Text)...)
	case event.Text:
		dst = append(append(dst, "text: "...), event.Printable(e.Text)...)
	case event.Log:
		if e.Program != "" {
			dst = append(append(dst, event.Printable(e.Program)...), ": "...)
		}
		dst = append(dst, event.Printable(e.Text)...)
	case event.Unread:
		dst = fmt.Appendf(dst, "?? %s  (%s, %d bytes)", event.Printable(e.Text), event.Printable(e.Reason), e.Bytes)
	default:
		dst = append(dst, eventText(r.Event)...)
	}
	if color != "" {
		dst = append(dst, reset...)
	}
	return append(dst, '\n')
}

// SGR sequences (ECMA-48 section 8.3.117).
const (
	bold   = "\x1b[1m"
	red    = "\x1b[1;31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	reset  = "\x1b[0m"
)

// colorOf is the colour of a whole line: of where a phase begins, of what a person looks for first, and of what was not understood.
func colorOf(e event.Event) string {
	switch e := e.(type) {
	case event.Phase, event.Attempt:
		return bold
	case event.Failure, event.Finding:
		return red
	case event.Up:
		return green
	case event.Unread:
		return yellow
	case event.Notice:
		if e.Level == "warning" {
			return yellow
		}
	}
	return ""
}

// place appends the line or packet number and the time.
func (d *Writer) place(dst []byte, r event.Record) []byte {
	n := r.Pos.Line
	if n == 0 {
		n = r.Pos.Packet
	}
	start := len(dst)
	if n > 0 {
		dst = strconv.AppendInt(dst, n, 10)
	}
	dst = pad(dst, start, 6)
	if d.o.Absolute {
		dst = append(dst, "  "...) // a date fills its column, and would run into the number
	}
	start = len(dst)
	switch {
	case d.first.IsZero():
		return append(dst, "  "...)
	case r.Time.IsZero():
		dst = append(dst, '-')
	case d.o.Absolute:
		dst = r.Time.AppendFormat(dst, "2006-01-02 15:04:05.000")
		return append(dst, "  "...)
	default:
		dst = appendSeconds(dst, r.Time.Sub(d.first))
	}
	return append(pad(dst, start, 11), "  "...)
}

// appendSeconds appends a time with three digits after the point, without the rounding of a float.
func appendSeconds(dst []byte, t time.Duration) []byte {
	ms := t.Milliseconds()
	if ms < 0 {
		dst, ms = append(dst, '-'), -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	f := ms % 1000
	return append(dst, '.', byte('0'+f/100), byte('0'+f/10%10), byte('0'+f%10))
}

// pad sets what was appended since start to the right of a column.
func pad(dst []byte, start, width int) []byte {
	n := width - (len(dst) - start)
	if n <= 0 {
		return dst
	}
	for range n {
		dst = append(dst, ' ')
	}
	copy(dst[start+n:], dst[start:len(dst)-n])
	for i := range n {
		dst[start+i] = ' '
	}
	return dst
}

// appendPacket appends "sent [LCP ConfReq id=0x1]", with padding behind the bracket as pppd has it.
func appendPacket(dst []byte, e event.Packet) []byte {
	dst = append(append(dst, e.Dir.String()...), " ["...)
	if c, ok := e.Control(); ok && len(e.Data) == packet.HeaderLen+len(c.Data) {
		return append(notation.AppendText(dst, e.Protocol, e.Data), ']')
	}
	dst = dst[:len(dst)-len(e.Dir.String())-2]
	return append(dst, e.Line()...)
}

func (d *Writer) appendFaults(dst []byte, faults []lint.Fault) []byte {
	for i, f := range faults {
		if i == 0 {
			dst = append(dst, "   "...)
			if d.o.Color {
				dst = append(dst, red...)
			}
			dst = append(dst, "!! "...)
		} else {
			dst = append(dst, "; "...)
		}
		dst = append(dst, f.Text...)
		if i+1 == len(faults) || faults[i+1].Clause != f.Clause { // once for what belongs together
			dst = append(append(append(dst, " ("...), f.Clause...), ')')
		}
	}
	if d.o.Color && len(faults) > 0 {
		dst = append(dst, reset...)
	}
	return dst
}

// appendHex appends octets in rows of 16 with their offset, each row with its line end.
func appendHex(dst, b []byte) []byte {
	const digits = "0123456789abcdef"
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		dst = append(dst, "                     "...)
		dst = append(dst, digits[at>>12&15], digits[at>>8&15], digits[at>>4&15], digits[at&15], ' ')
		for _, c := range row {
			dst = append(dst, ' ', digits[c>>4], digits[c&15])
		}
		dst = append(dst, '\n')
	}
	return dst
}

// eventText tells the events of which a recording has few.
func eventText(e event.Event) string {
	p := event.Printable
	switch e := e.(type) {
	case event.Phase:
		return "-- " + p(e.Phase)
	case event.Device:
		return words("device", e.Port, e.Vendor, e.Model, e.Firmware, e.USB, prefixed("profile ", e.Profile))
	case event.Up:
		s := fmt.Sprintf("up: %s local %s peer %s", p(e.Interface), orNone(e.Local), orNone(e.Peer))
		if len(e.DNS) > 0 {
			s += " dns " + p(strings.Join(e.DNS, " "))
		}
		if e.IPv6 != "" {
			s += " ipv6 " + p(e.IPv6)
		}
		return s
	case event.Down:
		return fmt.Sprintf("down: %s, after %.1f s, %d octets in, %d out", p(e.Reason), e.Seconds, e.BytesIn, e.BytesOut)
	case event.Failure:
		s := "failure: " + p(e.Cause) + " in " + p(e.Phase)
		if e.Detail != "" {
			s += ": " + p(e.Detail)
		}
		return s
	case event.Attempt:
		return fmt.Sprintf("== attempt %d: %s", e.Number, p(e.Reason))
	case event.Notice:
		return p(e.Level) + ": " + p(e.Text)
	case event.Quirk:
		return fmt.Sprintf("quirk: %s = %s (%s: %s)", p(e.Key), p(e.Value), p(e.Source), p(e.Reason))
	case event.Finding:
		return fmt.Sprintf("finding: %s (%s, %s)", p(e.Title), p(e.ID), p(e.Confidence))
	case event.State:
		return fmt.Sprintf("state: %s %s -> %s (%s)", p(e.Protocol), p(e.From), p(e.To), p(e.Cause))
	case event.Registration:
		return words("network:", e.State, e.Signal)
	case event.Probe:
		return words("probe:", e.How, e.Target, e.Result)
	case event.Decision:
		return words("decision:", e.Protocol, e.Point, e.Intent, "->", e.Verdict, prefixed("by ", e.By))
	}
	b, err := event.Record{Event: e}.AppendJSON(nil)
	if err != nil {
		return e.Kind()
	}
	return e.Kind() + " " + p(string(b))
}

func words(list ...string) string {
	var b strings.Builder
	for _, w := range list {
		if w == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(event.Printable(w))
	}
	return b.String()
}

func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return event.Printable(s)
}
