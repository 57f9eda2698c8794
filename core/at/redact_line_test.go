package at

import "testing"

func TestRedactLine(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`AT+CPIN="1234"`, `AT+CPIN=<hidden>`},
		{`at+cpin=1234;+CFUN=1`, `at+cpin=<hidden>;+CFUN=1`},
		{`AT+CPIN?`, `AT+CPIN?`},
		{`AT+CLCK="SC",2`, `AT+CLCK=<hidden>`},
		{`AT+CGAUTH=1,2,"me","secret"`, `AT+CGAUTH=<hidden>`},
		{`AT^AUTHDATA=1,2,"1.1.1.1","secret","me"`, `AT^AUTHDATA=<hidden>`},
		{`AT$QCPDPP=1,1,"secret","me"`, `AT$QCPDPP=<hidden>`},
		{`AT+CGDCONT=1,"IP","internet"`, `AT+CGDCONT=1,"IP","internet"`},
		{`ATD*99***1#`, `ATD*99***1#`},
		{`ATDT*99#`, `ATDT*99#`},
		{`ATDT+49 30 1234567`, `ATDT<hidden>`},
		{`ATD0301234567;`, `ATD<hidden>;`},
		{`001010123456789`, `<hidden>`},
		{`CONNECT 7200000`, `CONNECT 7200000`},
	} {
		if got := RedactLine(c.line); got != c.want {
			t.Errorf("%s: %s, want %s", c.line, got, c.want)
		}
		if again := RedactLine(c.want); again != c.want {
			t.Errorf("%s again: %s", c.want, again)
		}
	}
}
