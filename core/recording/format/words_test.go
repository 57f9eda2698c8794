package format

import (
	"slices"
	"testing"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/sentence"
)

// A sentence of a shipped format means a word that somebody knows, or a cause that there is.
func TestWordsOfFormats(t *testing.T) {
	n := 0
	for _, f := range Shipped() {
		for _, r := range f.rules {
			for _, w := range r.Means {
				n++
				if !event.IsMeaning(w) && !slices.ContainsFunc(sentence.Causes(), func(c sentence.Cause) bool { return c.ID == w }) {
					t.Errorf("%s: a line means %q, which nobody knows", f.Name, w)
				}
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d words: the test does not see them", n)
	}
}
