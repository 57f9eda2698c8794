package link

import (
	"testing"
	"time"

	"github.com/knakppp/knak/core/event"
)

// table is a Policy of a few keys; the rest is empty.
type table map[string]any

func (t table) Bool(key string) bool              { v, _ := t[key].(bool); return v }
func (t table) Int(key string) int                { v, _ := t[key].(int); return v }
func (t table) Duration(key string) time.Duration { v, _ := t[key].(time.Duration); return v }
func (t table) Text(key string) string            { v, _ := t[key].(string); return v }
func (t table) List(key string) []string          { v, _ := t[key].([]string); return v }

// Whether there is another attempt follows from how the last one ended and from nothing else.
func TestRetryNext(t *testing.T) {
	busy, lost := Outcome{Kind: event.FailedDialRefused, Phase: event.PhaseDial}, Outcome{Kind: KindCarrierLost, Phase: event.PhaseUp}
	late := Outcome{Kind: event.FailedEmptyNaks, Phase: event.PhaseIPCP, Provisional: true}
	guest := table{"retry.attempts": 3, "auth.user": "guest", "auth.try_blank": true}
	for _, c := range []struct {
		name  string
		retry retry
		cfg   Config
		used  treatment
		o     Outcome
		wasUp bool
		again bool
		blank bool
	}{
		{name: "attempts left", retry: retry{number: 2}, o: busy, again: true},
		{name: "none left", retry: retry{number: 3}, o: busy},
		{name: "the flag beats the profile", retry: retry{number: 3}, cfg: Config{MaxAttempts: 4}, o: busy, again: true},
		{name: "--persist has no limit", retry: retry{number: 99}, cfg: Config{Persist: true}, o: busy, again: true},
		{name: "a link that was up and is lost", o: lost, wasUp: true},
		{name: "--persist dials it again", cfg: Config{Persist: true}, o: lost, wasUp: true, again: true},
		{name: "a wrong PIN is final", cfg: Config{Persist: true}, o: Outcome{Kind: event.FailedPINWrong}},
		{name: "somebody wanted it to end", cfg: Config{Persist: true}, o: Outcome{Kind: KindHangup}},
		{name: "the peer ended it", cfg: Config{Persist: true}, o: Outcome{Kind: KindPeerEnded}, wasUp: true, again: true},
		{name: "somebody wants another", retry: retry{number: 7, ordered: "so"}, o: Outcome{Kind: KindRedial}, again: true},
		{name: "but not beyond the limit", retry: retry{number: 7, ordered: "so"}, cfg: Config{MaxAttempts: 7}, o: Outcome{Kind: KindRedial}},
		{name: "a late refusal: an empty name, beyond the limit", retry: retry{number: 3}, o: late, again: true, blank: true},
		{name: "which is tried once", retry: retry{number: 4, blankUser: true}, o: late},
		{name: "another APN, beyond the limit", retry: retry{number: 4, blankUser: true}, used: treatment{ways: ways{list: make([]Access, 2)}}, o: late, again: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.used.cfg, c.used.selection = &c.cfg, Selection{Policy: guest}
			_, again := c.retry.next(&c.cfg, &c.used, c.o, c.wasUp)
			if again != c.again || c.retry.blankUser != c.blank {
				t.Errorf("again %v, with an empty name %v; want %v and %v", again, c.retry.blankUser, c.again, c.blank)
			}
		})
	}
}

// The wait doubles up to retry.max_delay; attempts are a second apart at least.
func TestRetryWait(t *testing.T) {
	r, p := retry{}, table{"retry.delay": 2 * time.Second, "retry.max_delay": 5 * time.Second}
	for i, want := range []time.Duration{2, 4, 5, 5} {
		if got := r.wait(p, Outcome{}, time.Minute); got != want*time.Second {
			t.Errorf("wait %d is %v, want %v s", i, got, int(want))
		}
	}
	if got := r.wait(p, Outcome{Kind: KindRedial}, 300*time.Millisecond); got != 700*time.Millisecond {
		t.Errorf("an order waits %v", got)
	}
	if got := (&retry{}).wait(table{}, Outcome{}, 0); got != attemptSpacing {
		t.Errorf("without a delay it waits %v", got)
	}
}

// retry.ladder: one step before each attempt, the last again and again; none where the attempt differs by itself.
func TestRetryStep(t *testing.T) {
	p := table{"retry.ladder": []string{"redial", "attach", "reset"}}
	for number, want := range map[int]string{0: "redial", 1: "redial", 2: "attach", 3: "reset", 9: "reset"} {
		r := retry{number: number}
		if got := r.step(p); got != want {
			t.Errorf("before attempt %d: %s, want %s", number+1, got, want)
		}
		if want != "redial" && r.step(p) != "redial" {
			t.Errorf("the step before attempt %d is taken twice", number+1)
		}
	}
	if got := (&retry{number: 3, otherWay: true}).step(p); got != "redial" {
		t.Errorf("before another name: %s", got)
	}
}
