package pace

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	p := Pace{Burst: 3, First: time.Second, Most: 8 * time.Second, Calm: time.Minute}
	begin := time.Unix(1000, 0)
	var came []time.Duration
	for now := begin; now.Before(begin.Add(40 * time.Second)); now = now.Add(5 * time.Millisecond) { // somebody asks all the time
		if !p.Due(now).After(now) {
			p.Take(now)
			came = append(came, now.Sub(begin))
		}
	}
	want := []time.Duration{0, 5 * time.Millisecond, 10 * time.Millisecond, 1010 * time.Millisecond, 3010 * time.Millisecond, 7010 * time.Millisecond,
		15010 * time.Millisecond, 23010 * time.Millisecond, 31010 * time.Millisecond, 39010 * time.Millisecond}
	if len(came) != len(want) {
		t.Fatalf("came at %v, want %v", came, want)
	}
	for i := range want {
		if came[i] != want[i] {
			t.Errorf("number %d came at %v, want %v", i, came[i], want[i])
		}
	}
	quiet := begin.Add(3 * time.Minute)
	for range 3 {
		if p.Due(quiet).After(quiet) {
			t.Error("after a minute of quiet it still waits")
		}
		p.Take(quiet)
	}
	if due := p.Due(quiet); due != quiet.Add(time.Second) {
		t.Errorf("after the burst the next may come after %v", due.Sub(quiet))
	}
}
