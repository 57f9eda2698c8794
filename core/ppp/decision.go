package ppp

import (
	"time"

	"github.com/knakppp/knak/core/ppp/auth"
	"github.com/knakppp/knak/core/ppp/packet"
)

// Points is a set of decision points.
type Points uint16

// The decision points. Each comment says what has happened, and which actions a Verdict may hold. The action Pass, which every
// point takes, means the intent.
const (
	// PointRequest: we are about to send a Configure-Request; the intent's Options are its options.
	// Request with other options; Wait and ask again; Drop (the restart timer runs all the same); Terminate.
	PointRequest Points = 1 << iota
	// PointPeerRequest: a Configure-Request came; the intent is the Ack, Nak or Reject we would answer with.
	// Ack, Nak or Reject with Options; Wait and then do as intended; Drop; Terminate; with Settings.Unchecked also Transmit.
	PointPeerRequest
	// PointNak: a Configure-Nak of our request came; the intent is Request with the next request's options and delay.
	// Request with other options, after Delay; Retry what was sent; Wait for Delay; Drop; Terminate. The request that a
	// Verdict makes is not asked about again at PointRequest.
	PointNak
	// PointReject: the same for a Configure-Reject.
	PointReject
	// PointAck: a Configure-Ack of our request came; the intent is Ack (take it) or Drop (it does not match).
	// Ack; Retry (ask again after Delay); Wait for Delay; Drop; Terminate.
	PointAck
	// PointTerminate: a Terminate-Request came; the intent is Ack, which ends the protocol.
	// Ack; Retry (acknowledge, but negotiate on); Drop.
	PointTerminate
	// PointTimeout: the restart timer ran out; the intent is Retry, or Terminate when the counter is at zero.
	// Retry; Wait for Delay; Terminate.
	PointTimeout
	// PointAuthChallenge: a packet of the authentication protocol came, and there is no result yet; the intent is Pass. Transmit a
	// packet instead of the machine's answer; Wait; Drop; Terminate. Once a CHAP Response was transmitted, later challenges come
	// here too, even after the result, because only the sender of that Response has the secret. The intent is then Drop.
	PointAuthChallenge
	// PointAuthResult: the authentication came to a result; the intent is Ack for a success, Terminate for a failure.
	// Ack; Terminate.
	PointAuthResult
	// PointAddress: IPCP's Ack holds these options. The intent is Ack if the address is believable, else Retry. Ack; Retry (ask
	// again after Delay); Terminate.
	PointAddress
	// PointOpened: a protocol is about to be Opened; the intent is Pass.
	// Wait; Terminate.
	PointOpened
)

// String gives the name of a single point, as event.Decision holds it.
func (p Points) String() string {
	for _, n := range pointNames {
		if p == n.point {
			return n.name
		}
	}
	return "points"
}

var pointNames = [...]struct {
	point Points
	name  string
}{
	{PointRequest, "request"}, {PointPeerRequest, "peer-request"}, {PointNak, "nak"}, {PointReject, "reject"},
	{PointAck, "ack"}, {PointTerminate, "terminate"}, {PointTimeout, "timeout"},
	{PointAuthChallenge, "auth-challenge"}, {PointAuthResult, "auth-result"},
	{PointAddress, "address"}, {PointOpened, "opened"},
}

// Action is the action of a Verdict.
type Action uint8

// The actions. Each point's comment says which ones it takes.
const (
	Pass      Action = iota // as the engine intended
	Ack                     // acknowledge; take what came
	Nak                     // Configure-Nak with Options
	Reject                  // Configure-Reject with Options
	Request                 // Configure-Request with Options, after Delay
	Wait                    // do nothing for Delay, then as the engine intended
	Retry                   // send the last request again, after Delay
	Terminate               // end the protocol, or the link for LCP and authentication, with Reason
	Drop                    // as if the packet had never come, or had been lost on the line
	Transmit                // send Packet in place of our own answer
)

var actionNames = [...]string{
	Pass: "pass", Ack: "ack", Nak: "nak", Reject: "reject", Request: "request", Wait: "wait", Retry: "retry",
	Terminate: "terminate", Drop: "drop", Transmit: "send",
}

// String gives the name, as event.Decision holds it.
func (a Action) String() string {
	if int(a) < len(actionNames) {
		return actionNames[a]
	}
	return "action"
}

// Verdict is the answer to a Decision. The zero Verdict passes.
type Verdict struct {
	Action  Action
	Options []packet.Option // for Ack, Nak, Reject and Request; nil with Ack: the request's own
	Packet  []byte          // for Transmit: the information field, from the code on
	Delay   time.Duration   // for Request, Retry and Wait
	Reason  string          // for Terminate: goes into the Terminate-Request and the Failure
	By      string          // who decided, for the trace; "" means the engine's user, whose Pass is not reported
	// Authenticator is for Transmit of an MS-CHAPv2 Response of somebody else: the 20 octets that the Success must hold (RFC 2759
	// section 8.7). nil: the Success is not checked.
	Authenticator []byte
}

// Decision asks what to do. Its packet, and those of the same protocol behind it, wait until Resolve or Deadline; at Deadline the
// engine follows Intent. An LCP packet may change how the octets after it are framed: while a decision about LCP is open, the
// caller should give the engine's decoder no input. Timers keep running. Everything in a Decision belongs to the receiver.
type Decision struct {
	ID       uint64
	Protocol uint16
	Point    Points
	State    string          // of the automaton, RFC 1661 section 4.2; "" for the authentication
	Method   auth.Method     // with PointAuthChallenge and PointAuthResult: the authentication method of the link
	Code     uint8           // of the packet that came; 0 where none did
	Options  []packet.Option // of the packet, or of the request about to be sent
	Packet   []byte          // the information field that came, nil where none did
	Intent   Verdict
	Deadline time.Time
}
