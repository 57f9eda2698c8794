package mimic

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/quirks"
)

// Profile writes the quirk profile that makes knak do as the dialer of c did. source names the recording.
func Profile(c *call.Call, source string) (text string, h Host) {
	h = Settings(c)
	var t writer
	t.line("# Made by knak mimic from %s: knak does with it what the dialer of that recording did.", event.Printable(source))
	t.line("# docs/quirks.md explains the format. Passwords, telephone numbers and identities are not copied.")
	for _, c := range h.Cannot {
		t.line("#")
		t.comment(c.String())
	}
	t.line("schema = 1")
	t.line("summary = %s", Quote("Does what the dialer in "+source+" did"))
	for _, s := range h.Settings {
		t.line("")
		t.line("[%s]", s.Key)
		value, _ := Literal(s.Key, s.Value) // set has resolved it
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

// String gives what cannot be done with its place, as a sentence.
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

// maxQuoted bounds a text that comes from a recording, as quirks bounds its texts.
const maxQuoted = 200

// Quote writes a TOML text, at most 200 characters of it, in printable ASCII. What stands in a recording can hold anything.
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

// Literal writes a value of a key, as --set takes it, as TOML. It is false where the key or the value is none.
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
		return value, true // Go's quotes are TOML's for printable ASCII
	}
	return Quote(value), true
}
