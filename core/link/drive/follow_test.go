package drive

import (
	"net/netip"
	"testing"
	"time"

	"github.com/knakppp/knak/core/plane"
)

// planesOf is how many planes a follower makes where each step takes a while, with what happens at each tick of 5 ms.
func planesOf(t *testing.T, step, lasting, after time.Duration, happens func(f *follower, tick int)) (opened []plane.Config, open bool) {
	t.Helper()
	f := newFollower()
	now := time.Unix(0, 0)
	end := now.Add(lasting)
	var running any
	var until time.Time
	for tick := 0; now.Before(end.Add(after)); tick++ {
		if now.Before(end) {
			happens(&f, tick)
		} else if !f.ended {
			f.end()
		}
		if running != nil && !now.Before(until) {
			_, opening := running.(openStep)
			f.made(opening)
			open = opening
			running = nil
		}
		if running == nil {
			if running, _ = f.next(now); running != nil {
				until = now.Add(step)
				if o, ok := running.(openStep); ok {
					if open {
						t.Fatal("a plane is made beside another")
					}
					opened = append(opened, o.cfg)
				}
			}
		}
		now = now.Add(5 * time.Millisecond)
	}
	return opened, open
}

// TestFollowerInAStorm: 2,000 renegotiations in 10 s make a handful of planes, however long one takes, the last of which has
// the latest addresses; and at the end there is none.
func TestFollowerInAStorm(t *testing.T) {
	for _, step := range []time.Duration{0, 10 * time.Millisecond, time.Second, 4 * time.Second} {
		latest := netip.Addr{}
		opened, open := planesOf(t, step, 10*time.Second, 10*time.Second, func(f *follower, tick int) {
			if tick >= 2000 {
				return
			}
			latest = netip.AddrFrom4([4]byte{10, 0, byte(tick >> 8), byte(tick)})
			f.wantNone()
			f.want(plane.Config{Local: latest})
		})
		if len(opened) < 2 || len(opened) > 6 {
			t.Errorf("a step takes %v: %d planes are made", step, len(opened))
		}
		if open {
			t.Errorf("a step takes %v: at the end there is a plane", step)
		}
		opened, _ = planesOf(t, step, 80*time.Second, 0, func(f *follower, tick int) {
			if tick < 2000 {
				latest = netip.AddrFrom4([4]byte{10, 0, byte(tick >> 8), byte(tick)})
				f.wantNone()
				f.want(plane.Config{Local: latest})
			}
		})
		if last := opened[len(opened)-1]; last.Local != latest {
			t.Errorf("a step takes %v: the last plane has %v, the latest address is %v", step, last.Local, latest)
		}
	}
}

// FuzzFollower: whatever the session wants in whatever order, there is never more than one plane, each question is answered
// once, what is wanted at last is there at last, and at the end nothing is.
func FuzzFollower(f *testing.F) {
	f.Add([]byte{0, 3, 0, 3, 1, 0, 4, 2, 5})
	f.Add([]byte{0, 1, 0, 1, 0, 3, 3, 6})
	f.Fuzz(func(t *testing.T, steps []byte) {
		m := newFollower()
		now := time.Unix(0, 0)
		var running any
		asked, answered, has := 0, 0, false
		start := func() {
			if running != nil {
				if s, again := m.next(now); s != nil || !again.IsZero() {
					t.Fatal("two at once")
				}
				return
			}
			running, _ = m.next(now)
			switch running.(type) {
			case openStep:
				if has {
					t.Fatal("a second plane is made")
				}
			case closeStep, ipv6Step:
				if !has {
					t.Fatalf("%T of no plane", running)
				}
			}
		}
		finish := func(ok bool) {
			switch running.(type) {
			case openStep:
				has = ok
				n := m.made(ok)
				if answered += n; n < 1 || answered > asked {
					t.Fatalf("%d answers at once, %d of %d", n, answered, asked)
				}
			case closeStep:
				has = false
				m.made(false)
			case ipv6Step:
				m.made(false)
			}
			running = nil
		}
		for _, s := range steps {
			switch s % 7 {
			case 0:
				m.want(plane.Config{})
				asked++
			case 1:
				m.wantNone()
			case 2:
				m.wantIPv6([8]byte{s})
			case 3:
				finish(true)
			case 4:
				finish(false)
			case 5:
				now = now.Add(time.Duration(s) * 100 * time.Millisecond)
			}
			start()
		}
		settle := func() {
			for range 10 {
				finish(true)
				now = now.Add(time.Minute)
				start()
			}
		}
		settle()
		if has != (m.wanted != nil) {
			t.Fatalf("there is a plane: %v; it is wanted: %v", has, m.wanted != nil)
		}
		if m.wanted != nil && answered != asked {
			t.Fatalf("%d of %d questions were answered", answered, asked)
		}
		m.end()
		settle()
		if has {
			t.Fatal("at the end there is a plane")
		}
	})
}
