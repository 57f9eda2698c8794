package capture

import (
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
)

// word gives the direction for a word that monitors use, in lower case.
func word(s string) (dir event.Dir, ok bool) {
	switch s {
	case "tx", "txd", "sent", "send", "sending", "write", "written", "wrote", "out", "output", "request", "irp_mj_write", "host", "pc", "dte", "down",
		"transmit", "transmitted", "w":
		return event.Sent, true
	case "rx", "rxd", "rcvd", "recv", "received", "receive", "receiving", "read", "in", "input", "answer", "response", "irp_mj_read", "device", "modem", "dce",
		"up", "r":
		return event.Rcvd, true
	}
	return 0, false
}

// arrows are signs for the direction.
var arrows = []struct {
	text string
	dir  event.Dir
}{
	{"-->", event.Sent}, {"==>", event.Sent}, {">>>", event.Sent}, {">>", event.Sent}, {"->", event.Sent}, {"=>", event.Sent}, {">", event.Sent},
	{"<--", event.Rcvd}, {"<==", event.Rcvd}, {"<<<", event.Rcvd}, {"<<", event.Rcvd}, {"<-", event.Rcvd}, {"<=", event.Rcvd}, {"<", event.Rcvd},
}

// mark is the direction and time before the octets of a row, or in a row of their own.
type mark struct {
	found   bool
	dir     event.Dir
	certain bool // a word, not an arrow
	timed   bool
	time    time.Time
}

// findMark removes time and direction from the front of a row and gives the rest.
func findMark(row string, date time.Time) (m mark, rest string) {
	s := strings.TrimLeft(row, " \t[(#/*")
	// The number of the row may stand before the time.
	if n, after, ok := strings.Cut(s, " "); ok && n != "" && strings.Trim(n, "0123456789:.") == "" && !strings.Contains(strings.Trim(n, ":."), ":") && len(n) < 10 {
		if t, rest, ok := cutTime(strings.TrimLeft(after, " \t[("), date); ok {
			m.timed, m.time, s = true, t, rest
		} else if m2, rest := direction1(strings.TrimLeft(after, " \t[(")); m2.found && strings.Contains(n, ".") {
			return m2, rest // seconds since a beginning that is not known
		}
	}
	if !m.timed {
		if t, rest, ok := cutTime(s, date); ok {
			m.timed, m.time, s = true, t, rest
		}
	}
	s = strings.TrimLeft(s, " \t])[(|,;-")
	d, rest := direction1(s)
	d.timed, d.time = m.timed, m.time
	if !d.found {
		return m, row
	}
	if t, after, ok := cutTime(strings.TrimLeft(rest, " \t[("), date); ok && !d.timed {
		d.timed, d.time, rest = true, t, after
	}
	return d, rest
}

// direction1 removes a word or an arrow for the direction from the front.
func direction1(s string) (mark, string) {
	n := 0
	for n < len(s) && (s[n] >= 'a' && s[n] <= 'z' || s[n] >= 'A' && s[n] <= 'Z' || s[n] == '_') {
		n++
	}
	if dir, ok := word(strings.ToLower(s[:n])); ok && (n == len(s) || strings.IndexByte(" \t:;,>|])-=<(", s[n]) >= 0) {
		rest := strings.TrimLeft(s[n:], " \t:>|])-=<")
		if after, ok := strings.CutPrefix(rest, "data"); ok {
			rest = strings.TrimLeft(after, " \t:")
		}
		if rest != "" && rest[0] == '(' { // the name of a port, a length
			if i := strings.IndexByte(rest, ')'); i >= 0 {
				rest = strings.TrimLeft(rest[i+1:], " \t:")
			}
		}
		return mark{found: true, dir: dir, certain: true}, rest
	}
	for _, a := range arrows {
		if rest, ok := strings.CutPrefix(s, a.text); ok {
			return mark{found: true, dir: a.dir}, strings.TrimLeft(rest, " \t:|")
		}
	}
	return mark{}, s
}

// layouts are the forms of times; the fraction of the seconds may have any length.
var layouts = []struct {
	layout string
	date   bool
}{
	{"2006/01/02 15:04:05", true}, {"2006-01-02 15:04:05", true}, {"2006-01-02T15:04:05", true},
	{"1/2/2006 3:04:05 PM", true}, {"1/2/2006 15:04:05", true}, {"2/1/2006 15:04:05", true}, {"2.1.2006 15:04:05", true},
	{"15:04:05", false}, {"3:04:05 PM", false},
}

// cutTime removes a time from the front. A time without a date is on the day of date.
func cutTime(s string, date time.Time) (time.Time, string, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return time.Time{}, s, false
	}
	for _, l := range layouts {
		// Numbers in a time may be shorter than in the layout, so texts of about the layout's length are tried.
		for n := len(l.layout) + 4; n >= len(l.layout)-2; n-- {
			if n > len(s) || n < len(s) && isDigit(s[n]) && isDigit(s[n-1]) {
				continue
			}
			t, err := time.Parse(l.layout, s[:n])
			if err != nil {
				continue
			}
			rest, fraction := cutFraction(s[n:])
			t = t.Add(fraction)
			if !l.date && !date.IsZero() {
				t = time.Date(date.Year(), date.Month(), date.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), date.Location())
			} else if !l.date {
				t = time.Unix(0, 0).UTC().Add(t.Sub(t.Truncate(24 * time.Hour)))
			}
			return t, rest, true
		}
	}
	return time.Time{}, s, false
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// cutFraction removes the fraction of a second from the front; a decimal comma is accepted.
func cutFraction(s string) (rest string, d time.Duration) {
	if len(s) < 2 || s[0] != '.' && s[0] != ',' || !isDigit(s[1]) {
		return s, 0
	}
	unit := time.Second
	for s = s[1:]; s != "" && isDigit(s[0]); s = s[1:] {
		unit /= 10
		d += time.Duration(s[0]-'0') * unit
	}
	return s, d
}
