package link

import (
	"fmt"
	"time"

	"github.com/knakppp/knak/core/event"
)

// chatter bounds how many events a modem can cause. A modem may send a megabyte of text, commands or Echo-Requests each
// second for hours; neither a terminal nor a disk is to be filled by that. What knak itself has to say is never left out,
// and diagnosis hears everything.
type chatter struct {
	spent float64   // of chatterBurst
	at    time.Time // when spent was right
	left  int       // events left out
}

// A modem may cause chatterBurst events at once and chatterRate a second for ever. The longest negotiation that ends well
// has a few hundred.
const (
	chatterBurst = 1000
	chatterRate  = 2
)

// admit says whether an event goes out, and what to say before.
func (c *chatter) admit(now time.Time, e event.Event) (before event.Event, pass bool) {
	switch e.(type) {
	case event.Text, event.AT, event.Packet, event.State, event.Decision, event.Notice, event.Registration:
	default:
		return c.summary(e), true
	}
	c.spent = max(0, c.spent-now.Sub(c.at).Seconds()*chatterRate)
	c.at = now
	if c.spent+1 > chatterBurst {
		if c.left++; c.left == 1 {
			before = event.Notice{Level: "warning", Text: "the modem causes too many events: most of what follows is left out here"}
		}
		return before, false
	}
	c.spent++
	return c.summary(e), true
}

// summary tells how much was left out before e, where that is of interest: at the latest when the link ends.
func (c *chatter) summary(e event.Event) event.Event {
	if _, down := e.(event.Down); c.left == 0 || !down && c.spent > chatterBurst/2 {
		return nil
	}
	n := c.left
	c.left = 0
	return event.Notice{Level: "warning", Text: fmt.Sprintf("%d events that the modem caused were left out", n)}
}
