package terminal

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/event"
)

// PrintableLines makes each line of a text safe to show on a terminal.
func PrintableLines(text string) string {
	var lines []string
	for l := range strings.SplitSeq(text, "\n") {
		lines = append(lines, event.Printable(l))
	}
	return strings.Join(lines, "\n")
}

// Plural gives a number with its noun: "1 file", "2 files".
func Plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// OrUnknown gives s, or "unknown" if s is "".
func OrUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

// OrNone gives s, or "none" if s is "".
func OrNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// JoinWords gives words separated by commas.
func JoinWords(words []string) string { return strings.Join(words, ", ") }
