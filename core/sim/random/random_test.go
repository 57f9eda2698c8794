package random

import (
	"strings"
	"testing"
)

// Every modem can be read, is the same for the same seed, and has as many faults as were asked for; every fault comes up.
func TestModem(t *testing.T) {
	seen := ""
	for seed := range uint64(200) {
		for n := 1; n <= Most; n++ {
			_, text, err := Modem(seed, n)
			_, again, _ := Modem(seed, n)
			if err != nil || text != again || strings.Count(text, "\n# ") != n {
				t.Fatalf("%d, %d: %v\n%s", seed, n, err, text)
			}
			seen += text
		}
	}
	for _, f := range faults {
		if !strings.Contains(seen, f.what) {
			t.Errorf("no modem has the fault: %s", f.what)
		}
	}
	for _, n := range []int{0, Most + 1} {
		if _, _, err := Modem(1, n); err == nil {
			t.Errorf("%d faults are made", n)
		}
	}
}
