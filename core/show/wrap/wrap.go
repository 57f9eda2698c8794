// Package wrap breaks text into lines of a given width.
package wrap

import (
	"strings"
	"unicode/utf8"
)

// Text breaks a text at blanks into lines of at most n characters, 1 or more; a word that is longer is broken anywhere. It gives at
// least one line.
func Text(text string, n int) []string {
	if lines := Tokens(strings.Fields(text), n); len(lines) > 0 {
		return lines
	}
	return []string{""}
}

// Tokens sets tokens into lines of at most n characters, with a blank between two; one that is longer is broken anywhere. Of no tokens
// there are no lines.
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
