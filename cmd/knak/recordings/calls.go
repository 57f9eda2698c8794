package recordings

import (
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/recording/read"
)

// Name gives the name of a recording for messages.
func Name(arg string) string {
	if arg == "-" {
		return "standard input"
	}
	return arg
}

// Calls reads a recording and sorts it into calls. A recording without a call is a usage error.
func Calls(t *terminal.Terminal, name, format string) ([]*call.Call, error) {
	r, err := Open(t, name, read.Options{Format: format})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	calls, err := call.Read(read.All(r.Reader))
	if err != nil {
		return nil, err
	}
	return calls, r.Tells(len(calls) > 0)
}
