package private

import (
	"strings"
	"testing"
)

// What is replaced in the lines of programs, and what is not.
func TestText(t *testing.T) {
	for in, want := range map[string]string{
		`pppd password hunter2 user me`:                        `pppd password <hidden> user me`,
		`--password="a b" x`:                                   `--password="a b" x`[:len(`--password=`)] + `<hidden> x`,
		`secret='x y'`:                                         `secret=<hidden>`,
		`Warning - secret file /etc/ppp/pap-secrets`:           `Warning - secret file /etc/ppp/pap-secrets`,
		`peer from calling number +4915112345678 ok`:           `peer from calling number <hidden> ok`,
		`IMEI: 1234`:                                           `IMEI: <hidden>`,
		`imsi 001010123456789 attached`:                        `imsi <hidden> attached`,
		`send (AT+CPIN="4711"^M)`:                              `send (AT+CPIN="<hidden>"`,
		`local  IP address 10.0.0.1`:                           `local  IP address 10.0.0.1`,
		`Sent 612360704 bytes, received 3423392867`:            `Sent 612360704 bytes, received 3423392867`,
		`Received bad configure-nak:  02 06 00 2d 0f 01 81 06`: `Received bad configure-nak:  02 06 00 2d 0f 01 81 06`,
	} {
		if got := Text(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// The quick looks never say no where the slow ones would find something.
func FuzzQuickLooks(f *testing.F) {
	for _, s := range []string{"IMEI SV = 12345", "S/N: 7", "3 5 5 0 0 0 0 0 0 0 0 0 0 1", "0-01010-123456789", "serial number:x", "Password: x", "PIN 1", "calling number x", "+CLIP: x", "abcdef012345678"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !mayIdentify(s) && identify(s) != s {
			t.Errorf("%q becomes %q", s, identify(s))
		}
		excused := false
		for _, w := range notSecret {
			excused = excused || strings.Contains(s, w)
		}
		if !mentionsSecret(s) && !excused && secretWords().MatchString(s) {
			t.Errorf("%q holds a secret", s)
		}
	})
}

// A value that pppd prints between < and > is hidden with them.
func TestHiddenValue(t *testing.T) {
	const line = "rcvd [CHAP Challenge id=0x85 <bd59882f29c97f02757cd0ae2735f790>, name = \"x\"]"
	if got, want := Identities(line), `rcvd [CHAP Challenge id=0x85 <hidden>, name = "x"]`; got != want || Identities(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
}
