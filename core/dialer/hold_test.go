package dialer_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
)

// A program that holds a link itself adds who is to take part between finding the modem and dialling.
func ExamplePrepare() {
	ctx := context.Background()
	l, err := dialer.Prepare(ctx, dialer.Options{Scenario: "behaves", Plane: plane.KindNone, Limits: dialer.Limits{Once: true}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()
	l.Watch(event.SinkFunc(func(r event.Record) {
		if up, ok := r.Event.(event.Up); ok {
			fmt.Println("up:", up.Local)
		}
	}))
	outcome := l.Run(ctx)
	fmt.Println(outcome.Kind, int(outcome.ExitCode()))
	// Output:
	// up: 192.0.2.2
	// done 0
}

// A link that is reachable is seen and ended by its name, which no other can have meanwhile.
func TestReachable(t *testing.T) {
	t.Setenv("KNAK_RUNTIME_DIR", t.TempDir())
	o := dialer.Options{Name: "mine", Scenario: "behaves", Reachable: true, NoAdapt: true}
	l, err := dialer.Dial(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var failed *dialer.Error
	var kinds []string
	second := o
	second.Events = func(r event.Record) { kinds = append(kinds, r.Event.Kind()) }
	if _, err := dialer.Dial(t.Context(), second); !errors.As(err, &failed) || failed.Outcome.Kind != link.KindHeld {
		t.Errorf("a second link of that name: %v", err)
	}
	if !slices.Equal(kinds, []string{event.Failure{}.Kind(), event.Down{}.Kind()}) {
		t.Errorf("of it was told %q", kinds)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if st, err := control.AskStatus(ctx, control.Dir(), "mine"); err != nil || st.Up == nil || st.Up.Local != "192.0.2.2" {
		t.Errorf("%+v, %v", st, err)
	}
	if bye, err := control.AskHangup(ctx, control.Dir(), "mine"); err != nil || !bye.WasUp || !strings.Contains(strings.Join(bye.GivenBack, " "), "the port and its lock") {
		t.Errorf("%+v, %v", bye, err)
	}
	<-l.Done()
	if err := l.Err(); err != nil {
		t.Error(err)
	}
	l.Close()
	if _, err := control.AskStatus(ctx, control.Dir(), "mine"); err == nil {
		t.Error("its socket is still there")
	}
}

// What is ended before it was dialled, or by somebody who takes part, ends all the same, and its error says how.
func TestNeverRun(t *testing.T) {
	t.Setenv("KNAK_RUNTIME_DIR", t.TempDir())
	prepare := func() *dialer.Link {
		t.Helper()
		l, err := dialer.Prepare(t.Context(), dialer.Options{Name: "mine", Scenario: "behaves", Reachable: true, NoAdapt: true})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := prepare()
	if err := l.Close(); err != nil { // gives the name back, too
		t.Error(err)
	}
	l = prepare()
	l.Hangup("enough")
	if o := l.Run(t.Context()); o.Kind != link.KindHangup {
		t.Errorf("%+v", o)
	}
	l.Close()
	l = prepare()
	var failed *dialer.Error
	if err := l.Fail(link.Outcome{Kind: link.KindPlugin, Phase: event.PhaseDial, Detail: "no"}); !errors.As(err, &failed) || failed.Outcome.ExitCode() != link.ExitPlugin {
		t.Errorf("%v", err)
	}
	if err := l.Close(); !errors.As(err, &failed) || failed.Outcome.Kind != link.KindPlugin {
		t.Errorf("%v", err)
	}
}

// A dial that somebody ends before the link is up is an error of Dial, too: there is no link.
func TestHangupWhileDialling(t *testing.T) {
	t.Setenv("KNAK_RUNTIME_DIR", t.TempDir())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	begun := make(chan struct{})
	var once sync.Once
	go func() {
		<-begun
		_, _ = control.AskHangup(ctx, control.Dir(), "mine") // the dial says whether it worked
	}()
	l, err := dialer.Dial(ctx, dialer.Options{Name: "mine", Scenario: "not-registered", Reachable: true, NoAdapt: true, Events: func(event.Record) {
		once.Do(func() { close(begun) })
	}})
	var failed *dialer.Error
	if l != nil || !errors.As(err, &failed) || failed.Outcome.Kind != link.KindHangup {
		t.Errorf("%v, %v", l, err)
	}
}

// What this host cannot do is said before anything is dialled, with its cure and an exit status.
func TestObstacle(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = dialer.Dial(t.Context(), dialer.Options{Scenario: "behaves", Plane: plane.KindStack, PlaneConfig: plane.Config{Proxy: l.Addr().String()}})
	var failed *dialer.Error
	var obstacle *plane.ObstacleError
	if !errors.As(err, &failed) || failed.Outcome.Kind != link.KindPlane || !errors.As(err, &obstacle) || obstacle.Cure == "" {
		t.Errorf("%v", err)
	}
}
