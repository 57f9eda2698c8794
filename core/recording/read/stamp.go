package read

import (
	"bytes"
	"strconv"
	"strings"
	"time"
)

// clock reads the times of a log's lines. It remembers the last time and its text, because many lines have the same.
type clock struct {
	date time.Time // gives the year or the day if a line does not
	last []byte    // the text of the last time
	then time.Time // the time of last
	prev time.Time // the last time of any form, to notice the change of a day or year
	span int       // how many octets last took, blanks included

	minute   [13]byte  // the last "Jun  4 10:52:", because most lines have the same minute as the line before
	minuteAt time.Time // its beginning; zero: there was none
	tags     [4]tagged // the last texts between a time and a message
	written  int       // into tags

	offset  string // the text of the last offset from UTC, for example "+02:00"
	shifted *time.Location
}

// zone is the time zone of times without one: that of the file's own time, or UTC.
func (k *clock) zone() *time.Location {
	if k.date.IsZero() {
		return time.UTC
	}
	return k.date.Location()
}

// take reads a time at the start of b, and gives its length in octets with the spaces after it; 0: there is no time.
func (k *clock) take(b []byte) (time.Time, int) {
	if len(k.last) > 0 && len(b) >= len(k.last) && string(b[:len(k.last)]) == string(k.last) {
		return k.then, k.span
	}
	t, n := k.parse(b)
	if n == 0 {
		return time.Time{}, 0
	}
	stamp := n
	for n < len(b) && (b[n] == ' ' || b[n] == '\t') {
		n++
	}
	if n == len(b) || n == stamp && b[n-1] != ']' {
		return time.Time{}, 0 // a time must be followed by a blank
	}
	k.last, k.then, k.span, k.prev = append(k.last[:0], b[:n]...), t, n, t
	return t, n
}

func (k *clock) parse(b []byte) (time.Time, int) {
	if len(b) < 9 {
		return time.Time{}, 0
	}
	switch c := b[0]; {
	case c == '[':
		return k.bracketed(b)
	case '0' <= c && c <= '9':
		if b[2] == ':' {
			return k.timeOfDay(b)
		}
		if b[4] == '-' {
			return k.iso(b)
		}
		if b[1] == '/' || b[2] == '/' {
			return k.slashed(b)
		}
		return unixStamp(b)
	case 'A' <= c && c <= 'Z' && b[3] == ' ':
		if t, n := k.bsd(b); n > 0 {
			return t, n
		}
		if !weekday(b) {
			return time.Time{}, 0
		}
		if t, n := k.iso(b[4:]); n > 0 { // journalctl -o short-full, with the zone's name after it
			n += 4
			for m := n + 1; m < len(b) && m < n+7; m++ {
				if b[m] == ' ' {
					return t, m
				}
				if b[m] < 'A' || b[m] > 'Z' {
					break
				}
			}
			return t, n
		}
		t, n := k.bsd(b[4:])
		if n == 0 {
			return t, 0
		}
		n += 4
		if y, ok := digits(b, n+1, 4); ok && n < len(b) && b[n] == ' ' { // ctime's form
			return time.Date(y, t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), k.zone()), n + 5
		}
		return t, n
	}
	return time.Time{}, 0
}

// bracketed reads [2024-06-14 10:52:56], and seconds since the boot or the epoch as in [   79.165890].
func (k *clock) bracketed(b []byte) (time.Time, int) {
	i := 1
	for i < len(b) && b[i] == ' ' {
		i++
	}
	inner := b[i:]
	if len(inner) < 9 {
		return time.Time{}, 0
	}
	t, n := k.iso(inner)
	if n == 0 {
		t, n = unixStamp(inner)
	}
	if n == 0 {
		t, n = k.timeOfDay(inner)
	}
	if n == 0 {
		t, n = k.named(inner)
	}
	if n == 0 || i+n >= len(b) || b[i+n] != ']' {
		return time.Time{}, 0
	}
	return t, i + n + 1
}

// unixStamp reads seconds with a fraction. If a log counts from the boot, the boot counts as the epoch.
func unixStamp(b []byte) (time.Time, int) {
	sec, i := int64(0), 0
	for ; i < len(b) && i < 11 && '0' <= b[i] && b[i] <= '9'; i++ {
		sec = sec*10 + int64(b[i]-'0')
	}
	if i == 0 || i+6 >= len(b) || b[i] != '.' {
		return time.Time{}, 0
	}
	ns, n := fraction(b[i:])
	if n < 4 {
		return time.Time{}, 0
	}
	return time.Unix(sec, int64(ns)).UTC(), i + n
}

var months = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

func weekday(b []byte) bool {
	switch string(b[:3]) {
	case "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun":
		return true
	}
	return false
}

// bsd reads "Jun 4 10:52:56" (RFC 3164 section 4.1.2), with or without a fraction.
func (k *clock) bsd(b []byte) (time.Time, int) {
	if len(b) >= 14 && b[3] == ' ' && b[5] == ' ' && '1' <= b[4] && b[4] <= '9' { // a web page has turned two blanks into one
		wide := make([]byte, 0, 32)
		wide = append(append(append(wide, b[:3]...), "  "...), b[4:min(len(b), 28)]...)
		t, n := k.bsd(wide)
		return t, max(n-1, 0)
	}
	if len(b) < 15 || b[3] != ' ' || b[6] != ' ' {
		return time.Time{}, 0
	}
	if !k.minuteAt.IsZero() && string(b[:13]) == string(k.minute[:]) {
		if _, _, sec, ns, n := hms(b[7:]); n > 0 {
			return k.minuteAt.Add(time.Duration(sec)*time.Second + time.Duration(ns)), 7 + n
		}
	}
	month := 0
	for i, m := range months {
		if m == string(b[:3]) {
			month = i + 1
		}
	}
	day := int(b[5] - '0')
	if b[4] != ' ' {
		day += 10 * int(b[4]-'0')
	}
	h, m, s, ns, n := hms(b[7:])
	if month == 0 || day < 1 || day > 31 || n == 0 {
		return time.Time{}, 0
	}
	t := time.Date(k.year(time.Month(month), day), time.Month(month), day, h, m, s, ns, k.zone())
	if d := k.prev; !d.IsZero() && d.Year() == t.Year() && d.Month() == time.December && month == 1 {
		t = t.AddDate(1, 0, 0)
	} else if !d.IsZero() && d.Year() == t.Year()+1 && month < 7 {
		t = t.AddDate(1, 0, 0) // the new year has begun
	}
	k.minute, k.minuteAt = [13]byte(b[:13]), t.Add(-time.Duration(s)*time.Second-time.Duration(ns))
	return t, 7 + n
}

// year gives the last year in which that day is not after the file's time.
func (k *clock) year(m time.Month, day int) int {
	if k.date.IsZero() {
		return 0
	}
	y := k.date.Year()
	if time.Date(y, m, day, 0, 0, 0, 0, k.date.Location()).After(k.date.AddDate(0, 0, 1)) {
		y--
	}
	return y
}

// iso reads 2024-06-14T10:52:56.761615+02:00 (RFC 3339) and similar forms.
func (k *clock) iso(b []byte) (time.Time, int) {
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || b[10] != 'T' && b[10] != ' ' {
		return time.Time{}, 0
	}
	y, ok := digits(b, 0, 4)
	mo, ok2 := digits(b, 5, 2)
	d, ok3 := digits(b, 8, 2)
	h, m, s, ns, n := hms(b[11:])
	if !ok || !ok2 || !ok3 || n == 0 || mo < 1 || mo > 12 || d < 1 || d > 31 {
		return time.Time{}, 0
	}
	n += 11
	zone, used := k.shifted, len(k.offset)
	if used == 0 || len(b) < n+used || string(b[n:n+used]) != k.offset {
		zone, used = offset(b[n:])
		if used > 1 {
			k.offset, k.shifted = string(b[n:n+used]), zone
		}
	}
	if used == 0 {
		zone = k.zone()
	}
	return time.Date(y, time.Month(mo), d, h, m, s, ns, zone), n + used
}

// slashed reads 5/9/2023 1:38:59 PM and 05/09/2023 13:38:59, as terminal programs of Windows write them. The month is the first
// or the second number, depending on the country: the first is taken if it can be a month.
func (k *clock) slashed(b []byte) (time.Time, int) {
	var v [6]int // month, day, year, hour, minute, second
	n := 0
	for i := range v {
		from := n
		for n < len(b) && n < from+4 && '0' <= b[n] && b[n] <= '9' {
			v[i] = v[i]*10 + int(b[n]-'0')
			n++
		}
		if n == from {
			return time.Time{}, 0
		}
		if i < 5 {
			if n == len(b) || b[n] != "// ::"[i] {
				return time.Time{}, 0
			}
			n++
		}
	}
	ns, used := fraction(b[n:])
	n += used
	if rest := string(b[n:min(n+3, len(b))]); rest == " PM" || rest == " AM" {
		v[3] %= 12
		if rest == " PM" {
			v[3] += 12
		}
		n += 3
	}
	if v[0] > 12 {
		v[0], v[1] = v[1], v[0]
	}
	if v[0] < 1 || v[0] > 12 || v[1] < 1 || v[1] > 31 || v[2] < 1000 || v[3] > 23 || v[4] > 59 || v[5] > 60 {
		return time.Time{}, 0
	}
	return time.Date(v[2], time.Month(v[0]), v[1], v[3], v[4], v[5], ns, k.zone()), n
}

// named reads "Jun 25, 2026, 1:22:01 PM GMT+1", as OpenWrt's page of the log shows it in an American browser.
func (k *clock) named(b []byte) (time.Time, int) {
	end := bytes.IndexByte(b[:min(len(b), 48)], ']')
	if end < 12 || b[0] < 'A' || b[0] > 'Z' || b[3] != ' ' {
		return time.Time{}, 0
	}
	text, zone, _ := strings.Cut(string(b[:end]), "M GMT")
	t, err := time.ParseInLocation("Jan 2, 2006, 3:04:05 PM", text+"M", k.zone())
	if err != nil {
		return time.Time{}, 0
	}
	hours, err := strconv.Atoi(zone)
	switch {
	case zone == "":
		hours = 0
	case err != nil || hours < -12 || hours > 14:
		return time.Time{}, 0
	}
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.FixedZone("", hours*3600)), end
}

func offset(b []byte) (*time.Location, int) {
	if len(b) == 0 {
		return nil, 0
	}
	if b[0] == 'Z' {
		return time.UTC, 1
	}
	if b[0] != '+' && b[0] != '-' || len(b) < 5 {
		return nil, 0
	}
	h, ok := digits(b, 1, 2)
	at, n := 3, 5
	if b[3] == ':' {
		at, n = 4, 6
	}
	m, ok2 := digits(b, at, 2)
	if !ok || !ok2 {
		return nil, 0
	}
	sec := (h*60 + m) * 60
	if sec == 0 {
		return time.UTC, n
	}
	if b[0] == '-' {
		sec = -sec
	}
	return time.FixedZone("", sec), n
}

// timeOfDay reads 10:52:56.761, on the day of the file if that is known.
func (k *clock) timeOfDay(b []byte) (time.Time, int) {
	h, m, s, ns, n := hms(b)
	if n == 0 {
		return time.Time{}, 0
	}
	day := k.prev
	if day.IsZero() {
		day = k.date
	}
	if day.IsZero() {
		day = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	t := time.Date(day.Year(), day.Month(), day.Day(), h, m, s, ns, k.zone())
	if !k.prev.IsZero() && k.prev.Sub(t) > 12*time.Hour { // past midnight
		t = t.AddDate(0, 0, 1)
	}
	return t, n
}

func hms(b []byte) (h, m, s, ns, n int) {
	if len(b) < 8 || b[2] != ':' || b[5] != ':' {
		return 0, 0, 0, 0, 0
	}
	h, ok := digits(b, 0, 2)
	m, ok2 := digits(b, 3, 2)
	s, ok3 := digits(b, 6, 2)
	if !ok || !ok2 || !ok3 || h > 23 || m > 59 || s > 60 {
		return 0, 0, 0, 0, 0
	}
	ns, n = fraction(b[8:])
	return h, m, s, ns, 8 + n
}

// fraction reads .123 or ,123 as nanoseconds.
func fraction(b []byte) (ns, n int) {
	if len(b) < 2 || b[0] != '.' && b[0] != ',' {
		return 0, 0
	}
	scale := 100_000_000
	for n = 1; n < len(b) && '0' <= b[n] && b[n] <= '9'; n++ {
		ns += int(b[n]-'0') * scale
		scale /= 10
	}
	if n == 1 {
		return 0, 0
	}
	return ns, n
}

func digits(b []byte, at, n int) (int, bool) {
	if len(b) < at+n {
		return 0, false
	}
	v := 0
	for _, c := range b[at : at+n] {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}
