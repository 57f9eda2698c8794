package read

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
)

// What loggers write before a line, with the time, the program and the message in it. The file is of 2019-01-02.
func TestDress(t *testing.T) {
	const msg = "rcvd [LCP ConfAck id=0x1]"
	for _, c := range []struct{ name, line, at, program string }{
		{"none", msg, "", ""},
		{"RFC 3164", "Jan  1 10:00:01 box pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"RFC 3164 of last year", "Nov 30 10:00:01 box pppd[12]: " + msg, "2018-11-30T10:00:01Z", "pppd"},
		{"RFC 3164 with a priority", "<30>Jan  1 10:00:01 box pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"RFC 5424", "<30>1 2019-01-01T10:00:01.5Z box pppd 12 - - " + msg, "2019-01-01T10:00:01.5Z", "pppd"},
		{"busybox with a facility", "Jan  1 10:00:01 box daemon.debug pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"busybox without a host", "Jan  1 10:00:01 daemon.debug pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"logread", "Tue Jan  1 10:00:01 2019 daemon.debug pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"macOS", "Tue Jan  1 10:00:01 2019 : " + msg, "2019-01-01T10:00:01Z", ""},
		{"rsyslog", "2019-01-01T10:00:01.250000+02:00 box pppd[12]: " + msg, "2019-01-01T08:00:01.25Z", "pppd"},
		{"journal short-precise", "Jan 01 10:00:01.250000 box pppd[12]: " + msg, "2019-01-01T10:00:01.25Z", "pppd"},
		{"journal short-iso", "2019-01-01T10:00:01+0200 box pppd[12]: " + msg, "2019-01-01T08:00:01Z", "pppd"},
		{"journal short-full", "Tue 2019-01-01 10:00:01 UTC box pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"journal short-monotonic", "[   12.250000] box pppd[12]: " + msg, "1970-01-01T00:00:12.25Z", "pppd"},
		{"journal short-unix", "1546336801.250000 box pppd[12]: " + msg, "2019-01-01T10:00:01.25Z", "pppd"},
		{"journal json", `{"__REALTIME_TIMESTAMP":"1546336801250000","SYSLOG_IDENTIFIER":"pppd","MESSAGE":"` + msg + `"}`, "2019-01-01T10:00:01.25Z", "pppd"},
		{"a script's", "2019-01-01 10:00:01,250 " + msg, "2019-01-01T10:00:01.25Z", ""},
		{"in brackets", "[2019-01-01 10:00:01] " + msg, "2019-01-01T10:00:01Z", ""},
		{"only the time of day", "10:00:01.250 " + msg, "2019-01-02T10:00:01.25Z", ""},
		{"its own name", "/usr/sbin/pppd: " + msg, "", "pppd"},
		{"set in", "     Jan  1 10:00:01 box pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"one blank before the day", "Jan 1 10:00:01 box pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"the time cut off", "box pppd[12]: " + msg, "", "pppd"},
		{"the time cut off, with a facility", "daemon.debug pppd[12]: " + msg, "", "pppd"},
		{"quoted without a blank", ">>" + "Jan  1 10:00:01 box pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"found by grep", "/var/log/syslog:Jan  1 10:00:01 box pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"found by grep -n", "syslog.1:1201:Jan  1 10:00:01 box pppd[12]: " + msg, "2019-01-01T10:00:01Z", "pppd"},
		{"a sentence", "he wrote pppd: no", "", "-"},
		{"no time after all", "10:00:01.250", "", "-"},
		{"no day", "Jan 99 10:00:01 box pppd[12]: x", "", "-"},
	} {
		k := clock{date: fileTime}
		d := k.split([]byte(strings.TrimLeft(c.line, ">")))
		if c.program == "-" {
			if d.headed {
				t.Errorf("%s: %+v", c.name, d)
			}
			continue
		}
		at := ""
		if !d.at.IsZero() {
			at = d.at.UTC().Format(time.RFC3339Nano)
		}
		if at != c.at || d.program != c.program || string(d.msg) != msg {
			t.Errorf("%s: %q %q %q", c.name, at, d.program, d.msg)
		}
		all := collect(t, open(t, []byte(c.line+"\n"), Options{Date: fileTime}))
		if p, ok := all[len(all)-1].Event.(event.Packet); !ok || "rcvd ["+p.Text()+"]" != msg {
			t.Errorf("%s: %+v", c.name, all)
		}
	}
}

// Without the file's time nothing is invented: a date without a year is in the year 0, a time without a day on its first.
func TestNoDate(t *testing.T) {
	for line, want := range map[string]string{"Feb 29 10:00:01 box pppd: x": "0000-02-29T10:00:01Z", "10:00:01 Modem hangup": "0000-01-01T10:00:01Z"} {
		k := clock{}
		if d := k.split([]byte(line)); d.at.Format(time.RFC3339) != want {
			t.Errorf("%s: %v", line, d.at)
		}
	}
}

// What OpenWrt writes before a line: its page of the log, and netifd before the lines of the programs that it runs.
func TestOpenWrtLines(t *testing.T) {
	for line, want := range map[string]string{
		"[Jun 25, 2026, 1:22:02 PM GMT+1] daemon.notice: netifd: wan (12767): Can't open": "2026-06-25T13:22:02+01:00 netifd Can't open",
		"[Jun 25, 2026, 12:02:02 AM GMT] daemon.err: pppd[7]: Modem hangup":               "2026-06-25T00:02:02Z pppd Modem hangup",
		"Fri May  8 09:33:36 2020 daemon.notice netifd: wan (7245): Stopping":             "2020-05-08T09:33:36Z netifd Stopping",
		"Fri May  8 09:33:36 2020 daemon.notice netifd: Interface 'wan' (7): down":        "2020-05-08T09:33:36Z netifd Interface 'wan' (7): down",
		"Fri May  8 09:33:36 2020 daemon.notice netifd: wan (x): down":                    "2020-05-08T09:33:36Z netifd wan (x): down",
		"Fri May  8 09:33:36 2020 daemon.notice other: wan (7): down":                     "2020-05-08T09:33:36Z other wan (7): down",
	} {
		k := clock{}
		d := k.split([]byte(line))
		if got := d.at.Format(time.RFC3339) + " " + d.program + " " + string(d.msg); got != want {
			t.Errorf("%s: %s", line, got)
		}
	}
	for _, line := range []string{"[Jun 32, 2026, 1:22:02 PM GMT+1] x: y", "[Jun 25, 2026, 1:22:02 PM GMT+99] x: y", "[Jun 25, 2026] x: y"} {
		k := clock{}
		if d := k.split([]byte(line)); d.headed {
			t.Errorf("%s: %+v", line, d)
		}
	}
}

// Lines that a page has joined are several again; a line that only quotes a date or an arrow is one.
func TestJoined(t *testing.T) {
	for _, c := range []struct {
		line string
		want int
	}{
		{"Jan  1 10:00:01 box pppd[12]: Modem hangup Jan  1 10:00:02 box pppd[12]: Exit.", 2},
		{"Tue Jan  1 10:00:01 2019 daemon.info pppd[12]: Using interface ppp0 Tue Jan  1 10:00:02 2019 daemon.info pppd[12]: Exit.", 2},
		{"--> Initializing modem. --> Modem initialized.", 2},
		{"Jan  1 10:00:01 box NetworkManager[9]: xl2tpd[12]: Listening", 1},
		{"Jan  1 10:00:01 box sshd[9]: not valid before Jan  1 10:00:01 2019", 1},
		{"Jan  1 10:00:01 box pppd[12]: Connect: ppp0 <--> /dev/ttyUSB0", 1},
	} {
		n := 0
		for _, r := range collect(t, open(t, []byte(c.line+"\n"), Options{Date: fileTime})) {
			if _, ok := r.Event.(event.Log); ok {
				n++
			}
		}
		if n != c.want {
			t.Errorf("%q: %d lines, want %d", c.line, n, c.want)
		}
	}
}

// What a clock remembers of the line before changes no time.
func TestClockRemembers(t *testing.T) {
	remembers := clock{date: fileTime}
	for _, stamp := range []string{
		"Jan  1 10:52:56 ", "Jan  1 10:52:57 ", "Jan  1 10:52:57.250 ", "Jan  1 10:53:00 ", "Jan  2 10:53:00 ", "Jan  1 10:52:01 ",
		"2018-06-14T10:52:56.761615+02:00 ", "2018-06-14T10:52:57.761615+02:00 ", "2018-06-14T10:52:58.761615-02:30 ", "2018-06-14T10:52:58Z ",
		"2018-06-14T10:52:59 ", "2018-06-14T10:52:58+0200 ", "2018-06-14T10:52:58+02:00 ", "Jan  1 10:52:02 ",
	} {
		fresh := clock{date: fileTime}
		want, size := fresh.take([]byte(stamp + "x"))
		got, n := remembers.take([]byte(stamp + "x"))
		if !got.Equal(want) || n != size || n == 0 || got.Format(time.RFC3339) != want.Format(time.RFC3339) {
			t.Errorf("%s: %v, %d octets, want %v, %d", stamp, got, n, want, size)
		}
	}
}
