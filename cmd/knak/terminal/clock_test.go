package terminal

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/knakppp/knak/core/event"
)

// ticked is a progress that counts its seconds.
type ticked struct {
	n  atomic.Int64
	up atomic.Bool
}

func (p *ticked) Tick(time.Time) bool { p.n.Add(1); return !p.up.Load() }

// The clock counts while something is waited for, stands while the link is up, and counts again after that.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &ticked{}
		c := &clock{progress: p}
		pass := func(d time.Duration, want int) {
			t.Helper()
			before := p.n.Load()
			time.Sleep(d)
			synctest.Wait()
			if got := p.n.Load() - before; got != int64(want) {
				t.Errorf("%d ticks in %v, want %d", got, d, want)
			}
		}
		c.start()
		pass(5500*time.Millisecond, 5)
		p.up.Store(true)
		c.Record(event.Record{Event: event.Phase{Phase: event.PhaseUp}})
		pass(time.Hour, 1)
		p.up.Store(false)
		c.Record(event.Record{Event: event.AT{}})
		pass(time.Hour, 0)
		c.Record(event.Record{Event: event.Attempt{}})
		c.Record(event.Record{Event: event.Notice{}})
		pass(5500*time.Millisecond, 5)
		c.stop()
		c.Record(event.Record{Event: event.Attempt{}})
		pass(time.Hour, 0)
	})
}
