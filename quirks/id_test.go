package quirks

import (
	"regexp"
	"strings"
	"testing"
)

// What is asked of an id by hand is what the form says that the schema shows.
func TestID(t *testing.T) {
	form := regexp.MustCompile(idForm)
	parts := []string{"", "a", "0", "e398", "a.b_c-d", ".a", "-", "_x", "A", "ä", "a b", "a\n", strings.Repeat("x", 64), strings.Repeat("x", 65)}
	right := 0
	for _, vendor := range parts {
		for _, model := range parts {
			for _, id := range []string{vendor, vendor + "/" + model, vendor + "/" + model + "/" + vendor} {
				if isID(id) != form.MatchString(id) {
					t.Errorf("%q: %v", id, isID(id))
				}
				if isID(id) {
					right++
				}
			}
		}
	}
	if right != 25 {
		t.Errorf("%d ids are right", right)
	}
}
