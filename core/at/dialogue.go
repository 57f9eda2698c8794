// Package at is the AT command channel as a machine (ITU-T V.250, 3GPP TS 27.007).
//
// A dialogue with a modem is written as a function that reads from top to bottom: send this, wait for that. NewDialogue turns
// such a function into a machine with the shape that all machines of the project have, by running it as a coroutine that is
// suspended whenever it waits. There is no second goroutine that runs at the same time, so the same bytes at the same times
// always give the same outputs.
package at

import (
	"iter"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/private"
)

// Dialogue runs one dialogue function as a machine. Its owner must call Stop when it drops a dialogue that is not done.
// It is not safe for concurrent use.
type Dialogue struct {
	x      *Exchange
	reader reader

	resume   func() (struct{}, bool) // runs the function until it waits; nil before the start
	release  func()                  // ends the coroutine
	over     bool                    // Done was given out, or Stop called
	deadline time.Time               // when the function must be resumed, or zero
	data     bool                    // everything received belongs to PPP
	begun    bool                    // the line end that belongs to the last line was skipped

	out  []Output
	rest []byte
}

// NewDialogue makes a dialogue of talk. It begins with the first call of Receive, Lines or Advance.
func NewDialogue(talk func(*Exchange) error) *Dialogue {
	d := &Dialogue{}
	d.x = &Exchange{d: d, talk: talk}
	d.x.hides = private.NewDialogue(&d.x.known)
	return d
}

// Receive hands over bytes from the modem. It makes no difference how they are cut into calls.
func (d *Dialogue) Receive(now time.Time, p []byte) {
	d.start(now)
	for i, c := range p {
		if d.over || d.data {
			d.keep(p[i:])
			return
		}
		framed := d.reader.framed
		line, ok := d.reader.push(c)
		if ok {
			d.x.lines = append(d.x.lines, line)
		}
		if ok || d.reader.framed != framed {
			d.run()
		}
	}
}

// keep stores bytes of PPP, without the line end that belongs to the CONNECT line.
func (d *Dialogue) keep(p []byte) {
	for !d.begun && len(p) > 0 && (p[0] == '\r' || p[0] == '\n') {
		p = p[1:]
	}
	d.begun = d.begun || len(p) > 0
	d.rest = append(d.rest, p[:min(len(p), maxRest-len(d.rest))]...)
}

// Lines gives the state of the modem's lines to the dialogue, at the start and at each change. It is never called for a port
// without such lines.
func (d *Dialogue) Lines(now time.Time, l ModemLines) {
	d.x.state, d.x.hasState = l, true
	d.start(now)
	d.run()
}

// Wake says that something has happened that the function waits for, other than input or time: the function given to Until is
// called again.
func (d *Dialogue) Wake(now time.Time) {
	d.start(now)
	d.run()
}

// Advance says that the time is now. The first call starts the dialogue.
func (d *Dialogue) Advance(now time.Time) {
	d.start(now)
	if !d.deadline.IsZero() && !now.Before(d.deadline) {
		d.run()
	}
}

// Deadline is when Advance must be called next; the zero time: no timer is running.
func (d *Dialogue) Deadline() time.Time { return d.deadline }

// Next takes the next thing to do.
func (d *Dialogue) Next() (Output, bool) {
	if len(d.out) == 0 {
		return nil, false
	}
	o := d.out[0]
	d.out[0] = nil
	d.out = d.out[1:]
	return o, true
}

// Stop ends the dialogue at its present point; its deferred calls run. It gives no more outputs. It may be called at any time,
// also twice.
func (d *Dialogue) Stop() {
	d.over = true
	d.deadline = time.Time{}
	if d.release != nil {
		d.release()
	}
	d.out = nil
}

// Rest gives, after Done, the bytes that do not belong to the dialogue: the PPP frames that came while it dialled, then the bytes
// after the last line that it read. It gives them once.
func (d *Dialogue) Rest() []byte {
	p := d.rest
	d.rest = nil
	return p
}

// Noise counts the octets that were neither text nor frames, and the lines that were too long and cut.
func (d *Dialogue) Noise() (octets, cutLines uint64) { return d.reader.noise, d.reader.cuts }

// start notes the time and, at the first call, runs the function to its first wait.
func (d *Dialogue) start(now time.Time) {
	d.x.now = now
	if d.resume != nil || d.over {
		return
	}
	d.resume, d.release = iter.Pull(d.x.sequence)
	d.run()
}

// run resumes the function until it waits again or ends.
func (d *Dialogue) run() {
	if d.over {
		return
	}
	d.deadline = time.Time{}
	if _, waiting := d.resume(); !waiting {
		d.over = true
		d.deadline = time.Time{}
		d.emit(Done{Err: d.x.err})
	}
}

func (d *Dialogue) emit(o Output) { d.out = append(d.out, o) }

func (d *Dialogue) event(ev event.Event) { d.emit(Event{Event: ev}) }
