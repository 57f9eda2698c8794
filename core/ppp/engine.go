package ppp

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"strings"
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/private"
)

// phase is a phase of the link (RFC 1661 section 3).
type phase uint8

const (
	phaseDead phase = iota
	phaseEstablish
	phaseAuthenticate
	phaseNetwork
	phaseTerminate
)

// Engine is one end of one PPP link. It is not safe for use by several goroutines.
type Engine struct {
	set    Settings
	random io.Reader
	now    time.Time

	phase  phase
	lcp    lcp
	auth   authentication
	ipcp   ipcp
	ipv6cp ipv6cp

	pin     pin
	asked   auth.Challenges // what the peer has challenged in this call
	methods []auth.Method   // scratch for allowedMethods

	ipcpLost    bool    // IPCP has failed, and IPv6 goes on without
	ipv6cpLost  bool    // IPV6CP has, and IPv4 goes on without
	provisional bool    // the authentication success proves nothing, and IPCP has not been open since
	relapses    int     // how many times in a row LCP left Opened before a network protocol opened
	ending      bool    // the link is about to end: what goes down does not come up again
	failure     Failure // why the link ends, in phaseTerminate
	decisions   uint64  // how many have been handed out

	out     []Output
	outNext int
	arena   []byte          // holds Send.Info
	options []packet.Option // scratch for parsing
	wire    []byte          // scratch for building options
	review  review
}

// New makes an engine that follows s. All chance (magic numbers, identifiers, challenges) comes from random;
// nil means crypto/rand.
func New(s Settings, random io.Reader) *Engine {
	if random == nil {
		random = rand.Reader
	}
	e := &Engine{set: s, random: random, wire: make([]byte, 0, 128)}
	e.lcp.attach(e)
	e.ipcp.attach(e)
	e.ipv6cp.attach(e)
	e.auth.engine = e
	return e
}

// Open says that the lower layer is up and that we want the link: LCP starts to negotiate. Packets received earlier are dropped.
func (e *Engine) Open(now time.Time) {
	e.enter(now)
	if e.phase != phaseDead {
		return
	}
	e.lcp.reset()
	e.ipcp.reset()
	e.ipv6cp.reset()
	e.auth.stop()
	e.provisional, e.relapses, e.failure, e.ending = false, 0, Failure{}, false
	e.pin, e.asked = pin{}, auth.Challenges{}
	e.ipcpLost, e.ipv6cpLost = false, false
	e.phase = phaseEstablish
	e.traceEvent(event.Phase{Phase: event.PhaseLCP})
	e.lcp.event(Open)
	e.lcp.event(Up)
}

// Receive takes the information field of one good frame. It keeps no part of info. Data packets need not be passed; they are
// dropped.
func (e *Engine) Receive(now time.Time, protocol uint16, info []byte) {
	e.enter(now)
	if e.phase == phaseDead {
		return
	}
	e.lcp.life()
	switch protocol {
	case packet.IP, packet.IPv6:
		return
	}
	e.tracePacket(event.Rcvd, protocol, info)
	if protocol == packet.LCP {
		if !e.lcp.hold(info) {
			e.lcp.receive(info)
		}
		return
	}
	if e.lcp.assumable() {
		// The peer is past LCP without having sent a request.
		e.lcp.assumeRequest()
	}
	// RFC 1661 section 3.4: any other packet received during this phase must be silently discarded.
	if e.lcp.state != StateOpened || e.phase == phaseTerminate {
		return
	}
	switch {
	case protocol == packet.PAP || protocol == packet.CHAP || protocol == packet.EAP:
		e.auth.receive(protocol, info)
	case protocol == packet.IPCP && !e.set.IPCP.Disabled:
		e.networkPacket(&e.ipcp.layer, &e.ipcp.early, info)
	case protocol == packet.IPV6CP && e.set.IPV6CP.Enabled:
		e.networkPacket(&e.ipv6cp.layer, &e.ipv6cp.early, info)
	default:
		e.lcp.rejectProtocol(protocol, info)
	}
}

// networkPacket takes a packet of a network control protocol. Before the network phase the newest Configure-Request is
// kept, not dropped: a modem that sends it once must still come up.
func (e *Engine) networkPacket(l *layer, early *[]byte, info []byte) {
	switch {
	case e.phase != phaseNetwork:
		if len(info) > 0 && info[0] == packet.ConfigureRequest {
			*early = append((*early)[:0], info...)
			e.auth.implied()
		}
	case !l.hold(info):
		l.receive(info)
	}
}

// Resolve answers the Decision with that ID. If the answer comes too late, or the point does not take it, the engine follows its
// intent.
func (e *Engine) Resolve(now time.Time, id uint64, v Verdict) {
	e.enter(now)
	for _, p := range [...]decider{&e.lcp.layer, &e.auth, &e.ipcp.layer, &e.ipv6cp.layer} {
		if k := p.pendingDecision().parked; k != nil && k.id == id && !k.waits {
			e.resolve(p, v)
			return
		}
	}
}

// Advance fires the timers that are due.
func (e *Engine) Advance(now time.Time) {
	e.enter(now)
	// A timer that ran out behind a pending decision follows upon it. Whatever else came due stays so for the next call.
	for range 4 {
		if !due(e.Deadline(), now) {
			return
		}
		e.lcp.advance()
		e.auth.advance()
		e.ipcp.advance()
		e.ipv6cp.advance()
	}
}

// Deadline says when Advance must be called next; the zero time: no timer is running.
func (e *Engine) Deadline() time.Time {
	if e.phase == phaseDead {
		return time.Time{}
	}
	return soonest(e.lcp.deadline(), e.auth.deadline(), e.ipcp.deadline(), e.ipv6cp.deadline())
}

// Next gives the next output. Call it until it gives false after each of the other calls.
func (e *Engine) Next() (Output, bool) {
	if e.outNext == len(e.out) {
		return nil, false
	}
	o := e.out[e.outNext]
	e.out[e.outNext] = nil
	e.outNext++
	return o, true
}

// Close ends the link with a Terminate-Request that holds reason. Finished with KindClosed follows, at the latest after
// MaxTerminate restart timers.
func (e *Engine) Close(now time.Time, reason string) {
	e.enter(now)
	e.fail(Failure{Kind: KindClosed, Detail: reason})
}

// LowerDown says that the carrier is lost. Finished with KindCarrierLost follows at once.
func (e *Engine) LowerDown(now time.Time) {
	e.enter(now)
	if e.phase == phaseDead {
		return
	}
	if e.phase != phaseTerminate {
		e.failure = e.complete(Failure{Kind: KindCarrierLost})
	}
	e.ending = true
	e.networkDown()
	e.lcp.clear()
	e.lcp.event(Down)
	e.finish()
}

// NoteTraffic says that octets were received on the line: a sign of life for EchoAdaptive and EchoLearn.
func (e *Engine) NoteTraffic(now time.Time) {
	e.now = now
	e.lcp.life()
}

// enter begins every call into the engine: Send.Info of what was taken out is not valid any more.
func (e *Engine) enter(now time.Time) {
	e.now = now
	if e.outNext == len(e.out) {
		e.out, e.outNext, e.arena = e.out[:0], 0, e.arena[:0]
	}
}

// linkUp is LCP's This-Layer-Up: the Authenticate phase begins, or is passed over (RFC 1661 section 3.5).
func (e *Engine) linkUp() {
	if e.relapses > maxRelapses {
		e.fail(Failure{Kind: KindTimeout, Protocol: packet.LCP, Detail: "LCP is negotiated again and again"})
		return
	}
	e.put(e.lcp.framing())
	e.phase = phaseAuthenticate
	if demand := e.lcp.peerDemands; demand == auth.None {
		switch {
		case e.pin.floor > auth.NoProof && !e.set.Auth.AllowDowngrade:
			e.fail(e.downgraded(demand))
			return
		case e.set.Auth.Require:
			e.fail(Failure{Kind: KindAuthMethod, Protocol: packet.LCP, Detail: "the peer asks for no authentication, and one is required"})
			return
		}
	}
	e.auth.start(e.lcp.peerDemands, e.lcp.weDemand())
}

// maxRelapses is how many times in a row LCP may go from Opened back to negotiating before any network protocol opened.
const maxRelapses = 5

// linkDown is LCP's This-Layer-Down: the link ends, or the peer negotiates again.
func (e *Engine) linkDown() {
	e.networkDown()
	e.put(DefaultFraming())
	if e.phase != phaseTerminate {
		e.phase = phaseEstablish
		e.relapses++
	}
}

// networkStart begins the network phase, in the same call as the authentication succeeded.
func (e *Engine) networkStart() {
	if e.phase != phaseAuthenticate {
		return
	}
	e.phase = phaseNetwork
	if !e.set.IPCP.Disabled {
		e.traceEvent(event.Phase{Phase: event.PhaseIPCP})
		e.startLayer(&e.ipcp.layer, &e.ipcp.early)
	}
	if e.set.IPV6CP.Enabled {
		e.traceEvent(event.Phase{Phase: event.PhaseIPV6CP})
		e.startLayer(&e.ipv6cp.layer, &e.ipv6cp.early)
	}
}

func (e *Engine) startLayer(l *layer, early *[]byte) {
	l.event(Open)
	l.event(Up)
	if info := *early; len(info) > 0 {
		*early = nil
		if !l.hold(info) {
			l.receive(info)
		}
	}
}

// networkDown takes authentication and network protocols down, as when LCP goes down (RFC 1661 section 3.7).
func (e *Engine) networkDown() {
	e.auth.stop()
	for _, l := range [...]*layer{&e.ipcp.layer, &e.ipv6cp.layer} {
		l.clear()
		l.event(Down)
		l.event(Close)
	}
	e.ipcp.early, e.ipv6cp.early = nil, nil
}

// fail ends the link: the network goes down at once, LCP says goodbye.
func (e *Engine) fail(f Failure) {
	if e.phase == phaseDead || e.phase == phaseTerminate {
		return
	}
	e.failure = e.complete(f)
	e.lcp.clear()
	e.lcp.farewell = farewell(e.failure)
	if !e.lcp.negotiating() && e.lcp.state != StateOpened {
		e.networkDown()
		e.finish()
		return
	}
	e.phase, e.ending = phaseTerminate, true
	e.put(Closing{e.failure})
	e.networkDown()
	e.lcp.event(Close)
}

// farewell is the text of the Terminate-Request: what happened, in a word.
func farewell(f Failure) string {
	if f.Kind == KindClosed {
		return f.Detail
	}
	return f.Kind
}

// complete fills in where a failure happened, and what was behind it.
func (e *Engine) complete(f Failure) Failure {
	if e.lcp.refusedAuth && f.Protocol == packet.LCP && (f.Kind == KindTerminated || f.Kind == KindTimeout) {
		if f.Kind = KindAuthMethod; e.pin.weaker > 0 {
			f.Kind, f.Detail = KindAuthDowngrade, strings.TrimSuffix(e.downgraded(e.pin.wants).Detail+": "+f.Detail, ": ")
		} else {
			f.Detail = strings.TrimSuffix("the peer insists on an authentication that we do not allow: "+f.Detail, ": ")
		}
	}
	if said, ok := e.auth.refusal(); ok && e.phase == phaseAuthenticate && (f.Kind == KindTerminated || f.Kind == KindTimeout || f.Kind == KindAuthTimeout || f.Kind == KindCarrierLost) {
		// It has said no already, and ends the link in place of the packet that would end the authentication.
		f.Kind, f.Detail = KindAuthRejected, said
	}
	if f.Phase == "" {
		f.Phase = e.phaseName(f.Protocol)
	}
	f.Provisional = e.provisional && f.Kind != KindClosed
	return f
}

func (e *Engine) phaseName(protocol uint16) string {
	switch {
	case e.ipcp.state == StateOpened || e.ipv6cp.state == StateOpened:
		return event.PhaseUp
	case protocol == packet.IPV6CP:
		return event.PhaseIPV6CP
	case e.phase == phaseNetwork:
		return event.PhaseIPCP
	case e.phase == phaseAuthenticate:
		return event.PhaseAuth
	}
	return event.PhaseLCP
}

// finish is the end.
func (e *Engine) finish() {
	if e.phase == phaseDead {
		return
	}
	e.phase = phaseDead
	e.lcp.reset()
	e.put(Finished{e.failure})
}

// layerFinished is a layer's This-Layer-Finished.
func (e *Engine) layerFinished(l *layer) {
	switch {
	case l == &e.lcp.layer:
		if e.failure.Kind == "" {
			// A Verdict acknowledged the peer's Terminate-Request to go on, but LCP was Opened and the peer stayed silent.
			e.failure = e.complete(Failure{Kind: KindTerminated, Protocol: packet.LCP})
		}
		e.finish()
	case l.ended:
		e.fail(Failure{Kind: KindClosed, Protocol: l.protocol, Detail: l.farewell})
	}
}

// end closes a protocol because a Verdict says so.
func (e *Engine) end(l *layer, reason string) {
	if l == nil || l == &e.lcp.layer {
		e.fail(Failure{Kind: KindClosed, Detail: reason})
		return
	}
	l.farewell, l.ended = reason, true
	l.event(Close)
}

// needs says whether the link ends with a protocol: LCP, and the only network protocol that there is or may still be.
func (e *Engine) needs(l *layer) bool {
	switch {
	case l == &e.lcp.layer:
		return true
	case l == &e.ipv6cp.layer:
		return e.set.IPCP.Disabled || e.ipcpLost
	}
	return !e.set.IPV6CP.Enabled || e.ipv6cpLost || !e.set.IPCP.Optional
}

// lost ends what hangs on a protocol: the link. IPV6CP alone is not missed where IPv4 was wanted, too, nor IPCP where IPv6
// will do.
func (e *Engine) lost(l *layer, f Failure) {
	f.Protocol = l.protocol
	if !e.needs(l) {
		e.ipcpLost = e.ipcpLost || l == &e.ipcp.layer
		e.ipv6cpLost = e.ipv6cpLost || l == &e.ipv6cp.layer
		e.put(NetworkLost{Failure: e.complete(f)})
		e.notice("info", f.Error())
		l.clear()
		l.event(Down)
		l.event(Close)
		return
	}
	e.fail(f)
}

// peerTerminated is a Terminate-Request of the peer's that is taken as meant.
func (e *Engine) peerTerminated(l *layer, data []byte) {
	f := Failure{Kind: KindTerminated, Protocol: l.protocol, Detail: printable(data)}
	active := l.negotiating() || l.state == StateOpened
	isLCP := l == &e.lcp.layer
	if active && isLCP && e.phase != phaseTerminate {
		e.failure = e.complete(f)
		e.phase, e.ending = phaseTerminate, true
		l.event(ReceiveTerminate)
		e.networkDown()
		e.finish()
		return
	}
	if active {
		// Named before the layer goes down, for its phase goes with it.
		f = e.complete(f)
		e.ending = !isLCP && e.needs(l)
	}
	l.event(ReceiveTerminate)
	if active && !isLCP {
		e.lost(l, f)
	}
}

// rejected is the loss of something that a protocol cannot do without.
func (e *Engine) rejected(l *layer, detail string) {
	f := Failure{Kind: KindProtocolRejected, Detail: detail}
	e.lost(l, f)
}

// timedOut is a peer that answers nothing.
func (e *Engine) timedOut(l *layer, detail string) {
	f := Failure{Kind: KindTimeout, Protocol: l.protocol, Detail: detail}
	if l == &e.lcp.layer {
		e.failure = e.complete(f)
		l.event(TimeoutExpired)
		return
	}
	e.lost(l, f)
}

// put adds an output.
func (e *Engine) put(o Output) { e.out = append(e.out, o) }

// send puts a packet out.
func (e *Engine) send(protocol uint16, p packet.Packet) {
	start := len(e.arena)
	e.arena = p.AppendTo(e.arena)
	e.sent(protocol, e.arena[start:len(e.arena):len(e.arena)])
}

// sendRaw puts a packet out as it is.
func (e *Engine) sendRaw(protocol uint16, info []byte) {
	start := len(e.arena)
	e.arena = append(e.arena, info...)
	e.sent(protocol, e.arena[start:len(e.arena):len(e.arena)])
}

func (e *Engine) sent(protocol uint16, info []byte) {
	e.tracePacket(event.Sent, protocol, info)
	e.put(Send{Protocol: protocol, Info: info})
}

func (e *Engine) tracePacket(dir event.Dir, protocol uint16, info []byte) {
	if e.set.Trace {
		e.put(Event{event.Packet{Dir: dir, Protocol: protocol, Data: private.Packet(protocol, info)}})
	}
}

func (e *Engine) traceState(protocol uint16, from, to State, cause FSMEvent) {
	if e.set.Trace {
		e.put(Event{event.State{
			Protocol: packet.ProtocolName(protocol), From: from.String(), To: to.String(), Cause: cause.String(),
		}})
	}
}

func (e *Engine) traceEvent(event event.Event) {
	if e.set.Trace {
		e.put(Event{event})
	}
}

func (e *Engine) notice(level, text string) {
	if e.set.Trace {
		e.put(Event{event.Notice{Level: level, Text: text}})
	}
}

// parse reads options into scratch memory, good until the next parse.
func (e *Engine) parse(data []byte) ([]packet.Option, error) {
	var err error
	e.options, err = packet.ParseOptions(e.options[:0], data)
	return e.options, err
}

// scratch is memory for a list of options, good until the next scratch.
func (e *Engine) scratch() []byte { return e.wire[:0] }

// fit cuts a packet so that it fits behind a header of ours into the peer's MRU (RFC 1661 sections 5.6 and 5.7).
func (e *Engine) fit(info []byte) []byte {
	return info[:min(len(info), e.lcp.peerMRU()-packet.HeaderLen)]
}

// startReview begins the judgement of a Configure-Request to layer l.
func (e *Engine) startReview(l *layer) *review {
	e.review.reset(l.set.MaxFailure > 0 && l.naksSent >= l.set.MaxFailure, e.lcp.peerMRU()-packet.HeaderLen)
	return &e.review
}

// uint32 gives a random number that is not zero.
func (e *Engine) uint32() uint32 {
	var b [4]byte
	for range 8 {
		if _, err := io.ReadFull(e.random, b[:]); err != nil {
			break
		}
		if n := binary.BigEndian.Uint32(b[:]); n != 0 {
			return n
		}
	}
	// A source that fails gives no loop detection, but a link all the same.
	return 1
}
