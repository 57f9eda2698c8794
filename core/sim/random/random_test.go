package random

import (
	"slices"
	"strings"
	"testing"
)

// Every modem can be read, is the same for the same seed, and has as many faults as were asked for; every fault comes up.
func TestMake(t *testing.T) {
	seen := ""
	for seed := range uint64(120) {
		for n := 1; n <= Most; n++ {
			w := Wanted{Faults: n, Noisy: seed%5 == 0, Hopeless: seed%4 == 0}
			m, err := Make(seed, w)
			again, _ := Make(seed, w)
			want := n
			if w.Hopeless {
				want++
			}
			if err != nil || m.Text != again.Text || len(m.Faults) != want {
				t.Fatalf("%d, %d: %v\n%s", seed, n, err, m.Text)
			}
			seen += m.Text
		}
	}
	for _, f := range slices.Concat(Faults(), incurable()) {
		if !strings.Contains(seen, f.What) {
			t.Errorf("no modem has the fault: %s", f.What)
		}
	}
	for _, n := range []int{0, Most + 1} {
		if _, err := Make(1, Wanted{Faults: n}); err == nil {
			t.Errorf("%d faults are made", n)
		}
	}
}
