package dialer

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/event"
)

// teller gives a login, as a plugin does that asks a vault.
type teller struct{ password string }

func (teller) Wants(q advice.Question) bool { return q.Kind() == advice.KindCredentials }

func (t teller) Ask(context.Context, advice.Question) (advice.Answer, error) {
	return advice.Login{By: "vault", Replace: true, User: "joe", Password: NewSecret(t.password)}, nil
}

// The password of a plugin is known to nobody but itself and the session. What the plugin writes to its log, what went wrong
// with it, and its reasons do not come by way of the session: they are hidden all the same, also in a status.
func TestAPluginsPasswordIsHiddenBesideTheSession(t *testing.T) {
	const password = "Zephyr-Quartz9"
	var mu sync.Mutex
	var seen strings.Builder
	up := make(chan struct{}, 1)
	l, err := Prepare(t.Context(), Options{Name: "roof", Scenario: "behaves", Plane: "none", NoAdapt: true, Events: func(r event.Record) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Fprintf(&seen, "%+v\n", r)
		if _, ok := r.Event.(event.Up); ok {
			up <- struct{}{}
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l.Ask(teller{password})
	l.ShowPlugins(func() []control.Plugin {
		return []control.Plugin{{Name: "vault", Problem: "the vault said no to " + password, Version: "1 " + password}}
	})
	done := make(chan struct{})
	go func() { defer close(done); l.Run(context.WithoutCancel(t.Context())) }()
	<-up
	l.Record(event.Record{Time: time.Now(), Link: "roof", Event: event.Log{Program: "vault", Text: "the token is " + password}})
	mu.Lock()
	seen.WriteString(fmt.Sprintf("%+v", l.held.Status()))
	mu.Unlock()
	l.Hangup("ordered by vault: " + password + " was changed")
	<-done
	mu.Lock()
	defer mu.Unlock()
	seen.WriteString(fmt.Sprintf("%+v", l.held.Hangup(t.Context())))
	for line := range strings.Lines(seen.String()) {
		if strings.Contains(line, "Zephyr") {
			t.Errorf("shown: %s", line)
		}
	}
	if !strings.Contains(seen.String(), "the token is <hidden>") || !strings.Contains(seen.String(), "the vault said no to <hidden>") {
		t.Errorf("what is around it is lost:\n%s", seen.String())
	}
}
