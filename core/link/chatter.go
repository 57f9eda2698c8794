package link

import (
	"fmt"
	"time"

	"github.com/knakppp/knak/core/event"
)

// chatter bounds how many events a modem can cause. A modem may send a megabyte of text, commands or Echo-Requests each
// second for hours, or negotiate again and again; neither a terminal nor a disk is to be filled by that. What is rare by
// itself (up, down, attempts, failures, findings, what a modem is) is never left out, and diagnosis hears everything.
type chatter struct {
	spent float64      // of chatterBurst
	at    time.Time    // when spent was right
	left  int          // events left out
	phase *event.Phase // the latest that was left out: it is what the link is in; nil: none was since the last that went out
	since time.Time    // when the first was left out
}

// A modem may cause chatterBurst events at once and chatterRate a second for ever. The longest negotiation that ends well
// has a few hundred.
const (
	chatterBurst = 1000
	chatterRate  = 2
)

// phaseWait is how long a phase that was left out may stay untold.
const phaseWait = 5 * time.Second

// admit says whether an event goes out, and what to say before.
func (c *chatter) admit(now time.Time, e event.Event) (before []event.Event, pass bool) {
	phase, isPhase := e.(event.Phase)
	switch e.(type) {
	case event.Up, event.Down, event.Attempt, event.Failure, event.Finding, event.Device, event.Quirk:
		return c.summary(e), true
	}
	c.spent = max(0, c.spent-now.Sub(c.at).Seconds()*chatterRate)
	c.at = now
	if c.spent+1 > chatterBurst {
		if isPhase {
			if c.phase == nil {
				c.since = now
			}
			c.phase = &phase
		}
		if c.left++; c.left == 1 {
			before = []event.Event{event.Notice{Level: "warning", Text: "the modem causes too many events: most of what follows is left out here"}}
		}
		return before, false
	}
	c.spent++
	if isPhase {
		c.phase = nil
	}
	return c.summary(e), true
}

// summary tells how much was left out before e, where that is of interest: at the latest when the link ends.
func (c *chatter) summary(e event.Event) (before []event.Event) {
	_, down := e.(event.Down)
	if _, up := e.(event.Up); c.phase != nil && (down || up) {
		before, c.phase = append(before, *c.phase), nil
	}
	if c.left == 0 || !down && c.spent > chatterBurst/2 {
		return before
	}
	n := c.left
	c.left = 0
	return append(before, event.Notice{Level: "warning", Text: fmt.Sprintf("%d events that the modem caused were left out", n)})
}

// due is when late is to be told; the zero time: there is none.
func (c *chatter) due() time.Time {
	if c.phase == nil {
		return time.Time{}
	}
	return c.since.Add(phaseWait)
}

// late takes the phase that was left out.
func (c *chatter) late() event.Event {
	p := *c.phase
	c.phase = nil
	return p
}
