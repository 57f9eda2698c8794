package ppp

import (
	"bytes"
	"slices"
	"time"

	"github.com/knakppp/knak/core/ppp/packet"
)

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
	next := reply{action: Request, options: l.ask.appendTo(l.engine.scratch())}
	if l.decided {
		l.decided = false
		l.carryOutRequest(next)
		return
	}
	l.decide(decisionContext{point: PointRequest}, next)
}

// carryOutRequest goes on with a request as was decided. What a Verdict puts in its place is what later Naks change.
func (l *layer) carryOutRequest(a reply) {
	if !l.negotiating() {
		return
	}
	if a.action == Drop {
		l.counter--
		return
	}
	if a.foreign {
		options, _ := l.engine.parse(a.options)
		l.ask.replace(options)
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
		l.decide(decisionContext{point: PointTerminate, packet: p}, reply{action: Ack})
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
	l.decide(decisionContext{point: PointPeerRequest, packet: p}, l.rules.judge(options))
}

func (l *layer) answerRequest(p packet.Packet, a reply) {
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
			l.rules.agreedLate()
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

// late says whether an answer belongs to no request that is waiting for one (RFC 1661 sections 5.2 to 5.4: the
// identifier must match; a second answer to one request is a duplicate).
func (l *layer) late(p packet.Packet) bool {
	if l.answered {
		return true
	}
	return p.ID != l.requestID && !l.recall(p.ID)
}

// recall makes an earlier request, which asked for other options and was not answered in time, the one that is answered
// now. A peer that takes longer than the restart timer would otherwise never be heard, because each of its answers would
// come after the next variant.
func (l *layer) recall(id uint8) bool {
	i := slices.IndexFunc(l.earlier, func(e earlierRequest) bool { return e.id == id })
	if i < 0 {
		return false
	}
	e := l.earlier[i]
	l.requestID, l.ask = e.id, e.ask
	l.request = append(l.request[:0], e.options...)
	if r, ok := l.rules.(interface{ recalled() }); ok {
		r.recalled()
	}
	return true
}

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
	intent := reply{action: Ack}
	if !bytes.Equal(p.Data, l.request) && !l.rules.matches(options) {
		intent.action = Drop
		l.badAcks++
	}
	l.decide(decisionContext{point: PointAck, packet: p}, intent)
}

// takeAck goes on with an Ack that is ours: what it holds must be usable, too.
func (l *layer) takeAck(p packet.Packet, a reply) {
	switch a.action {
	case Ack:
		options, err := l.engine.parse(p.Data)
		if err != nil || l.late(p) {
			return
		}
		intent := l.rules.acked(options)
		if l.protocol == packet.IPCP {
			l.decide(decisionContext{point: PointAddress, packet: p}, intent)
			return
		}
		l.finishAck(intent)
	case Retry:
		l.finishAck(a)
	}
}

func (l *layer) finishAck(a reply) {
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
	m := decisionContext{point: PointNak, packet: p, before: l.ask}
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
	// Each option may be refused once besides: that is how a negotiation converges.
	if r.fatal == "" && l.set.MaxFailure > 0 && l.moves > l.set.MaxFailure+maxRequested {
		r.fatal, r.detail = KindRepeatedNaks, "the peer never settles on a value"
	}
	if r.fatal != "" {
		l.decide(m, reply{action: Terminate, kind: r.fatal, reason: r.detail})
		return
	}
	intent := reply{action: Request, options: l.ask.appendTo(l.engine.scratch())}
	if !r.moved || l.moves > l.set.FreeNaks {
		intent.delay = l.set.NakPace
	}
	l.decide(m, intent)
}

// followNak asks again. The options of the intent are those of layer.ask already.
func (l *layer) followNak(m decisionContext, a reply) {
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
	l.decided = a.foreign // a decision about this packet includes the request that follows
	l.event(ReceiveNak)
}

// receiveTerminate is RTR. A peer that ends the protocol means it: we say so at once and do not wait for retries.
func (l *layer) receiveTerminate(p packet.Packet, a reply) {
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
