package mimic

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/quirks"
)

// Profile writes the quirk profile that makes knak behave as the dialer of c did. source names the recording.
func Profile(c *call.Call, source string) (text string, h Host) {
	h = Settings(c)
	var t writer
	t.line("# Made by knak mimic from %s: with it, knak behaves as the dialer of that recording did.", event.Printable(source))
	t.line("# docs/quirks.md explains the format. Passwords, telephone numbers and identities are not copied.")
	for _, c := range h.Cannot {
		t.line("#")
		t.comment(c.String())
	}
	t.line("schema = 1")
	t.line("summary = %s", Quote("Behaves as the dialer in "+source+" did"))
	for _, s := range h.Settings {
		t.line("")
		t.line("[%s]", s.Key)
		value, _ := Literal(s.Key, s.Value) // set has checked key and value
		t.line("value = %s", value)
		t.line("reason = %s", Quote(s.Reason))
		where := strings.TrimSpace(source + " " + s.Pos.String())
		if s.Shown != "" {
			where += ": " + s.Shown
		}
		t.line("source = [%s]", Quote(where))
		t.line("confidence = %s", Quote("traced"))
	}
	return t.String(), h
}

// String gives What with its place in the recording.
func (c Cannot) String() string {
	text := "Not copied: " + c.What
	if p := c.Pos.String(); p != "" {
		text += " (" + p + ")"
	}
	return text + "."
}

// writer writes TOML.
type writer struct{ strings.Builder }

func (t *writer) line(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }

// comment writes a text as comment lines of at most 110 columns.
func (t *writer) comment(text string) {
	line := "#"
	for _, w := range strings.Fields(event.Printable(text)) {
		if len(line)+1+len(w) > 110 && line != "#" {
			t.line("%s", line)
			line = "#"
		}
		line += " " + w
	}
	t.line("%s", line)
}

// maxQuoted is the most characters of a text from a recording; package quirks has the same limit.
const maxQuoted = 200

// Quote writes a text as a TOML string in printable ASCII, cut to 200 characters. Texts from a recording may contain anything.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	n := 0
	for _, c := range s {
		if n++; n > maxQuoted {
			break
		}
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ' || c > '~':
			b.WriteByte('?')
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// List writes a list of texts as TOML.
func List(texts []string) string {
	q := make([]string, len(texts))
	for i, s := range texts {
		q[i] = Quote(s)
	}
	return "[" + strings.Join(q, ", ") + "]"
}

// Literal writes a value of a key, as --set takes it, as TOML. It is false if there is no such key, or if the key does not accept
// the value.
func Literal(key, value string) (string, bool) {
	k, ok := quirks.Lookup(key)
	if !ok {
		return "", false
	}
	v, _, err := quirks.Parse(key, value)
	if err != nil {
		return "", false
	}
	value = v.String()
	switch k.Type {
	case quirks.Bool, quirks.Int:
		return value, true
	case quirks.Words, quirks.Addresses, quirks.Prefixes:
		if value == "[]" {
			return value, true
		}
		return List(strings.Split(value, ",")), true
	case quirks.Names, quirks.ATs:
		return value, true // for printable ASCII, Go's quoting is TOML's
	}
	return Quote(value), true
}
