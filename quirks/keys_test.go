package quirks

import "testing"

func TestDurationsArePrintedShort(t *testing.T) {
	for _, s := range []string{"0s", "10s", "300ms", "1m", "1m30s", "10m", "1h", "1h10m", "24h", "3.5s"} {
		if v, err := table()["retry.max_delay"].parse(s); err != nil || v.String() != s {
			t.Errorf("%s is printed %s, %v", s, v, err)
		}
	}
}

func TestDefaultsPrintAsTheyParse(t *testing.T) {
	for _, k := range table() {
		v, err := k.parse(k.def.String())
		if err != nil || !v.Equal(k.def) {
			t.Errorf("%s: %s parses as %s, %v", k.Name, k.def, v, err)
		}
	}
}
