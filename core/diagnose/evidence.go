package diagnose

import (
	"fmt"
	"strings"

	"github.com/knakppp/knak/core/event"
)

// clue is one piece of evidence: what a recording shows, and where. The zero value means: not seen.
type clue struct {
	pos    event.Pos // the zero Pos on a live link, and for a count over many places
	quoted bool      // the packet is shown before the text; its text is only made when it is shown
	packet event.Packet
	text   string
}

// count makes a clue about a number of events, which has no single place.
func count(format string, args ...any) clue { return clue{text: fmt.Sprintf(format, args...)} }

// seen says whether the clue is not empty.
func (c clue) seen() bool { return c.quoted || c.text != "" }

// and appends to the clue's text.
func (c clue) and(format string, args ...any) clue {
	if c.seen() {
		c.text += fmt.Sprintf(format, args...)
	}
	return c
}

// has says whether the clue's text contains part.
func (c clue) has(part string) bool { return strings.Contains(c.said(), part) }

// said gives the clue's text without its place.
func (c clue) said() string {
	if c.quoted {
		return c.packet.Line() + c.text
	}
	return c.text
}

// String gives the clue as a finding shows it: its place and its text.
func (c clue) String() string {
	if p := c.pos.String(); p != "" && c.seen() {
		return p + ": " + event.Printable(c.said())
	}
	return event.Printable(c.said())
}

// keep keeps the first clue of a kind.
func keep(p *clue, c clue) {
	if !p.seen() {
		*p = c
	}
}

// fault is a failure from an event or a log, with its evidence.
type fault struct {
	event.Failure
	said clue
}

// shown gives the texts of clues as a finding shows them, without empty ones, and the places of those that have one.
func shown(clues []clue) (evidence []string, places []event.Pos) {
	for _, c := range clues {
		if !c.seen() {
			continue
		}
		evidence = append(evidence, c.String())
		if c.pos != (event.Pos{}) {
			places = append(places, c.pos)
		}
	}
	return evidence, places
}
