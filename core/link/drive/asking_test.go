package drive

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
)

// asked is an Adviser of one function for all questions.
type asked func(ctx context.Context, q advice.Question) (advice.Answer, error)

func (asked) Wants(advice.Question) bool { return true }

func (f asked) Ask(ctx context.Context, q advice.Question) (advice.Answer, error) { return f(ctx, q) }

// With an adviser that is no help the runner comes up by the link's own way, a person is told once, and the loop goes on
// meanwhile. In synctest's virtual time.
func TestRunnerWithAdvisersThatAreNoHelp(t *testing.T) {
	for _, tt := range []struct {
		name string
		ask  asked
		told string
		most time.Duration
	}{
		{"no opinion", func(context.Context, advice.Question) (advice.Answer, error) { return nil, nil }, "", 3 * time.Second},
		{"slow", func(ctx context.Context, _ advice.Question) (advice.Answer, error) {
			<-ctx.Done()
			return nil, &advice.FailedError{By: "plugin slow", Err: advice.ErrTooLate}
		}, "plugin slow failed at the question \"identify\": no answer in time", 40 * time.Second},
		{"deaf", func(ctx context.Context, _ advice.Question) (advice.Answer, error) {
			time.Sleep(5 * time.Minute) // whatever ctx says
			return nil, nil
		}, "no answer in time", 30 * time.Second},
		{"fails", func(context.Context, advice.Question) (advice.Answer, error) { return nil, errors.New("no idea") }, "whoever was asked failed at the question \"identify\": no idea", 3 * time.Second},
		{"panics", func(context.Context, advice.Question) (advice.Answer, error) { panic("oh") }, "it panicked: oh", 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, "behaves", nil, func(e *Environment) { e.Adviser = tt.ask })
				done := make(chan link.Outcome)
				began := time.Now()
				go func() { done <- b.runner.Run(t.Context()) }()
				<-b.up
				if took := time.Since(began); took > tt.most {
					t.Errorf("up after %v", took)
				}
				b.runner.Hangup(link.KindHangup, "asked for")
				if o := <-done; o.ExitCode() != link.ExitSignal {
					t.Errorf("%v", o)
				}
				told := 0
				for _, r := range b.events.Records() {
					if n, ok := r.Event.(event.Notice); ok && strings.Contains(n.Text, "goes its own way") {
						told++
						if !strings.Contains(n.Text, tt.told) {
							t.Errorf("told %q, want %q", n.Text, tt.told)
						}
					}
				}
				if told != min(1, len(tt.told)) {
					t.Errorf("told %d times", told)
				}
				b.allClosed(t)
				time.Sleep(10 * time.Minute) // the deaf one's own goroutines end
			})
		})
	}
}

// While somebody thinks, at each question in turn, a hang-up and the loss of the port are obeyed at once.
func TestRunnerEndsWhileSomebodyThinks(t *testing.T) {
	for _, kind := range []advice.Kind{advice.KindIdentify, advice.KindCredentials, advice.KindSteps, advice.KindChallenge, advice.KindDecide, advice.KindProve} {
		for _, lost := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				thinking := make(chan struct{}, 100)
				var released atomic.Bool
				b := newBench(t, "behaves", func(c *link.Config) { c.MaxAttempts = 1 }, func(e *Environment) {
					open := e.OpenPort
					var port Port
					e.OpenPort = func(ctx context.Context) (Port, error) {
						p, err := open(ctx)
						port = p
						return p, err
					}
					e.Adviser = asked(func(ctx context.Context, q advice.Question) (advice.Answer, error) {
						if q.Kind() != kind {
							return nil, nil
						}
						if lost {
							_ = port.Close()
						}
						thinking <- struct{}{}
						<-ctx.Done()
						released.Store(true)
						return nil, ctx.Err()
					})
				})
				done := make(chan link.Outcome)
				go func() { done <- b.runner.Run(t.Context()) }()
				<-thinking
				began := time.Now()
				if !lost {
					b.runner.Hangup(link.KindHangup, "asked for")
				}
				o := <-done
				if took := time.Since(began); took > 10*time.Second || !lost && o.ExitCode() != link.ExitSignal || lost && o.ExitCode() == link.ExitOK {
					t.Errorf("%s, port lost %v: %v after %v", kind, lost, o, took)
				}
				synctest.Wait()
				if !released.Load() {
					t.Errorf("%s: the question goes on after the end", kind)
				}
			})
		}
	}
}
