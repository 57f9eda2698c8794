// Package progress tells a person at a terminal, or the reader of a pipe, what happens on a link: it turns the event
// stream into lines of plain text, each bounded and free of control characters.
package progress
