package capture

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
)

var (
	intercepttyFormat = source.Format{
		Name: "interceptty", Title: "output of interceptty",
		Sniff: func(b []byte) int { return sniffRows(b, intercepttyRow) },
		Open:  opener(func(*reader) format { return &octetwise{row: intercepttyRow} }),
	}
	slsnifFormat = source.Format{
		Name: "slsnif", Title: "output of slsnif",
		Sniff: func(b []byte) int { return sniffRows(b, slsnifRow) },
		Open:  opener(func(*reader) format { return &octetwise{row: slsnifRow} }),
	}
)

// octetRow is the content of a row of an octetwise format.
type octetRow struct {
	mark   mark
	octets []byte
}

// octetwise reads formats that write each octet as a number, one or several to a row.
type octetwise struct {
	row    func(string, time.Time) (octetRow, bool)
	orient orient
	now    time.Time
}

func (o *octetwise) step(r *reader) error {
	line, size, err := r.in.Line()
	if err != nil {
		return err
	}
	r.pos.Line = r.in.Lines()
	text := string(line)
	row, ok := o.row(text, r.c.Date)
	if row.mark.timed {
		o.now = row.mark.time
	}
	switch {
	case !ok && strings.TrimSpace(text) != "":
		r.unreadLine(text, size, "not a row of this format")
	case len(row.octets) > 0:
		o.orient.octets(r, o.now, row.mark.dir, row.mark.certain, row.octets)
	}
	return nil
}

func (o *octetwise) end(r *reader) { o.orient.end(r) }

// intercepttyRow reads a row such as "> 0x41 (A)": one octet. A row that begins with ! is a remark about the line.
func intercepttyRow(text string, date time.Time) (row octetRow, ok bool) {
	s := strings.TrimSpace(text)
	if t, rest, ok := cutTime(s, date); ok {
		row.mark.timed, row.mark.time = true, t
		s = strings.TrimSpace(rest)
	}
	if strings.HasPrefix(s, "!") {
		return row, true
	}
	if len(s) < 2 || s[0] != '>' && s[0] != '<' {
		return row, false
	}
	row.mark.found, row.mark.dir = true, direction(s[0] == '>')
	for _, f := range strings.Fields(s[1:]) {
		if f[0] == '(' {
			break // the character; the last in the row
		}
		v, err := strconv.ParseUint(strings.TrimPrefix(f, "0x"), 16, 8)
		if err != nil || !strings.HasPrefix(f, "0x") {
			return row, false
		}
		row.octets = append(row.octets, byte(v))
	}
	return row, len(row.octets) > 0
}

// slsnifRow reads a row such as "Host --> A (065) T (084) (013)": the sender, then each octet as a character, if it has one, and
// as a number in parentheses: decimal, or hexadecimal with -x. An octet with a character shows which of the two it is.
func slsnifRow(text string, date time.Time) (row octetRow, ok bool) {
	s := strings.TrimSpace(text)
	if t, rest, ok := cutTime(strings.TrimLeft(s, "[("), date); ok {
		row.mark.timed, row.mark.time = true, t
		s = strings.TrimLeft(rest, " \t])")
	}
	who, said, found := strings.Cut(s, "-->")
	switch strings.TrimSpace(who) {
	case "Host", "PC":
		row.mark.dir = event.Sent
	case "Device":
		row.mark.dir = event.Rcvd
	default:
		return row, false
	}
	if !found {
		return row, false
	}
	row.mark.found, row.mark.certain = true, true
	base := 10
	type number struct {
		text string
		char byte
	}
	var numbers []number
	from := 0 // where the character of the next number may stand
	for i := 0; i < len(said); i++ {
		end := strings.IndexByte(said[i:], ')')
		if said[i] != '(' || end < 2 {
			continue // a parenthesis may be a character too
		}
		n := number{text: strings.TrimPrefix(said[i+1:i+end], "0x")}
		if n.text == "" || len(n.text) > 3 || strings.Trim(n.text, "0123456789abcdefABCDEF") != "" {
			continue
		}
		if c := strings.TrimSpace(said[from:i]); len(c) == 1 {
			n.char = c[0]
			if v, err := strconv.ParseUint(n.text, 16, 8); err == nil && byte(v) == n.char {
				base = 16
			}
		}
		if strings.Trim(n.text, "0123456789") != "" {
			base = 16
		}
		numbers = append(numbers, n)
		i += end
		from = i + 1
	}
	for _, n := range numbers {
		v, err := strconv.ParseUint(n.text, base, 8)
		if err != nil {
			return row, false
		}
		row.octets = append(row.octets, byte(v))
	}
	return row, len(row.octets) > 0 || strings.TrimSpace(said) == ""
}

// sniffRows counts the rows that a format understands.
func sniffRows(b []byte, read func(string, time.Time) (octetRow, bool)) int {
	rows, good := 0, 0
	for line := range bytes.Lines(b) {
		if rows++; rows > 100 {
			break
		}
		if row, ok := read(strings.TrimRight(string(line), "\r\n"), time.Time{}); ok && len(row.octets) > 0 {
			good++
		}
	}
	switch {
	case good >= 2 && good*4 > rows*3:
		return source.Sure
	case good >= 1 && good*2 > rows:
		return source.Likely
	}
	return source.No
}
