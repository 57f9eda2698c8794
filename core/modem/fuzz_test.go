package modem

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/at"
)

// FuzzDial: whatever a modem answers, the dialogue ends in bounded time, the PIN is sent once at most, and neither it
// nor the password is shown.
func FuzzDial(f *testing.F) {
	for _, s := range []string{
		"OK\r\n|+CPIN: SIM PIN\r\nOK\r\n|ERROR\r\n|ERROR\r\n|OK\r\n|+CPIN: READY\r\nOK\r\n|+CGDCONT: 1,\"IP\",\"a\"\r\nOK\r\n|OK\r\n|OK\r\n|+CEREG: 0,1\r\nOK\r\n|+CSQ: 20,99\r\nOK\r\n|CONNECT\r\n~",
		"|||OK\r\n|+CME ERROR: 14\r\n|+CME ERROR: 13\r\n|+CFUN: 0\r\nOK\r\n|OK\r\n|+CPIN: READY\r\nOK\r\n",
		"OK\r\n|+CPIN: READY\r\nOK\r\n|ERROR\r\n|OK\r\n|OK\r\n|OK\r\n|+CEREG: 0,2\r\nOK\r\n|+CGREG: 0,2\r\nOK\r\n|+CREG: 2\r\nOK\r\n",
		"~\xff}#\xc0!}!}!|NO CARRIER\r\n|OK\r\n",
		"+CPIN:|+CSQ:\r\nOK\r\n|+CREG: ,\r\nOK\r\n|+COPS: \r\nOK\r\n|+CFUN:\r\nOK\r\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		answers := strings.Split(s, "|")
		p := Defaults()
		p.PIN, p.AuthCommand, p.User, p.Password, p.APN = "471147", "+CGAUTH", "user", "s3cret", "apn.example"
		pins := 0
		fake := fake{raw: func(sent string) string {
			if strings.Contains(sent, p.PIN) {
				pins++
			}
			answer := ""
			if len(answers) > 0 {
				answer, answers = strings.TrimLeft(answers[0], "@"), answers[1:]
			}
			return answer
		}}
		o := fake.run(t, func(x *at.Exchange) error {
			var h HangupResult
			if err := dialAsking(p)(x); err != nil {
				return err
			}
			x.CommandState()
			return Hangup(p, true, &h)(x)
		})
		if pins > 1 {
			t.Errorf("the PIN was sent %d times", pins)
		}
		if o.elapsed > 10*time.Minute {
			t.Errorf("took %v; sent %q", o.elapsed, o.sent)
		}
		shown := o.shown()
		for _, secret := range []string{p.PIN, p.Password} {
			if strings.Contains(shown, secret) && !strings.Contains(s, secret[:3]) {
				t.Errorf("%q is shown:\n%s", secret, shown)
			}
		}
	})
}
