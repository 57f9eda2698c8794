package modem

import (
	"bytes"
	"testing"
	"time"
)

func TestAskerTellsPortsApart(t *testing.T) {
	gga := "$GPGGA,092750.000,5321.6802,N,00630.3372,W,1,8,1.03,61.7,M,55.2,M,,*76\r\n"
	for _, tt := range []struct {
		name, heard string
		want        Said
	}{
		{"V.250 5.7.1: OK", "\r\nOK\r\n", TakesAT},
		{"with echo", "AT\r\r\nOK\r\n", TakesAT},
		{"numeric result codes (ATV0)", "AT\r0\r", TakesAT},
		{"an error is an answer", "\r\nERROR\r\n", TakesAT},
		{"a final code of a maker", "\r\nCOMMAND NOT SUPPORT\r\n", TakesAT},
		{"CME", "\r\n+CME ERROR: 10\r\n", TakesAT},
		{"an unsolicited code before it", "\r\n^RSSI:21\r\n\r\nOK\r\n", TakesAT},
		{"an unsolicited code alone", "\r\n^RSSI:21\r\n", SaysNothing},
		{"NMEA 0183", gga, SpeaksNMEA},
		{"NMEA begins in the middle of a sentence", "8,1.03,61.7,M,55.2,M,,*76\r\n" + gga, SpeaksNMEA},
		{"NMEA with a wrong checksum is not believed", "$GPGGA,092750.000,5321*00\r\n", SaysNothing},
		{"a reply that begins with a dollar", "\r\n$GPSACP: ,,,,,0*\r\n", SaysNothing},
		{"RFC 1662: LCP, escaped", "~\xff}#\xc0!}!}!} }4", SendsPPP},
		{"RFC 1662: compressed address and control", "~\xc0!}!}!} }4", SendsPPP},
		{"Qualcomm DM", "\x13\x00\x02\x6b\xfe\x7e", SpeaksDiag},
		{"echo and nothing else", "AT\rAT\r", OnlyEchoes},
		{"a console", "\r\nraspberrypi login: ", IsConsole},
		{"a shell", "AT\r\n-bash: AT: command not found\r\n$ ", IsConsole},
		{"another speed", "\xfe\x80\x13\xf8\x9c\x00\xe0", SaysGarbage},
		{"silence", "", SaysNothing},
		{"NUL octets of a modem that starts", "\x00\x00", SaysGarbage},
		{"the boot message of a printer", "start\r\necho:Marlin 2.0\r\n", SaysNothing},
	} {
		a := NewAsker(askBegin)
		a.Advance(askBegin)
		if b, ok := a.Next(); !ok || string(b) != "AT\r" {
			t.Fatalf("%s: asks %q", tt.name, b)
		}
		for _, c := range []byte(tt.heard) { // octet by octet: no chunk may matter
			a.Receive(askBegin, []byte{c})
		}
		for d := a.Deadline(); !d.IsZero(); d = a.Deadline() {
			a.Advance(d)
			a.Next()
		}
		if said, done := a.Done(); !done || said != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, said, tt.want)
		}
	}
}

// Asking is harmless: three times "AT" within two seconds and nothing else, and nothing at all to a tty that has spoken.
func TestAskerSendsNoMoreThanAT(t *testing.T) {
	run := func(chatter string) (sent []byte, took time.Duration) {
		a := NewAsker(askBegin)
		now := askBegin
		a.Receive(now, []byte(chatter))
		for {
			a.Advance(now)
			for b, ok := a.Next(); ok; b, ok = a.Next() {
				sent = append(sent, b...)
			}
			d := a.Deadline()
			if d.IsZero() {
				return sent, now.Sub(askBegin)
			}
			now = d
		}
	}
	if sent, took := run(""); string(sent) != "AT\rAT\rAT\r" || took != askLimit {
		t.Errorf("to a silent tty %q in %v", sent, took)
	}
	for _, chatter := range []string{"$GPGSV,1,1,00*79\r\n", "\x13\x00\x02\x6b\xfe\x7e", "\r\nraspberrypi login: "} {
		if sent, _ := run(chatter); len(sent) != 0 {
			t.Errorf("to a tty that says %q: %q", chatter, sent)
		}
	}
}

func FuzzAsker(f *testing.F) {
	f.Add([]byte("AT\r\r\nOK\r\n"))
	f.Add([]byte("~\xff}#\xc0!"))
	f.Add([]byte("$GPGSV,1,1,00*79\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a := NewAsker(askBegin)
		a.Advance(askBegin)
		for i, c := range b {
			a.Receive(askBegin, []byte{c})
			if len(a.heard) > maxHeard {
				t.Fatal("what is kept grows")
			}
			if _, done := a.Done(); done && i+1 < len(b) {
				break
			}
		}
		for d := a.Deadline(); !d.IsZero(); d = a.Deadline() {
			a.Advance(d)
			if out, ok := a.Next(); ok && !bytes.Equal(out, []byte("AT\r")) {
				t.Fatalf("sends %q", out)
			}
		}
	})
}

var askBegin = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
