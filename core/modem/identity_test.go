package modem

import (
	"strings"
	"testing"

	"github.com/knakppp/knak/core/at"
)

// TestAsk: the forms in which modems say who they are.
func TestAsk(t *testing.T) {
	const none = "ERROR\r\n"
	for _, tt := range []struct {
		name    string
		answers map[string][]string
		want    Identity
	}{
		{"plain", good(), Identity{"huawei", "E398", "11.335.01.00.00"}},
		{
			"with codes", good("AT+CGMI", "+CGMI: \"SIMCOM INCORPORATED\"\r\nOK\r\n", "AT+CGMM", "+CGMM:SIM7600\r\nOK\r\n", "AT+CGMR", "Revision: LE20B04\r\nOK\r\n"),
			Identity{"SIMCOM INCORPORATED", "SIM7600", "LE20B04"},
		},
		{
			"ATI labelled", good("AT+CGMI", none, "AT+CGMM", none, "AT+CGMR", none,
				"ATI", "Manufacturer: huawei\r\nModel: E220\r\nRevision: 11.117\r\nIMEI: 490154203237518\r\n+GCAP: +CGSM\r\nOK\r\n"),
			Identity{"huawei", "E220", "11.117"},
		},
		{"ATI plain", good("AT+CGMI", none, "AT+CGMM", none, "AT+CGMR", none, "ATI", "Quectel\r\nEC25\r\nRevision: EC25EFAR\r\nOK\r\n"), Identity{"Quectel", "EC25", "EC25EFAR"}},
		{"a number for a name", good("AT+CGMM", "490154203237518\r\nOK\r\n"), Identity{"huawei", "<hidden>", "11.335.01.00.00"}},
		{"OK to everything (USB-12)", good("AT+CGMI", "OK\r\n", "AT+CGMM", "OK\r\n", "AT+CGMR", "OK\r\n", "ATI", "OK\r\n"), Identity{}},
		{"ERROR to everything", map[string][]string{}, Identity{}},
	} {
		var id Identity
		o := (&fake{answers: tt.answers}).run(t, func(x *at.Exchange) (err error) {
			_ = x.Synchronise("AT", probeTimeout) // one that answers ERROR is in step, too
			id, err = Ask(x)
			return err
		})
		if o.err != nil || id != tt.want || o.elapsed != 0 {
			t.Errorf("%s: %+v, error %v after %v", tt.name, id, o.err, o.elapsed)
		}
		if strings.Contains(o.shown(), "490154203237518") {
			t.Errorf("%s: the IMEI is shown", tt.name)
		}
	}
}
