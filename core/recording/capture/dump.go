package capture

import (
	"bytes"
	"strings"
	"time"

	"github.com/knakppp/knak/core/cmux"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
)

var (
	hhdFormat = source.Format{
		Name: "hhd", Title: "text export of a serial port monitor",
		Sniff: func(b []byte) int { return sniffDump(b, true) },
		Open:  opener(func(*reader) format { return &dump{orient: orient{blocks: true}} }),
	}
	hexFormat = source.Format{
		Name: "hex", Title: "hex dump",
		Sniff: func(b []byte) int { return sniffDump(b, false) },
		Open:  opener(func(*reader) format { return &dump{orient: orient{blocks: true}} }),
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

	speaker speaker // of a dump that does not say which way octets went
	told    bool
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
	case kind == rowOctets:
		d.unmarked(r, octets)
	case kind == rowUnknown:
		r.unreadLine(text, size, "no row of a dump")
	}
	return nil
}

// unmarked takes octets of which nothing says which way they went: commands are the host's, answers the modem's, and of
// frames what they hold tells it.
func (d *dump) unmarked(r *reader, octets []byte) {
	if !d.told {
		d.told, r.last = true, d.now
		r.warning("the dump does not say which way octets went; who asks for an address and who answers a challenge is taken for this host")
	}
	have := len(r.out)
	r.last = d.now
	r.line.Block(d.now, event.Rcvd, octets)
	r.drain(r.line)
	for i := range r.out[have:] {
		rec := &r.out[have+i]
		switch e := rec.Event.(type) {
		case event.AT:
			if isAttention(e.Text) {
				e.Dir = event.Sent
			}
			rec.Event = e
		case event.Packet:
			e.Dir, e.Guessed = d.speaker.dir(append([]byte{byte(e.Protocol >> 8), byte(e.Protocol)}, e.Data...))
			rec.Event = e
		}
	}
}

// isAttention says whether a line is a command.
func isAttention(s string) bool { return len(s) >= 2 && strings.EqualFold(s[:2], "AT") }

// plain takes what programming languages write around octets off a row: braces, quotes, \x for 0x.
func plain(s string) string {
	if strings.Contains(s, "|") || !strings.Contains(s, "0x") && !strings.Contains(s, "0X") && !strings.Contains(s, `\x`) && !isDeclared(s) {
		return s // its characters may be braces, too
	}
	if _, in, ok := strings.Cut(s, "{"); ok {
		s = in
	} else if _, in, ok := strings.Cut(s, "= "); ok {
		s = in
	}
	return marksOff.Replace(s)
}

var marksOff = strings.NewReplacer("{", " ", "}", " ", ";", " ", `"`, " ", `\x`, " 0x")

// isDeclared says whether a row begins or ends an array of octets of a program's source.
func isDeclared(s string) bool {
	s = strings.TrimSpace(s)
	return s == "{" || s == "}" || s == "};" || strings.HasSuffix(s, "= {") || strings.HasSuffix(s, "[] =") || strings.HasSuffix(s, "] = ")
}

// row says what a row is.
func row(text string, date time.Time) (mark, []byte, rowKind) {
	if strings.TrimSpace(text) == "" || strings.Trim(text, "-=_* ") == "" {
		return mark{}, nil, rowNote
	}
	m, rest := findMark(text, date)
	if octets, _, ok := hexRow(plain(rest)); ok && (m.found || !m.timed || len(octets) > 3) {
		return m, octets, rowOctets
	}
	switch {
	case isDeclared(text):
		return m, nil, rowNote
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
	r.add(r.last, event.Unread{Text: event.Printable(text), Bytes: size, Reason: reason})
}

// isLine says whether octets without a direction can be those of a modem's line: a dump of anything else is none.
func isLine(b []byte) bool {
	switch {
	case len(b) < 4:
		return false
	case judge(b) == portSerial, bytes.HasPrefix(b, []byte{0xff, 0x03}), bytes.HasPrefix(b, []byte{0xff, 0x7d, 0x23}), bytes.HasPrefix(b, []byte{0xc0, 0x21, 1}), bytes.HasPrefix(b, []byte{0x80, 0x21, 1}):
		return true
	}
	_, _, basic := cmux.Parse(cmux.Basic, b, 2048)
	_, _, advanced := cmux.Parse(cmux.Advanced, b, 2048)
	return basic == nil || advanced == nil
}

// sniffDump looks at the rows that the prefix has. Of a monitor the directions stand in rows of their own, and are words.
func sniffDump(b []byte, monitor bool) int {
	if bytes.IndexByte(b, 0) >= 0 {
		return source.No
	}
	octets, directions, unknown, alone, marked := 0, 0, 0, 0, false
	var first []byte // octets of rows without a direction
	lines := 0
	for line := range bytes.Lines(b) {
		if lines++; lines > 400 {
			break
		}
		m, data, kind := row(strings.TrimRight(string(line), "\r\n"), time.Time{})
		marked = marked || m.found
		switch {
		case kind == rowOctets && marked:
			octets++
			if m.found {
				directions++
			}
		case kind == rowMark && m.certain:
			alone++
		case kind == rowMark && len(bytes.Trim(line, "<>-= \t\r\n")) == 0:
			directions++ // an arrow in a row of its own
		case kind == rowMark:
			unknown++
		case kind == rowOctets:
			first = append(first, data[:min(len(data), 1024)]...)
			octets++
		case kind == rowUnknown:
			unknown++
		}
	}
	if directions+alone == 0 && !monitor && octets > 0 && octets >= 2*unknown && isLine(first) {
		return source.Likely
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
