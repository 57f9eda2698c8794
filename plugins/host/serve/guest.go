package serve

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/plugins/host"
	"github.com/knakppp/knak/plugins/internal/wire"
	"github.com/knakppp/knak/plugins/proto"
)

// The queue of notifications of one plugin.
const (
	noteQueue = 64
	noteLimit = 5 * time.Second // for the plugin to take one notification
)

// guest is one plugin during the run of the program: one process after the other.
type guest struct {
	m    *manager
	plan *host.Plugin

	mu      sync.Mutex
	run     *running // nil: none
	state   host.State
	breaker breaker
	ending  *running // its connection has ended, and watch is about to tell
	stopped bool     // nothing is started any more
	told    map[string]bool
	rate    logRate
	orders  orderRate
	last    [][]byte // lines of standard error, as they came

	notes   chan event.Record
	pending int // records that the plugin was not told of yet
	deliver sync.Once
	lost    int // since the last that was taken
}

// lastLines is the greatest number of lines of standard error in an error message.
const lastLines = 3

func newGuest(m *manager, p *host.Plugin) *guest {
	g := &guest{m: m, plan: p, told: map[string]bool{}, notes: make(chan event.Record, noteQueue)}
	g.state = host.State{Name: p.Name, Word: host.Waiting, Grants: p.Grants, Required: p.Required}
	return g
}

func (g *guest) by() string { return "plugin " + g.plan.Name }

// takeLine takes a line of the plugin's standard error. It is read only where it is let through.
func (g *guest) takeLine(line []byte) {
	if len(bytes.TrimSpace(line)) == 0 {
		return
	}
	g.mu.Lock()
	if len(g.last) == lastLines {
		g.last = append(g.last[1:], g.last[0][:0])
		g.last[lastLines-1] = append(g.last[lastLines-1], line...)
	} else {
		g.last = append(g.last, bytes.Clone(line))
	}
	ok, before := g.rate.allow(time.Now())
	g.state.Suppressed = g.rate.total
	g.mu.Unlock()
	if !ok {
		return
	}
	t := logLine(line)
	t.By = g.by()
	if before > 0 {
		g.m.tell(host.Told{By: t.By, Level: "info", Text: fmt.Sprintf("(%d lines more than %d a second were not kept)", before, lineRate)})
	}
	g.m.tell(t)
}

func (g *guest) lastWords() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	var words []string
	for _, line := range g.last {
		if text := logLine(line).Text; text != "" {
			words = append(words, text)
		}
	}
	return strings.Join(words, " / ")
}

// tellOnce tells a person of a trouble, each kind of it once.
func (g *guest) tellOnce(kind, text string) {
	g.mu.Lock()
	was := g.told[kind]
	g.told[kind] = true
	g.mu.Unlock()
	if !was {
		g.m.tell(host.Told{Level: "warning", Text: g.by() + " " + text})
	}
}

const (
	toldFailed = "failed"
	toldSlow   = "slow"
	toldAnswer = "answer"
	toldOrders = "orders"
)

// start starts the plugin's process, and says in its state how that went.
func (g *guest) start(ctx context.Context) {
	begin := time.Now()
	g.mu.Lock()
	g.last = nil
	g.state.Starts++
	g.mu.Unlock()
	r, path, about, err := start(ctx, g.m.nursery, &g.m.plan, g.plan, g.takeLine, g.lastWords)
	g.mu.Lock()
	g.state.Path = path
	if about != nil {
		g.describe(about)
	}
	if g.stopped && err == nil {
		g.mu.Unlock()
		r.stop(false)
		return
	}
	if err == nil {
		g.run = r
		g.state.Word, g.state.Problem, g.state.Cure, g.state.PID = host.Running, "", "", r.process.cmd.Process.Pid
		g.state.StartTime = time.Since(begin)
		g.mu.Unlock()
		go g.watch(r)
		if about.Can(proto.Observe) {
			g.deliver.Do(func() { go g.deliverAll(context.Background()) })
		}
		if about.Can(proto.Command) && slices.Contains(g.plan.Grants, host.GrantControl) {
			go g.listen(r)
		}
		g.m.changed()
		return
	}
	var e *startError
	if !errors.As(err, &e) {
		e = &startError{word: host.NoStart, text: err.Error()}
	}
	g.state.Word, g.state.Problem, g.state.Cure = e.word, e.text, e.cure
	g.breaker.strike(time.Now())
	g.breaker.out = g.breaker.out || e.lasting
	g.state.Strikes = len(g.breaker.strikes)
	retry := g.backOff(e.word)
	g.mu.Unlock()
	text := fmt.Sprintf("does not take part: %s: %s", e.word, e.text)
	if e.cure != "" {
		text += "; try: " + e.cure
	}
	g.tellOnce(toldFailed, text)
	g.again(retry)
	g.m.changed()
}

// describe copies what the plugin says of itself. g.mu is held.
func (g *guest) describe(d *wire.Description) {
	s := &g.state
	s.Version, s.About, s.SDK, s.Major, s.Schema, s.Wants = d.Version, d.About, d.SDK, d.Major, d.ConfigSchema, d.WantsGrants
	s.Observes, s.Commands, s.Events = d.Can(proto.Observe), d.Can(proto.Command), d.Events
	s.Answers, s.Points = nil, nil
	for _, k := range []advice.Kind{advice.KindIdentify, advice.KindCredentials, advice.KindSteps, advice.KindChallenge, advice.KindDecide, advice.KindProve} {
		if d.Can(string(k)) {
			s.Answers = append(s.Answers, k)
		}
	}
	if d.Can(proto.Decide) {
		for _, p := range d.Subscriptions {
			s.Points = append(s.Points, host.Point{Protocol: p.Protocol, Points: uint16(p.Points)})
		}
	}
}

// backOff says after which wait to start again, 0 for never, and sets the state. g.mu is held.
func (g *guest) backOff(word host.Word) time.Duration {
	g.state.PID = 0
	switch {
	case g.stopped || g.m.plan.Try:
		return 0
	case g.breaker.out:
		if word == host.Waiting {
			g.state.Word = host.Out
		}
		return 0
	}
	g.breaker.ended(time.Now())
	g.state.Word = host.Waiting
	return g.breaker.wait
}

// again starts the plugin after a wait, but not in the middle of a negotiation.
func (g *guest) again(wait time.Duration) {
	if wait == 0 {
		return
	}
	time.AfterFunc(wait, func() {
		if g.m.negotiating(time.Now()) {
			g.again(firstWait)
			return
		}
		g.mu.Lock()
		stopped := g.stopped
		g.mu.Unlock()
		if !stopped {
			g.start(context.Background())
		}
	})
}

// endingLimit is how much later than a plugin this program may be told to end.
const endingLimit = 300 * time.Millisecond

// watch waits for the end of a process that nobody asked to end.
func (g *guest) watch(r *running) {
	<-r.process.ended
	g.mu.Lock()
	if g.run != r {
		g.mu.Unlock()
		return // it was taken away: leave has it
	}
	g.ending = r // drain waits until it is told
	g.mu.Unlock()
	if r.process.orderly() {
		// Perhaps a service is being stopped, and our own signal is still to come.
		select {
		case <-g.m.ending:
		case <-time.After(endingLimit):
		}
	}
	why := "has ended"
	if err := r.process.err; err != nil {
		why += " (" + err.Error() + ")"
	}
	if last := g.lastWords(); last != "" {
		why += "; it wrote: " + last
	}
	g.leave(r, true, why)
}

// leave takes a process that failed out of use, and starts another later.
func (g *guest) leave(r *running, strike bool, why string) {
	g.mu.Lock()
	if g.run != r {
		g.mu.Unlock()
		return
	}
	g.run = nil
	if strike {
		g.breaker.strike(time.Now())
	}
	g.state.Strikes, g.state.Problem = len(g.breaker.strikes), why
	retry := g.backOff(host.Waiting)
	g.mu.Unlock()
	select {
	case <-g.m.ending:
	default:
		sequel := "knak goes on without it, and knak status shows how it is"
		if g.plan.Required {
			sequel = "it is required: a link that is up stays, a dial fails" // which of them this is only the link knows
		}
		g.tellOnce(toldFailed, why+"; "+sequel)
		g.again(retry)
	}
	g.m.changed()
	go r.stop(true)
}

// drainLimit is how long a plugin has, at the end, to take the notifications that still wait: above all, that the link is down.
const drainLimit = time.Second

// closedLimit is how much later than its connection a plugin's process may end: on a busy machine each of its threads needs the
// processor for that.
const closedLimit = 2 * time.Second

// drain waits until the plugin was told everything, and of its own end, if it has ended, a person was.
func (g *guest) drain() {
	for begin := time.Now(); ; time.Sleep(2 * time.Millisecond) {
		g.mu.Lock()
		r := g.run
		pending, ending := g.pending > 0, g.ending == r
		g.mu.Unlock()
		took := time.Since(begin)
		if r == nil || !(pending && took < drainLimit || ending && took < closedLimit) {
			return
		}
	}
}

// stop ends the process and starts no other.
func (g *guest) stop() {
	g.drain()
	g.mu.Lock()
	r := g.run
	g.run, g.stopped = nil, true
	g.mu.Unlock()
	if r != nil {
		r.stop(false)
	}
}

// ask asks the running process. blame says that the time was enough for anybody.
func (g *guest) ask(ctx context.Context, q advice.Question, k wire.Known, soft time.Duration) (advice.Answer, error) {
	g.mu.Lock()
	r := g.run
	g.mu.Unlock()
	if r == nil {
		return nil, wire.ErrGone
	}
	k.By, k.Secrets = g.by(), slices.Contains(g.plan.Grants, host.GrantSecrets)
	begin := time.Now()
	a, err := r.wire.Ask(ctx, q, k)
	took := time.Since(begin)
	g.mu.Lock()
	g.state.Calls++
	g.state.Slowest = max(g.state.Slowest, took)
	if err == nil {
		g.breaker.answered()
	}
	g.mu.Unlock()
	var bad *wire.BadAnswerError
	switch {
	case err == nil:
		if took > soft {
			g.tellOnce(toldSlow, fmt.Sprintf("is slow: %v for %s, where %v are allowed; the dial waits for it", took.Round(time.Millisecond), q.Kind(), soft))
		}
	case errors.As(err, &bad):
		g.mu.Lock()
		g.breaker.answered()
		g.mu.Unlock()
		g.tellOnce(toldAnswer, fmt.Sprintf("gave an answer that was not taken: %v", bad))
	case ctx.Err() != nil && took < soft:
		// Those before it took the time: not its fault.
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded): // the plugin's end may see the deadline first
		g.late(r, q, took)
		err = advice.ErrTooLate
	case errors.Is(err, wire.ErrGone):
		// watch sees the end of the process; a connection that ended without it is the end of it too.
		g.mu.Lock()
		g.ending = r
		g.mu.Unlock()
		go func() {
			select {
			case <-r.process.ended:
			case <-time.After(closedLimit):
				if !r.process.over() { // otherwise watch is about to say how it ended
					g.leave(r, true, "has closed its connection")
				}
			}
		}()
	default:
		g.failed(r, q, err)
	}
	return a, err
}

// sequel says what a question that got no answer leads to.
func (g *guest) sequel(q advice.Question) string {
	if _, told := q.(observation); g.plan.Required && !told {
		return "it is required"
	}
	return "knak goes its own way, and knak status shows how it is"
}

// late counts a call that did not come back.
func (g *guest) late(r *running, q advice.Question, took time.Duration) {
	g.mu.Lock()
	kill := g.breaker.timeout(time.Now())
	g.state.Strikes = len(g.breaker.strikes)
	g.mu.Unlock()
	g.tellOnce(toldFailed, fmt.Sprintf("did not answer %s within %v; %s", q.Kind(), took.Round(time.Millisecond), g.sequel(q)))
	if kill {
		g.leave(r, false, fmt.Sprintf("hangs: it did not answer %s within %v", q.Kind(), took.Round(time.Millisecond)))
	}
}

// failed counts a call that came back as an error.
func (g *guest) failed(r *running, q advice.Question, err error) {
	g.mu.Lock()
	g.breaker.answered()
	g.breaker.strike(time.Now())
	out := g.breaker.out
	g.state.Strikes = len(g.breaker.strikes)
	g.mu.Unlock()
	why := fmt.Sprintf("failed at %s: %v", q.Kind(), err)
	g.tellOnce(toldFailed, why+"; "+g.sequel(q))
	if out {
		g.leave(r, false, why)
	}
}

// listen hands on what a plugin with the grant "control" orders.
func (g *guest) listen(r *running) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-r.process.ended
		cancel()
	}()
	err := r.wire.Commands(ctx, g.by(), func(c wire.Command) {
		g.mu.Lock()
		ok := g.orders.allow(time.Now())
		g.mu.Unlock()
		if !ok {
			g.tellOnce(toldOrders, fmt.Sprintf("gives more orders than %d at once and one in %v: those are not followed", orderBurst, orderEvery))
			select { // a plugin that does not stop waits for us
			case <-time.After(orderPause):
			case <-ctx.Done():
			}
			return
		}
		action := "hangup"
		if c.Order == wire.Redial {
			action = "redial"
		}
		g.m.order(host.Command{By: c.By, Link: c.Link, Action: action, Reason: c.Reason})
	})
	if err != nil && !errors.Is(err, wire.ErrGone) {
		g.tellOnce(toldAnswer, "gives no more orders: "+err.Error())
	}
}

// note puts a record into the queue; where that is full the oldest is lost.
func (g *guest) note(r event.Record) {
	g.mu.Lock()
	g.pending++
	g.mu.Unlock()
	for {
		select {
		case g.notes <- r:
			return
		default:
		}
		select {
		case <-g.notes:
			g.mu.Lock()
			g.lost++
			g.pending--
			g.state.Lost++
			g.mu.Unlock()
		default:
		}
	}
}

// deliverAll takes records to the plugin, one after the other, until ctx ends.
func (g *guest) deliverAll(ctx context.Context) {
	for {
		var record event.Record
		select {
		case record = <-g.notes:
		case <-ctx.Done():
			return
		}
		g.mu.Lock()
		r, lost := g.run, g.lost
		g.mu.Unlock()
		if r == nil {
			g.mu.Lock()
			g.lost++
			g.pending--
			g.state.Lost++
			g.mu.Unlock()
			continue
		}
		call, cancel := context.WithTimeout(ctx, noteLimit)
		err := r.wire.Notify(call, record, lost)
		expired := call.Err() != nil
		cancel()
		g.mu.Lock()
		g.pending--
		g.mu.Unlock()
		switch {
		case err == nil:
			g.mu.Lock()
			g.lost -= lost
			g.mu.Unlock()
		case ctx.Err() != nil:
			return
		case expired:
			g.late(r, observation{}, noteLimit)
		}
	}
}

// observation stands for a notification where the kind of a question is needed.
type observation struct{ advice.Question }

// Kind gives "observe".
func (observation) Kind() advice.Kind { return "observe" }
