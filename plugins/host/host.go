package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/event"
)

// Times of the second program.
const (
	startLimit = 20 * time.Second // for all plugins to start or to fail: each has 18 s (see package serve), and they start at once
	closeLimit = 4 * time.Second  // to end the plugins in order
	stuckLimit = 5 * time.Second  // to read a message, or to answer Look: after that the program counts as hanging and is given up
)

// outQueue is the greatest number of questions that wait to be written to the second program.
const outQueue = 32

// noteQueue is the greatest number of events that wait for the second program, in which each plugin has a queue of its own.
const noteQueue = 256

// Options are the optional parts of a Host. All may be zero.
type Options struct {
	Program string          // the path of the second program; "": FindProgram
	Tell    func(Told)      // gets a message for people; called from one goroutine
	Order   func(Command)   // gets a command of a plugin with the grant "control"; called from one goroutine
	Changed func(s []State) // gets the new states when they change; called from one goroutine
}

// Host runs the plugins of one dial. Several goroutines may call its methods.
type Host struct {
	options Options
	plan    Plan
	conn    *Conn
	cmd     *exec.Cmd
	dir     string
	lock    *os.File
	stderr  *tail
	mark    mark
	ended   chan struct{} // the second program has ended, and all is cleaned up
	closing atomic.Bool
	looking atomic.Bool // somebody is seeing whether the second program hangs

	states atomic.Pointer[[]State]
	nextID atomic.Uint64

	mu      sync.Mutex
	waiting map[uint64]chan Message
	given   error // why the second program was given up
	gone    error // why the second program is not there any more

	out   chan outgoing
	notes chan []byte
	lost  atomic.Uint64
}

// Start starts the second program and in it every plugin of the plan. It waits until each has started or failed, or until ctx
// ends. If a required plugin failed, the error is an *advice.RequiredError, and nothing runs any more.
func Start(ctx context.Context, plan Plan, o Options) (*Host, error) {
	h := &Host{options: o, plan: plan, mark: newMark(), waiting: map[uint64]chan Message{}, ended: make(chan struct{}), out: make(chan outgoing, outQueue), notes: make(chan []byte, noteQueue)}
	err := h.start(ctx)
	if err == nil {
		err = h.firstRequired()
		if err != nil {
			h.Close()
		}
		return h, err
	}
	for _, p := range plan.Plugins {
		if p.Required {
			return nil, &advice.RequiredError{By: by(p.Name), Err: err}
		}
	}
	return nil, err
}

func by(name string) string { return "plugin " + name }

func (h *Host) start(ctx context.Context) (err error) {
	path := h.options.Program
	if path == "" {
		if path, err = FindProgram(); err != nil {
			return err
		}
	}
	if h.dir, h.lock, err = makeRuntime(h.plan.Runtime, h.mark); err != nil {
		return err
	}
	h.plan.Runtime = h.dir
	var socket *os.File
	if h.cmd, socket, h.stderr, err = startProgram(path, h.lock, h.mark); err != nil {
		return errors.Join(err, h.lock.Close(), os.RemoveAll(h.dir))
	}
	h.conn = NewConn(socket)
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	go h.read()
	go h.write()
	go Warm() // while the plugins start
	m, err := h.call(ctx, Message{Type: Open}, h.plan)
	if err == nil {
		err = h.takeStates(m.Body)
	}
	if err != nil {
		h.Close()
		return fmt.Errorf("plugins: %w", err)
	}
	return nil
}

// firstRequired gives the error of a required plugin that does not run.
func (h *Host) firstRequired() error {
	for _, s := range h.States() {
		if s.Required && s.Word != Running {
			return &advice.RequiredError{By: by(s.Name), Err: fmt.Errorf("%s: %s", s.Word, withCure(s.Problem, s.Cure))}
		}
	}
	return nil
}

// Refresh asks the second program for the present states of the plugins, for the counters in them.
func (h *Host) Refresh(ctx context.Context) []State {
	if m, err := h.call(ctx, Message{Type: Look}, nil); err == nil {
		_ = h.takeStates(m.Body) // of our own version: it can be read
	}
	return h.States()
}

func withCure(problem, cure string) string {
	if cure == "" {
		return problem
	}
	return problem + "; try: " + cure
}

// read takes what the second program sends, and cleans up when it ends.
func (h *Host) read() {
	defer close(h.ended)
	for {
		m, err := h.conn.Read()
		if err != nil {
			break
		}
		switch m.Type {
		case Ready, Answer:
			h.mu.Lock()
			c := h.waiting[m.ID]
			delete(h.waiting, m.ID)
			h.mu.Unlock()
			if c != nil {
				c <- m // it has room for one
			}
		case Tell:
			var t Told
			if json.Unmarshal(m.Body, &t) == nil && h.options.Tell != nil {
				h.options.Tell(t)
			}
		case Change:
			_ = h.takeStates(m.Body) // of our own version: it can be read
		case Order:
			var c Command
			if json.Unmarshal(m.Body, &c) == nil && h.options.Order != nil {
				h.options.Order(c)
			}
		}
	}
	h.over()
}

// over ends what is left when the second program has closed its socket.
func (h *Host) over() {
	_ = h.conn.Close() // of a program that has ended
	timer := time.AfterFunc(closeLimit, func() { killTree(h.cmd.Process) })
	err := h.cmd.Wait()
	timer.Stop()
	// Its plugins died with it: the kernel sends them SIGKILL when their parent ends (PR_SET_PDEATHSIG). What they had started
	// did not, where the second program was killed before it could do that.
	h.mark.kill()
	_ = os.RemoveAll(h.dir) // the second program has removed it, unless it was killed
	_ = h.lock.Close()
	if err == nil {
		err = errors.New("has ended")
	}
	h.mu.Lock()
	if h.given != nil {
		err = h.given
	}
	h.mu.Unlock()
	why := fmt.Errorf("the program %s: %w", Program, err)
	if text := h.stderr.String(); text != "" {
		why = fmt.Errorf("%w: %s", why, text)
	}
	h.mu.Lock()
	h.gone = why
	for id, c := range h.waiting {
		close(c)
		delete(h.waiting, id)
	}
	h.mu.Unlock()
	if h.closing.Load() {
		return
	}
	states := slices.Clone(h.States())
	for i := range states {
		states[i].Word, states[i].PID, states[i].Problem, states[i].Cure = Out, 0, why.Error(), "dial again"
	}
	h.setStates(states)
	if h.options.Tell != nil && len(states) > 0 {
		h.options.Tell(Told{Level: "warning", Text: why.Error() + "; the plugins are out for this run"})
	}
}

func (h *Host) takeStates(body []byte) error {
	var states []State
	if err := json.Unmarshal(body, &states); err != nil {
		return err
	}
	h.setStates(states)
	return nil
}

func (h *Host) setStates(states []State) {
	h.states.Store(&states)
	if h.options.Changed != nil {
		h.options.Changed(states)
	}
}

// States gives the state of each plugin, in the order in which they are asked. The slice must not be changed.
func (h *Host) States() []State {
	if s := h.states.Load(); s != nil {
		return *s
	}
	return nil
}

// call sends a message and waits for what comes back.
func (h *Host) call(ctx context.Context, m Message, body any) (Message, error) {
	m.ID = h.nextID.Add(1)
	c := make(chan Message, 1)
	h.mu.Lock()
	if h.gone != nil {
		defer h.mu.Unlock()
		return Message{}, h.gone
	}
	h.waiting[m.ID] = c
	h.mu.Unlock()
	select {
	case h.out <- outgoing{m, body}:
	case <-ctx.Done():
		h.forget(m.ID)
		return Message{}, ctx.Err()
	case <-h.ended: // c is closed
	}
	select {
	case answer, ok := <-c:
		if !ok {
			h.mu.Lock()
			defer h.mu.Unlock()
			return Message{}, h.gone
		}
		return answer, nil
	case <-ctx.Done():
		h.forget(m.ID)
		return Message{}, ctx.Err()
	}
}

func (h *Host) forget(id uint64) {
	h.mu.Lock()
	delete(h.waiting, id)
	h.mu.Unlock()
}

// Wants says whether any running plugin answers this kind of question.
func (h *Host) Wants(q advice.Question) bool {
	for i, states := 0, h.States(); i < len(states); i++ {
		if states[i].Takes(q) {
			return true
		}
	}
	return false
}

// Takes says whether the plugin can be asked this: its word is Running or Waiting, and it has named the kind and, for a decision,
// the point.
func (s *State) Takes(q advice.Question) bool {
	if s.Word != Running && s.Word != Waiting || !slices.Contains(s.Answers, q.Kind()) {
		return false
	}
	if q.Kind() == advice.KindChallenge && !slices.Contains(s.Grants, GrantSecrets) {
		return false
	}
	d, ok := q.(advice.Decide)
	if !ok || len(s.Points) == 0 {
		return true
	}
	for _, p := range s.Points {
		if (d.Protocol == 0 || p.Protocol == 0 || p.Protocol == d.Protocol) && (p.Points == 0 || p.Points&uint16(d.Point) != 0) {
			return true
		}
	}
	return false
}

// Ask asks the plugins in turn. If the second program has ended, a required plugin ends the dial.
func (h *Host) Ask(ctx context.Context, q advice.Question) (advice.Answer, error) {
	_, budget := advice.Budget(q.Kind())
	if end, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(end))
	}
	budget -= min(budget/10, answerSlack) // what the second program says of those who were late is to arrive in time
	body, err := MarshalQuestion(q)
	if err != nil {
		return nil, &advice.FailedError{By: "plugins", Err: err}
	}
	m, err := h.call(ctx, Message{Type: Ask, Kind: q.Kind(), Budget: max(budget, time.Millisecond)}, body)
	if err == nil {
		return UnmarshalReply(q.Kind(), m.Body)
	}
	if ctx.Err() != nil {
		err = advice.ErrTooLate
		go h.look()
	}
	for _, s := range h.States() {
		if s.Required && slices.Contains(s.Answers, q.Kind()) {
			return nil, &advice.RequiredError{By: by(s.Name), Err: err}
		}
	}
	return nil, nil // who was late, or that all are gone, is told where it is seen
}

// answerSlack is the greatest difference between the link's time limit and the shorter one for the plugins.
const answerSlack = 50 * time.Millisecond

// look sees whether the second program itself hangs, which nothing else would tell.
func (h *Host) look() {
	if h.looking.Swap(true) {
		return
	}
	defer h.looking.Store(false)
	ctx, cancel := context.WithTimeout(context.Background(), stuckLimit)
	defer cancel()
	if _, err := h.call(ctx, Message{Type: Look}, nil); err != nil && ctx.Err() != nil {
		h.giveUp(errStuck)
	}
}

var errStuck = fmt.Errorf("does not answer for %v", stuckLimit)

// giveUp kills a second program that hangs, with all that it has started; knak goes on without them.
func (h *Host) giveUp(why error) {
	h.mu.Lock()
	if h.given == nil {
		h.given = why
	}
	h.mu.Unlock()
	killTree(h.cmd.Process)
}

// Record hands an event on to the plugins that want it. It never blocks: if the queue is full, the oldest event is lost.
func (h *Host) Record(r event.Record) {
	kind := r.Event.Kind()
	// Which modem it is goes along with questions that do not hold it: the second program is told in any case.
	_, device := r.Event.(event.Device)
	if !device && !slices.ContainsFunc(h.States(), func(s State) bool { return s.Observes && slices.Contains(s.Events, kind) }) {
		return
	}
	line, err := r.AppendJSON(nil)
	if err != nil {
		return
	}
	for {
		select {
		case h.notes <- line:
			return
		default:
		}
		select {
		case <-h.notes:
			h.lost.Add(1)
		default:
		}
	}
}

// outgoing is a message that waits for its writing.
type outgoing struct {
	message Message
	body    any
}

// write writes all that goes to the second program, so that nobody else ever waits for one that does not read.
func (h *Host) write() {
	for {
		var err error
		select {
		case o := <-h.out:
			for o.message.Type == Close && err == nil && len(h.notes) > 0 { // a last word, such as that the link is down
				select {
				case line := <-h.notes:
					err = h.writeNote(line)
				default:
				}
			}
			if err == nil {
				err = h.writeMessage(o.message, o.body)
			}
		case line := <-h.notes:
			err = h.writeNote(line)
		case <-h.ended:
			return
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			h.giveUp(errStuck) // half a message may have been written
			return
		} // read sees whether it is gone
	}
}

func (h *Host) writeNote(line []byte) error {
	return h.writeMessage(Message{Type: Note, ID: h.lost.Swap(0)}, line)
}

func (h *Host) writeMessage(m Message, body any) error {
	if err := h.conn.f.SetWriteDeadline(time.Now().Add(stuckLimit)); err != nil {
		return err
	}
	return h.conn.Write(m, body)
}

// Close ends the plugins in order, removes their sockets and returns when everything has ended.
func (h *Host) Close() {
	if h.closing.Swap(true) {
		<-h.ended
		return
	}
	timer := time.AfterFunc(closeLimit, func() { h.giveUp(errStuck) })
	defer timer.Stop()
	select {
	case h.out <- outgoing{Message{Type: Close}, nil}:
	case <-h.ended:
	}
	<-h.ended
}
