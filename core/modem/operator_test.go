package modem

import (
	"strings"
	"testing"

	"github.com/knakppp/knak/core/at"
)

// The operator by AT+COPS (3GPP TS 27.007 section 7.3): a number where the modem gives one, and the modem's own format as
// it was.
func TestOperator(t *testing.T) {
	const ok = "\r\nOK\r\n"
	name := `+COPS: 0,0,"Example",7` + ok
	for _, c := range []struct {
		name    string
		answers []string
		want    string
		sent    string
	}{
		{"numeric already", []string{"AT+COPS?", `+COPS: 0,2,"26201",7` + ok}, "262-01", "AT+COPS?"},
		{"three digits", []string{"AT+COPS?", `+COPS: 0,2,"310410"` + ok}, "310-410", "AT+COPS?"},
		{"a name, and a number when asked", []string{"AT+COPS?", name + `||+COPS: 0,2,"26201",7` + ok, "AT+COPS=3,2", ok, "AT+COPS=3,0", ok},
			"262-01", "AT+COPS?|AT+COPS=3,2|AT+COPS?|AT+COPS=3,0"},
		{"a short name", []string{"AT+COPS?", `+COPS: 0,1,"Ex"` + ok + `||+COPS: 0,2,"26201",7` + ok, "AT+COPS=3,2", ok, "AT+COPS=3,1", ok},
			"262-01", "AT+COPS?|AT+COPS=3,2|AT+COPS?|AT+COPS=3,1"},
		{"the format is refused", []string{"AT+COPS?", name}, "Example", "AT+COPS?|AT+COPS=3,2"},
		{"the format changes nothing", []string{"AT+COPS?", name, "AT+COPS=3,2", ok, "AT+COPS=3,0", ok}, "Example",
			"AT+COPS?|AT+COPS=3,2|AT+COPS?|AT+COPS=3,0"},
		{"not registered", []string{"AT+COPS?", "+COPS: 0" + ok}, "", "AT+COPS?"},
		{"no such command", []string{"AT+COPS?", "ERROR\r\n"}, "", "AT+COPS?"},
		{"nonsense", []string{"AT+COPS?", "+COPS: ,,,,\"" + ok}, "", "AT+COPS?"},
		{"no answer", []string{"AT+COPS?", ""}, "", "AT+COPS?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got string
			o := (&fake{answers: good(c.answers...)}).run(t, func(x *at.Exchange) (err error) {
				if err = Sync(x, Defaults()); err == nil {
					got, err = Operator(x, Defaults())
				}
				return err
			})
			sent := strings.Join(o.sent, "|")
			var cops []string
			for _, s := range o.sent {
				if strings.HasPrefix(s, "AT+COPS") {
					cops = append(cops, s)
				}
			}
			if o.err != nil || got != c.want || strings.Join(cops, "|") != c.sent {
				t.Errorf("%q, %v, sent %s; want %q", got, o.err, sent, c.want)
			}
		})
	}
}
