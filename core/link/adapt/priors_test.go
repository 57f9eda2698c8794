package adapt

import (
	"strings"
	"testing"
)

// What many profiles of a maker set gains, and never more than evidence weighs.
func TestPriors(t *testing.T) {
	db := shipped(t)
	of := Priors(db)
	anybody, huawei := of(""), of("huawei")
	settings, better := 0, 0
	for text := range countSettings(db)[""].keys {
		key, value, ok := strings.Cut(text, "=")
		if !ok {
			continue // how many set the key at all
		}
		settings++
		a, h := anybody(key, value), huawei(key, value)
		if a <= 0 || h < a || h > priorWeight {
			t.Errorf("%s: %v, of one maker %v", text, a, h)
		}
		if h > a {
			better++
		}
	}
	if better == 0 || better == settings {
		t.Errorf("%d of %d settings are likelier for a maker's modems", better, settings)
	}
	if a := anybody("lcp.mru", "no profile's"); a > priorWeight/2 {
		t.Errorf("%v for a value that no profile has", a)
	}
}
