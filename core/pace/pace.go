// Package pace spaces what somebody else can cause: a peer that renegotiates without end must not make this host change
// its interfaces, run scripts or tell plugins as fast as it likes. What is spaced is led to the latest state that is
// wanted; what was wanted meanwhile is left out.
package pace

import "time"

// Pace says when the next one may come. Some may come at once; after them each waits twice as long as the one before, to
// a limit; who is quiet for long enough begins anew. The zero value of each field but Burst means none. It is a value
// that computes: the time is an argument.
type Pace struct {
	Burst int           // how many may come at once
	First time.Duration // between two after that
	Most  time.Duration // the longest wait
	Calm  time.Duration // after so long without one all begins anew; longer than Most

	taken int
	wait  time.Duration
	last  time.Time
}

// Due is when the next one may come: now, or later.
func (p *Pace) Due(now time.Time) time.Time {
	if p.taken < p.Burst || now.Sub(p.last) >= p.Calm {
		return now
	}
	if due := p.last.Add(p.wait); due.After(now) {
		return due
	}
	return now
}

// Take says that one comes now.
func (p *Pace) Take(now time.Time) {
	if now.Sub(p.last) >= p.Calm {
		p.taken, p.wait = 0, 0
	}
	p.taken++
	p.last = now
	if p.taken >= p.Burst {
		p.wait = min(max(2*p.wait, p.First), p.Most)
	}
}
