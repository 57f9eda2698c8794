package modem

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"
)

//go:embed testdata/registration.txt
var registrationLines string

// TestRegistrationState reads registration lines in the dresses that manuals, drivers and logs show (3GPP TS 27.007 sections
// 7.2, 10.1.20, 10.1.22 and 10.1.47).
func TestRegistrationState(t *testing.T) {
	rows := 0
	for i, row := range strings.Split(strings.TrimSpace(registrationLines), "\n") {
		if strings.HasPrefix(row, "#") {
			continue
		}
		f := strings.Split(row, "~")
		if len(f) != 5 {
			t.Fatalf("row %d has %d columns", i+1, len(f))
		}
		rows++
		n, state, ok := registrationState(f[2], "+"+f[1]+":")
		got := "-,"
		if ok {
			got = fmt.Sprintf("%d,%d", n, state)
		}
		want := strings.Replace(f[3], "u", "1", 1) + "," + f[4] // that it came shows that codes are on
		if got != want {
			t.Errorf("row %d, %s: %s: got %s, want %s", i+1, f[0], f[2], got, want)
		}
	}
	if rows < 180 {
		t.Errorf("only %d rows", rows)
	}
}

// TestRegisteredInEveryDress dials a modem that says it in an odd way, through the whole dialogue.
func TestRegisteredInEveryDress(t *testing.T) {
	for _, c := range []struct{ name, command, line string }{
		{"Iridium", "AT+CREG?", "+CREG:002,001,\"18d8\",\"ffff\""},
		{"another mark", "AT+CREG?", "^CREG: 0,1"},
		{"no colon", "AT+CGREG?", "+CGREG 0,5"},
		{"5G alone", "AT+C5GREG?", "+C5GREG: 2,1,\"0000C3\",\"00A1B2C3D\",11,4,\"01.010203\""},
	} {
		answers := good("AT+CEREG?", "+CEREG: 0,0\r\nOK\r\n", "AT+CGREG?", "+CGREG: 0,0\r\nOK\r\n", "AT+CREG?", "+CREG: 0,0\r\nOK\r\n")
		answers[c.command] = []string{c.line + "\r\nOK\r\n"}
		if o := (&fake{answers: answers}).run(t, Dial(Defaults(), nil)); o.err != nil {
			t.Errorf("%s: %v", c.name, o.err)
		}
	}
}

// TestNoUICC ends at once where the modem says that its SIM does not work (Nordic's state 90).
func TestNoUICC(t *testing.T) {
	answers := good("AT+CEREG?", "+CEREG: 5,90\r\nOK\r\n")
	if o := (&fake{answers: answers}).run(t, Dial(Defaults(), nil)); KindOf(o.err) != NoSIM {
		t.Errorf("got %v", o.err)
	}
}
