// Package adapt lets a dial learn: it turns core/learn's experiments into what a link asks and resolves, begins with what was
// learned of the modem before, and remembers what led to a link.
package adapt

import (
	"sync"
	"time"

	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/learn/memory"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/quirks"
)

// Dial is the learning of one connection. It may be used by several goroutines.
type Dial struct {
	file *memory.File
	sim  string
	now  func() time.Time
	tell func(text string)

	mu      sync.Mutex
	adapter learn.Adapter
	known   []memory.Entry // read once: resolving must compute only
	modem   memory.Modem
	started bool
	failure string // how the last attempt ended
	apn     string
	heard   Dialogue
	changed bool // something was tried since the link was up last
}

// New begins. sim is the scenario of a simulated modem, "" for a real one; chosen says whether a person chose a key; tell hears
// what was learned.
func New(file *memory.File, sim string, chosen func(key string) bool, now func() time.Time, tell func(string)) *Dial {
	d := &Dial{file: file, sim: sim, now: now, tell: tell, known: file.All()}
	d.adapter.Chosen = chosen
	return d
}

// Vary is link.Config's.
func (d *Dial) Vary(o link.Outcome, up time.Duration) (what string, wait time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failure = o.Phase + ": " + string(o.Kind)
	f := learn.Failure{Kind: string(o.Kind), Phase: o.Phase, Provisional: o.Provisional, Command: o.Command, Up: up, APN: d.apn}
	if c := d.heard.Mute(); c != "" {
		f.Command = c // it is what held the modem up, whatever failed after it
	}
	d.heard = Dialogue{}
	what, wait, ok = d.adapter.Next(f)
	d.changed = d.changed || ok
	return what, wait, ok
}

// Learned is policy.Resolver's: what is tried in this attempt, or was learned before.
func (d *Dial) Learned(known link.Facts) []quirks.Advised {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known.Model != "" {
		d.modem = memory.Modem{Vendor: known.Vendor, Model: known.Model, Firmware: known.Firmware, Sim: d.sim}
		if !d.started {
			d.started = true
			d.recall()
		}
	}
	var list []quirks.Advised
	for _, s := range d.adapter.Settings() {
		list = append(list, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: d.file.Path()})
	}
	return list
}

// recall begins with what was learned of the modem before, unless this dial has begun to learn by itself.
func (d *Dial) recall() {
	if len(d.adapter.Settings()) > 0 {
		return
	}
	for _, e := range d.known {
		if e.Modem == d.modem {
			d.adapter.Start(e.Settings)
			return
		}
	}
}

// Watch is a sink before next: it hears when the link is up.
func (d *Dial) Watch(next event.Sink) event.Sink {
	return event.SinkFunc(func(r event.Record) {
		next.Record(r)
		switch e := r.Event.(type) {
		case event.AT:
			d.command(e)
		case event.Quirk:
			if e.Key == "context.apn" {
				d.mu.Lock()
				d.apn = e.Value
				d.mu.Unlock()
			}
		case event.Up:
			d.worked()
		}
	})
}

// command follows the dialogue, so that a command that is never answered is known by its name.
func (d *Dial) command(e event.AT) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.heard.Record(e)
}

// Dialogue follows the AT dialogue of an attempt. The zero value is ready.
type Dialogue struct {
	pending string // the command that was sent last and has no answer yet
	mute    string
}

// Record takes a line of it.
func (d *Dialogue) Record(e event.AT) {
	switch {
	case e.Dir == event.Rcvd && at.IsFinal(e.Text):
		d.pending = ""
	case e.Dir == event.Sent:
		if d.mute == "" && len(d.pending) > len("ATE0") { // the greeting may well be lost
			d.mute = d.pending
		}
		d.pending = e.Text
	}
}

// Mute is the first command that another one followed without an answer, "" where there was none.
func (d *Dialogue) Mute() string { return d.mute }

// worked remembers what led to a link.
func (d *Dial) worked() {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := d.adapter.Worked()
	if !d.changed {
		return
	}
	d.changed = false
	if len(set) == 0 {
		if d.file.Forget(d.modem) {
			d.tell("what was learned of this modem is forgotten: it works without")
		}
		return
	}
	d.file.Keep(memory.Entry{Modem: d.modem, Settings: set, When: d.now().UTC(), Failure: d.failure})
	text := "learned for this modem, and remembered:"
	for _, s := range set {
		text += " " + s.String()
	}
	d.tell(text + " (knak quirks forget forgets it)")
}
