package capture

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
)

var portmonFormat = source.Format{
	Name: "portmon", Title: "log of Portmon",
	Sniff: sniffPortmon,
	Open:  opener(func(*reader) format { return &portmon{} }),
}

// portmon reads a log of Sysinternals' Portmon. It has a row for each request, with number, time, process, request, port, result
// and details. The details of data are its length and its first octets, in hexadecimal or as characters. Portmon does not keep
// the rest of longer data, so such frames are lost.
type portmon struct {
	now    time.Time
	warned bool
}

func (p *portmon) step(r *reader) error {
	line, size, err := r.in.Line()
	if err != nil {
		return err
	}
	r.pos.Line = r.in.Lines()
	row := string(line)
	request, fields, ok := portmonRow(row)
	if !ok {
		if strings.TrimSpace(row) != "" {
			r.unreadLine(row, size, "not a row of Portmon's")
		}
		return nil
	}
	if len(fields) > 1 {
		if t, _, ok := cutTime(fields[1], r.c.Date); ok { // otherwise the column is the duration of the request
			p.now = t
		}
	}
	var dir event.Dir
	switch request {
	case "IRP_MJ_WRITE":
		dir = event.Sent
	case "IRP_MJ_READ":
		dir = event.Rcvd
	default:
		return nil // settings of the port
	}
	n, octets, hex, ok := portmonData(row)
	switch {
	case !ok && strings.Contains(row, "Length"):
		r.unreadLine(row, size, "data that is not understood")
	case !ok, n == 0:
		// A request that failed or was cancelled has no data.
	default:
		r.octets(p.now, dir, octets)
		p.incomplete(r, n, len(octets), hex)
	}
	return nil
}

// incomplete makes records of the octets that Portmon did not keep.
func (p *portmon) incomplete(r *reader, n, have int, hex bool) {
	if !hex && !p.warned {
		p.warned = true
		r.warning("Portmon was set to show characters, so octets that are not text are lost: choose Show Hex in its menu Options to keep them")
	}
	if n > have {
		r.close() // the next octets do not continue these
		r.add(r.last, event.Unread{Bytes: 0, Reason: strconv.Itoa(n-have) + " octets that Portmon did not keep"})
	}
}

func (p *portmon) end(*reader) {}

// portmonRow splits a row into its fields.
func portmonRow(row string) (request string, fields []string, ok bool) {
	fields = strings.Fields(row)
	if len(fields) < 4 {
		return "", nil, false
	}
	if _, err := strconv.Atoi(fields[0]); err != nil {
		return "", nil, false
	}
	for _, f := range fields[1:min(len(fields), 6)] {
		if strings.HasPrefix(f, "IRP_MJ_") || strings.HasPrefix(f, "IOCTL_") {
			return f, fields, true
		}
	}
	return "", nil, false
}

// portmonData reads "Length 8: 41 54 2B 43 53 51 0D" or "Length 8: AT+CSQ.".
func portmonData(row string) (n int, octets []byte, hex, ok bool) {
	i := strings.LastIndex(row, "Length")
	if i < 0 {
		return 0, nil, false, false
	}
	number, data, found := strings.Cut(strings.TrimLeft(row[i+len("Length"):], " :"), ":")
	n, err := strconv.Atoi(strings.TrimSpace(number))
	if err != nil || !found || n < 0 {
		return 0, nil, false, false
	}
	data = strings.TrimPrefix(data, " ")
	cut := strings.TrimRight(strings.TrimSuffix(strings.TrimSpace(data), "..."), " ")
	if octets, rest, ok := hexRow(cut); ok && strings.TrimSpace(rest) == "" && len(octets) <= n && (len(octets) == n || len(octets) > 3) {
		return n, octets, true, true
	}
	return n, dots([]byte(data)[:min(len(data), n)]), false, true
}

// dots turns full stops back into line ends. A full stop at either end, or several together, usually stood for line ends.
func dots(b []byte) []byte {
	for i := 0; i < len(b); {
		end := i
		for end < len(b) && b[end] == '.' {
			end++
		}
		switch n := end - i; {
		case n == 0:
			end++
		case n == 1 && i > 0 && end < len(b):
			// a full stop
		case n == 3:
			copy(b[i:], "\r\r\n") // a command's end, and the line end before its answer
		default:
			for j := i; j < end; j++ {
				b[j] = "\r\n"[(j-i)%2]
			}
		}
		i = end
	}
	return b
}

func sniffPortmon(b []byte) int {
	rows, good := 0, 0
	for line := range bytes.Lines(b) {
		if rows++; rows > 50 {
			break
		}
		if _, _, ok := portmonRow(string(line)); ok {
			good++
		}
	}
	switch {
	case good >= 2 && good*2 > rows:
		return source.Sure
	case good == 1 && rows == 1:
		return source.Likely
	}
	return source.No
}
