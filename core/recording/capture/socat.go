package capture

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/source"
)

var socatFormat = source.Format{
	Name: "socat", Title: "output of socat -x or -v",
	Sniff: sniffSocat,
	Open:  opener(func(*reader) format { return &socat{} }),
}

// socat reads what socat writes for -x, -v or both: a row with arrow, time and length, and the octets, in hexadecimal or, for -v
// alone, as text. In text, octets above 7f and control characters cannot be told apart, so no frames can be read from it.
type socat struct {
	orient orient
	now    time.Time
	dir    event.Dir
	left   int // octets of the block that are still to come
	text   bool
	first  bool // the first row of the block comes next
	lossy  bool
}

func (s *socat) step(r *reader) error {
	line, size, err := r.in.Line()
	if err != nil {
		return err
	}
	r.pos.Line = r.in.Lines()
	row := string(line)
	if dir, now, n, ok := socatHead(row); ok {
		s.missing(r)
		s.dir, s.now, s.left, s.first, s.text = dir, now, n, true, false
		return nil
	}
	switch {
	case s.left == 0:
		if strings.Contains(row, " socat[") {
			r.add(s.now, event.Log{Program: "socat", Text: event.Printable(row)})
		} else if row != "--" && row != "" {
			r.unreadLine(row, size, "not a row of socat's")
		}
		return nil
	case s.first:
		octets, _, ok := hexRow(row)
		s.first, s.text = false, !ok || row[0] != ' ' || len(octets) > s.left
	}
	if s.text {
		s.textRow(r, row)
		return nil
	}
	octets, _, ok := hexRow(row)
	if !ok {
		r.unreadLine(row, size, "no octets where socat writes them")
		return nil
	}
	octets = octets[:min(len(octets), s.left)]
	s.left -= len(octets)
	s.orient.octets(r, s.now, s.dir, false, octets)
	return nil
}

// textRow reads a row of -v alone: control characters with an escape in C are written as that escape, a line feed ends the row,
// and any other octet that is not printable is a full stop.
func (s *socat) textRow(r *reader, row string) {
	var b []byte
	for i := 0; i < len(row) && len(b) < s.left; i++ {
		c := row[i]
		if c == '\\' && i+1 < len(row) {
			if j := strings.IndexByte(`rntabfv0\"`, row[i+1]); j >= 0 {
				c = "\r\n\t\a\b\f\v\x00\\\""[j]
				i++
			}
		}
		b = append(b, c)
	}
	if len(b) < s.left {
		b = append(b, '\n')
	}
	s.left -= len(b)
	if bytes.Count(b, []byte("..")) > 2 && !s.lossy {
		s.lossy = true
		r.last = s.now
		r.warning("socat was run with -v but without -x, so octets that are not text are lost")
	}
	s.orient.octets(r, s.now, s.dir, false, b)
}

func (s *socat) missing(r *reader) {
	if s.left > 0 && !s.text {
		r.last = s.now
		r.warning("a block of socat's lacks %d octets", s.left)
	}
	s.left = 0
}

func (s *socat) end(r *reader) {
	s.missing(r)
	s.orient.end(r)
}

// socatHead reads the row before a block: "> 2026/11/22 09:22:44.000582027  length=8 from=0 to=7".
func socatHead(row string) (dir event.Dir, now time.Time, n int, ok bool) {
	if len(row) < 30 || row[0] != '>' && row[0] != '<' || row[1] != ' ' {
		return 0, now, 0, false
	}
	stamp := strings.TrimLeft(row[2:], " ")
	now, rest, ok := cutTime(stamp, now)
	if !ok {
		return 0, now, 0, false
	}
	if _, fraction, _ := strings.Cut(stamp[:len(stamp)-len(rest)], "."); len(fraction) == 9 && fraction[:3] == "000" {
		now = now.Add(999 * now.Sub(now.Truncate(time.Second))) // socat 1.7.4 writes microseconds with nine digits
	}
	_, length, ok := strings.Cut(rest, "length=")
	if !ok {
		return 0, now, 0, false
	}
	length, _, _ = strings.Cut(length, " ")
	n, err := strconv.Atoi(length)
	return direction(row[0] == '>'), now, n, err == nil && n >= 0 && n <= maxPacket
}

func sniffSocat(b []byte) int {
	for i, line := range bytes.SplitN(b, []byte("\n"), 20) {
		if _, _, _, ok := socatHead(strings.TrimRight(string(line), "\r")); ok {
			if i == 0 {
				return source.Certain
			}
			return source.Sure
		}
	}
	return source.No
}
