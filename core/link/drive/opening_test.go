package drive

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
)

// A port that the system does not open holds nobody up: not against a signal, not beyond --timeout.
func TestAPortThatDoesNotOpenIsGivenUp(t *testing.T) {
	for _, c := range []struct {
		name    string
		timeout time.Duration
		signal  time.Duration // 0: none
		kind    link.Kind
		after   time.Duration
		detail  string
	}{
		{"--timeout", 3 * time.Second, 0, event.FailedPortOpen, 3 * time.Second, "the system has not opened it within 3s"},
		{"a signal", time.Minute, time.Second, link.KindHangup, time.Second, "told to end"},
		{"a signal, without limit", 0, time.Second, link.KindHangup, time.Second, "told to end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.signal > 0 {
					time.AfterFunc(c.signal, cancel)
				}
				begun := time.Now()
				r := New(link.Config{Timeout: c.timeout}, Environment{
					OpenPort: func(ctx context.Context) (Port, error) {
						<-ctx.Done()
						return nil, context.Cause(ctx)
					},
				})
				o := r.Run(ctx)
				if o.Kind != c.kind || !strings.Contains(o.Detail, c.detail) || time.Since(begun) != c.after {
					t.Errorf("%+v after %v", o, time.Since(begun))
				}
			})
		})
	}
}
