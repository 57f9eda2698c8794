package ppp

import (
	"time"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/notation"
	"github.com/knakppp/knak/core/ppp/packet"
	"github.com/knakppp/knak/core/private"
)

// reply is a Verdict inside the engine: options in wire form, so that the way without a Decision allocates nothing.
type reply struct {
	action  Action
	options []byte
	packet  []byte
	delay   time.Duration
	reason  string
	kind    string // with Terminate: the kind of our own Failure, or "" where a Verdict wants the end
	foreign bool   // it is a Verdict
	proof   []byte // with Transmit: Verdict.Authenticator
}

// text is the reply for people: the action, and in pppd's notation its options or packet without what is secret.
func (a reply) text(protocol uint16) string {
	b := []byte(a.action.String())
	for _, o := range own(a.options) {
		b = append(append(append(b, " <"...), notation.OptionText(protocol, o)...), '>')
	}
	if len(a.packet) > 0 {
		b = append(b, ' ')
		b = notation.AppendText(b, protocol, private.Packet(protocol, a.packet))
	}
	if a.delay > 0 {
		b = append(append(b, " after "...), a.delay.String()...)
	}
	return string(b)
}

// decisionContext holds the packet and the options that a decision is about.
type decisionContext struct {
	point  Points
	packet packet.Packet    // that came; zero where none did
	before requestedOptions // what we asked for before the packet changed it, with PointNak and PointReject
	info   []byte           // the packet as a whole, with PointAuthChallenge
}

// decider owns a decision: a layer, or the authentication.
type decider interface {
	pendingDecision() *pending
	proto() uint16
	// carryOut goes on as was decided.
	carryOut(m decisionContext, a reply)
	// deliver takes a packet that waited behind a decision.
	deliver(info []byte)
}

// maxWaiting bounds the packets that wait behind a decision. Further ones are dropped: the peer sends them again.
const maxWaiting = 16

// pending holds one protocol's decision until it is answered, and the packets behind it.
type pending struct {
	parked  *parked
	waiting [][]byte
}

type parked struct {
	decisionContext
	id     uint64
	intent reply
	until  time.Time
	waits  bool // a Verdict said Wait: the intent follows at until
}

// hold keeps a packet back if a decision is pending, and says whether it did.
func (d *pending) hold(info []byte) bool {
	if d.parked == nil {
		return false
	}
	if len(d.waiting) < maxWaiting {
		d.waiting = append(d.waiting, append([]byte(nil), info...))
	}
	return true
}

// clear drops the decision and what waits behind it.
func (d *pending) clear() { d.parked, d.waiting = nil, nil }

// decide carries the intent out, or hands out a Decision where that point is wanted. A link that is saying goodbye asks
// nobody: it must come to its end.
func (e *Engine) decide(p decider, m decisionContext, intent reply) {
	if e.set.Points&m.point == 0 || e.phase == phaseTerminate {
		p.carryOut(m, intent)
		return
	}
	e.park(p, m, intent)
}

func (e *Engine) park(p decider, m decisionContext, intent reply) {
	m.packet.Data = append([]byte(nil), m.packet.Data...)
	m.info = append([]byte(nil), m.info...)
	intent.options = append([]byte(nil), intent.options...)
	e.decisions++
	k := &parked{decisionContext: m, id: e.decisions, intent: intent, until: e.now.Add(e.decisionTimeout())}
	p.pendingDecision().parked = k

	d := Decision{
		ID: k.id, Protocol: p.proto(), Point: m.point, Code: m.packet.Code, Deadline: k.until,
		Intent: Verdict{Action: intent.action, Options: own(intent.options), Delay: intent.delay, Reason: intent.reason},
	}
	switch p := p.(type) {
	case *layer:
		d.State = p.state.String()
	case *authentication:
		d.Method = p.method()
	}
	switch {
	case m.info != nil:
		d.Packet, d.Code = append([]byte(nil), m.info...), m.info[0]
	case m.packet.Code != 0:
		d.Packet = m.packet.AppendTo(nil)
		if m.packet.Code <= packet.ConfigureReject {
			d.Options = own(m.packet.Data)
		}
	case m.point == PointRequest:
		d.Options = own(intent.options)
	}
	e.put(d)
}

// own parses options into memory of their own.
func own(wire []byte) []packet.Option {
	if len(wire) == 0 {
		return nil
	}
	options, _ := packet.ParseOptions(nil, append([]byte(nil), wire...))
	return options
}

func (e *Engine) decisionTimeout() time.Duration {
	if e.set.DecisionTimeout > 0 {
		return e.set.DecisionTimeout
	}
	return 2 * time.Second
}

// resolve answers the decision of p that is pending.
func (e *Engine) resolve(p decider, v Verdict) {
	d := p.pendingDecision()
	k := d.parked
	a, ok := e.check(k, v)
	by := v.By
	if !ok {
		if a = k.intent; by != "" {
			by = " of " + by
		}
		by = "engine: the verdict" + by + " does not fit"
	}
	if e.set.Trace && (v.Action != Pass || by != "") {
		e.put(Event{event.Decision{
			Protocol: packet.ProtocolName(p.proto()), Point: k.point.String(),
			Intent: k.intent.text(p.proto()), Verdict: a.text(p.proto()), By: by,
		}})
	}
	if a.action == Wait && k.point != PointTimeout {
		k.until, k.waits = e.now.Add(a.delay), true
		return
	}
	e.unpark(p, a)
}

// advance goes on as intended when nobody has answered in time.
func (d *pending) advance(p decider, e *Engine) {
	if k := d.parked; k != nil && due(k.until, e.now) {
		if !k.waits && e.set.Trace {
			e.put(Event{event.Decision{
				Protocol: packet.ProtocolName(p.proto()), Point: k.point.String(),
				Intent: k.intent.text(p.proto()), Verdict: k.intent.text(p.proto()), By: "engine: no verdict in time",
			}})
		}
		e.unpark(p, k.intent)
	}
}

// unpark carries a decision out, and then delivers what waited behind it until the next decision.
func (e *Engine) unpark(p decider, a reply) {
	d := p.pendingDecision()
	m := d.parked.decisionContext
	d.parked = nil
	p.carryOut(m, a)
	for d.parked == nil && len(d.waiting) > 0 {
		info := d.waiting[0]
		d.waiting = d.waiting[1:]
		p.deliver(info)
	}
}

// allowed lists the actions of each point, besides Pass.
var allowed = map[Points][]Action{
	PointRequest:       {Request, Wait, Drop, Terminate},
	PointPeerRequest:   {Ack, Nak, Reject, Transmit, Wait, Drop, Terminate},
	PointNak:           {Request, Retry, Wait, Drop, Terminate},
	PointReject:        {Request, Retry, Wait, Drop, Terminate},
	PointAck:           {Ack, Retry, Wait, Drop, Terminate},
	PointTerminate:     {Ack, Retry, Drop},
	PointTimeout:       {Retry, Wait, Terminate},
	PointAuthChallenge: {Transmit, Wait, Drop, Terminate},
	PointAuthResult:    {Ack, Terminate},
	PointAddress:       {Ack, Retry, Terminate},
	PointOpened:        {Wait, Terminate},
}

// check turns a Verdict into an answer, and says whether it may be carried out: the point takes the action, and the
// packet that it makes is one that RFC 1661 section 5 allows.
func (e *Engine) check(k *parked, v Verdict) (reply, bool) {
	if v.Action == Pass {
		return k.intent, true
	}
	fits := false
	for _, a := range allowed[k.point] {
		fits = fits || a == v.Action
	}
	a := reply{action: v.Action, packet: v.Packet, delay: max(0, v.Delay), reason: v.Reason, foreign: true, proof: v.Authenticator}
	if v.Options != nil || v.Action != Ack {
		a.options = packet.AppendOptions([]byte{}, v.Options)
	}
	if e.set.Unchecked || !fits {
		return a, fits
	}
	switch v.Action {
	case Ack:
		fits = a.options == nil || string(a.options) == string(k.packet.Data)
	case Nak:
		fits = len(v.Options) > 0
	case Reject:
		fits = len(v.Options) > 0
		for _, o := range v.Options {
			asked, found := packet.Find(own(k.packet.Data), o.Type)
			fits = fits && found && asked.Equal(o)
		}
	case Transmit:
		fits = k.point == PointAuthChallenge && len(v.Packet) >= packet.HeaderLen
	}
	return a, fits
}
