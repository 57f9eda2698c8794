package serve

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/internal/wire"
)

// manager runs all plugins of one dial.
type manager struct {
	nursery *nursery
	plan    host.Plan
	guests  []*guest
	tell    func(host.Told)
	order   func(host.Command)
	changed func()

	device  atomic.Pointer[advice.Device] // as the last question that held it said, or the last event
	ending  chan struct{}                 // closed when this program was told to end, and knak surely as well
	decided atomic.Int64                  // when the last decision was asked for, in Unix nanoseconds
}

// quiet is how long there must be no decision before a negotiation counts as over.
const quiet = 2 * time.Second

func (m *manager) negotiating(now time.Time) bool {
	return now.UnixNano()-m.decided.Load() < int64(quiet)
}

// newManager prepares the plugins of a plan; its functions are called from several goroutines.
func newManager(n *nursery, plan host.Plan, tell func(host.Told), order func(host.Command)) *manager {
	m := &manager{nursery: n, plan: plan, tell: tell, order: order, changed: func() {}, ending: make(chan struct{})}
	for i := range m.plan.Plugins {
		m.guests = append(m.guests, newGuest(m, &m.plan.Plugins[i]))
	}
	return m
}

// start starts all plugins at once and returns when each runs or has failed.
func (m *manager) start(ctx context.Context) {
	var all sync.WaitGroup
	for _, g := range m.guests {
		all.Go(func() { g.start(ctx) })
	}
	all.Wait()
}

// stop ends all plugins.
func (m *manager) stop() {
	var all sync.WaitGroup
	for _, g := range m.guests {
		all.Go(g.stop)
	}
	all.Wait()
}

// kill ends all plugins at once, also those that are just being started.
func (m *manager) kill() {
	m.nursery.killAll()
}

// states gives how each is.
func (m *manager) states() []host.State {
	list := []host.State{}
	for _, g := range m.guests {
		g.mu.Lock()
		list = append(list, g.state)
		g.mu.Unlock()
	}
	return list
}

// ask asks the plugins in their order until one has an opinion; of Identify all are asked, and their settings add up. The
// budget is for all together.
func (m *manager) ask(q advice.Question, budget time.Duration) (advice.Answer, error) {
	begin := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	soft, _ := advice.Budget(q.Kind())
	known := wire.Known{}
	switch q := q.(type) {
	case advice.Identify:
		m.device.Store(&q.Device)
	case advice.Credentials:
		m.device.Store(&q.Device)
	case advice.Steps:
		m.device.Store(&q.Device)
	case advice.Decide:
		m.decided.Store(begin.UnixNano())
	}
	if d := m.device.Load(); d != nil {
		known.Device = *d
	}
	var identified advice.Identified
	for _, g := range m.guests {
		g.mu.Lock()
		takes, silent := g.state.Takes(q), g.run == nil && g.plan.Required && g.answers(q.Kind())
		g.mu.Unlock()
		if !takes && !silent {
			continue
		}
		known.Budget = max(budget-time.Since(begin), 0)
		a, err := g.ask(ctx, q, known, soft)
		if err != nil && g.plan.Required {
			return nil, &advice.RequiredError{By: g.by(), Err: err}
		}
		// What failed was told where it happened, once: the link need not tell it again.
		if a == nil || !a.Opinion() {
			continue
		}
		i, ok := a.(advice.Identified)
		if !ok {
			return a, nil
		}
		merge(&identified, i)
	}
	if identified.Opinion() {
		return identified, nil
	}
	return nil, nil
}

// answers says whether the plugin named the kind when it was last seen. g.mu is held.
func (g *guest) answers(k advice.Kind) bool {
	return slices.Contains(g.state.Answers, k)
}

// merge adds what a later plugin says: the first name wins, and all settings count.
func merge(into *advice.Identified, more advice.Identified) {
	if into.By == "" {
		into.By = more.By
	}
	if into.Vendor == "" {
		into.Vendor = more.Vendor
	}
	if into.Model == "" {
		into.Model = more.Model
	}
	if into.Firmware == "" {
		into.Firmware = more.Firmware
	}
	into.Settings = append(into.Settings, more.Settings...)
}

// note hands a record to the plugins that want its kind. lost is how many before it were lost already.
func (m *manager) note(r event.Record, lost uint64) {
	if d, ok := r.Event.(event.Device); ok {
		m.device.Store(&advice.Device{Port: d.Port, USB: d.USB, Vendor: d.Vendor, Model: d.Model, Firmware: d.Firmware, Profile: d.Profile})
	}
	for _, g := range m.guests {
		g.mu.Lock()
		if g.state.Observes {
			g.lost += int(lost)
			g.state.Lost += lost
		}
		wants := g.state.Observes && g.state.Word != host.Out && slices.Contains(g.state.Events, r.Event.Kind())
		g.mu.Unlock()
		if wants {
			g.note(r)
		}
	}
}
