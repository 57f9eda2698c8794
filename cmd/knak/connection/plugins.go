package connection

import (
	"context"
	"errors"
	"time"

	"github.com/knakppp/knak/cmd/knak/build"
	"github.com/knakppp/knak/cmd/knak/settings"
	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/control"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/host/pin"
)

// PluginPlan is what the second program has to know of the plugins that the configuration names.
func PluginPlan(list []settings.ConfigPlugin, dir string) (host.Plan, error) {
	plan := host.Plan{Dirs: pin.Dirs(dir), Runtime: control.Dir(), Version: build.Version().Version}
	for _, p := range list {
		plan.Plugins = append(plan.Plugins, p.Plugin)
	}
	var err error
	plan.Lock, err = pin.LockPath()
	return plan, err
}

// dialPlugins are the plugins of one dial. A nil one has none.
type dialPlugins struct {
	host     *host.Host
	link     string
	counters func() (in, out uint64)
	counting chan struct{} // nil: the link is not up, or nobody wants to know
}

// startPlugins starts the plugins that the configuration names. Where none is named it does nothing. A plugin that does
// not start is told of and left out, unless it is required.
func (j *Job) startPlugins(ctx context.Context, held *heldLink, sink event.Sink) (*dialPlugins, link.Outcome, bool) {
	if len(j.plugins.Plugins) == 0 {
		return nil, link.Outcome{}, true
	}
	put := func(e event.Event) { sink.Record(event.Record{Time: time.Now(), Link: j.Name, Event: e}) }
	h, err := host.Start(ctx, j.plugins, host.Options{
		Tell: func(t host.Told) {
			if t.By != "" {
				put(event.Log{Program: t.By, Text: t.Text})
			} else {
				put(event.Notice{Level: t.Level, Text: t.Text})
			}
		},
		Order: func(c host.Command) { held.obey(c) },
	})
	var required *advice.RequiredError
	switch {
	case errors.As(err, &required):
		o := link.Outcome{Kind: link.KindPlugin, Phase: event.PhaseDial, Detail: err.Error()}
		tellFailure(sink, j.Name, o)
		return nil, o, false
	case err != nil:
		put(event.Notice{Level: "warning", Text: err.Error() + "; the dial goes on without plugins"})
		return nil, link.Outcome{}, true
	}
	d := &dialPlugins{host: h, link: j.Name, counters: held.counters}
	held.mu.Lock()
	held.guests = d
	held.mu.Unlock()
	return d, link.Outcome{}, true
}

// adviser gives whom the link may ask, nil for nobody.
func (d *dialPlugins) adviser() advice.Adviser {
	if d == nil {
		return nil
	}
	return d.host
}

// sink adds the plugins to those who are told what happens.
func (d *dialPlugins) sink(to event.Sink) event.Sink {
	if d == nil {
		return to
	}
	return event.Fanout{to, d.host, d}
}

// Record starts and stops the telling of counters, which only a link that is up and a plugin that wants them have.
func (d *dialPlugins) Record(r event.Record) {
	switch r.Event.(type) {
	case event.Up:
		if d.counting != nil || !d.host.WantsStatistics() {
			return
		}
		d.counting = make(chan struct{})
		go d.count(r.Time, d.counting)
	case event.Down:
		if d.counting != nil {
			close(d.counting)
			d.counting = nil
		}
	}
}

// count tells the counters until stop is closed.
func (d *dialPlugins) count(since time.Time, stop <-chan struct{}) {
	ticker := time.NewTicker(host.StatisticsEvery)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			in, out := d.counters()
			d.host.Count(d.link, now, host.Statistics{BytesIn: in, BytesOut: out, Seconds: now.Sub(since).Seconds()})
		case <-stop:
			return
		}
	}
}

// Close ends the plugins.
func (d *dialPlugins) Close() {
	if d != nil {
		d.host.Close()
	}
}

// statusWait is how long a status waits for the counters.
const statusWait = 300 * time.Millisecond

// status is what a status shows of the plugins.
func (d *dialPlugins) status() (list []control.Plugin) {
	if d == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), statusWait)
	defer cancel()
	for _, s := range d.host.Refresh(ctx) {
		list = append(list, control.Plugin{
			Name: s.Name, State: string(s.Word), Version: s.Version, Problem: s.Problem, Cure: s.Cure, Required: s.Required, PID: s.PID,
			Calls: s.Calls, SlowestMS: float64(s.Slowest.Microseconds()) / 1e3, Strikes: s.Strikes, Lost: s.Lost,
		})
	}
	return list
}

// obey does what a plugin with the grant "control" orders, if it is about this link.
func (h *heldLink) obey(c host.Command) {
	h.mu.Lock()
	runner := h.runner
	h.mu.Unlock()
	if runner == nil || c.Link != "" && c.Link != h.board.Status().Link {
		return
	}
	text := c.Action + " was ordered by " + c.By
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	if c.Action == "redial" {
		runner.Redial(text)
		return
	}
	runner.Hangup(link.KindHangup, text)
}

// counters gives the octets of IP packets since the link came up.
func (h *heldLink) counters() (in, out uint64) {
	h.mu.Lock()
	runner := h.runner
	h.mu.Unlock()
	if runner == nil {
		return 0, 0
	}
	return runner.Counters()
}
