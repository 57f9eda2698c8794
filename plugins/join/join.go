// Package join connects external plugins with a dial: they get its questions and events, and its status shows them.
package join

import (
	"context"
	"time"

	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/dialer"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/plugins/host"
)

// plugins are the plugins of a host.
type plugins interface {
	WantsStatistics() bool
	Count(link string, at time.Time, s host.Statistics)
	Refresh(context.Context) []host.State
	Close()
}

// Plugins are the plugins of one link.
type Plugins struct {
	host     plugins
	link     *dialer.Link
	counting chan struct{} // nil: the link is not up, or nobody wants to know
}

// Start starts the plugins of a plan for a link that was prepared and does not run yet. The link's watchers get the plugins'
// messages and states. A plugin that does not start is reported and left out; if it is required, the error is an
// *advice.RequiredError. Close ends the plugins.
func Start(ctx context.Context, l *dialer.Link, plan host.Plan) (*Plugins, error) {
	p := &Plugins{link: l}
	put := func(e event.Event) { l.Record(event.Record{Time: time.Now(), Link: l.Name(), Event: e}) }
	h, err := host.Start(ctx, plan, host.Options{
		Tell: func(t host.Told) {
			if t.By != "" {
				put(event.Log{Program: t.By, Text: t.Text})
			} else {
				put(event.Notice{Level: t.Level, Text: t.Text})
			}
		},
		Order: p.obey,
	})
	if err != nil {
		return nil, err
	}
	p.host = h
	l.Ask(h)
	l.Watch(h)
	l.Watch(p)
	l.ShowPlugins(p.status)
	return p, nil
}

// obey does what a plugin with the grant "control" orders, if it is about this link.
func (p *Plugins) obey(c host.Command) {
	if c.Link != "" && c.Link != p.link.Name() {
		return
	}
	text := c.Action + " was ordered by " + c.By
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	if c.Action == "redial" {
		p.link.Redial(text)
		return
	}
	p.link.Hangup(text)
}

// Record starts and stops the notifications of counters. They are sent while the link is up, if a plugin wants them.
func (p *Plugins) Record(r event.Record) {
	switch r.Event.(type) {
	case event.Up:
		if p.counting != nil || !p.host.WantsStatistics() {
			return
		}
		p.counting = make(chan struct{})
		go p.count(r.Time, p.counting)
	case event.Down:
		if p.counting != nil {
			close(p.counting)
			p.counting = nil
		}
	}
}

// count tells the counters until stop is closed.
func (p *Plugins) count(since time.Time, stop <-chan struct{}) {
	ticker := time.NewTicker(host.StatisticsEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			in, out := p.link.Counters()
			p.host.Count(p.link.Name(), now, host.Statistics{BytesIn: in, BytesOut: out, Seconds: now.Sub(since).Seconds()})
		case <-stop:
			return
		}
	}
}

// statusWait is how long a status waits for the counters.
const statusWait = 300 * time.Millisecond

// status is what a status shows of the plugins.
func (p *Plugins) status() (list []control.Plugin) {
	ctx, cancel := context.WithTimeout(context.Background(), statusWait)
	defer cancel()
	for _, s := range p.host.Refresh(ctx) {
		list = append(list, control.Plugin{
			Name: s.Name, State: string(s.Word), Version: s.Version, Problem: s.Problem, Cure: s.Cure, Required: s.Required, PID: s.PID,
			Calls: s.Calls, SlowestMS: float64(s.Slowest.Microseconds()) / 1e3, Strikes: s.Strikes, Lost: s.Lost,
		})
	}
	return list
}

// Close ends the plugins.
func (p *Plugins) Close() { p.host.Close() }
