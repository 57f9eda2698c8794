package terminal

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/event"
)

// PrintableLines makes each line of a text one that a terminal cannot obey.
func PrintableLines(text string) string {
	var lines []string
	for l := range strings.SplitSeq(text, "\n") {
		lines = append(lines, event.Printable(l))
	}
	return strings.Join(lines, "\n")
}

// Plural counts things in words.
func Plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func OrUnknown(s string) string {
	if s == "" {
		return "unknown"
	}
	return s
}

func OrNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func JoinWords(words []string) string { return strings.Join(words, ", ") }
