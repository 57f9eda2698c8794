package serve

import "time"

// The limits of patience.
const (
	strikeLimit  = 3 // so many strikes within strikeWindow end the plugin for this run
	strikeWindow = 10 * time.Minute
	hangLimit    = 2 // after so many hard timeouts in a row the plugin counts as hanging and is killed
	firstWait    = time.Second
	longestWait  = time.Minute
)

// breaker counts a plugin's failures and decides when it may start again. It is a plain value: the time is an argument.
type breaker struct {
	strikes []time.Time
	late    int // hard timeouts in a row
	wait    time.Duration
	until   time.Time // not to be started before
	out     bool
}

// timeout notes a call that did not come back within the hard limit, and says whether to kill.
func (b *breaker) timeout(now time.Time) (kill bool) {
	b.late++
	b.strike(now)
	return b.late >= hangLimit || b.out
}

// answered notes a call that came back.
func (b *breaker) answered() { b.late = 0 }

// strike notes a failure: a call that failed, or the process's end.
func (b *breaker) strike(now time.Time) {
	keep := b.strikes[:0]
	for _, t := range b.strikes {
		if now.Sub(t) < strikeWindow {
			keep = append(keep, t)
		}
	}
	b.strikes = append(keep, now)
	b.out = b.out || len(b.strikes) >= strikeLimit
}

// ended notes that the process is not there any more: it may be started again after a wait that doubles.
func (b *breaker) ended(now time.Time) {
	b.late = 0
	switch {
	case b.wait == 0 || now.Sub(b.until) > strikeWindow:
		b.wait = firstWait
	default:
		b.wait = min(2*b.wait, longestWait)
	}
	b.until = now.Add(b.wait)
}
