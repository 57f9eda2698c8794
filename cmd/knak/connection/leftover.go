package connection

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/knakppp/knak/cmd/knak/terminal"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/plane/resolv"
)

// RepairHost takes back what is left on this host, and says what that was, for people.
func RepairHost(ctx context.Context, tell func(event.Notice)) []string {
	notice := func(level, format string, args ...any) {
		tell(event.Notice{Level: level, Text: fmt.Sprintf(format, args...)})
	}
	done, err := resolv.Host{}.Repair(ctx, "", notice)
	if err != nil && !errors.Is(err, fs.ErrPermission) { // otherwise it may be another user's, who has a link up
		notice("warning", "what a dial has left behind that was killed cannot be put right: %v", err)
	}
	return told(done)
}

// told says for people where links have left something.
func told(all []resolv.Left) (list []string) {
	for _, l := range all {
		list = append(list, l.Where+", from "+terminal.JoinWords(l.Links))
	}
	return list
}
