package join

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/plugins/host"
)

// A plugin's order is about its link only; what it ordered and why is the reason that everybody reads.
func TestOrders(t *testing.T) {
	ups, attempts := make(chan event.Up, 10), make(chan event.Attempt, 10)
	l, err := dialer.Prepare(t.Context(), dialer.Options{Name: "roof", Scenario: "behaves", Plane: "none", Persist: true, NoAdapt: true, Events: func(r event.Record) {
		switch e := r.Event.(type) {
		case event.Up:
			ups <- e
		case event.Attempt:
			attempts <- e
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan string, 1)
	go func() { done <- l.Run(context.WithoutCancel(t.Context())).String() }()
	p := &Plugins{link: l}
	<-ups
	p.obey(host.Command{Link: "cellar", Action: "hangup", By: "acme"})
	p.obey(host.Command{Link: "roof", Action: "redial", By: "acme", Reason: "another SIM"})
	<-ups // it was dialled anew, and not ended
	p.obey(host.Command{Action: "hangup", By: "acme"})
	if got := <-done; got != "hangup was ordered by acme" {
		t.Errorf("it ended with %q", got)
	}
	close(attempts)
	for a := range attempts {
		if a.Number == 2 && !strings.Contains(a.Reason, "redial was ordered by acme: another SIM") {
			t.Errorf("%+v", a)
		}
	}
}

// counter is a host whose plugins want counters, or do not.
type counter struct {
	plugins
	wants bool
	told  []host.Statistics
}

func (c *counter) WantsStatistics() bool { return c.wants }

func (c *counter) Count(_ string, _ time.Time, s host.Statistics) { c.told = append(c.told, s) }

// Counters are told while the link is up, and only to who wants them: an idle link wakes nobody.
func TestCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, wants := range []bool{true, false} {
			c := &counter{wants: wants}
			p := &Plugins{host: c, link: &dialer.Link{}}
			tell := func(e event.Event, d time.Duration) int {
				before := len(c.told)
				p.Record(event.Record{Time: time.Now(), Event: e})
				time.Sleep(d)
				synctest.Wait()
				return len(c.told) - before
			}
			expect := 0
			if wants {
				expect = 3
			}
			const some = 3*host.StatisticsEvery + host.StatisticsEvery/2
			for range 2 { // and again with the next link
				if n := tell(event.Up{}, some); n != expect {
					t.Errorf("wanted %v: told %d times, want %d", wants, n, expect)
				}
				if n := tell(event.Down{}, some); n != 0 {
					t.Errorf("told %d times of a link that is down", n)
				}
			}
			if wants && c.told[2].Seconds != (3*host.StatisticsEvery).Seconds() {
				t.Errorf("%+v", c.told[2])
			}
		}
	})
}

func (c *counter) Refresh(context.Context) []host.State {
	return []host.State{{Name: "acme", Word: host.Running, Calls: 3, Slowest: 1500 * time.Microsecond}, {Name: "other", Word: host.Word("missing"), Problem: "no file", Cure: "install it", Required: true}}
}

func TestStatus(t *testing.T) {
	list := (&Plugins{host: &counter{}}).status()
	if len(list) != 2 || list[0].Name != "acme" || list[0].SlowestMS != 1.5 || list[0].Calls != 3 || list[1].Problem != "no file" || list[1].Cure != "install it" || !list[1].Required {
		t.Errorf("%+v", list)
	}
}
