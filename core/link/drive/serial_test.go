package drive

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
	"github.com/knakppp/knak/core/port"
	"github.com/knakppp/knak/core/sim"
)

// port.open_wait and port.reopen_pause (USB-20, HUP-06).
func TestOpener(t *testing.T) {
	failing := errors.New("input/output error")
	for _, c := range []struct {
		name  string
		set   []string
		first bool    // the port was open before
		errs  []error // of the first tries; then it opens
		err   error
		after time.Duration
	}{
		{name: "at once"},
		{name: "a mistake is told at once", errs: []error{failing}, err: failing},
		{name: "open_wait", set: []string{"port.open_wait=2s"}, errs: []error{failing, failing}, after: time.Second},
		{name: "open_wait ends", set: []string{"port.open_wait=1s"}, errs: []error{failing, failing, failing, failing}, err: failing, after: time.Second},
		{name: "a lock is no matter of waiting", set: []string{"port.open_wait=2s"}, errs: []error{&port.LockedError{}}, err: &port.LockedError{}},
		{name: "a port that is away comes back", first: true, errs: []error{os.ErrNotExist, os.ErrNotExist}, after: time.Second},
		{name: "reopen_pause", set: []string{"port.reopen_pause=3s"}, first: true, after: 3 * time.Second},
		{name: "no pause the first time", set: []string{"port.reopen_pause=3s"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			errs := c.errs
			if c.first {
				errs = append([]error{nil}, errs...)
			}
			selection, err := linktest.Resolve(t, sim.Scenario{}, c.set...)(link.Facts{})
			if err != nil {
				t.Fatal(err)
			}
			open := opener(selection.Policy, func(context.Context) (Port, error) {
				if len(errs) == 0 || errs[0] == nil {
					errs = errs[min(1, len(errs)):]
					return nil, nil
				}
				err := errs[0]
				errs = errs[1:]
				return nil, err
			})
			if c.first {
				_, _ = open(t.Context())
			}
			begin := time.Now()
			_, err = open(t.Context())
			if same := err == c.err || err != nil && c.err != nil && err.Error() == c.err.Error(); !same || time.Since(begin) != c.after {
				t.Errorf("%s: %v after %v, want %v after %v", c.name, err, time.Since(begin), c.err, c.after)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			errs = []error{os.ErrNotExist, os.ErrNotExist}
			if _, err := open(ctx); err == nil {
				t.Errorf("%s: goes on although it was told to end", c.name)
			}
		})
	}
}
