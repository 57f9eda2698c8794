package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/plugins/host"
)

// The rate of lines that a plugin may write to the log.
const (
	lineRate  = 10 // a second
	lineBurst = 40
)

// logRate lets a burst of lines through and then so many a second. The time is an argument.
type logRate struct {
	tokens     float64
	at         time.Time
	suppressed uint64 // since the last line that was let through
	total      uint64
}

// allow says whether a line may pass, and how many were kept back before it.
func (l *logRate) allow(now time.Time) (ok bool, before uint64) {
	if l.at.IsZero() {
		l.tokens = lineBurst
	} else {
		l.tokens = min(lineBurst, l.tokens+lineRate*now.Sub(l.at).Seconds())
	}
	l.at = now
	if l.tokens < 1 {
		l.suppressed++
		l.total++
		return false, 0
	}
	l.tokens--
	before, l.suppressed = l.suppressed, 0
	return true, before
}

// The rate of orders of one plugin. A dial takes seconds, so a plugin that sends more orders than this is wrong.
const (
	orderBurst = 5
	orderEvery = 10 * time.Second
	orderPause = 100 * time.Millisecond // after an order that was not followed
)

// orderRate lets a burst of orders through and then one each time. The time is an argument.
type orderRate struct {
	spent float64
	at    time.Time
}

func (o *orderRate) allow(now time.Time) bool {
	o.spent = max(0, o.spent-now.Sub(o.at).Seconds()/orderEvery.Seconds())
	o.at = now
	if o.spent+1 > orderBurst {
		return false
	}
	o.spent++
	return true
}

// logLine reads a line of a plugin's standard error: plain text, or hclog's JSON as the SDK writes it.
func logLine(line []byte) host.Told {
	var fields map[string]any
	if len(line) > 0 && line[0] == '{' && json.Unmarshal(line, &fields) == nil {
		if text, ok := fields["@message"].(string); ok {
			t := host.Told{Level: "info"}
			if level := fields["@level"]; level == "warn" || level == "error" {
				t.Level = "warning"
			}
			var b strings.Builder
			b.WriteString(text)
			for _, key := range slices.Sorted(maps.Keys(fields)) {
				if !strings.HasPrefix(key, "@") {
					fmt.Fprintf(&b, " %s=%v", key, fields[key])
				}
			}
			t.Text = event.Printable(b.String())
			return t
		}
	}
	return host.Told{Level: "info", Text: event.Printable(string(line))}
}
