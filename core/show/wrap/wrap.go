// Package wrap breaks text into lines of a given width.
package wrap

import (
	"strings"
	"unicode/utf8"
)

// Text breaks a text at blanks into lines of at most n characters (n is at least 1). A longer word is broken anywhere. The result has at least one
// line.
func Text(text string, n int) []string {
	if lines := Tokens(strings.Fields(text), n); len(lines) > 0 {
		return lines
	}
	return []string{""}
}

// Tokens joins tokens with blanks into lines of at most n characters. A longer token is broken anywhere. Without tokens the result is empty.
func Tokens(tokens []string, n int) []string {
	n = max(n, 1)
	var lines []string
	line, used := "", 0
	for _, word := range tokens {
		w := utf8.RuneCountInString(word)
		if used > 0 && used+1+w <= n {
			line, used = line+" "+word, used+1+w
			continue
		}
		if used > 0 {
			lines = append(lines, line)
		}
		for w > n {
			r := []rune(word)
			lines, word = append(lines, string(r[:n])), string(r[n:])
			w -= n
		}
		line, used = word, w
	}
	if used > 0 {
		lines = append(lines, line)
	}
	return lines
}
