package wrap

import (
	"slices"
	"testing"
)

func TestText(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		want []string
	}{
		{"", 10, []string{""}},
		{"  \t ", 10, []string{""}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one  two", 8, []string{"one two"}},
		{"one two", 3, []string{"one", "two"}},
		{"überlänge paßt", 9, []string{"überlänge", "paßt"}},
		{"a abcdefgh b", 3, []string{"a", "abc", "def", "gh", "b"}},
		{"abc", 0, []string{"a", "b", "c"}},
	} {
		if got := Text(tt.text, tt.n); !slices.Equal(got, tt.want) {
			t.Errorf("%q in %d: %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
	if got := Tokens(nil, 5); got != nil {
		t.Errorf("of nothing there is %q", got)
	}
	if got := Tokens([]string{"two words", "x"}, 11); !slices.Equal(got, []string{"two words x"}) {
		t.Errorf("%q", got)
	}
}
