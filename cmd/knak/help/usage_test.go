package help

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
)

// Help is as wide as the terminal, and elsewhere cobra's.
func TestFit(t *testing.T) {
	long := strings.Repeat("some words of help ", 12)
	root := &cobra.Command{Use: "knak", Short: "Dial", Long: long + "\n\n  knak dial --an-example --that-is --much-longer-than --any-terminal", Run: func(*cobra.Command, []string) {}}
	root.Flags().String("apn", "internet", "`name` of "+long)
	root.AddCommand(&cobra.Command{Use: "dial", Short: long, Example: "  knak dial", Run: func(*cobra.Command, []string) {}})
	Fit(root)
	var wide, narrow bytes.Buffer
	root.SetOut(&wide)
	if err := root.Help(); err != nil {
		t.Fatal(err)
	}
	root.SetOut(sized{&narrow, 60})
	if err := root.Help(); err != nil {
		t.Fatal(err)
	}
	for l := range strings.SplitSeq(narrow.String(), "\n") {
		if utf8.RuneCountInString(l) > 60 && !strings.Contains(l, "--an-example") {
			t.Errorf("too wide: %q", l)
		}
	}
	if a, b := strings.Fields(wide.String()), strings.Fields(narrow.String()); strings.Join(a, " ") != strings.Join(b, " ") {
		t.Errorf("the words differ:\n%s\n%s", wide.String(), narrow.String())
	}
	if !strings.Contains(wide.String(), strings.TrimSpace(long)) {
		t.Errorf("wrapped without a terminal:\n%s", wide.String())
	}
}
