package adapt

import (
	"strings"
	"testing"
	"time"

	"github.com/knakppp/knak/core/learn/memory"
	"github.com/knakppp/knak/core/sim/random"
)

// Most modems with two or three faults come up within two minutes, too; docs/learning.md has the figures of more of them.
func TestADialAdaptsToSeveralFaults(t *testing.T) {
	for n, least := range map[int]int{2: 75, 3: 60} {
		up, all := 0, 0
		for seed := range uint64(12) {
			m, err := random.Make(seed, random.Wanted{Faults: n})
			if err != nil {
				t.Fatal(err)
			}
			file := memory.Open(t.TempDir(), func(text string) { t.Error(text) })
			all++
			if got := dial(t, m.Scenario, m.Set, file, 2*time.Minute, true, false); got.lasting && got.up {
				up++
			} else {
				t.Logf("%s: %v\n%s", m.Summary, got.rig.Outcome, strings.Join(got.said, "\n"))
			}
		}
		t.Logf("%d faults: %d of %d", n, up, all)
		if up*100 < all*least {
			t.Errorf("%d faults: only %d of %d", n, up, all)
		}
	}
}
