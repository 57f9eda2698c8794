package ppp

import (
	"slices"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

// negotiator knows the options of a control protocol; layer knows everything else.
type negotiator interface {
	// begin sets what to ask for (layer.ask) back to the start: a negotiation begins.
	begin()
	// judge says how to answer the options of a Configure-Request of the peer's.
	judge(options []packet.Option) reply
	// agreed takes over what the peer asked for, as we acknowledge it. It comes before the Ack is sent.
	agreed(options []packet.Option)
	// agreedLate says that what agreed took over came although the layer was already taken to be Opened, and stays so.
	agreedLate()
	// matches says whether an Ack that is not our request octet for octet will do all the same.
	matches(options []packet.Option) bool
	// acked takes over what the peer acknowledges. Retry means that it will not do: ask again.
	acked(options []packet.Option) reply
	// nakked changes layer.ask as the peer suggests.
	nakked(options []packet.Option) response
	// rejected takes what the peer does not know out of layer.ask.
	rejected(options []packet.Option) response
	// up and down say that the layer has become, or is no more, Opened.
	up()
	down()
	// extra takes a packet whose code is none of the seven common ones, and says whether it is known.
	extra(p packet.Packet) bool
	// codeRejected says that the peer does not know a code that we can do without.
	codeRejected(code uint8)
}

// response is the result of a Configure-Nak or -Reject.
type response struct {
	// moved says that the next request differs, so that there is hope. Otherwise kind says what is wrong.
	moved bool
	kind  string
	// fatal is a kind of Failure that makes it useless to go on, or "".
	fatal  string
	detail string
}

// layer is one control protocol: the automaton with its timer, counters and identifiers (RFC 1661 sections 4 and 5).
type layer struct {
	pending
	engine   *Engine
	protocol uint16
	set      *Negotiation
	rules    negotiator

	state     State
	counter   int       // restart counter: how many more times to send (section 4.6)
	restartAt time.Time // when the restart timer runs out; zero: it does not run

	// Our Configure-Request.
	ask       requestedOptions
	request   []byte        // the options of the last one sent, in wire form
	requestID uint8         // its identifier; 0: none was sent yet
	answered  bool          // it has been answered: any further answer is late
	pace      time.Duration // how long the next one has to wait
	requestAt time.Time     // when the one that waits is due; zero: none waits
	decided   bool          // the next one was decided on already, with the Nak or Reject that it follows
	autoAck   bool          // NoRequest: ours counts as acknowledged

	silent  int     // requests in a row that nobody has answered, since begin
	variant []uint8 // the options to ask for in place of the usual ones, once varied
	varied  bool
	earlier []earlierRequest // those that were not answered before the options changed

	// The peer's answers to it.
	moves   int       // Naks and Rejects since begin that changed something
	trouble string    // the kind of the last one that did not
	ackedAt time.Time // the first Ack since begin
	badAcks int       // Acks since begin that did not match what we had asked for

	// The peer's Configure-Request.
	reply       packet.Packet // what the automaton's next send action sends
	peerOptions []byte        // what we last acknowledged, in wire form
	naksSent    int           // our Naks since our last Ack
	heardAt     time.Time     // the last one since begin
	assumed     bool          // it never came: it counts as an empty one
	unchanged   int           // requests in a row that changed nothing in Opened
	unchangedAt time.Time     // the last of them

	nextID     uint8
	deadlineAt time.Time // when the layer must be Opened; zero: it is, or there is no limit
	farewell   string    // the text of our Terminate-Request
	ended      bool      // a Verdict ends the layer: its end is the link's
}

// negotiating says whether the layer is on its way to Opened.
func (l *layer) negotiating() bool { return l.state >= StateReqSent && l.state <= StateAckSent }

// event runs the automaton.
func (l *layer) event(e FSMEvent) { l.eventWithout(e, 0) }

// eventWithout runs the automaton, but leaves actions out for which there is no reason.
func (l *layer) eventWithout(e FSMEvent, leave Actions) {
	c := Transition(l.state, e)
	if c.Illegal {
		return
	}
	from, began := l.state, l.negotiating()
	l.state = c.Next
	if from != c.Next {
		l.engine.traceState(l.protocol, from, c.Next, e)
	}
	if !l.state.timed() {
		l.restartAt = time.Time{}
	}
	if c.Do&ThisLayerDown != 0 {
		l.rules.down()
	}
	switch {
	case !l.negotiating():
		l.requestAt, l.deadlineAt = time.Time{}, time.Time{}
	case !began:
		l.begin()
	}
	l.perform(c.Do &^ (ThisLayerDown | leave))
	if l.autoAck {
		l.autoAck = false
		l.event(ReceiveAck)
	}
}

func (l *layer) begin() {
	l.moves, l.badAcks, l.naksSent, l.unchanged = 0, 0, 0, 0
	l.trouble, l.assumed, l.pace, l.decided = "", false, 0, false
	l.silent, l.variant, l.varied, l.earlier = 0, nil, false, nil
	l.ackedAt, l.heardAt = time.Time{}, time.Time{}
	l.deadlineAt = time.Time{}
	if l.set.Deadline > 0 {
		l.deadlineAt = l.engine.now.Add(l.set.Deadline)
	}
	l.rules.begin()
}

// perform does the automaton's actions (RFC 1661 section 4.4), in the order of their constants.
func (l *layer) perform(do Actions) {
	if do&InitRestart != 0 {
		l.counter = l.set.MaxConfigure
		if do&SendTerminate != 0 {
			l.counter = l.set.MaxTerminate
		}
	}
	if do&ZeroRestart != 0 {
		l.counter = 0
		l.startTimer()
	}
	if do&SendRequest != 0 {
		l.sendRequest()
	}
	if do&(SendAck|SendNak|SendTerminateAck|SendCodeReject|SendEchoReply) != 0 {
		l.engine.send(l.protocol, l.reply)
	}
	if do&SendTerminate != 0 {
		l.counter--
		l.startTimer()
		l.engine.send(l.protocol, packet.Packet{Code: packet.TerminateRequest, ID: l.newID(), Data: []byte(l.farewell)})
	}
	if do&ThisLayerUp != 0 {
		l.decide(decisionContext{point: PointOpened}, reply{})
	}
	if do&ThisLayerFinished != 0 {
		l.engine.layerFinished(l)
	}
}

func (l *layer) startTimer() { l.restartAt = l.engine.now.Add(l.set.Restart) }

// newID gives the identifier for a request of ours. It is never 0, which stands for none.
func (l *layer) newID() uint8 {
	l.nextID++
	if l.nextID == 0 {
		l.nextID = 1
	}
	return l.nextID
}

func (l *layer) pendingDecision() *pending { return &l.pending }
func (l *layer) proto() uint16             { return l.protocol }
func (l *layer) deliver(info []byte)       { l.receive(info) }

func (l *layer) decide(m decisionContext, intent reply) { l.engine.decide(l, m, intent) }

// carryOut goes on as was decided.
func (l *layer) carryOut(m decisionContext, a reply) {
	switch {
	case a.action == Transmit:
		l.engine.sendRaw(l.protocol, a.packet)
		return
	case a.action == Terminate && a.kind != "":
		l.engine.lost(l, Failure{Kind: a.kind, Detail: a.reason})
		return
	case a.action == Terminate && m.point != PointTimeout:
		l.engine.end(l, a.reason)
		return
	}
	switch m.point {
	case PointRequest:
		l.carryOutRequest(a)
	case PointPeerRequest:
		l.answerRequest(m.packet, a)
	case PointNak, PointReject:
		l.followNak(m, a)
	case PointAck:
		l.takeAck(m.packet, a)
	case PointAddress:
		l.finishAck(a)
	case PointTerminate:
		l.receiveTerminate(m.packet, a)
	case PointTimeout:
		l.timeout(a)
	case PointOpened:
		if l.state == StateOpened {
			l.rules.up()
		}
	}
}

// advance fires the timers that are due. While a decision is pending the negotiation waits for it; only the deadline
// of the whole protocol does not.
func (l *layer) advance() {
	now := l.engine.now
	if due(l.deadlineAt, now) {
		l.overdue()
		return
	}
	if l.parked != nil {
		l.pending.advance(l, l.engine)
		return
	}
	if at := l.assumeAt(); due(at, now) {
		l.assumeRequest()
		return
	}
	if due(l.requestAt, now) {
		l.sendRequest()
		return
	}
	if due(l.restartAt, now) {
		l.restartAt = time.Time{}
		intent := reply{action: Retry}
		if l.counter <= 0 {
			intent.action = Terminate
		}
		l.decide(decisionContext{point: PointTimeout}, intent)
	}
}

// deadline is when advance must be called.
func (l *layer) deadline() time.Time {
	if l.parked != nil {
		return soonest(l.deadlineAt, l.parked.until)
	}
	return soonest(l.deadlineAt, l.restartAt, l.requestAt, l.assumeAt())
}

func (l *layer) timeout(a reply) {
	switch {
	case a.action == Wait:
		l.restartAt = l.engine.now.Add(a.delay)
	case a.action == Retry && l.state.timed():
		l.vary()
		l.event(TimeoutRetry)
	case l.negotiating():
		detail := "no answer to Configure-Requests"
		if l.badAcks > 0 {
			detail = "no Configure-Ack that matches our request"
		}
		l.engine.timedOut(l, detail)
	default:
		l.event(TimeoutExpired)
	}
}

// earlierRequest is a Configure-Request that was followed by one with other options.
type earlierRequest struct {
	id      uint8
	options []byte // in wire form
	ask     requestedOptions
}

// vary changes what the next Configure-Request asks for, where nothing has come back to many of them.
func (l *layer) vary() {
	if l.set.VaryAfter == 0 || len(l.set.Variants) == 0 || !l.negotiating() || l.state == StateAckRcvd ||
		l.moves > 0 || l.trouble != "" || l.badAcks > 0 || !l.ackedAt.IsZero() {
		return
	}
	if l.silent++; l.silent < l.set.VaryAfter {
		return
	}
	if !slices.ContainsFunc(l.earlier, func(e earlierRequest) bool { return e.id == l.requestID }) {
		l.earlier = append(l.earlier, earlierRequest{l.requestID, slices.Clone(l.request), l.ask}) // MaxConfigure bounds them
	}
	l.variant = l.set.Variants[(l.silent-l.set.VaryAfter)%len(l.set.Variants)]
	l.varied = l.variant != nil
	l.rules.begin()
}

// wanted gives the types of options to ask for: those of the settings, or a variant of them.
func (l *layer) wanted(usual []uint8) []uint8 {
	if l.varied {
		return l.variant
	}
	return usual
}

// overdue ends a negotiation that goes on for too long, with the name of what was wrong last.
func (l *layer) overdue() {
	l.deadlineAt = time.Time{}
	kind := KindTimeout
	if l.trouble != "" {
		kind = l.trouble
	}
	l.engine.lost(l, Failure{Kind: kind, Detail: "did not open in time"})
}

// assumeAt is when a peer that sends no Configure-Request is taken to have sent one; zero: it is not.
func (l *layer) assumeAt() time.Time {
	if l.set.AssumeRequestAfter == 0 || l.state != StateAckRcvd || l.ackedAt.IsZero() {
		return time.Time{}
	}
	since := l.ackedAt
	if l.heardAt.After(since) {
		since = l.heardAt
	}
	return since.Add(l.set.AssumeRequestAfter)
}

// assumable says whether our request is acknowledged, and the peer has sent none.
func (l *layer) assumable() bool {
	return l.state == StateAckRcvd && l.heardAt.IsZero() && l.set.AssumeRequestAfter > 0 && l.parked == nil
}

func (l *layer) assumeRequest() {
	l.assumed = true
	l.peerOptions = l.peerOptions[:0]
	l.engine.notice("info", packet.ProtocolName(l.protocol)+": the peer sends no Configure-Request of its own; going on without")
	l.rules.agreed(nil)
	// There is nothing to acknowledge.
	l.eventWithout(ReceiveRequestGood, SendAck)
}

// reset drops the layer to Initial without a word, as when a link begins.
func (l *layer) reset() {
	*l = layer{
		engine: l.engine, protocol: l.protocol, set: l.set, rules: l.rules,
		request: l.request[:0], peerOptions: l.peerOptions[:0],
	}
}

// due says whether a timer that runs has run out.
func due(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

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
