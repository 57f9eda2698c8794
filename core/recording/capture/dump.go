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

// dump reads rows of octets in hexadecimal. The direction, with a time, stands before the octets of a row, or in a row of its own
// before them. Its words are those of HHD's Free Serial Port Monitor (Request, Answer), Eltima's monitor (Written data, Read
// data), Device Monitoring Studio (IRP_MJ_WRITE, IRP_MJ_READ), and those of people's own programs (TX, RX, >, <).
type dump struct {
	orient orient
	m      mark
	marked bool
	now    time.Time

	speaker speaker // for a dump that does not say in which direction octets went
	told    bool
}

// rowKind is what a row is.
type rowKind uint8

const (
	rowUnknown rowKind = iota
	rowMark            // a direction or a time, without octets
	rowOctets          // octets, with a mark or after one
	rowNote            // a remark: understood, but of no use
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
		r.unreadLine(text, size, "not a row of a dump")
	}
	return nil
}

// unmarked takes octets without a direction. Commands are the host's, answers are the modem's; for frames their contents decide.
func (d *dump) unmarked(r *reader, octets []byte) {
	if !d.told {
		d.told, r.last = true, d.now
		r.warning("the dump does not say in which direction octets went; the end that asks for an address or answers a challenge is taken for this host")
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

// plain removes what programming languages write around octets: braces, quotes, \x for 0x.
func plain(s string) string {
	if strings.Contains(s, "|") || !strings.Contains(s, "0x") && !strings.Contains(s, "0X") && !strings.Contains(s, `\x`) && !isDeclared(s) {
		return s // the character column may contain braces
	}
	if _, in, ok := strings.Cut(s, "{"); ok {
		s = in
	} else if _, in, ok := strings.Cut(s, "= "); ok {
		s = in
	}
	return marksOff.Replace(s)
}

var marksOff = strings.NewReplacer("{", " ", "}", " ", ";", " ", `"`, " ", `\x`, " 0x")

// isDeclared says whether a row begins or ends an array of octets in a program's source.
func isDeclared(s string) bool {
	s = strings.TrimSpace(s)
	return s == "{" || s == "}" || s == "};" || strings.HasSuffix(s, "= {") || strings.HasSuffix(s, "[] =") || strings.HasSuffix(s, "] = ")
}

// row says what a row is, and gives its direction and time.
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

// isMonitorNote says whether a row is one that serial port monitors write about something other than data.
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

// unreadLine makes an Unread for a line of text. The end of the line is not shown: it may hold octets of a frame, and so a
// password.
func (r *reader) unreadLine(text string, size int, reason string) {
	const some = 40
	if !r.c.Raw && len(text) > some {
		text = strings.ToValidUTF8(text[:some], "") + " …"
	}
	r.add(r.last, event.Unread{Text: event.Printable(text), Bytes: size, Reason: reason})
}

// isLine says whether octets without a direction can come from a modem's line. If not, the dump is of something else.
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

// sniffDump scores the rows of the prefix. With monitor, directions must be words, in rows of their own.
func sniffDump(b []byte, monitor bool) int {
	if bytes.IndexByte(b, 0) >= 0 {
		return source.No
	}
	octets, directions, unknown, alone, marked := 0, 0, 0, 0, false
	var first []byte // the octets of rows without a direction
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
