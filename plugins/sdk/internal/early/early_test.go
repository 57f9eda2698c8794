package early

import (
	"bytes"
	"strings"
	"testing"
)

type closer struct {
	bytes.Buffer
	closed bool
}

func (c *closer) Close() error {
	c.closed = true
	return nil
}

// The host gets the line of the handshake and nothing else, however much is printed around it.
func TestSort(t *testing.T) {
	const line = "1|1|unix|/run/knak/plugin7|grpc|\n"
	long := strings.Repeat("x", 1<<20)
	for _, tt := range []struct{ printed, host, log string }{
		{line, line, ""},
		{"hello\n" + line + "bye", line, "hello\nbye"},
		{line + line, line, line},
		{long + "\n" + line, line, long + "\n"},
		{"1|2|3|4|5\n|||||\n", "", "1|2|3|4|5\n|||||\n"},
		{"1|1|unix|/x|netrpc\n", "", "1|1|unix|/x|netrpc\n"},
		{"", "", ""},
	} {
		var host closer
		var log bytes.Buffer
		sort(strings.NewReader(tt.printed), &host, &log)
		if host.String() != tt.host || log.String() != tt.log || host.closed != (tt.host != "") {
			t.Errorf("%.60q: the host gets %q, the log %.60q", tt.printed, &host, &log)
		}
	}
}
