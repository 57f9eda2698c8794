// Package progress shows what happens on a link, at a terminal or through a pipe: it turns the event stream into lines of plain
// text, of limited length and without control characters.
package progress
