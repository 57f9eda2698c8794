package quirks

import "testing"

func TestDefaultsPrintAsTheyParse(t *testing.T) {
	for _, k := range table {
		v, err := k.parse(k.def.String())
		if err != nil || !v.Equal(k.def) {
			t.Errorf("%s: %s parses as %s, %v", k.Name, k.def, v, err)
		}
	}
}
