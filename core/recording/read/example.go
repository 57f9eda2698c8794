package read

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/recording/format"
	"github.com/knakppp/knak/core/recording/source"
)

// CheckFormat reads the examples in a format's file. The error says which examples give other events than the file says.
func CheckFormat(f *format.Format) error {
	var errs []error
	for i, e := range f.Examples {
		text := strings.TrimPrefix(e.Log, "\n")
		src := ofFormat(f).Open(source.NewInput(strings.NewReader(text)), source.Config{})
		var got []string
		for {
			rec, err := src.Next()
			if err != nil {
				break
			}
			if s := essence(rec.Event); s != "" {
				got = append(got, s)
			}
		}
		if a, b := strings.Join(got, "\n"), strings.Join(e.Gives, "\n"); a != b {
			errs = append(errs, fmt.Errorf("format %s: example %d gives\n%s\nbut the file says\n%s", f.Name, i+1, indent(a), indent(b)))
		}
		if hits := ofFormat(f).Sniff([]byte(text)); hits == source.No {
			errs = append(errs, fmt.Errorf("format %s: example %d is not recognised as this format: it contains no mark, or none of its lines is understood", f.Name, i+1))
		}
	}
	return errors.Join(errs...)
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

// essence writes an event as examples in a format's file do; "" for events that say nothing about the format.
func essence(e event.Event) string {
	switch e := e.(type) {
	case event.AT:
		return map[event.Dir]string{event.Sent: "> ", event.Rcvd: "< "}[e.Dir] + e.Text
	case event.Text:
		return "text " + e.Text
	case event.Packet:
		return e.Line()
	case event.Described:
		return e.Line()
	case event.Data:
		return fmt.Sprintf("%s data 0x%04x, %d octets", e.Dir, e.Protocol, e.Length)
	case event.Log:
		if len(e.Means) == 0 {
			return ""
		}
		return strings.TrimSpace(strings.Join(e.Means, " ") + " " + e.Value)
	case event.Unread:
		return "not understood: " + string(bytes.TrimSpace([]byte(e.Text)))
	}
	return ""
}
