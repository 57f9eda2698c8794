package capture

import (
	"bytes"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
)

var (
	hhdFormat = source.Format{
		Name: "hhd", Title: "text export of a serial port monitor",
		Sniff: func(b []byte) int { return sniffDump(b, true) },
		Open:  opener(func(*reader) format { return &dump{} }),
	}
	hexFormat = source.Format{
		Name: "hex", Title: "hex dump with direction marks",
		Sniff: func(b []byte) int { return sniffDump(b, false) },
		Open:  opener(func(*reader) format { return &dump{} }),
	}
)

// dump reads rows of octets in hexadecimal. The direction stands before the octets, or in a row of its own before those
// that it is of, with the time: as HHD's Free Serial Port Monitor has it (Request, Answer), Eltima's (Written data, Read
// data), Device Monitoring Studio (IRP_MJ_WRITE, IRP_MJ_READ), and many programs that nobody else has seen (TX, RX, >, <).
type dump struct {
	orient orient
	m      mark
	marked bool
	now    time.Time
}

// kinds of a row.
type rowKind uint8

const (
	rowUnknown rowKind = iota
	rowMark            // a direction or a time, without octets
	rowOctets          // octets, with a mark or after one
	rowNote            // says something that is no octets: understood, and of no use
)

func (d *dump) step(r *reader) error {
	line, size, err := r.in.Line()
	if err != nil {
		return err
	}
	r.pos.Line = r.in.Lines()
	text := string(line)
	m, octets, kind := row(text, r.c.Date)
	if m.timed {
		d.now = m.time
	}
	if m.found {
		d.m, d.marked = m, true
	}
	switch {
	case kind == rowOctets && d.marked:
		d.orient.octets(r, d.now, d.m.dir, d.m.certain, octets)
	case kind == rowUnknown, kind == rowOctets:
		r.unreadLine(text, size, "no row of a dump")
	}
	return nil
}

// row says what a row is.
func row(text string, date time.Time) (mark, []byte, rowKind) {
	if strings.TrimSpace(text) == "" || strings.Trim(text, "-=_* ") == "" {
		return mark{}, nil, rowNote
	}
	m, rest := findMark(text, date)
	if octets, _, ok := hexRow(rest); ok && !(m.timed && !m.found) {
		return m, octets, rowOctets
	}
	switch {
	case m.found:
		return m, nil, rowMark
	case m.timed:
		return m, nil, rowNote
	case isMonitorNote(text):
		return m, nil, rowNote
	}
	return m, nil, rowUnknown
}

// isMonitorNote knows what serial port monitors say of anything but data.
func isMonitorNote(text string) bool {
	text = strings.TrimLeft(text, " \t0123456789:")
	for _, p := range []string{"IRP_MJ_", "IOCTL_", "STATUS_", "Port opened", "Port closed", "Opened", "Closed", "Process", "BaudRate", "Length", "Major Function"} {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}

func (d *dump) end(r *reader) { d.orient.end(r) }

// unreadLine says that a line of a text was not understood. Its end is not shown: it may hold octets of a frame, and who
// knows whose password.
func (r *reader) unreadLine(text string, size int, reason string) {
	const some = 40
	if !r.c.Raw && len(text) > some {
		text = strings.ToValidUTF8(text[:some], "") + " …"
	}
	r.add(r.last, event.Unread{Text: r.shown(text), Bytes: size, Reason: reason})
}

// sniffDump looks at the rows that the prefix has. Of a monitor the directions stand in rows of their own, and are words.
func sniffDump(b []byte, monitor bool) int {
	if bytes.IndexByte(b, 0) >= 0 {
		return source.No
	}
	octets, directions, unknown, alone, marked := 0, 0, 0, 0, false
	lines := 0
	for line := range bytes.Lines(b) {
		if lines++; lines > 400 {
			break
		}
		m, _, kind := row(strings.TrimRight(string(line), "\r\n"), time.Time{})
		marked = marked || m.found
		switch {
		case kind == rowOctets && marked:
			octets++
			if m.found {
				directions++
			}
		case kind == rowMark && m.certain:
			alone++
		case kind == rowMark:
			unknown++
		case kind == rowUnknown, kind == rowOctets:
			unknown++
		}
	}
	switch {
	case octets == 0 || octets+alone < 3*unknown || directions+alone == 0:
		return source.No
	case monitor && alone > 0 && alone >= directions:
		return source.Sure - 10
	case monitor:
		return source.No
	case octets >= 3:
		return source.Sure - 20
	}
	return source.Likely
}
