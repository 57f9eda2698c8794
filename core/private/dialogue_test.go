package private

import (
	"strings"
	"testing"
)

func TestCommand(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{`AT+CPIN="1234"`, `AT+CPIN="<hidden>"`},
		{`at+cpin=1234`, `at+cpin=<hidden>`},
		{`AT+CPIN?`, `AT+CPIN?`},
		{`AT+CPIN=?`, `AT+CPIN=?`},
		{`AT+CLCK="SC",1,"1234"`, `AT+CLCK="SC",1,"<hidden>"`},
		{`AT+CLCK="SC",2`, `AT+CLCK="SC",2`},
		{`AT+CPWD="SC","1234","5678"`, `AT+CPWD="SC","<hidden>","<hidden>"`},
		{`AT+CGAUTH=1,2,"fred","made,up"`, `AT+CGAUTH=1,2,"fred","<hidden>"`},
		{`AT$QCPDPP=1,1,"made-up","fred"`, `AT$QCPDPP=1,1,"<hidden>","<hidden>"`},
		{`AT^AUTHDATA=1,1,"","made-up","fred"`, `AT^AUTHDATA=1,1,"","<hidden>","<hidden>"`},
		{`AT+QICSGP=1,1,"internet","fred","made-up",1`, `AT+QICSGP=1,1,"internet","fred","<hidden>",1`},
		{`AT+CGDCONT=1,"IP","internet"`, `AT+CGDCONT=1,"IP","internet"`},
		{`ATZ;+CPIN="1234";+CGAUTH=1,1,"a","b"`, `ATZ;+CPIN="<hidden>";+CGAUTH=1,1,"a","<hidden>"`},
		{`ATE0;+CGDCONT=1,"IP","a;b=c"`, `ATE0;+CGDCONT=1,"IP","a;b=c"`},
		{`ATDT*99***1#`, `ATDT*99***1#`},
		{`ATD*99#`, `ATD*99#`},
		{`ATD+15550123456;`, `ATD<hidden>;`},
		{`+++ATH`, `+++ATH`},
		{`+++AT+CPIN=1234`, `+++AT+CPIN=<hidden>`},
		{`AT+CMGS="+15550123456"`, `AT+CMGS="<hidden>"`},
		{`AT+EGMR=1,7,"490154203237518"`, `AT+EGMR=1,7,"<hidden>"`},
		{`490154203237518`, `<hidden>`},
		{`+CNUM: "","+15550123456",145`, `+CNUM: <hidden>`},
		{`^SN490154203`, `^SN<hidden>`}, // without a colon between
		{`OK`, `OK`}, {``, ``}, {`A`, `A`}, {`AT`, `AT`}, {`AT;;`, `AT;;`},
	} {
		got := Command(tt.line)
		if got != tt.want {
			t.Errorf("%s: %s, want %s", tt.line, got, tt.want)
		}
		if again := Command(got); again != got {
			t.Errorf("%s: twice %s", got, again)
		}
	}
}

// A password is found wherever the command stands in its line.
func FuzzCommand(f *testing.F) {
	f.Add("E0", "&F")
	f.Fuzz(func(t *testing.T, before, after string) {
		if strings.ContainsAny(before, `"=`) || strings.Contains(before+after, "s3cret") {
			return
		}
		if got := Command("AT" + before + `;+CPIN="s3cret";` + after); strings.Contains(got, "s3cret") {
			t.Errorf("%s", got)
		}
	})
}

// FuzzTwice: of a line no run of 14 digits survives, and hiding twice changes nothing more.
func FuzzTwice(f *testing.F) {
	for _, s := range []string{"262019876543210", "+CNUM: \"\",\"+49170123456\",145", "IMEI: 4-9-0", "12345678901234F", "0xA1000009ABCDEF0", "$A10000\x0f", "$A12345K\x0f", "$A1-345K\x0f", "$A1.345K\x0f", "$A<1234>", "^SN490154203", "1 2 3 4 5 6 7 8 9 0 1 2 3 4",
		"5555IMEI:5", "CONNECT 115200 123456789IMEI:5", "CONNECT 115200/123456789"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := Command(s)
		run := 0
		for _, c := range []byte(got) {
			if c >= '0' && c <= '9' {
				run++
			} else {
				run = 0
			}
			if run >= 14 {
				t.Fatalf("%q is shown as %q", s, got)
			}
		}
		if again := Command(got); again != got {
			t.Fatalf("%q, again %q", got, again)
		}
	})
}
