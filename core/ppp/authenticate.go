package ppp

import (
	"bytes"
	"strings"
	"time"
	"unicode"

	"github.com/knakppp/knak/core/event"
	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// authentication is the Authenticate phase (RFC 1661 section 3.5): either end, or both, may have to prove who it is. The
// machines stay after their success, for a server may challenge again at any time (RFC 1994 section 2).
type authentication struct {
	pending
	engine *Engine

	client       auth.Client
	clientMethod auth.Method
	server       auth.Server
	serverMethod auth.Method
	clientDone   bool
	serverDone   bool
	done         AuthDone

	// elsewhere is the last challenge that a Verdict answered: the adviser that answered has the secret.
	elsewhere []byte

	spoken bool // we have answered the peer's challenge, or sent a request
	early  int  // the peer's Configure-Requests for the network since then
}

// start begins the phase: clientMethod is what the peer demands of us, serverMethod what we demand of it.
func (a *authentication) start(clientMethod, serverMethod auth.Method) {
	a.stop()
	a.done = AuthDone{}
	a.clientDone, a.serverDone = clientMethod == auth.None, serverMethod == auth.None
	if a.clientDone && a.serverDone {
		a.finish()
		return
	}
	a.engine.traceEvent(event.Phase{Phase: event.PhaseAuth})
	if !a.serverDone {
		a.startServer(serverMethod)
	}
	if !a.clientDone {
		a.startClient(clientMethod)
	}
}

func (a *authentication) startClient(m auth.Method) {
	e := a.engine
	if m != auth.EAP && m.Strength() < e.floor() {
		e.fail(e.downgraded(m)) // a Verdict has acknowledged what we would not
		return
	}
	e.agreedOn(m)
	config := e.set.Auth.Client
	config.Rand, config.Challenges = e.random, &e.asked
	if m == auth.EAP {
		config.Inner = e.innerFor(config.Inner)
	}
	client, err := auth.NewClient(m, config)
	if err != nil {
		e.fail(Failure{Kind: KindAuthMethod, Protocol: m.Protocol(), Detail: err.Error()})
		return
	}
	a.client, a.clientMethod, a.clientDone = client, m, false
	client.Start(e.now)
	a.drain(client)
}

func (a *authentication) startServer(m auth.Method) {
	e := a.engine
	config := e.set.Auth.Server
	config.Rand = e.random
	server, err := auth.NewServer(m, config)
	if err != nil {
		e.fail(Failure{Kind: KindAuthMethod, Protocol: m.Protocol(), Detail: err.Error()})
		return
	}
	a.server, a.serverMethod = server, m
	server.Start(e.now)
	a.drain(server)
}

// late starts the client when the demand comes although LCP was already taken to be Opened.
func (a *authentication) late(m auth.Method) {
	if m != auth.None && a.client == nil {
		a.startClient(m)
	}
}

// stop drops the machines.
func (a *authentication) stop() {
	a.clear()
	a.client, a.server, a.elsewhere = nil, nil, nil
	a.spoken, a.early = false, 0
}

// uses says whether a protocol is one that we authenticate by.
func (a *authentication) uses(protocol uint16) bool {
	return a.client != nil && a.clientMethod.Protocol() == protocol || a.server != nil && a.serverMethod.Protocol() == protocol
}

// receive takes a packet of PAP, CHAP or EAP.
func (a *authentication) receive(protocol uint16, info []byte) {
	e := a.engine
	if a.client == nil && e.lcp.assumed && protocol == packet.CHAP && len(info) > 0 && info[0] == packet.CHAPChallenge {
		// The peer's Configure-Request, with its demand, is what never came.
		a.startClient(auth.CHAPMD5)
	}
	switch {
	case !a.uses(protocol):
		e.lcp.rejectProtocol(protocol, info)
	case a.hold(info):
	case a.elsewhere != nil && bytes.Equal(a.elsewhere, info):
		a.deliver(info) // the same challenge again: the client has the response
	case a.elsewhere != nil && len(info) > 0 && info[0] == packet.CHAPChallenge && !(a.clientDone && e.set.Auth.IgnoreRechallenge):
		if c, ok := a.client.(auth.Delegate); ok && !c.Challenged(e.now) {
			a.drain(a.client)
			return
		}
		e.decide(a, decisionContext{point: PointAuthChallenge, info: info}, reply{action: Drop})
	case a.clientDone && a.serverDone:
		if e.set.Auth.IgnoreRechallenge && protocol == packet.CHAP && len(info) > 0 && info[0] == packet.CHAPChallenge {
			return
		}
		a.deliver(info)
	default:
		e.decide(a, decisionContext{point: PointAuthChallenge, info: info}, reply{})
	}
}

// refusal is what the peer said where it has refused us without an end of the authentication: EAP's Failure is still to come.
func (a *authentication) refusal() (string, bool) {
	c, ok := a.client.(interface{ Refused() (auth.Failure, bool) })
	if !ok || a.clientDone {
		return "", false
	}
	f, ok := c.Refused()
	return f.Text(), ok
}

// machine is whom a packet is for, where both ends authenticate by the same protocol.
func (a *authentication) machine(info []byte) auth.Machine {
	switch {
	case a.server == nil && a.client == nil || len(info) == 0:
		return nil
	case a.server == nil:
		return a.client
	case a.client == nil:
		return a.server
	}
	forServer := packet.CHAPResponse // and EAPResponse
	if a.serverMethod == auth.PAP {
		forServer = packet.PAPRequest
	}
	if info[0] == forServer {
		return a.server
	}
	return a.client
}

func (a *authentication) deliver(info []byte) {
	if m := a.machine(info); m != nil {
		m.Receive(a.engine.now, info)
		a.drain(m)
	}
}

func (a *authentication) pendingDecision() *pending { return &a.pending }

func (a *authentication) proto() uint16 {
	return a.method().Protocol()
}

// method is what the peer demands of us or, where it demands nothing, we of it.
func (a *authentication) method() auth.Method {
	if a.client != nil {
		return a.clientMethod
	}
	return a.serverMethod
}

func (a *authentication) carryOut(m decisionContext, v reply) {
	e := a.engine
	switch {
	case v.action == Terminate:
		kind := v.kind
		if kind == "" {
			kind = KindClosed
		}
		e.fail(Failure{Kind: kind, Protocol: a.proto(), Detail: v.reason})
	case v.action == Transmit:
		e.sendRaw(a.proto(), v.packet)
		a.spoken, a.early = true, 0
		if c, ok := a.client.(auth.Delegate); ok && c.Delegated(m.info, v.packet, v.proof) {
			a.elsewhere = m.info
		}
	case m.point == PointAuthResult:
		if a.clientDone && a.serverDone {
			a.finish()
		}
	case v.action != Drop:
		a.deliver(m.info)
	}
}

// drain does what a machine wants.
func (a *authentication) drain(m auth.Machine) {
	e := a.engine
	protocol := a.serverMethod.Protocol()
	isClient := m == auth.Machine(a.client)
	if isClient {
		protocol = a.clientMethod.Protocol()
	}
	for {
		o, ok := m.Next()
		if !ok {
			return
		}
		switch o := o.(type) {
		case auth.Send:
			e.sendRaw(protocol, o.Info)
			if isClient {
				a.spoken, a.early = true, 0
			}
		case auth.Note:
			e.traceEvent(o.Notice)
		case auth.Success:
			a.succeeded(isClient, o)
		case auth.Failure:
			a.failed(isClient, o)
		}
	}
}

func (a *authentication) succeeded(isClient bool, s auth.Success) {
	if isClient && a.clientDone || !isClient && a.serverDone {
		return // challenged again
	}
	if isClient {
		if s.Method == auth.EAP && a.engine.floor() == auth.Mutual { // it has asked for nothing, and so proved nothing
			a.failed(true, auth.Failure{Reason: auth.Impostor, Method: s.Method, Message: "the server says success and did not prove that it knows the password, as it had to before"})
			return
		}
		a.clientDone = true
		if s.Method != auth.EAP {
			a.engine.pin.raise(s.Method, s.Method.Strength())
		}
		a.done.Provisional = a.engine.set.Auth.Provisional
	} else {
		a.serverDone = true
	}
	a.done.Method, a.done.PeerName, a.done.Message = s.Method, s.Peer, s.Message
	a.engine.decide(a, decisionContext{point: PointAuthResult}, reply{action: Ack})
}

func (a *authentication) failed(isClient bool, f auth.Failure) {
	kind := KindAuthRejected
	switch f.Reason {
	case auth.TimedOut:
		kind = KindAuthTimeout
	case auth.NoMethod, auth.Impossible:
		kind = KindAuthMethod
	case auth.Impostor:
		kind = KindAuthImpostor
	}
	a.clientDone = a.clientDone || isClient
	a.serverDone = a.serverDone || !isClient
	a.engine.decide(a, decisionContext{point: PointAuthResult}, reply{action: Terminate, kind: kind, reason: f.Text()})
}

// implied takes a peer that negotiates the network already as having said Success: it may not do so before (RFC 1661
// section 3.5), and a Success is never sent again (RFC 1994 section 4.2). Its first request may still have been early.
func (a *authentication) implied() {
	if a.client == nil || a.clientDone || !a.serverDone || !a.spoken || a.engine.set.Auth.NoImpliedSuccess {
		return
	}
	if a.early++; a.early < 2 {
		return
	}
	if c, ok := a.client.(interface{ Unproved() bool }); ok && c.Unproved() {
		a.drain(a.client)
		a.early = 1 // each further request may have our response repeated
		return
	}
	a.engine.notice("info", "the peer negotiates IPCP: its authentication success must have been lost")
	a.succeeded(true, auth.Success{Method: a.clientMethod})
}

// finish ends the phase well. A demand that came late finds the network phase begun.
func (a *authentication) finish() {
	e := a.engine
	e.provisional = a.done.Provisional && e.ipcp.state != StateOpened
	e.put(a.done)
	e.networkStart()
}

func (a *authentication) advance() {
	e := a.engine
	if a.server != nil && due(a.server.Deadline(), e.now) {
		a.server.Advance(e.now)
		a.drain(a.server)
	}
	if a.client != nil && due(a.client.Deadline(), e.now) {
		a.client.Advance(e.now)
		a.drain(a.client)
	}
	a.pending.advance(a, e)
}

func (a *authentication) deadline() time.Time {
	var at time.Time
	if a.server != nil {
		at = a.server.Deadline()
	}
	if a.client != nil {
		at = soonest(at, a.client.Deadline())
	}
	if a.parked != nil {
		at = soonest(at, a.parked.until)
	}
	return at
}

// printable makes text of the peer's fit for a line: at most 200 characters, none of them able to move a cursor.
func printable(data []byte) string {
	text := strings.ToValidUTF8(string(data[:min(len(data), 200)]), "\ufffd")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text))
}
