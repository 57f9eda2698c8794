// Package pace limits how often an outsider can make this host do something: a peer that renegotiates without end must not
// make it change interfaces, run scripts or tell plugins as fast as the peer likes. When the next change may happen, the
// caller applies the latest state that was asked for, and skips those in between.
package pace

import "time"

// Pace limits how often something may happen. The first Burst times may come at once. After that, each must wait twice
// as long as the one before: First, then 2*First, and so on up to Most. When nothing has come for Calm, it begins
// anew. A field of zero, other than Burst, sets no limit. Pace only computes: the caller passes the time.
type Pace struct {
	Burst int           // how many may come at once
	First time.Duration // between two after that
	Most  time.Duration // the longest wait
	Calm  time.Duration // after so long without one, the pace begins anew; longer than Most

	taken int
	wait  time.Duration
	last  time.Time
}

// Due gives the earliest time of the next one; it may be past.
func (p *Pace) Due(now time.Time) time.Time {
	if p.taken < p.Burst || now.Sub(p.last) >= p.Calm {
		return now
	}
	if due := p.last.Add(p.wait); due.After(now) {
		return due
	}
	return now
}

// Take notes that one happens now.
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
