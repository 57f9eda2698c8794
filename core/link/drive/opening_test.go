package drive

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/link/linktest"
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

// endedPort is a port that is at its end from the beginning, such as a pipe that nobody holds.
type endedPort struct{}

func (endedPort) Read([]byte) (int, error)               { return 0, io.EOF }
func (endedPort) Write(p []byte) (int, error)            { return len(p), nil }
func (endedPort) Close() error                           { return nil }
func (endedPort) Apply(at.Output) error                  { return nil }
func (endedPort) WatchLines(func(changed at.ModemLines)) {}

// A port that ends as soon as it is open is lost, whether the session had begun by then or not: the modem was not silent.
func TestAPortThatEndsAtOnceIsLost(t *testing.T) {
	resolve := linktest.Resolve(t, linktest.Scenario(t, "behaves"))
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			r := New(link.Config{Name: "test", Resolve: resolve, MaxAttempts: 1}, Environment{OpenPort: func(context.Context) (Port, error) { return endedPort{}, nil }, Sink: event.SinkFunc(func(event.Record) {})})
			if o := r.Run(t.Context()); o.Kind == event.FailedModemSilent {
				t.Fatalf("%+v", o)
			}
		})
	}
}
