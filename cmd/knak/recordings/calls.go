package recordings

import (
	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/call"
	"github.com/knakppp/knak/core/recording/read"
)

// Name is what a recording is called to the user.
func Name(arg string) string {
	if arg == "-" {
		return "standard input"
	}
	return arg
}

// Calls reads a recording and sorts it into calls. One that shows none is a mistake of the user's.
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
