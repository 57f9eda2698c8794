package link

import (
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"io"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/pace"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/private"
)

// Config is the configuration of one connection.
type Config struct {
	Name string // the link's name, for the trace

	// Resolve gives the settings for the modem, by what is known about it and about the call. It is called several times in
	// an attempt, each time with more facts, inside the machine, so it must compute only. More facts must not change settings
	// that were used already; quirks.Key.Phase says which keys those are.
	Resolve func(Facts) (Selection, error)

	// Wants is the method Wants of the advice.Adviser that answers the session's Asks; nil: no questions. drive.New and
	// simulate.NewRig set it from their Adviser.
	Wants func(advice.Question) bool

	PIN      auth.Secret
	Password auth.Secret

	// PINs remembers between runs which PIN a SIM refused; nil: nothing is remembered. PINAgain and PINLastTry are those of
	// modem.Plan: what a person allows in spite of a refusal.
	PINs                 modem.PINMemory
	PINAgain, PINLastTry bool

	// ATPort says that there is a second port for everything but dialling: identity, SIM, context, registration.
	ATPort bool

	// OtherPort is asked whether the modem has another port worth an attempt, after an attempt that failed as on a wrong
	// port. If it says yes, the port is opened again, which opens the other port. It must compute only. nil: there is no
	// other port.
	OtherPort func(Outcome) bool

	// Vary is called after each attempt that failed, and after the loss of a link that was up for the time up. It says in
	// words what the next attempt does differently, and how long to wait before it; Resolve then gives the changed settings.
	// It must compute only. nil, or ok false: the next attempt does the same.
	Vary func(o Outcome, up time.Duration) (what string, wait time.Duration, ok bool)

	Prove       ProveMode
	Once        bool          // hang up as soon as the link is up
	Persist     bool          // dial again whenever the link ends, except when it was ended on purpose
	MaxAttempts int           // how often to dial; 0: as retry.attempts says, or without limit with Persist
	Timeout     time.Duration // how long it may take until the link works, over all attempts; 0: no limit
	Idle        time.Duration // end after this long without a packet; 0: never
	MaxTime     time.Duration // end when the link was up for this long; 0: never
	MaxBytes    uint64        // end after this many octets of IP packets, both directions together; 0: never

	Random io.Reader // random numbers for the engine and the proof; nil: crypto/rand
}

// random64 gives a number that cannot be guessed.
func (c *Config) random64() uint64 {
	r := c.Random
	if r == nil {
		r = rand.Reader
	}
	var b [8]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0 // no more than a guessable port in a probe
	}
	return binary.BigEndian.Uint64(b[:])
}

// ProveMode says whether a packet must have come back before the link counts as up.
type ProveMode uint8

// The modes. ProveByProfile follows the setting prove.mode; by its default a link is proved if the authentication was
// provisional.
const (
	ProveByProfile ProveMode = iota
	ProveAlways
	ProveNever
)

// Output is one thing for the loop to do: Write, PortOp, Event, Ask, OpenPlane, AddIPv6, ClosePlane, Reopen or Done. Outputs
// are done in the order in which Next gives them.
type Output interface{ output() }

// Write asks for octets to be written to the port. They are valid until the next call into the session, and belong to the caller.
// After writing or copying them the caller may overwrite them, because they may contain a password or a PIN.
type Write struct {
	Bytes []byte
	AT    bool // to the AT port, not the data port
}

// PortOp asks for one of at's outputs other than Write, Event and Done.
type PortOp struct {
	Op at.Output
	AT bool // on the AT port
}

// Event is an event for the event stream.
type Event struct{ Event event.Event }

// OpenPlane asks for a plane. PlaneUp or PlaneFailed must answer each one, even if ClosePlane has followed. The loop adds the
// user's choices to Config.
type OpenPlane struct{ Config plane.Config }

// AddIPv6 gives the plane an IPv6 interface identifier that was agreed after OpenPlane.
type AddIPv6 struct{ ID [8]byte }

// ClosePlane asks to close the plane, which gives back what it took of the host.
type ClosePlane struct{}

// Reopen asks for the port to be opened again after it was lost; PortOpened or PortNotOpened answers.
type Reopen struct{}

// Done says that the session is over. It is the last output.
type Done struct{ Outcome Outcome }

func (Write) output()      {}
func (PortOp) output()     {}
func (Event) output()      {}
func (OpenPlane) output()  {}
func (AddIPv6) output()    {}
func (ClosePlane) output() {}
func (Reopen) output()     {}
func (Done) output()       {}

// Session is one connection as a machine. It is not safe for use by several goroutines.
type Session struct {
	cfg     Config
	out     outputs
	state   state
	attempt *attempt // the latest; before the first one it is empty
	story   story
	asker   asker
	retry   retry
	plane   planeOrders

	lines *at.ModemLines // the state given last; nil: the port has no modem lines
	lost  bool           // the port is gone

	started time.Time // start, or when a working link was ended by an order: Config.Timeout counts from there
	worked  bool      // the link has been up: Config.Timeout no longer counts
	calls   calls     // calls that follow one another only by orders
	changes pace.Pace // limits how often the peer may change the addresses
	orders  pace.Pace // limits how often a redial may be ordered
	stop    *Outcome  // the session was told to end with this outcome; nil: it was not
	varied  Outcome   // outcome of the first attempt since the link was up, if later ones were varied; empty: none was
	moved   func(from, to state)
}

// New makes a session. Start begins it.
func New(cfg Config) *Session {
	s := &Session{
		cfg: cfg, state: &idle{},
		changes: pace.Pace{Burst: 3, First: time.Second, Most: 30 * time.Second, Calm: 2 * time.Minute},
		orders:  pace.Pace{Burst: 3, First: 5 * time.Second, Most: time.Minute, Calm: 10 * time.Minute},
	}
	s.attempt = &attempt{treatment: treatment{cfg: &s.cfg}}
	s.story = story{link: cfg.Name, out: &s.out, phase: event.PhaseDown, found: map[string]bool{}, hider: private.NewLiveHider(), learn: s.learn}
	s.story.hider.Learn(cfg.PIN.Reveal())
	s.asker = asker{link: cfg.Name, wanted: cfg.Wants, story: &s.story, hide: s.hide}
	return s
}

// Start begins the first attempt. The port must be open.
func (s *Session) Start(now time.Time) {
	s.started = now
	if s.stop != nil { // hung up before it began
		s.finish(now, *s.stop)
		return
	}
	s.begin(now)
}

// Receive takes octets from the port. At an IP packet for the plane it stops and returns the packet and the octets after it; the
// caller gives those octets again, and the packet is valid until then. Otherwise it takes all of p.
func (s *Session) Receive(now time.Time, p []byte) (ip, rest []byte) {
	return s.state.receive(s, now, p)
}

// ReceiveAT takes octets from the AT port. Octets that come outside of a dialogue are dropped. The port must be read all the
// time, because some modems stop if it is not (USB-05).
func (s *Session) ReceiveAT(now time.Time, p []byte) { s.state.receiveAT(s, now, p) }

// Lines gives the state of the port's modem lines to the session, at the start and at each change. It is never called for ports
// without lines.
func (s *Session) Lines(now time.Time, lines at.ModemLines, carrierDropped bool) {
	s.lines = &lines
	s.state.linesChanged(s, now, carrierDropped)
}

// AppendPacket appends to dst the frame for an IP packet of the plane. It drops the packet if the link is not up.
func (s *Session) AppendPacket(now time.Time, dst, ip []byte) []byte {
	up, ok := s.state.(*up)
	if !ok {
		return dst
	}
	return up.appendPacket(s.attempt, now, dst, ip)
}

// PlaneTook says which of the addresses that the peer named the plane has accepted. It is called before PlaneUp; without it, all
// were accepted. event.Up names no other addresses, because scripts rely on it.
func (s *Session) PlaneTook(t plane.Taken) { s.plane.taken = t }

// PlaneUp says that the plane works. name is its network interface, or "".
func (s *Session) PlaneUp(now time.Time, kind, name string) {
	if opening, ok := s.plane.answered(s.state); ok {
		s.to(now, &up{onLine: opening.onLine, kind: kind, name: name})
	}
}

// PlaneFailed says that no plane could be made.
func (s *Session) PlaneFailed(now time.Time, kind Kind, err error) {
	if _, ok := s.plane.answered(s.state); ok {
		s.plane.open = false
		s.fail(now, Outcome{Kind: kind, Phase: event.PhaseUp, Detail: err.Error()})
	}
}

// PlaneLost says that a plane has stopped working.
func (s *Session) PlaneLost(now time.Time, kind Kind, err error) {
	if s.stop == nil && s.plane.open {
		s.fail(now, Outcome{Kind: kind, Phase: event.PhaseUp, Detail: err.Error()})
	}
}

// PortLost says that the port is gone: it was unplugged, or its driver closed it.
func (s *Session) PortLost(now time.Time, err error) {
	s.lost = true
	s.state.portLost(s, now, err)
}

// PortNotOpened says that the port cannot be opened again, and why.
func (s *Session) PortNotOpened(now time.Time, o Outcome) {
	if _, ok := s.state.(*reopening); !ok {
		return
	}
	s.lost = true
	s.retry.number++
	s.attempt.began, s.attempt.outcome = now, o
	s.story.failure(now, o)
	s.attemptOver(now)
}

// PortOpened says that the port is open again.
func (s *Session) PortOpened(now time.Time) {
	if _, ok := s.state.(*reopening); !ok {
		return
	}
	s.lost = false
	s.dialAgain(now)
}

// Hangup ends the session cleanly, whatever it is doing.
func (s *Session) Hangup(now time.Time, kind Kind, reason string) {
	o := Outcome{Kind: kind, Phase: s.story.phase, Detail: reason}
	switch {
	case s.stop != nil:
	case s.started.IsZero():
		s.stop = &o
	case !s.over():
		s.end(now, o)
	}
}

// Redial ends the link cleanly and dials again at once. It does not need Persist, but stays within the limits of Config: an order
// does not reset their counts. Orders that come too fast are ignored, with a notice. It does nothing before Start, and when the
// session is ending.
func (s *Session) Redial(now time.Time, reason string) {
	if s.started.IsZero() || s.stop != nil || s.over() {
		return
	}
	if due := s.orders.Due(now); due.After(now) {
		s.story.event(now, event.Notice{Level: "warning", Text: fmt.Sprintf("not followed, because orders come too fast: %s; the next one is from %v on",
			s.hide(reason), due.Sub(now).Round(time.Second))})
		return
	}
	s.orders.Take(now)
	if _, isUp := s.state.(*up); isUp && !s.cfg.Persist {
		s.started, s.worked = now, false
	}
	s.retry.ordered = reason
	s.state.redial(s, now)
}

// calls holds the counts for the limits of Config over several calls that follow one another by orders.
type calls struct {
	since  time.Time // when the first of them came up; the zero time: none did
	octets uint64    // octets of the calls that are over
}

// Counters gives the octets of IP packets since the link came up.
func (s *Session) Counters() (in, out uint64) { return s.attempt.meter.in, s.attempt.meter.out }

// Idle says that the session was never started.
func (s *Session) Idle() bool { return s.started.IsZero() }

// Next takes the next thing to do.
func (s *Session) Next() (Output, bool) { return s.out.take() }

// Deadline is when Advance must be called next; the zero time: nothing is due.
func (s *Session) Deadline() time.Time {
	if s.started.IsZero() || s.over() {
		return time.Time{}
	}
	return soonest(s.state.deadline(s), s.asker.deadline(), s.story.deadline(), s.timeout(), s.limitAt())
}

// Advance does what is due.
func (s *Session) Advance(now time.Time) {
	if s.started.IsZero() || s.over() {
		return
	}
	if due(s.timeout(), now) {
		s.end(now, Outcome{Kind: KindTimeout, Phase: s.story.phase, Provisional: s.attempt.refusedLate(), Searching: s.story.searching,
			Detail: "no working link within " + s.cfg.Timeout.String()})
		return
	}
	if due(s.limitAt(), now) {
		s.end(now, s.limit(now))
		return
	}
	for s.asker.expire(now) {
		s.releaseHeld(now)
	}
	s.story.advance(now)
	if due(s.story.stuckAt, now) {
		s.story.stuck(now, s.attempt.refusedLate())
	}
	s.state.advance(s, now)
}

// timeout is when Config.Timeout ends the session; the zero time: it does not.
func (s *Session) timeout() time.Time {
	if s.cfg.Timeout <= 0 || s.worked || s.stop != nil {
		return time.Time{}
	}
	return s.started.Add(s.cfg.Timeout)
}

// limitAt gives the time when a limit (Idle, MaxTime) of a link that was up is reached, even if the peer or an order has
// interrupted the link; the zero time: there is none.
func (s *Session) limitAt() (t time.Time) {
	if s.stop != nil || !s.state.comesUp() && s.attempt.outcome.Kind != KindRedial { // it ends already, and not for another call
		return t
	}
	if s.cfg.MaxTime > 0 && !s.calls.since.IsZero() {
		t = s.calls.since.Add(s.cfg.MaxTime)
	}
	if m := &s.attempt.meter; s.cfg.Idle > 0 && !m.since.IsZero() {
		t = soonest(t, m.lastPacket.Add(s.cfg.Idle))
	}
	return t
}

// limit says which limit was reached at limitAt.
func (s *Session) limit(now time.Time) Outcome {
	if s.cfg.MaxTime > 0 && due(s.calls.since.Add(s.cfg.MaxTime), now) {
		return Outcome{Kind: KindMaxTime, Phase: event.PhaseUp, Detail: "the time limit is reached"}
	}
	return Outcome{Kind: KindIdle, Phase: event.PhaseUp, Detail: "no packet for " + s.cfg.Idle.String()}
}

// over says whether the session has ended.
func (s *Session) over() bool {
	_, ok := s.state.(*over)
	return ok
}

// hide gives a text without secrets: a modem may echo a command, or show a caller's number.
func (s *Session) hide(text string) string {
	s.learn()
	return s.story.hider.Text(text)
}

// learn gives the secrets of this attempt to the hider. A password that is equal to the user name or the APN, as in many
// networks, is not a secret.
func (s *Session) learn() {
	if p := s.attempt.selection.Policy; p != nil {
		s.story.hider.Public(s.attempt.user(p), p.Text("context.apn"))
		s.story.hider.Learn(s.attempt.password().Reveal(), s.cfg.Password.Reveal())
	}
}

func due(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// soonest gives the earliest time that is not zero, or zero.
func soonest(times ...time.Time) time.Time {
	var first time.Time
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// outputs is a queue that keeps its memory.
type outputs struct {
	list   []Output
	head   int
	frames []byte // memory for the frames in the queue; it is reused when Next has given all
}

func (q *outputs) put(o Output) { q.list = append(q.list, o) }

func (q *outputs) take() (Output, bool) {
	if q.head == len(q.list) {
		q.list, q.head, q.frames = q.list[:0], 0, q.frames[:0]
		return nil, false
	}
	o := q.list[q.head]
	q.list[q.head] = nil
	q.head++
	return o, true
}
