// Package drive runs a link.Session with real ports, planes, the clock and an adviser.
package drive

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/link"
	"github.com/knakppp/knak/core/plane"
)

// Port is what a Runner needs of a serial port, a pseudo-terminal or a simulated modem. Close ends a Read and a Write.
type Port interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
	// Apply carries out one of package at's outputs SetDTR, Break, SetBaud, SetFlow and Discard. If the port cannot do it, that is
	// no error.
	Apply(at.Output) error
	// WatchLines calls changed with the state of the modem lines, at once and at every change, until the port is closed. If the
	// port has no such lines, it returns at once without a call.
	WatchLines(changed func(at.ModemLines))
	Close() error
}

// Gatherer may be implemented by a Port whose reads are small. Its Read calls f when it is about to wait; until then the plane may
// gather packets of several reads. If a Port is no Gatherer, each Read is passed on at once.
type Gatherer interface{ OnIdle(f func()) }

// Environment connects a Runner with the rest of the world.
type Environment struct {
	// OpenPort opens the port. It is called again when the port was lost and another attempt is due. It should wait for a device
	// that is away for a while, as long as ctx allows.
	OpenPort func(ctx context.Context) (Port, error)
	// PortName gives the port's name for people; nil: "the port".
	PortName func() string
	// OpenATPort opens the AT port of a session that has one; otherwise it is nil. It is called whenever OpenPort is.
	OpenATPort func(ctx context.Context) (Port, error)
	// OpenPlane makes a plane. It adds the user's choices to the configuration.
	OpenPlane func(ctx context.Context, cfg plane.Config) (plane.Plane, error)
	Sink      event.Sink
	// Adviser answers the session's questions, each in a goroutine of its own; nil: there is none. New tells the session which
	// questions it wants. The runner does not close it.
	Adviser advice.Adviser
}

// portOpenPatience is how long a lost port may take to come back before the attempt counts as failed: a stick that
// restarts needs 10 to 40 s (USB-13).
const portOpenPatience = time.Minute

// reopenWord is how long to wait for a port before a person is told about it.
const reopenWord = 5 * time.Second

// writeChunk is how many octets of frames are gathered before the plane's reader waits for the port to take them.
const writeChunk = 32 << 10

// pendingLimit is the greatest number of octets that wait for a port which takes none. The rest is lost, as on a line: a peer that
// asks without end and reads no answer must not fill the memory.
const pendingLimit = 256 << 10

// lastWords is how long the port may take, at the end, for the octets that are still to be written.
const lastWords = 2 * time.Second

// Runner drives a session: it carries octets, time and questions between the session and the ports, the plane, the
// clock and the adviser. All of its goroutines work on the session under one lock; none of them polls.
type Runner struct {
	env   Environment
	name  string        // the link's
	limit time.Duration // link.Config.Timeout

	mu       sync.Mutex // guards the session and everything below
	session  *link.Session
	port     Port
	at       *atPort
	plane    plane.Plane
	pending  []byte    // octets for the port
	armed    time.Time // when the timer fires; the zero time: it does not run
	outcome  link.Outcome
	finished bool

	questions int             // that are not answered yet
	asking    context.Context // ends with Run: questions that are out end with it

	writing   sync.Mutex // held while octets are on their way into the port, so that frames keep their order
	spare     []byte     // the other buffer of pending's pair; belongs to writing
	wake      chan struct{}
	timer     *time.Timer
	done      chan struct{}
	planes    follower           // guarded by mu, as what follows
	following bool               // a goroutine does what planes says
	opening   context.CancelFunc // ends the making of a plane; nil: none is being made
	changed   chan struct{}      // planes may have something else to do than to wait
	workers   sync.WaitGroup
}

// New makes the runner of one connection. If cfg.Wants is nil, the session asks what env.Adviser wants to be asked.
func New(cfg link.Config, env Environment) *Runner {
	if env.Adviser != nil && cfg.Wants == nil {
		cfg.Wants = env.Adviser.Wants
	}
	return &Runner{
		env: env, name: cfg.Name, limit: cfg.Timeout, session: link.New(cfg), wake: make(chan struct{}, 1), timer: time.NewTimer(time.Hour), done: make(chan struct{}),
		planes: newFollower(), changed: make(chan struct{}, 1),
	}
}

// Hangup ends the link. It returns at once; Run returns when the link is down.
func (r *Runner) Hangup(kind link.Kind, reason string) {
	r.step(func(now time.Time) { r.session.Hangup(now, kind, reason) })
}

// Redial ends the link and dials again. It returns at once.
func (r *Runner) Redial(reason string) {
	r.step(func(now time.Time) { r.session.Redial(now, reason) })
}

// Idle says that the session was never started: the port could not be opened.
func (r *Runner) Idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.session.Idle()
}

// Counters gives the octets of IP packets since the link came up.
func (r *Runner) Counters() (in, out uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.session.Counters()
}

// Run opens the port, runs the session to its end and undoes everything. When ctx ends, the link is hung up cleanly.
func (r *Runner) Run(ctx context.Context) link.Outcome {
	asking, endAsking := context.WithCancel(context.Background()) // not of ctx: when that ends the link is ended in order
	defer endAsking()
	r.mu.Lock()
	r.asking = asking
	r.mu.Unlock()
	port, atPort, err := r.openFirst(ctx)
	if err != nil {
		return notOpened(ctx, err)
	}
	said := make(chan struct{})
	r.workers.Go(func() {
		defer close(said)
		r.writeLoop()
	})
	r.attach(port, atPort, r.session.Start)
	ended := ctx.Done()
	for running := true; running; {
		select {
		case <-ended:
			ended = nil
			r.Hangup(link.KindHangup, "told to end")
		case <-r.timer.C:
			r.step(func(now time.Time) {
				r.armed = time.Time{}
				r.session.Advance(now)
			})
		case <-r.done:
			running = false
		}
	}
	r.mu.Lock()
	port, atPort = r.port, r.at
	r.mu.Unlock()
	close(r.wake)
	select {
	case <-said:
	case <-time.After(lastWords): // the port does not take them: closing it ends the write
	}
	if port != nil {
		r.closePort(port)
	}
	if atPort != nil {
		r.closePort(atPort.port)
		atPort.end()
	}
	r.waitForWorkers()
	return r.outcome
}

// waitForWorkers waits until all is given back, but not for ever: a program that sets the name servers, for example, may hang. It
// goes on by itself; what this process holds goes with it.
func (r *Runner) waitForWorkers() {
	ended := make(chan struct{})
	go func() {
		r.workers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(lastWords):
		r.tell(notGivenBack("something has not ended within " + lastWords.String()))
	}
}

// openFirst opens the ports before there is a session that watches the time.
func (r *Runner) openFirst(ctx context.Context) (Port, *atPort, error) {
	if limit := r.limit; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the system has not opened it within %v", limit))
		defer cancel()
	}
	port, err := r.env.OpenPort(ctx)
	if err != nil {
		return nil, nil, err
	}
	atPort, err := r.openATPort(ctx)
	if err != nil {
		_ = port.Close() // what counts is err
		return nil, nil, err
	}
	return port, atPort, nil
}

// notOpened says why there is no port: it cannot be opened, or nobody wants it any more.
func notOpened(ctx context.Context, err error) link.Outcome {
	if ctx.Err() != nil {
		return link.Outcome{Kind: link.KindHangup, Phase: event.PhaseDial, Detail: "told to end"}
	}
	return OpenOutcome(err)
}

func (r *Runner) closePort(port Port) {
	if err := port.Close(); err != nil {
		r.tell(event.Notice{Level: "warning", Text: "closing the port: " + err.Error()})
	}
}

// attach takes a port into use: the session is told by begin, then one goroutine reads the port, and one watches its lines. at may
// be nil. It returns false if nobody wants a port any more. The session comes first because a port may end at once, as a pipe does:
// a session that has not begun would not hear of that.
func (r *Runner) attach(port Port, atPort *atPort, begin func(now time.Time)) bool {
	r.mu.Lock()
	if r.finished {
		r.mu.Unlock()
		return false
	}
	r.port, r.at = port, atPort
	clear(r.pending)
	r.pending = r.pending[:0] // it was for the port that is gone
	begin(time.Now())
	r.drain()
	r.mu.Unlock()
	r.workers.Go(func() { r.readLoop(port) })
	if atPort != nil {
		r.workers.Go(func() { r.readATPort(atPort.port) })
		r.workers.Go(func() { r.writeATPort(atPort) })
	}
	// Nobody waits for this one: some drivers let it go only when a line changes.
	go func() {
		var last at.ModemLines
		port.WatchLines(func(lines at.ModemLines) {
			dropped := last.DCD && !lines.DCD
			last = lines
			r.step(func(now time.Time) {
				if r.port == port {
					r.session.Lines(now, lines, dropped)
				}
			})
		})
	}()
	return true
}

// step runs one call into the session and does what comes out.
func (r *Runner) step(call func(now time.Time)) {
	r.mu.Lock()
	if !r.finished {
		call(time.Now())
		r.drain()
	}
	r.mu.Unlock()
}

// drain does what the session wants, with r.mu held.
func (r *Runner) drain() {
	for {
		o, ok := r.session.Next()
		if !ok {
			break
		}
		switch o := o.(type) {
		case link.Write:
			if o.AT {
				r.at.write(o.Bytes)
				clear(o.Bytes)
				continue
			}
			if len(r.pending)+len(o.Bytes) > pendingLimit {
				continue
			}
			r.pending = append(r.pending, o.Bytes...)
			clear(o.Bytes) // a password or a PIN may be among them
			r.wakeWriter()
		case link.PortOp:
			port := r.port
			if o.AT && r.at != nil {
				port = r.at.port
			}
			if port == nil {
				continue // it is lost, and the session will hear of it
			}
			if err := port.Apply(o.Op); err != nil {
				r.record(event.Notice{Level: "warning", Text: err.Error()})
			}
		case link.Event:
			r.record(o.Event)
		case link.Ask:
			r.ask(o)
		case link.OpenPlane:
			r.planes.want(o.Config)
			r.follow()
		case link.AddIPv6:
			r.planes.wantIPv6(o.ID)
			r.follow()
		case link.ClosePlane:
			r.planes.wantNone()
			r.follow()
		case link.Reopen:
			r.workers.Go(r.reopen)
		case link.Done:
			r.outcome = o.Outcome
			r.finished = true
			r.planes.end()
			r.follow()
			close(r.done)
			return
		}
	}
	r.rearm()
}

// rearm sets the timer for the session's deadline, with r.mu held. A deadline that moves away, as many do with every
// frame, leaves the timer as it is: it fires once for nothing and is then set anew, which costs less than setting it
// with every frame.
func (r *Runner) rearm() {
	d := r.session.Deadline()
	if d.IsZero() || !r.armed.IsZero() && !d.Before(r.armed) {
		return
	}
	r.armed = d
	r.timer.Reset(time.Until(d))
}

// record puts an event out, with r.mu held: the sink hears one at a time.
func (r *Runner) record(e event.Event) {
	r.env.Sink.Record(event.Record{Time: time.Now(), Link: r.name, Event: e})
}

// tell is record without r.mu held.
func (r *Runner) tell(e event.Event) {
	r.mu.Lock()
	r.record(e)
	r.mu.Unlock()
}

func (r *Runner) wakeWriter() {
	select {
	case r.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// writeLoop writes what the session has to say. The reader of the plane writes its own.
func (r *Runner) writeLoop() {
	for range r.wake {
		r.flush()
	}
	r.flush() // the last words
}

// flush writes everything that is pending.
func (r *Runner) flush() {
	r.writing.Lock()
	defer r.writing.Unlock()
	for {
		r.mu.Lock()
		out, port := r.pending, r.port
		if len(out) == 0 || port == nil {
			r.mu.Unlock()
			return
		}
		r.pending = r.spare[:0]
		r.mu.Unlock()
		_, err := port.Write(out)
		clear(out)
		r.spare = out
		if err != nil {
			r.portLost(port, err)
			return
		}
	}
}

// readLoop reads the port until it is closed or lost. What the plane keeps back is flushed when nothing more is at hand.
func (r *Runner) readLoop(port Port) {
	buf := make([]byte, 32<<10)
	var kept plane.Plane
	flush := func() {
		if kept == nil {
			return
		}
		p := kept
		kept = nil
		if err := p.Flush(); err != nil {
			r.step(func(now time.Time) { r.planeLost(now, p, err) })
		}
	}
	g, gathers := port.(Gatherer)
	if gathers {
		g.OnIdle(flush)
	}
	for {
		n, err := port.Read(buf)
		if n > 0 {
			if to := r.received(buf[:n]); to != nil {
				kept = to
			}
		}
		if err != nil || !gathers {
			flush()
		}
		if err != nil {
			r.portLost(port, err)
			return
		}
	}
}

// received gives octets to the session and IP packets to the plane. The lock is not held while the plane works: a packet
// is valid until the session is given octets again, which only this goroutine does. It returns the plane that got packets
// and may be keeping some back.
func (r *Runner) received(p []byte) (to plane.Plane) {
	now := time.Now()
	r.mu.Lock()
	for len(p) > 0 && !r.finished {
		var ip []byte
		ip, p = r.session.Receive(now, p)
		r.drain()
		if ip != nil && r.plane != nil {
			to = r.plane
			r.mu.Unlock()
			err := to.Deliver(ip)
			r.mu.Lock()
			if err != nil {
				r.planeLost(now, to, err)
			}
		}
	}
	r.mu.Unlock()
	return to
}

// portLost tells the session that the port is gone, once.
func (r *Runner) portLost(port Port, err error) {
	r.mu.Lock()
	mine := r.port == port && !r.finished
	var at *atPort
	if mine {
		at = r.at
		r.port, r.at = nil, nil
		r.pending = r.pending[:0]
	}
	r.mu.Unlock()
	if !mine {
		return
	}
	_ = port.Close() // it is gone; what counts is err
	if at != nil {
		_ = at.port.Close() // of the same modem: both are opened again
		at.end()
	}
	r.step(func(now time.Time) { r.session.PortLost(now, err) })
}

// letGo closes the port that is still open where another one is to be dialled on.
func (r *Runner) letGo() {
	r.mu.Lock()
	port, at := r.port, r.at
	r.port, r.at = nil, nil
	r.pending = r.pending[:0]
	r.mu.Unlock()
	if port != nil {
		r.closePort(port)
	}
	if at != nil {
		r.closePort(at.port)
		at.end()
	}
}

// reopen opens the port again for another attempt.
func (r *Runner) reopen() {
	ctx, cancel := context.WithTimeout(context.Background(), portOpenPatience)
	defer cancel()
	stop := make(chan struct{})
	defer close(stop)
	name := "the port"
	if r.env.PortName != nil {
		name = r.env.PortName()
	}
	word := time.NewTimer(reopenWord)
	defer word.Stop()
	go func() {
		for {
			select {
			case <-r.done:
				cancel()
				return
			case <-word.C:
				r.tell(event.Notice{Level: "info", Text: fmt.Sprintf("%s is not there: waiting up to %d s for it to come back", name, int(portOpenPatience.Seconds())),
					About: event.NoticeWaiting, Cause: name + " to come back"})
			case <-stop:
				return
			}
		}
	}()
	r.letGo()
	port, err := r.env.OpenPort(ctx)
	var at *atPort
	if err == nil {
		if at, err = r.openATPort(ctx); err != nil {
			_ = port.Close() // what counts is err
		}
	}
	if err != nil {
		r.step(func(now time.Time) { r.session.PortNotOpened(now, OpenOutcome(err)) })
		return
	}
	if !r.attach(port, at, r.session.PortOpened) {
		_ = port.Close() // nobody wants it any more
		if at != nil {
			_ = at.port.Close()
		}
	}
}
