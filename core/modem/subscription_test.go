package modem

import (
	"fmt"
	"strings"
	"testing"
)

// AT+CIMI (3GPP TS 27.007 section 5.6) as modems answer it, EF_AD by AT+CRSM (section 8.18), and what is made of it.
func TestSubscription(t *testing.T) {
	empty := "+CGDCONT: 1,\"IP\",\"\",\"\",0,0\r\nOK\r\n"
	for _, tt := range []struct {
		name    string
		answers map[string][]string
		homes   string // what Access was asked
		ask     bool   // it wants to know the length
		sent    string // of CGDCONT=, and the credentials
	}{
		{"plain", good("AT+CGDCONT?", empty, "AT+CIMI", "999991234567890\r\nOK\r\n"), `{999991 0} ""`, false, "apn"},
		{"with a prefix and quotes", good("AT+CGDCONT?", empty, "AT+CIMI", "+CIMI: \"999991234567890\"\r\nOK\r\n"), `{999991 0} ""`, false, "apn"},
		{"something else first", good("AT+CGDCONT?", empty, "AT+CIMI", "^RSSI: 17\r\n999991234567890\r\nOK\r\n"), `{999991 0} ""`, false, "apn"},
		{"an APN is stored", good("AT+CIMI", "999991234567890\r\nOK\r\n"), `{999991 0} "internet"`, false, "apn"},
		{"no context at all", good("AT+CGDCONT?", "OK\r\n", "AT+CIMI", "999991234567890\r\nOK\r\n"), `{999991 0} ""`, false, "apn"},
		{"busy, then there", good("AT+CGDCONT?", empty, "AT+CIMI", "+CME ERROR: 14\r\n||999991234567890\r\nOK\r\n"), `{999991 0} ""`, false, "apn"},
		{"two digits", good("AT+CGDCONT?", empty, "AT+CIMI", "999991234567890\r\nOK\r\n", "AT+CRSM=176,28589,0,0,4", "+CRSM: 144,0,\"00000002\"\r\nOK\r\n"),
			`{999991 0} "", {999991 2} ""`, true, "apn"},
		{"three digits, no quotes", good("AT+CGDCONT?", empty, "AT+CIMI", "999991234567890\r\nOK\r\n", "AT+CRSM=176,28589,0,0,4", "+CRSM: 144,0,81000803\r\nOK\r\n"),
			`{999991 0} "", {999991 3} ""`, true, "apn"},
		{"the card says nonsense", good("AT+CGDCONT?", empty, "AT+CIMI", "999991234567890\r\nOK\r\n", "AT+CRSM=176,28589,0,0,4", "+CRSM: 144,0,\"0000000F\"\r\nOK\r\n"),
			`{999991 0} "", {999991 -1} ""`, true, "apn"},
		{"the card has less", good("AT+CGDCONT?", empty, "AT+CIMI", "999991234567890\r\nOK\r\n", "AT+CRSM=176,28589,0,0,4", "+CRSM: 144,0,\"000000\"\r\nOK\r\n"),
			`{999991 0} "", {999991 -1} ""`, true, "apn"},
		{"the file is refused", good("AT+CGDCONT?", empty, "AT+CIMI", "999991234567890\r\nOK\r\n", "AT+CRSM=176,28589,0,0,4", "+CRSM: 106,130,\"\"\r\nOK\r\n"),
			`{999991 0} "", {999991 -1} ""`, true, "apn"},
		{"no +CRSM", good("AT+CGDCONT?", empty, "AT+CIMI", "999991234567890\r\nOK\r\n"), `{999991 0} "", {999991 -1} ""`, true, "apn"},
		{"+CRSM is not answered", good("AT+CGDCONT?", empty, "AT+CIMI", "999991234567890\r\nOK\r\n", "AT+CRSM=176,28589,0,0,4", ""), `{999991 0} "", {999991 -1} ""`, true, "apn"},
		{"no +CIMI", good("AT+CGDCONT?", empty), "", false, ""},
		{"+CIMI is not answered", good("AT+CGDCONT?", empty, "AT+CIMI", ""), "", false, ""},
		{"no number", good("AT+CGDCONT?", empty, "AT+CIMI", "OK\r\n"), "", false, ""},
		{"too short", good("AT+CGDCONT?", empty, "AT+CIMI", "99999\r\nOK\r\n"), "", false, ""},
		{"too long", good("AT+CGDCONT?", empty, "AT+CIMI", "9999912345678901\r\nOK\r\n"), "", false, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var homes []string
			p := Defaults()
			p.AuthCommand = "+CGAUTH"
			p.Access = func(h Home, stored string) (Access, bool) {
				homes = append(homes, fmt.Sprintf("%v %q", h, stored))
				return Access{APN: "apn", Login: true, User: "u", Password: "known", Method: "pap"}, tt.ask && h.MNCLength == 0
			}
			tt.answers[`AT+CGDCONT=1,"IP","apn"`] = []string{"OK\r\n"}
			tt.answers[`AT+CGAUTH=1,1,"u","known"`] = []string{"OK\r\n"}
			tt.answers[`AT+CGAUTH=1,0`] = []string{"OK\r\n"}
			o := (&fake{answers: tt.answers}).run(t, Dial(p, nil))
			if o.err != nil {
				t.Fatalf("%v, sent %q", o.err, o.sent)
			}
			if got := strings.Join(homes, ", "); got != tt.homes {
				t.Errorf("asked %s, want %s", got, tt.homes)
			}
			all := strings.Join(o.sent, "|")
			if defined := strings.Contains(all, `AT+CGDCONT=1,"IP","apn"|AT+CGAUTH=1,1,"u","known"`); defined != (tt.sent != "") {
				t.Errorf("sent %s", all)
			}
			for _, secret := range []string{"999991234567890", "1234567890", "known", "81000803"} {
				if strings.Contains(o.shown(), secret) {
					t.Errorf("%s is shown:\n%s", secret, o.shown())
				}
			}
		})
	}
}

// Where somebody named an APN the SIM is not asked.
func TestSubscriptionNotAsked(t *testing.T) {
	p := Defaults()
	p.APN = "internet"
	p.Access = func(Home, string) (Access, bool) { t.Error("asked"); return Access{}, false }
	o := (&fake{answers: good()}).run(t, Dial(p, nil))
	if o.err != nil || strings.Contains(strings.Join(o.sent, "|"), "CIMI") {
		t.Errorf("%v, sent %q", o.err, o.sent)
	}
}
