package link_test

import (
	"os"
	"strings"
	"testing"
)

// checkDrawing compares the drawing of the states in the package's comment with the ways that sessions took: all of those are
// drawn, and, where so many were run that all must be among them, none is drawn that no session takes.
func checkDrawing(t *testing.T, moves map[[2]string]int, all bool) {
	t.Helper()
	text, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	drawn := map[[2]string]bool{}
	for line := range strings.Lines(string(text)) {
		line, isDrawing := strings.CutPrefix(line, "//\t")
		states := strings.Split(line, "→")
		if !isDrawing || len(states) < 2 {
			continue
		}
		for i := range states[1:] {
			for _, to := range strings.Split(states[i+1], ",") {
				drawn[[2]string{strings.TrimSpace(states[i]), strings.TrimSpace(to)}] = true
			}
		}
	}
	if len(drawn) < 50 {
		t.Errorf("the drawing in doc.go has %d ways: is this still where it is?", len(drawn))
	}
	for m := range moves {
		if !drawn[m] {
			t.Errorf("a session went from %s to %s, which doc.go does not draw", m[0], m[1])
		}
	}
	for m := range drawn {
		if all && moves[m] == 0 {
			t.Errorf("no session went from %s to %s as doc.go draws it", m[0], m[1])
		}
	}
}
