package link

import (
	"io"
	"net/netip"
	"time"

	"github.com/knakppp/knak/core/advice"
	"github.com/knakppp/knak/core/at"
	"github.com/knakppp/knak/core/diagnose"
	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/hdlc"
	"github.com/knakppp/knak/core/modem"
	"github.com/knakppp/knak/core/plane"
	"github.com/knakppp/knak/core/ppp"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/prove"
)

// Config is what one connection is asked to be.
type Config struct {
	Name string // the link's name, for the trace

	// Resolve says how to treat the modem by what is known of it and of the call. It is called several times in an
	// attempt, each time with more facts, inside the machine: it must compute only. What more facts decide must not be
	// among what has been used already; Key.Phase of quirks says which keys that are.
	Resolve func(Facts) (Selection, error)

	// Wants is advice.Adviser's, of whoever answers the Asks that the session puts out; nil: nobody is asked anything.
	// drive.New and Simulator fill it in from their Adviser.
	Wants func(advice.Question) bool

	PIN      auth.Secret
	Password auth.Secret

	// PINs remembers from one run to the next which PIN a SIM refused; nil: nothing does. PINAgain and PINLastTry are
	// modem.Plan's: what a person has allowed all the same.
	PINs                 modem.PINMemory
	PINAgain, PINLastTry bool

	// ATPort says that there is a second port for everything but dialling: identity, SIM, context, registration.
	ATPort bool

	Prove       ProveMode
	Once        bool          // hang up as soon as the link is up
	Persist     bool          // dial again whenever the link ends, other than because somebody wanted it to
	MaxAttempts int           // how often to dial; 0: as retry.attempts says, or without limit with Persist
	Timeout     time.Duration // how long it may take to a working link, over all attempts; 0: no limit
	Idle        time.Duration // end after so long without a packet; 0: never
	MaxTime     time.Duration // end after so long up; 0: never
	MaxBytes    uint64        // end after so many octets of IP packets in both directions; 0: never

	Random io.Reader // chance for the engine and the proof; nil: crypto/rand
}

// ProveMode says whether a packet must have come back before the link counts as up.
type ProveMode uint8

// The modes. ProveByProfile follows prove.mode, by which a link is proved where the authentication was provisional.
const (
	ProveByProfile ProveMode = iota
	ProveAlways
	ProveNever
)

// Output is one thing for the loop to do: Write, PortOp, Event, Ask, OpenPlane, AddIPv6, ClosePlane, Reopen or Done. Outputs
// are done in the order in which Next gives them.
type Output interface{ output() }

// Write asks for octets to be written to the port. They are valid until the next call into the session.
type Write struct {
	Bytes []byte
	AT    bool // to the AT port
}

// PortOp asks for one of at's outputs other than Write, Event and Done.
type PortOp struct {
	Op at.Output
	AT bool // on the AT port
}

// Event is for the trace.
type Event struct{ Event event.Event }

// OpenPlane asks for a plane; PlaneUp or PlaneFailed answers, once for each, even where ClosePlane has followed. The loop
// adds what the user chose.
type OpenPlane struct{ Config plane.Config }

// AddIPv6 gives the plane an IPv6 interface identifier that was agreed after OpenPlane.
type AddIPv6 struct{ ID [8]byte }

// ClosePlane asks for the plane to give back what it took.
type ClosePlane struct{}

// Reopen asks for the port to be opened again after it was lost; PortOpened or PortNotOpened answers.
type Reopen struct{}

// Done is the last output.
type Done struct{ Outcome Outcome }

func (Write) output()      {}
func (PortOp) output()     {}
func (Event) output()      {}
func (OpenPlane) output()  {}
func (AddIPv6) output()    {}
func (ClosePlane) output() {}
func (Reopen) output()     {}
func (Done) output()       {}

// stage is where a session is within one attempt. It decides who gets the octets that arrive.
type stage uint8

const (
	stageIdle       stage = iota // before Start, and after Done
	stageDialing                 // the dialogue has the port
	stagePPP                     // the engine negotiates
	stageProving                 // IPCP is open, and probes are out
	stageOpening                 // the plane is being made
	stageUp                      // packets flow
	stageClosing                 // the engine says good-bye
	stageEnding                  // the dialogue ends the call
	stageWaiting                 // for the next attempt
	stageRecovering              // a step of retry.ladder has the port
	stageReopening               // for the port
)

// Session is one connection as a machine. It is not safe for use by several goroutines.
type Session struct {
	cfg Config
	out outputs

	stage   stage
	phase   string // the last event.Phase
	started time.Time
	began   time.Time // this attempt
	attempt int
	wasUp   bool // in this life of the session, for Timeout
	timeout time.Time
	retryAt time.Time
	delay   time.Duration  // the wait before the next attempt
	ordered string         // why somebody wants another attempt, "" where nobody does
	stop    *Outcome       // somebody wants the session to end, with this outcome
	lost    bool           // the port is gone
	lines   *at.ModemLines // as they were told last; nil: the port has none

	facts     Facts // of this attempt
	selection Selection
	plan      modem.Plan
	dialed    modem.Result
	dialogue  *at.Dialogue
	onATPort  bool // the dialogue talks on the AT port
	pinSpent  bool // the PIN was sent and has not shown to be right: it is not sent again
	otherWay  bool // the next attempt differs from the last: another name or APN
	recovered bool // the step before the next attempt was taken
	inData    bool // for the hang-up: the modem is believed to be in the data state
	access    accessState
	plainText bool // this attempt reads the password octet by octet for MS-CHAP: the last was refused
	pinned    pinnedAuth
	blankUser bool // this attempt sends an empty user name although the policy has another

	engine      *ppp.Engine
	encoder     *hdlc.Encoder
	decoder     *hdlc.Decoder
	frame       []byte // the encoder's buffer: it grows while outputs wait, and begins anew when Next has given all
	provisional bool
	network     ppp.NetworkUp
	network6    ppp.NetworkUp6
	proof       *prove.Machine
	planeOpen   bool
	planeID6    [8]byte // the IPv6 identifier that the plane has
	planesAsked int     // OpenPlanes that were not answered yet
	taken       plane.Taken
	carries     bool // IPCP is open: packets may pass (RFC 1661 section 3.7)
	proved      bool
	badAtIPCP   uint64    // damaged frames before IPCP began
	quietAt     time.Time // when text without a line end is handed out
	stuckAt     time.Time // when a phase of the negotiation has lasted so long that a person should be told why

	upSince           time.Time
	lastPacket        time.Time
	bytesIn, bytesOut uint64
	outcome           Outcome // of this attempt, once it is known

	asked      uint64     // the last Ask's ID
	inquiries  []*inquiry // the Asks that are out
	failed     map[string]bool
	unanswered int           // the Asks whose time ran out
	generation uint64        // counts the attempts, also those after a link that was up
	login      *advice.Login // of this attempt
	judging    *inquiry      // about the proof
	targets    []netip.Addr  // to be probed besides the profile's
	passes     []uint64      // decisions that nobody wanted to know
	connected  bool          // this attempt has got as far as CONNECT
	afterwards []modem.Step  // for the AT port, between CONNECT and PPP
	holding    bool          // they are being taken, and what comes on the other port waits
	held       []byte        // what waits, for this or for a decision about LCP

	chatter chatter
	watcher *diagnose.Watcher
	found   map[string]bool // findings told since the link was up last
}

// New makes a session. Start begins it.
func New(cfg Config) *Session {
	return &Session{cfg: cfg, phase: event.PhaseDown, found: map[string]bool{}}
}

// Start begins the first attempt. The port is open.
func (s *Session) Start(now time.Time) {
	s.started = now
	if s.cfg.Timeout > 0 {
		s.timeout = now.Add(s.cfg.Timeout)
	}
	if s.stop != nil { // hung up before it began
		s.finish(now, *s.stop)
		return
	}
	s.begin(now)
}

// Receive takes octets from the port. Where it comes to an IP packet for the plane it returns that and the octets behind
// it, to be given again; the packet is valid until then. Otherwise it takes all of p.
func (s *Session) Receive(now time.Time, p []byte) (ip, rest []byte) {
	switch s.stage {
	case stageDialing, stageEnding, stageRecovering:
		switch {
		case !s.onATPort:
			s.dialogue.Receive(now, p)
			s.pumpDialogue(now)
		case s.holding:
			s.hold(p)
		}
		return nil, nil
	case stagePPP, stageProving, stageOpening, stageUp, stageClosing:
		return s.receiveFrames(now, p)
	}
	return nil, nil // between attempts nobody listens
}

// ReceiveAT takes octets from the AT port. What comes while no dialogue is on it is dropped: it must be read all the
// same, because some modems stop when nobody does (USB-05).
func (s *Session) ReceiveAT(now time.Time, p []byte) {
	if s.onATPort && s.dialogue != nil {
		s.dialogue.Receive(now, p)
		s.pumpDialogue(now)
	}
}

// Lines tells the state of the port's modem lines, at the start and whenever it changes. Ports without lines never call it.
func (s *Session) Lines(now time.Time, lines at.ModemLines, carrierDropped bool) {
	s.lines = &lines
	switch s.stage {
	case stageDialing, stageEnding, stageRecovering:
		if !s.onATPort {
			s.dialogue.Lines(now, lines)
			s.pumpDialogue(now)
		}
	case stagePPP, stageProving, stageOpening, stageUp, stageClosing:
		if carrierDropped && s.plan.WatchCarrier {
			s.engine.LowerDown(now)
			s.pumpEngine(now)
		}
	}
}

// AppendPacket frames an IP packet of the plane's for the line, behind dst. It drops the packet where the link is not up.
func (s *Session) AppendPacket(now time.Time, dst, ip []byte) []byte {
	if s.stage != stageUp || !s.carries || len(ip) == 0 {
		return dst
	}
	protocol := packet.IP
	switch ip[0] >> 4 {
	case 4:
		if !s.network.Local.IsValid() {
			return dst
		}
	case 6:
		if s.network6.LocalID == [8]byte{} {
			return dst
		}
		protocol = packet.IPv6
	default:
		return dst
	}
	s.bytesOut += uint64(len(ip))
	s.lastPacket = now
	return s.encoder.Append(dst, protocol, ip)
}

// PlaneTook says what the plane took of the addresses that the peer named, before PlaneUp; without it, all were taken. Up
// tells of no others: scripts live by it.
func (s *Session) PlaneTook(t plane.Taken) { s.taken = t }

// PlaneUp says that the plane works. name is its network interface, or "".
func (s *Session) PlaneUp(now time.Time, kind, name string) {
	if s.planesAsked--; s.stage != stageOpening || s.planesAsked > 0 {
		return // it is closed again already
	}
	s.announce(now, kind, name)
}

// PlaneFailed says that no plane could be made.
func (s *Session) PlaneFailed(now time.Time, kind Kind, err error) {
	if s.planesAsked--; s.stage != stageOpening || s.planesAsked > 0 {
		return
	}
	s.planeOpen = false
	s.fail(now, Outcome{Kind: kind, Phase: event.PhaseUp, Detail: err.Error()})
}

// PortLost says that the port is gone: unplugged, or hung up by its driver.
func (s *Session) PortLost(now time.Time, err error) {
	s.lost = true
	switch s.stage {
	case stageIdle, stageWaiting, stageReopening:
	case stageRecovering: // as it is when a modem restarts
		s.dialogue.Stop()
		s.dialogue = nil
		s.again(now)
	default:
		if s.outcome.Kind == "" {
			s.outcome = Outcome{Kind: KindCarrierLost, Phase: s.phase, Provisional: s.refusedLate(), Detail: "the port is gone", Err: err}
			s.tellOutcome(now)
		}
		s.closePlane()
		s.enter(now, event.PhaseHangup)
		s.attemptOver(now)
	}
}

// PortNotOpened says that the port cannot be opened again, and why.
func (s *Session) PortNotOpened(now time.Time, o Outcome) {
	if s.stage != stageReopening {
		return
	}
	s.attempt++
	s.began = now
	s.outcome = o
	s.tellOutcome(now)
	s.attemptOver(now)
}

// PortOpened says that the port is there again.
func (s *Session) PortOpened(now time.Time) {
	if s.stage != stageReopening {
		return
	}
	s.lost = false
	s.again(now)
}

// Hangup ends the session cleanly, whatever it is doing.
func (s *Session) Hangup(now time.Time, kind Kind, reason string) {
	o := Outcome{Kind: kind, Phase: s.phase, Detail: reason}
	switch {
	case s.stop != nil:
	case s.started.IsZero():
		s.stop = &o
	case s.stage != stageIdle:
		s.end(now, o)
	}
}

// Redial ends what there is of the link cleanly and dials again at once, without regard to Persist but within MaxAttempts.
// It does nothing before the start, and where the session is to end.
func (s *Session) Redial(now time.Time, reason string) {
	if s.started.IsZero() || s.stop != nil || s.stage == stageIdle {
		return
	}
	s.ordered = reason
	switch s.stage {
	case stageWaiting:
		s.ordered = ""
		s.again(now)
	case stageReopening, stageRecovering, stageClosing, stageEnding: // the next attempt follows by itself, or because it is ordered
	default:
		s.fail(now, Outcome{Kind: KindRedial, Phase: s.phase, Detail: reason})
	}
}

// Counters gives the octets of IP packets since the link came up.
func (s *Session) Counters() (in, out uint64) { return s.bytesIn, s.bytesOut }

// Idle says that the session was never started.
func (s *Session) Idle() bool { return s.started.IsZero() }

// Next takes the next thing to do.
func (s *Session) Next() (Output, bool) {
	o, ok := s.out.take()
	if !ok {
		s.frame = s.frame[:0] // no Write waits that would hold octets of it
	}
	return o, ok
}

// Deadline is when Advance must be called next; the zero time: nothing is due.
func (s *Session) Deadline() time.Time {
	var d deadline
	switch s.stage {
	case stageIdle:
		return time.Time{}
	case stageDialing, stageEnding, stageRecovering:
		d.add(s.dialogue.Deadline())
	case stageWaiting:
		d.add(s.retryAt)
	case stagePPP, stageOpening, stageClosing:
		d.add(s.engine.Deadline())
	case stageProving:
		d.add(s.engine.Deadline())
		d.add(s.proof.Deadline())
	case stageUp:
		d.add(s.engine.Deadline())
		if s.cfg.Idle > 0 {
			d.add(s.lastPacket.Add(s.cfg.Idle))
		}
		if s.cfg.MaxTime > 0 {
			d.add(s.upSince.Add(s.cfg.MaxTime))
		}
	}
	for _, i := range s.inquiries {
		d.add(i.until)
	}
	d.add(s.quietAt)
	d.add(s.stuckAt)
	if !s.wasUp && s.stop == nil {
		d.add(s.timeout)
	}
	return d.t
}

// Advance does what is due.
func (s *Session) Advance(now time.Time) {
	if s.stage == stageIdle {
		return
	}
	if !s.wasUp && s.stop == nil && due(s.timeout, now) {
		s.end(now, Outcome{Kind: KindTimeout, Phase: s.phase, Provisional: s.refusedLate(),
			Detail: "no working link within " + s.cfg.Timeout.String()})
		return
	}
	if len(s.inquiries) > 0 {
		s.advanceInquiries(now)
	}
	if due(s.stuckAt, now) {
		s.stuckAt = time.Time{}
		s.tellStuck(now)
	}
	if due(s.quietAt, now) {
		s.quietAt = time.Time{}
		s.textSeen(now, s.decoder.Flush())
	}
	switch s.stage {
	case stageDialing, stageEnding, stageRecovering:
		s.dialogue.Advance(now)
		s.pumpDialogue(now)
	case stageWaiting:
		if due(s.retryAt, now) {
			s.again(now)
		}
	case stageProving:
		s.engine.Advance(now)
		s.pumpEngine(now)
		if s.stage == stageProving {
			s.proof.Advance(now)
			s.pumpProof(now)
		}
	case stagePPP, stageOpening, stageClosing:
		s.engine.Advance(now)
		s.pumpEngine(now)
	case stageUp:
		s.engine.Advance(now)
		s.pumpEngine(now)
		if s.stage == stageUp {
			s.checkLimits(now)
		}
	}
}

// checkLimits ends a link that is up when one of the user's limits is reached.
func (s *Session) checkLimits(now time.Time) {
	switch {
	case s.cfg.MaxBytes > 0 && s.bytesIn+s.bytesOut >= s.cfg.MaxBytes:
		s.end(now, Outcome{Kind: KindMaxBytes, Phase: event.PhaseUp, Detail: "the traffic limit is reached"})
	case s.cfg.MaxTime > 0 && due(s.upSince.Add(s.cfg.MaxTime), now):
		s.end(now, Outcome{Kind: KindMaxTime, Phase: event.PhaseUp, Detail: "the time limit is reached"})
	case s.cfg.Idle > 0 && due(s.lastPacket.Add(s.cfg.Idle), now):
		s.end(now, Outcome{Kind: KindIdle, Phase: event.PhaseUp, Detail: "no packet for " + s.cfg.Idle.String()})
	}
}

// event puts an event out, lets the watcher see it, and follows the phase.
func (s *Session) event(now time.Time, e event.Event) {
	if p, ok := e.(event.Phase); ok {
		if p.Phase == s.phase {
			return
		}
		s.phase = p.Phase
		s.stuckAt = time.Time{}
		switch p.Phase {
		case event.PhaseLCP, event.PhaseAuth, event.PhaseIPCP:
			s.stuckAt = now.Add(stuckTime)
		}
	}
	if s.watcher != nil {
		s.watcher.Record(event.Record{Time: now, Link: s.cfg.Name, Event: e})
	}
	before, pass := s.chatter.admit(now, e)
	if before != nil {
		s.out.put(Event{before})
	}
	if pass {
		s.out.put(Event{e})
	}
}

func (s *Session) enter(now time.Time, phase string) { s.event(now, event.Phase{Phase: phase}) }

// deadline collects the earliest of several.
type deadline struct{ t time.Time }

func (d *deadline) add(t time.Time) {
	if !t.IsZero() && (d.t.IsZero() || t.Before(d.t)) {
		d.t = t
	}
}

func due(t, now time.Time) bool { return !t.IsZero() && !now.Before(t) }

// outputs is a queue that keeps its memory.
type outputs struct {
	list []Output
	head int
}

func (q *outputs) put(o Output) { q.list = append(q.list, o) }

func (q *outputs) take() (Output, bool) {
	if q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
		return nil, false
	}
	o := q.list[q.head]
	q.list[q.head] = nil
	q.head++
	return o, true
}
