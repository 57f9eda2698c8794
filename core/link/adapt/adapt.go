// Package adapt lets a dial learn: it turns core/learn's experiments into what a link asks and resolves, begins with what was
// learned of the modem before, and remembers what led to a link.
package adapt

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/learn"
	"github.com/knakppp/knak/core/learn/memory"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/quirks"
)

// Config is what a Dial works with.
type Config struct {
	File    *memory.File
	Sim     string                          // the scenario of a simulated modem; "": a real one
	Chosen  func(key string) bool           // whether a person chose a key
	Prior   func(vendor string) learn.Prior // what is known of modems of a maker; nil: nothing
	Persist bool                            // a link that is lost is dialled again, whatever lost it
	Now     func() time.Time
	Tell    func(text string) // hears what was learned
}

// Dial is the learning of one connection. It may be used by several goroutines.
type Dial struct {
	cfg Config

	mu       sync.Mutex
	adapter  learn.Adapter
	known    []memory.Entry // read once: resolving must compute only
	modem    memory.Modem
	started  bool
	failure  string // how the last attempt ended
	observer learn.Observer
	changed  bool // something was tried since the link was up last
}

// New begins.
func New(cfg Config) *Dial {
	d := &Dial{cfg: cfg, known: cfg.File.All()}
	d.adapter.Chosen = cfg.Chosen
	return d
}

// Vary is link.Config's. A link that was up and is lost is dialled again without --persist only where it is plain what killed it.
func (d *Dial) Vary(o link.Outcome, up time.Duration) (what string, wait time.Duration, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failure = o.Phase + ": " + string(o.Kind)
	f := d.observer.Complete(d.cfg.Now(), learn.Failure{Kind: string(o.Kind), Phase: o.Phase, Provisional: o.Provisional, Command: o.Command, Blanked: o.Blanked, Up: up})
	d.observer.Dialling()
	if up > 0 && !d.cfg.Persist && !f.Echo {
		return "", 0, false
	}
	what, wait, ok = d.adapter.Next(f)
	d.changed = d.changed || ok
	return what, wait, ok
}

// Learned is policy.Resolver's: what is tried in this attempt, or was learned before.
func (d *Dial) Learned(known link.Facts) []quirks.Advised {
	d.mu.Lock()
	defer d.mu.Unlock()
	if known.Model != "" {
		d.modem = memory.Modem{Vendor: known.Vendor, Model: known.Model, Firmware: known.Firmware, Sim: d.cfg.Sim}
		if !d.started {
			d.started = true
			d.recall()
			if d.cfg.Prior != nil {
				d.adapter.Prior = d.cfg.Prior(known.Vendor)
			}
		}
	}
	return Advised(d.adapter.Settings(), d.cfg.File.Path())
}

// Advised gives settings as a layer of quirks; by says whose they are.
func Advised(set []learn.Setting, by string) (list []quirks.Advised) {
	for _, s := range set {
		list = append(list, quirks.Advised{Key: s.Key, Value: s.Value, Reason: s.Reason, By: by})
	}
	return list
}

// Unset is policy.Resolver's: what makes an experiment no longer than it must be.
func (d *Dial) Unset() []quirks.Advised {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch short := Advised(learn.Short(), "an experiment"); {
	case d.adapter.Experimenting():
		return short
	case d.adapter.Recalled(): // it came up so before: only the network may be slower than it was
		return slices.DeleteFunc(short, func(a quirks.Advised) bool { return a.Key == "registration.wait" || a.Key == "dial.timeout" })
	}
	return nil
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

// Watch is a sink before next: it hears what the modem does, and when the link is up.
func (d *Dial) Watch(next event.Sink) event.Sink {
	return event.SinkFunc(func(r event.Record) {
		next.Record(r)
		d.mu.Lock()
		if a, ok := r.Event.(event.Attempt); ok && a.Number > 1 {
			d.observer.Dialling()
		}
		d.observer.Record(r)
		d.mu.Unlock()
		if _, ok := r.Event.(event.Up); ok {
			d.worked()
		}
	})
}

// faster is what the peer was asked for in vain first, as far as it can be left out without a loss: who asks for no name server
// gets none.
func (d *Dial) faster() (set []learn.Setting) {
	for _, s := range d.observer.Faster() {
		if d.cfg.Chosen != nil && d.cfg.Chosen(s.Key) || s.Key == "ipcp.request" && !strings.Contains(s.Value, "dns1") {
			continue
		}
		set, d.changed = append(set, s), true
	}
	return set
}

// worked remembers what led to a link.
func (d *Dial) worked() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.adapter.Also(d.faster())
	set := d.adapter.Worked(d.observer.Number())
	if !d.changed {
		return
	}
	d.changed = false
	if len(set) == 0 {
		if d.cfg.File.Forget(d.modem) {
			d.cfg.Tell("what was learned of this modem is forgotten: it works without")
		}
		return
	}
	d.cfg.File.Keep(memory.Entry{Modem: d.modem, Settings: set, When: d.cfg.Now().UTC(), Failure: d.failure})
	text := "learned for this modem, and remembered:"
	for _, s := range set {
		text += " " + s.String()
	}
	d.cfg.Tell(text + " (knak quirks forget forgets it)")
}
