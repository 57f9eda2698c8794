package ppp

import (
	"bytes"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/trace"
)

// negotiator is what a control protocol knows of its options; layer knows all the rest.
type negotiator interface {
	// begin sets what to ask for (layer.ask) back to the start: a negotiation begins.
	begin()
	// judge says how to answer the options of a Configure-Request of the peer's.
	judge(options []packet.Option) answer
	// agreed takes over what we acknowledge. It comes before the Ack is sent. The layer may be Opened, when the peer
	// was late or changes nothing.
	agreed(options []packet.Option)
	// matches says whether an Ack that is not our request octet for octet will do all the same.
	matches(options []packet.Option) bool
	// acked takes over what the peer acknowledges. Retry means that it will not do: ask again.
	acked(options []packet.Option) answer
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

// response is what a Configure-Nak or -Reject came to.
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
	desk
	engine   *Engine
	protocol uint16
	set      *Negotiation
	rules    negotiator

	state     State
	counter   int       // restart counter: how many more times to send (section 4.6)
	restartAt time.Time // when the restart timer runs out; zero: it does not run

	// Our Configure-Request.
	ask       wishes
	request   []byte        // the options of the last one sent, in wire form
	requestID uint8         // its identifier; 0: none was sent yet
	answered  bool          // it has been answered: any further answer is late
	pace      time.Duration // how long the next one has to wait
	requestAt time.Time     // when the one that waits is due; zero: none waits
	autoAck   bool          // NoRequest: ours counts as acknowledged

	// The peer's answers to it.
	naks    int       // Naks and Rejects since begin
	moves   int       // Naks and Rejects since begin that changed something
	trouble string    // the kind of the last one that did not
	ackedAt time.Time // the first Ack since begin

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
func (l *layer) event(e FSMEvent) {
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
	l.perform(c.Do &^ ThisLayerDown)
	if l.autoAck {
		l.autoAck = false
		l.event(ReceiveAck)
	}
}

func (l *layer) begin() {
	l.moves, l.naksSent, l.unchanged = 0, 0, 0
	l.trouble, l.assumed, l.pace = "", false, 0
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
		l.decide(matter{point: PointOpened}, answer{})
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

// sendRequest is scr: now, or after the pace that the last Nak demands.
func (l *layer) sendRequest() {
	if l.pace > 0 {
		l.requestAt = l.engine.now.Add(l.pace)
		l.restartAt = l.requestAt.Add(l.set.Restart)
		l.pace = 0
		return
	}
	l.requestAt = time.Time{}
	l.startTimer()
	if l.set.NoRequest {
		l.autoAck = true
		return
	}
	l.decide(matter{point: PointRequest}, answer{action: Request, options: l.ask.appendTo(l.engine.scratch())})
}

func (l *layer) carryOutRequest(a answer) {
	if !l.negotiating() {
		return
	}
	if a.foreign {
		options, err := l.engine.parse(a.options)
		if err != nil && !l.engine.set.Unchecked {
			return
		}
		l.ask.replace(options)
	}
	if a.action == Drop {
		l.counter--
		return
	}
	l.transmitRequest(a.options)
}

// transmitRequest sends a Configure-Request. One that repeats an unanswered one keeps its identifier (RFC 1661
// section 5.1), so that an answer which took longer than the restart timer still counts.
func (l *layer) transmitRequest(options []byte) {
	l.counter--
	l.startTimer()
	if l.requestID == 0 || l.answered || !bytes.Equal(options, l.request) {
		l.requestID = l.newID()
		l.request = append(l.request[:0], options...)
	}
	l.answered = false
	l.engine.send(l.protocol, packet.Packet{Code: packet.ConfigureRequest, ID: l.requestID, Data: l.request})
}

// receive takes one packet of the layer's protocol.
func (l *layer) receive(info []byte) {
	p, err := packet.Parse(info)
	if err != nil || l.state <= StateStarting {
		return
	}
	switch p.Code {
	case packet.ConfigureRequest:
		l.receiveRequest(p)
	case packet.ConfigureAck:
		l.receiveAck(p)
	case packet.ConfigureNak, packet.ConfigureReject:
		l.receiveNak(p)
	case packet.TerminateRequest:
		l.decide(matter{point: PointTerminate, packet: p}, answer{action: Ack})
	case packet.TerminateAck:
		l.event(ReceiveTerminateAck)
	case packet.CodeReject:
		l.receiveCodeReject(p)
	default:
		if !l.rules.extra(p) {
			l.reply = packet.Packet{Code: packet.CodeReject, ID: l.newID(), Data: l.engine.fit(info)}
			l.event(ReceiveUnknownCode)
		}
	}
}

// receiveRequest is RCR: a Configure-Request with broken options is dropped, for a reply could not say what is wrong.
func (l *layer) receiveRequest(p packet.Packet) {
	options, err := l.engine.parse(p.Data)
	if err != nil {
		return
	}
	if l.state < StateReqSent && l.state != StateStopped {
		// The automaton answers with a Terminate-Ack, or not at all: there is nothing to judge.
		l.reply = packet.Packet{Code: packet.TerminateAck, ID: p.ID}
		l.event(ReceiveRequestGood)
		return
	}
	if l.negotiating() {
		l.heardAt = l.engine.now
	}
	l.decide(matter{point: PointPeerRequest, packet: p}, l.rules.judge(options))
}

func (l *layer) answerRequest(p packet.Packet, a answer) {
	switch a.action {
	case Ack:
		l.acknowledge(p, a.options)
	case Nak, Reject:
		l.naksSent++
		code := packet.ConfigureNak
		if a.action == Reject {
			code = packet.ConfigureReject
		}
		l.reply = packet.Packet{Code: code, ID: p.ID, Data: a.options}
		if l.state == StateOpened && l.assumed {
			l.engine.send(l.protocol, l.reply)
			return
		}
		l.event(ReceiveRequestBad)
	}
}

// acknowledge sends a Configure-Ack, which echoes the options of the request octet for octet (RFC 1661 section 5.2)
// unless a Verdict wants others.
func (l *layer) acknowledge(p packet.Packet, others []byte) {
	options, err := l.engine.parse(p.Data)
	if err != nil {
		return
	}
	l.reply = packet.Packet{Code: packet.ConfigureAck, ID: p.ID, Data: p.Data}
	if others != nil {
		l.reply.Data = others
	}
	l.naksSent = 0
	quiet := l.state == StateOpened && (l.assumed || l.tolerate(options))
	if !quiet || l.assumed {
		l.peerOptions = append(l.peerOptions[:0], p.Data...)
	}
	if quiet {
		l.engine.send(l.protocol, l.reply)
		if l.assumed {
			l.assumed = false
			l.rules.agreed(options)
		}
		return
	}
	l.rules.agreed(options)
	l.event(ReceiveRequestGood)
}

// tolerate says whether a Configure-Request in Opened changes nothing and is to be acknowledged without going down. A
// peer that repeats it at the pace of a restart timer is not Opened itself: it needs the negotiation. A burst of them is
// a backlog from before it heard us, and counts as one.
func (l *layer) tolerate(options []packet.Option) bool {
	if !l.set.AckUnchanged {
		return false
	}
	for _, o := range options {
		if !l.agreedTo(o) {
			return false
		}
	}
	switch since := l.engine.now.Sub(l.unchangedAt); {
	case since > 2*l.set.Restart:
		l.unchanged = 1
	case since > l.set.Restart/3:
		l.unchanged++
	default:
		return true
	}
	l.unchangedAt = l.engine.now
	return l.unchanged <= l.set.MaxUnchanged
}

// agreedTo says whether the last request that we acknowledged holds the option.
func (l *layer) agreedTo(o packet.Option) bool {
	for rest := l.peerOptions; len(rest) >= 2 && int(rest[1]) >= 2 && int(rest[1]) <= len(rest); rest = rest[rest[1]:] {
		if rest[0] == o.Type && bytes.Equal(rest[2:rest[1]], o.Data) {
			return true
		}
	}
	return false
}

func (l *layer) tray() *desk         { return &l.desk }
func (l *layer) proto() uint16       { return l.protocol }
func (l *layer) deliver(info []byte) { l.receive(info) }

func (l *layer) decide(m matter, intent answer) { l.engine.decide(l, m, intent) }

// carryOut goes on with a matter as was decided.
func (l *layer) carryOut(m matter, a answer) {
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

// late says whether an answer belongs to no request that is waiting for one (RFC 1661 sections 5.2 to 5.4: the
// identifier must match; a second answer to one request is a duplicate).
func (l *layer) late(p packet.Packet) bool { return p.ID != l.requestID || l.answered }

// receiveAck is RCA.
func (l *layer) receiveAck(p packet.Packet) {
	if !l.negotiating() && l.state != StateOpened {
		l.reply = packet.Packet{Code: packet.TerminateAck, ID: p.ID}
		l.event(ReceiveAck)
		return
	}
	options, err := l.engine.parse(p.Data)
	if err != nil || l.late(p) {
		return
	}
	intent := answer{action: Ack}
	if !bytes.Equal(p.Data, l.request) && !l.rules.matches(options) {
		intent.action = Drop
	}
	l.decide(matter{point: PointAck, packet: p}, intent)
}

// takeAck goes on with an Ack that is ours: what it holds must be usable, too.
func (l *layer) takeAck(p packet.Packet, a answer) {
	switch a.action {
	case Ack:
		options, err := l.engine.parse(p.Data)
		if err != nil || l.late(p) {
			return
		}
		intent := l.rules.acked(options)
		if l.protocol == packet.IPCP {
			l.decide(matter{point: PointAddress, packet: p}, intent)
			return
		}
		l.finishAck(intent)
	case Retry:
		l.finishAck(a)
	}
}

func (l *layer) finishAck(a answer) {
	l.answered = true
	if a.action == Retry {
		l.pace = a.delay
		l.event(ReceiveNak)
		return
	}
	if l.ackedAt.IsZero() {
		l.ackedAt = l.engine.now
	}
	l.event(ReceiveAck)
}

// receiveNak is RCN: a Configure-Nak or Configure-Reject.
func (l *layer) receiveNak(p packet.Packet) {
	if !l.negotiating() && l.state != StateOpened {
		l.reply = packet.Packet{Code: packet.TerminateAck, ID: p.ID}
		l.event(ReceiveNak)
		return
	}
	options, err := l.engine.parse(p.Data)
	if err != nil || l.late(p) {
		return
	}
	m := matter{point: PointNak, packet: p, before: l.ask}
	var r response
	if p.Code == packet.ConfigureReject {
		m.point = PointReject
		r = l.rules.rejected(options)
	} else {
		r = l.rules.nakked(options)
	}
	if r.moved {
		l.moves++
		l.trouble = ""
	} else {
		l.trouble = r.kind
	}
	if r.fatal == "" && l.set.MaxFailure > 0 && l.moves > l.set.MaxFailure {
		r.fatal, r.detail = KindRepeatedNaks, "the peer never settles on a value"
	}
	if r.fatal != "" {
		l.decide(m, answer{action: Terminate, kind: r.fatal, reason: r.detail})
		return
	}
	intent := answer{action: Request, options: l.ask.appendTo(l.engine.scratch())}
	if !r.moved || l.moves > l.set.FreeNaks {
		intent.delay = l.set.NakPace
	}
	l.decide(m, intent)
}

// followNak asks again. The options of the intent are those of layer.ask already.
func (l *layer) followNak(m matter, a answer) {
	switch a.action {
	case Drop:
		l.ask = m.before
		return
	case Retry:
		l.ask = m.before
	case Request:
		if a.foreign {
			options, err := l.engine.parse(a.options)
			if err != nil {
				return
			}
			l.ask.replace(options)
		}
	}
	l.answered = true
	l.pace = a.delay
	l.event(ReceiveNak)
}

// receiveTerminate is RTR. A peer that ends the protocol means it: we say so at once and do not wait for retries.
func (l *layer) receiveTerminate(p packet.Packet, a answer) {
	l.reply = packet.Packet{Code: packet.TerminateAck, ID: p.ID}
	switch a.action {
	case Retry:
		l.event(ReceiveTerminate)
	case Ack:
		l.engine.peerTerminated(l, p.Data)
	}
}

// receiveCodeReject is RXJ (RFC 1661 section 5.6): we cannot do without the Configure packets; all else we can.
func (l *layer) receiveCodeReject(p packet.Packet) {
	if len(p.Data) == 0 {
		return
	}
	code := p.Data[0]
	if code < packet.ConfigureRequest || code > packet.ConfigureReject {
		l.rules.codeRejected(code)
		l.event(ReceiveRejectMild)
		return
	}
	l.engine.rejected(l, "the peer does not know "+packet.CodeName(l.protocol, code))
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
		l.desk.advance(l, l.engine)
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
		intent := answer{action: Retry}
		if l.counter <= 0 {
			intent.action = Terminate
		}
		l.decide(matter{point: PointTimeout}, intent)
	}
}

// deadline is when advance must be called.
func (l *layer) deadline() time.Time {
	if l.parked != nil {
		return soonest(l.deadlineAt, l.parked.until)
	}
	return soonest(l.deadlineAt, l.restartAt, l.requestAt, l.assumeAt())
}

func (l *layer) timeout(a answer) {
	switch {
	case a.action == Wait:
		l.restartAt = l.engine.now.Add(a.delay)
	case a.action == Retry && l.state.timed():
		l.event(TimeoutRetry)
	case l.negotiating():
		l.engine.timedOut(l, "no answer to Configure-Requests")
	default:
		l.event(TimeoutExpired)
	}
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
	// RCR+ without its sca, for there is nothing to acknowledge.
	from := l.state
	l.state = StateOpened
	l.restartAt, l.deadlineAt = time.Time{}, time.Time{}
	l.engine.traceState(l.protocol, from, l.state, ReceiveRequestGood)
	l.perform(ThisLayerUp)
}

// reset drops the layer to Initial without a word, as when a link begins.
func (l *layer) reset() {
	*l = layer{
		engine: l.engine, protocol: l.protocol, set: l.set, rules: l.rules,
		request: l.request[:0], peerOptions: l.peerOptions[:0],
	}
}

// phase is the phase that the protocol stands for in the trace.
func (l *layer) phase() string {
	switch l.protocol {
	case packet.IPCP:
		return trace.PhaseIPCP
	case packet.IPV6CP:
		return trace.PhaseIPV6CP
	}
	return trace.PhaseLCP
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
