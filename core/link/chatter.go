package link

import (
	"fmt"
	"time"

	"github.com/knakppp/knak/core/event"
)

// chatter limits how many events a modem can cause. A modem may send a megabyte of text, commands or Echo-Requests each second
// for hours, or negotiate again and again; that must fill neither a terminal nor a disk. Rare events (up, down, attempts,
// failures, findings, the device) are never left out, and diagnosis gets all events.
type chatter struct {
	spent float64      // how much of chatterBurst is used
	at    time.Time    // the time for which spent is right
	left  int          // events left out
	phase *event.Phase // the latest phase that was left out, which is the link's present one; nil: none was left out since the last one that was shown
	since time.Time    // when the first of them was left out
}

// A modem may cause chatterBurst events at once, and chatterRate per second for ever. The longest good negotiation has a few
// hundred events.
const (
	chatterBurst = 1000
	chatterRate  = 2
)

// phaseWait is the longest time for which a phase that was left out stays unreported.
const phaseWait = 5 * time.Second

// admit says whether an event goes out, and which events go out before it.
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

// summary gives a notice of how many events were left out, if e is a good place for it: at the latest when the link ends.
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

// due says when the phase that was left out must be shown; the zero time: there is none.
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
