package call

import (
	"strings"

	"github.com/knakppp/knak/core/at/v250"
)

// Context gives the PDP context that the call used: the one whose number was dialled, else the last that was defined. The command
// is the one that defined it.
func (c *Call) Context() (v250.Context, Command, bool) {
	cid := ""
	if n, ok := c.Number99(); ok {
		cid = n
	}
	var found v250.Context
	var at Command
	ok := false
	for _, cmd := range c.Commands {
		for _, part := range v250.Split(cmd.Text) {
			if k, is := v250.ParseContext(part); is && (cid == "" || k.CID == cid || !ok) {
				found, at, ok = k, cmd, true
			}
		}
	}
	return found, at, ok
}

// Number99 gives the context's number in a dialled *99***1# (3GPP TS 27.007 section 10.2.1). It is false for a number such as
// *99#, which names no context.
func (c *Call) Number99() (string, bool) {
	n, ok := strings.CutPrefix(c.Dialled(), "*99")
	if !ok {
		return "", false
	}
	n, ok = strings.CutSuffix(n, "#")
	i := strings.LastIndexByte(n, '*')
	return n[i+1:], ok && i >= 0 && n[i+1:] != ""
}

// Dialled gives the number that was dialled, without D, T or P before it; "": the recording shows none.
func (c *Call) Dialled() string {
	if c.Dial == nil {
		return ""
	}
	parts := v250.Split(c.Dial.Text)
	if len(parts) == 0 {
		return ""
	}
	n, ok := strings.CutPrefix(parts[len(parts)-1], "D")
	if !ok { // +CGDATA names a context, not a number
		return ""
	}
	if len(n) > 0 && (n[0] == 'T' || n[0] == 'P') {
		n = n[1:]
	}
	return n
}
